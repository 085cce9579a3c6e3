import type { ColumnRef, Node, RangeVar, TypeName } from 'libpg-query'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { type Key, relationKey, type State } from './state.ts'
import { wordsIn } from './statements.ts'

/* What a piece of SQL refers to. Where a name could mean several columns all of them count: to recreate one in vain does no harm. */

type Tree = Node | Node[] | undefined | object

export const placeOfTable = (table: RangeVar | undefined): [schema: string, name: string] => [
  table?.schemaname || 'public',
  textOf(table?.relname),
]

/** The key a relation has, of whatever kind it is; a table's where it is not known. */
export function relationOf(state: State, table: RangeVar | undefined): Key {
  const [schema, name] = placeOfTable(table)
  for (const known of [state, state.later])
    for (const kind of ['table', 'view', 'sequence', 'index'] as const) {
      const key = relationKey(kind, schema, name)
      if (known?.get(key)) return key
    }
  return relationKey('table', schema, name)
}

/** Every node of a kind below a tree. */
export function* each(tree: Tree, kind: string): Generator<Record<string, unknown>> {
  if (Array.isArray(tree)) for (const one of tree) yield* each(one, kind)
  else if (typeof tree === 'object' && tree !== null) {
    for (const [key, value] of Object.entries(tree)) {
      if (key === kind) yield value as Record<string, unknown>
      if (typeof value === 'object') yield* each(value, kind)
    }
  }
}

/** The keys that a tree refers to; `own` is the table whose columns it may name without saying so. */
export function referencesOf(state: State, tree: Tree, own?: Key): Key[] {
  const found = new Set<Key>()
  const relations = new Map<string, Key>()
  if (own !== undefined) relations.set(nameOf(own), own)
  const targets = [...each(tree, 'relation')].filter((one) => 'relname' in one)
  for (const range of [...each(tree, 'RangeVar'), ...targets] as RangeVar[]) {
    const key = relationOf(state, range)
    found.add(key)
    relations.set(textOf(range.alias?.aliasname ?? range.relname), key)
    relations.set(`\0${key}`, key)
  }
  for (const { fields } of each(tree, 'ColumnRef') as Generator<ColumnRef>) {
    const parts = nodesOf(fields)
    const names = strings(fields)
    const isWhole = parts.some((part) => 'A_Star' in part) || relations.has(textOf(names.at(-1)))
    for (const relation of relations.values()) {
      if (isWhole) for (const column of state.columns(relation)) found.add(column.key)
      else found.add(`column ${relation.slice(relation.indexOf(' ') + 1)}.${names.at(-1)}`)
    }
  }
  for (const type of [
    ...each(tree, 'TypeName'),
    ...each(tree, 'typeName'),
    ...each(tree, 'argType'),
    ...each(tree, 'returnType'),
  ])
    found.add(typeKeyOf(type as TypeName))
  for (const { funcname } of each(tree, 'FuncCall') as Generator<{ funcname?: Node[] }>) {
    for (const key of functionsCalled(state, strings(funcname))) found.add(key)
  }
  for (const { sval } of each(tree, 'sval') as Generator<{ sval?: string }>) {
    const key = sequenceNamed(textOf(sval))
    if (key !== undefined && state.get(key)) found.add(key)
  }
  return [...found]
}

const nameOf = (key: Key) => key.slice(key.lastIndexOf('.') + 1)

/** A type that is ours, by the key of an enum type. */
export function typeKeyOf(type: TypeName | undefined): Key {
  const names = strings(type?.names)
  return relationKey('type', names.length > 1 ? textOf(names.at(-2)) : 'public', textOf(names.at(-1)))
}

export function functionsCalled(state: State, parts: string[]): Key[] {
  const [schema, name] = [parts.length > 1 ? textOf(parts.at(-2)) : 'public', textOf(parts.at(-1))]
  return state
    .all('object')
    .flatMap((one) => (one.word === 'function' && one.name === name && one.schema === schema ? [one.key] : []))
}

/** `nextval('public.t_id_seq')` names its sequence in a literal. */
function sequenceNamed(literal: string): Key | undefined {
  const parts = literal.match(/"(?:[^"]|"")+"|[^."]+/g)
  if (parts === null || parts.length > 2) return undefined
  const names = parts.map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
  )
  return relationKey('sequence', names.length > 1 ? textOf(names[0]) : 'public', textOf(names.at(-1)))
}

/** Whether two pieces of SQL say the same: without regard to spaces, and to quotes and schema "public" where they go without saying. */
export function sameSql(one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  return plainWords(one) === plainWords(other)
}

function plainWords(text: string): string {
  // The scanner wants something to read.
  const words = (text === '' ? [] : wordsIn(text)).map((word) => {
    if (/^"[a-z_][a-z0-9_$]*"$/.test(word.text)) return word.text.slice(1, -1)
    return /^['"$]/.test(word.text) || /^e'/i.test(word.text) ? word.text : word.text.toLowerCase()
  })
  return words
    .filter((word, i) => !(word === 'public' && words[i + 1] === '.') && !(word === '.' && words[i - 1] === 'public'))
    .join(' ')
}
