import type { Node } from 'libpg-query'

/* PostgreSQL's parser leaves out what is empty: a name without a schema has no `schemaname`, not an empty one. */

export function textOf(value: string | undefined): string {
  return value ?? ''
}

export function nodesOf(list: Node[] | undefined): Node[] {
  return list ?? []
}

/** The strings of a list, such as the parts of a qualified name. */
export function strings(list: Node[] | undefined): string[] {
  return nodesOf(list).flatMap((node) => ('String' in node ? [textOf(node.String.sval)] : []))
}

/** What is in a list that stands where one node would. */
export function itemsOf(node: Node | undefined): Node[] {
  return node && 'List' in node ? nodesOf(node.List.items) : []
}

/** The parts of a name that the parser calls an object. */
export function partsOf(object: Node | undefined): string[] {
  return strings(itemsOf(object))
}

/** A type's name to look it up by; schema "public" goes without saying. */
export function typeKey(parts: Node[] | undefined): string {
  return strings(parts)
    .join('.')
    .replace(/^public\./, '')
}
