import type { Node } from 'libpg-query'
import { type ColumnPieces, type ConstraintPieces, readColumn, readConstraint } from './definitions.ts'
import { implicitName } from './names.ts'
import type { Nodes } from './nodes.ts'
import type { Outcome } from './outcome.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { placeOfTable, referencesOf, relationOf, typeKeyOf } from './references.ts'
import { serials } from './sequence-options.ts'
import { type Column, type Constraint, type Key, partKey, pathOf, relationKey, type State, schemaOf } from './state.ts'
import type { Statement } from './statements.ts'

/* What CREATE TABLE does to a state, and what the commands of ALTER TABLE do with its help. */

export function createTable(state: State, statement: Statement, node: Nodes['CreateStmt']): Outcome {
  const [schema, called] = placeOfTable(node.relation)
  const key = relationKey('table', schema, called)
  if (state.get(key) !== undefined) return {}
  const elements = nodesOf(node.tableElts)
  const whole = node.partbound !== undefined || elements.some((one) => 'TableLikeClause' in one) || node.ofTypename
  const close = closeOf(statement, elements)
  state.put({
    kind: 'table',
    key,
    schema,
    name: called,
    refs:
      node.partbound || nodesOf(node.inhRelations).length > 0
        ? nodesOf(node.inhRelations).flatMap((one) => ('RangeVar' in one ? [relationOf(state, one.RangeVar)] : []))
        : [],
    tail: whole || close === undefined ? '' : statement.text.slice(close + 1).trim(),
    unlogged: node.relation?.relpersistence === 'u',
    ...(whole ? { whole: statement.text } : {}),
    rowSecurity: false,
    forced: false,
  })
  const later: ConstraintPieces[] = []
  for (const element of elements) {
    if ('ColumnDef' in element) later.push(...addColumn(state, key, readColumn(statement, element.ColumnDef)))
    if ('Constraint' in element) later.push(readConstraint(statement, element.Constraint))
  }
  for (const pieces of merged(later)) putConstraint(state, key, pieces)
  return {}
}

/** PostgreSQL makes one index of two keys that say the same; it is the primary key if one is, and called as the first that has a name. */
function merged(all: ConstraintPieces[]): ConstraintPieces[] {
  const isKey = ({ node }: ConstraintPieces) => /^CONSTR_(PRIMARY|UNIQUE)$/.test(textOf(node.contype))
  const saying = ({ node, columns }: ConstraintPieces) =>
    JSON.stringify([columns, node.including, node.nulls_not_distinct, node.deferrable, node.initdeferred])
  const kept: ConstraintPieces[] = []
  for (const pieces of [...all].sort((a, b) => Number(isPrimary(b)) - Number(isPrimary(a)))) {
    const at = isKey(pieces) ? kept.findIndex((one) => isKey(one) && saying(one) === saying(pieces)) : -1
    const prior = kept[at]
    if (prior === undefined) kept.push(pieces)
    else if (prior.node.conname === undefined && pieces.node.conname !== undefined)
      kept[at] = { ...prior, node: { ...prior.node, conname: pieces.node.conname } }
  }
  return kept
}

const isPrimary = ({ node }: ConstraintPieces) => node.contype === 'CONSTR_PRIMARY'

/** The parenthesis that closes the list of columns. */
function closeOf({ words }: Statement, elements: Node[]): number | undefined {
  if (elements.length === 0 && !words.some(({ text }) => text === '(')) return undefined
  let depth = 0
  for (const word of words) {
    if (word.text === '(') depth++
    if (word.text === ')' && --depth === 0) return word.start
  }
  return undefined
}

export function addColumn(state: State, table: Key, pieces: ColumnPieces): ConstraintPieces[] {
  const called = textOf(pieces.node.colname)
  const key = partKey('column', table, called)
  const type = strings(pieces.node.typeName?.names)
  const serial = type.length === 1 ? serials[textOf(type[0])] : undefined
  const refs = [
    ...(serial ? [] : [typeKeyOf(pieces.node.typeName)]),
    ...referencesOf(state, [pieces.default?.node, pieces.generated?.node] as Node[], table),
  ].filter((one) => one !== key)
  const column: Column = {
    kind: 'column',
    key,
    name: called,
    on: table,
    refs,
    type: serial ?? pieces.type,
    collate: pieces.collate,
    notNull: pieces.notNull || serial !== undefined || pieces.identity !== undefined,
    ...(pieces.default ? { default: pieces.default.text } : {}),
    ...(pieces.generated ? { generated: pieces.generated.text } : {}),
    ...(pieces.identity ? { identity: { always: pieces.identity.always, options: pieces.identity.options } } : {}),
  }
  state.put(column)
  if (serial !== undefined) beSerial(state, column, serial)
  return pieces.constraints
}

/** The sequence that `serial` makes, which its column owns. */
export function beSerial(state: State, column: Column, type: string): void {
  const schema = schemaOf(state, column)
  const table = state.get(column.on)?.name ?? pathOf(column.on).split('.').at(-1) ?? ''
  const called = implicitName(table, [column.name], 'seq', (one) => state.relation(schema, one) !== undefined)
  const key = relationKey('sequence', schema, called)
  state.put({
    kind: 'sequence',
    key,
    name: called,
    schema,
    on: column.key,
    refs: [],
    options: type === 'bigint' ? {} : { as: type },
    serial: true,
  })
  state.put({ ...column, serial: key, notNull: true, refs: [...column.refs, key] })
}

export function putConstraint(state: State, table: Key, { node, definition, columns }: ConstraintPieces): Constraint {
  const type = letters[textOf(node.contype)] ?? 'c'
  const schema = state.of('table', table)?.schema ?? state.home
  const owner = state.get(table)?.name ?? pathOf(table).slice(pathOf(table).indexOf('.') + 1)
  const expression =
    type === 'c'
      ? referencesOf(state, node.raw_expr, table)
      : type === 'x'
        ? referencesOf(state, [node.exclusions, node.where_clause] as unknown as Node[], table)
        : []
  const of = (names: string[], on = table) => names.map((one) => partKey('column', on, one))
  const own = state.columns(table).filter(({ key }) => expression.includes(key))
  const label = { p: 'pkey', u: 'key', f: 'fkey', c: 'check', x: 'excl' }[type]
  const named = type === 'p' ? [] : type === 'c' ? (own.length === 1 ? [textOf(own[0]?.name)] : []) : columns
  const isTaken = (one: string) =>
    state.all('constraint').some((other) => other.name === one && schemaOf(state, other) === schema) ||
    ('pux'.includes(type) && state.relation(schema, one) !== undefined)
  const called = node.conname ?? implicitName(owner, named, label, isTaken)
  const target = type === 'f' ? relationOf(state, node.pktable) : undefined
  const stated = strings(node.pk_attrs)
  const targetColumns =
    target === undefined || stated.length > 0 ? stated : (primaryKeyOf(state, target)?.columns ?? [])
  const constraint: Constraint = {
    kind: 'constraint',
    key: partKey('constraint', table, called),
    name: called,
    on: table,
    type,
    definition,
    columns: type === 'c' || type === 'x' ? own.map(({ name }) => name) : columns,
    valid: node.skip_validation !== true,
    refs: [...of(columns), ...expression, ...(target === undefined ? [] : [target, ...of(targetColumns, target)])],
    ...(target === undefined ? {} : { target: { table: target, columns: targetColumns } }),
  }
  // A table has one primary key: the statement means this one.
  const former = type === 'p' ? primaryKeyOf(state, table) : undefined
  if (former !== undefined && former.key !== constraint.key) state.remove(former.key)
  state.put(constraint)
  if (type === 'p')
    for (const key of of(columns))
      if (!state.of('column', key)?.notNull) change(state, key, { notNull: true, byKey: true })
  return constraint
}

const letters: Record<string, Constraint['type']> = {
  CONSTR_PRIMARY: 'p',
  CONSTR_UNIQUE: 'u',
  CONSTR_FOREIGN: 'f',
  CONSTR_CHECK: 'c',
  CONSTR_EXCLUSION: 'x',
}

export const primaryKeyOf = (state: State, table: Key): Constraint | undefined =>
  state.owned(table, 'constraint').find(({ type }) => type === 'p')

export type Changes = { [Property in keyof Column]?: Column[Property] | undefined }

export function change(state: State, key: Key, properties: Changes): Outcome {
  const column = state.of('column', key)
  if (column === undefined) return { unknown: true, about: key }
  state.log.touched.add(key)
  const next = { ...column, ...properties } as Column
  for (const property of Object.keys(properties) as (keyof Column)[])
    if (next[property] === undefined) delete next[property]
  if (JSON.stringify(next) !== JSON.stringify(column)) state.put(next)
  return {}
}

/** A column goes with the indexes and constraints of its table that it is in. */
export function dropColumn(state: State, table: Key, key: Key): void {
  for (const part of [...state.owned(table, 'index'), ...state.owned(table, 'constraint')])
    if (part.refs.includes(key)) state.remove(part.key)
  for (const setting of state.owned(table, 'setting')) if (setting.refs.includes(key)) state.remove(setting.key)
  for (const object of state.owned(table, 'object'))
    if (object.word === 'statistics' && object.refs.includes(key)) state.remove(object.key)
  state.remove(key)
}
