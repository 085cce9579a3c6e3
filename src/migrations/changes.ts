import { literal, name } from '../util/quote.ts'
import { identityChange, made, sqlOf } from './make.ts'
import { sameSql } from './references.ts'
import type { Rename } from './rename-state.ts'
import { serials } from './sequence-options.ts'
import { type Column, type EnumType, type Key, type Other, pathOf, type State, type Thing } from './state.ts'

/* The statements that change one object: a table, a column, a type, a name. */

export const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

export function tableChanges(
  to: State,
  from: { rowSecurity: boolean; forced: boolean; unlogged: boolean },
  table: { key: Key; rowSecurity: boolean; forced: boolean; unlogged: boolean },
): string[] {
  const head = `ALTER TABLE ${sqlOf(to, table.key)}`
  return [
    ...(from.rowSecurity === table.rowSecurity
      ? []
      : [`${head} ${table.rowSecurity ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`]),
    ...(from.forced === table.forced ? [] : [`${head} ${table.forced ? '' : 'NO '}FORCE ROW LEVEL SECURITY`]),
    ...(from.unlogged === table.unlogged ? [] : [`${head} SET ${table.unlogged ? 'UNLOGGED' : 'LOGGED'}`]),
  ]
}

export function columnChanges(at: State, to: State, from: Column, column: Column): string[] {
  const table = `ALTER TABLE ${sqlOf(to, column.on)}`
  const alter = `${table} ALTER COLUMN ${name(column.name)}`
  // An expression can be dropped and, before PostgreSQL 17, not set.
  if (column.generated !== undefined && !sameSql(column.generated, from.generated))
    return [`${table} DROP COLUMN ${name(column.name)}`, ...made(to, column)]
  const isRelabelled = from.refs.some((key) => column.refs.includes(key) && isOtherType(at.get(key), to.get(key)))
  const retyped = !sameSql(column.type, from.type) || column.collate !== from.collate
  const type = `${alter} SET DATA TYPE ${column.type}${column.collate ? ` ${column.collate}` : ''}`
  const serial = Object.entries(serials).find(([, one]) => one === column.type)?.[0]
  return [
    ...(from.generated !== undefined && column.generated === undefined ? [`${alter} DROP EXPRESSION`] : []),
    ...(from.identity && !column.identity ? [`${alter} DROP IDENTITY`] : []),
    ...(from.serial && !column.serial ? [`${alter} DROP DEFAULT`, `DROP SEQUENCE ${sqlOf(to, from.serial)}`] : []),
    ...(retyped && !isRelabelled && !(column.serial && serial) ? [type] : []),
    ...(column.serial && serial && (!from.serial || retyped) ? [`${alter} SET DATA TYPE ${serial}`] : []),
    // An identity column is NOT NULL before it is one.
    ...(column.notNull && !from.notNull ? [`${alter} SET NOT NULL`] : []),
    ...(column.identity && !from.identity
      ? [
          `${alter} ADD GENERATED ${column.identity.always ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY ${column.identity.options}`,
        ]
      : []),
    ...(column.identity && from.identity ? identityChanges(alter, from, column) : []),
    // The default follows its column's type with a cast of its own; said again, it is what it was.
    ...((sameSql(column.default, from.default) && !(retyped && column.default !== undefined)) || isRelabelled
      ? []
      : [
          column.default === undefined
            ? column.serial || from.default === undefined
              ? ''
              : `${alter} DROP DEFAULT`
            : `${alter} SET DEFAULT ${column.default}`,
        ]),
    ...(from.notNull && !column.notNull ? [`${alter} DROP NOT NULL`] : []),
  ].filter((one) => one !== '')
}

function identityChanges(alter: string, from: Column, to: Column): string[] {
  const [was, is] = [from.identity, to.identity]
  if (was === undefined || is === undefined) return []
  return [
    ...(was.always === is.always ? [] : [`${alter} SET GENERATED ${is.always ? 'ALWAYS' : 'BY DEFAULT'}`]),
    ...(identityChange(was.options) === identityChange(is.options) ? [] : [`${alter}${identityChange(is.options)}`]),
  ]
}

export const isDomain = (thing: Thing): thing is Other => thing.kind === 'object' && thing.word === 'domain'

const isOtherType = (from: Thing | undefined, to: Thing | undefined) =>
  from?.kind === 'type' && to?.kind === 'type'
    ? !same(from.labels, to.labels)
    : from !== undefined && to !== undefined && isDomain(from) && isDomain(to) && !sameSql(from.text, to.text)

/**
 * A type with other labels and a domain with other rules are made anew, and their columns pass through text: PostgreSQL
 * cannot drop a label, and what a domain is was said in one statement.
 */
export function typeMadeAnew(at: State, to: State, type: EnumType | Other): string[] {
  const columns = at
    .all('column')
    .filter(({ key, refs }) => refs.includes(type.key) && to.of('column', key)?.refs.includes(type.key))
  const alter = (column: Column) => `ALTER TABLE ${sqlOf(to, column.on)} ALTER COLUMN ${name(column.name)}`
  const array = (column: Column) => (/\]\s*$/.test(column.type) ? '[]' : '')
  const called = sqlOf(to, type.key)
  const plain = columns.filter((column) => column.generated === undefined)
  return [
    ...plain.flatMap((column) => (column.default === undefined ? [] : [`${alter(column)} DROP DEFAULT`])),
    ...plain.map((column) => `${alter(column)} SET DATA TYPE text${array(column)}`),
    `DROP ${type.kind === 'type' ? 'TYPE' : 'DOMAIN'} ${called}`,
    ...made(to, type),
    ...to.owned(type.key, 'setting').flatMap((one) => (at.get(one.key) ? made(to, one) : [])),
    ...plain.map((column) => {
      const type = `${called}${array(to.of('column', column.key) as Column)}`
      return `${alter(column)} SET DATA TYPE ${type} USING ${name(column.name)}::${type}`
    }),
    ...plain.flatMap((column) => {
      const text = to.of('column', column.key)?.default
      return text === undefined ? [] : [`${alter(column)} SET DEFAULT ${text}`]
    }),
  ]
}

export function renameStatement(state: State, rename: Rename): string[] {
  if ('type' in rename)
    return [`ALTER TYPE ${sqlOf(state, rename.type)} RENAME VALUE ${literal(rename.from)} TO ${literal(rename.to)}`]
  const thing = state.get(rename.from)
  if (thing === undefined) return []
  const path = pathOf(rename.to)
  const before = pathOf(thing.key)
  if (thing.kind === 'column' || thing.kind === 'constraint')
    return [
      `ALTER TABLE ${sqlOf(state, thing.on)} RENAME ${thing.kind.toUpperCase()} ${name(thing.name)} TO ${name(path.slice(before.length - thing.name.length))}`,
    ]
  if (thing.on !== undefined && (thing.kind === 'policy' || (thing.kind === 'object' && thing.word !== 'statistics')))
    return [
      `ALTER ${thing.kind === 'policy' ? 'POLICY' : thing.word.toUpperCase()} ${name(thing.name)} ON ${sqlOf(state, thing.on)} RENAME TO ${name(path.slice(before.length - thing.name.length))}`,
    ]
  if (thing.kind === 'schema' || (thing.kind === 'object' && thing.schema === undefined))
    return [
      `ALTER ${thing.kind === 'schema' ? 'SCHEMA' : (thing as { word: string }).word.replaceAll('_', ' ').toUpperCase()} ${name(thing.name)} RENAME TO ${name(path)}`,
    ]
  const args = thing.kind === 'object' && thing.word === 'function' ? thing.key.slice(thing.key.indexOf('(')) : ''
  const word = wordOf(thing)
  const bare = args === '' ? path : path.slice(0, path.indexOf('('))
  const [schema, called] = [bare.slice(0, bare.indexOf('.')), bare.slice(bare.indexOf('.') + 1)]
  const old = schemaName(thing)
  return [
    ...(thing.name === called ? [] : [`ALTER ${word} ${sqlOf(state, thing.key)}${args} RENAME TO ${name(called)}`]),
    ...(old === schema ? [] : [`ALTER ${word} ${name(old)}.${name(called)}${args} SET SCHEMA ${name(schema)}`]),
  ]
}

const schemaName = (thing: Thing) => ('schema' in thing && thing.schema) || 'public'

function wordOf(thing: Thing): string {
  if (thing.kind === 'view' && thing.materialized) return 'MATERIALIZED VIEW'
  if (thing.kind === 'object') return /^DROP (PROCEDURE)/.exec(thing.drop)?.[1] ?? thing.word.toUpperCase()
  return thing.kind.toUpperCase()
}
