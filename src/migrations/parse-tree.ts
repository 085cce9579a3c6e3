import type { AlterTableCmd, DropStmt, Node, RangeVar } from 'libpg-query'
import { name } from '../util/quote.ts'

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

/** A qualified name in SQL. */
export const qualified = (parts: Node[] | undefined): string => strings(parts).map(name).join('.')

export const tableName = (table: RangeVar | undefined): string => `${table?.schemaname || 'public'}.${table?.relname}`

/** The one command of an ALTER TABLE. */
export function commandOf(node: Node): AlterTableCmd | undefined {
  const [first] = 'AlterTableStmt' in node ? nodesOf(node.AlterTableStmt.cmds) : []
  return first && 'AlterTableCmd' in first ? first.AlterTableCmd : undefined
}

/** The names a DROP lists, each as its parts. */
export function droppedNames(drop: DropStmt): string[][] {
  return nodesOf(drop.objects).map((object) => {
    if ('List' in object) return strings(object.List.items)
    if ('TypeName' in object) return strings(object.TypeName.names)
    if ('String' in object) return [textOf(object.String.sval)]
    if ('ObjectWithArgs' in object) return strings(object.ObjectWithArgs.objname)
    return []
  })
}
