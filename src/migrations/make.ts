import { literal, name } from '../util/quote.ts'
import { optionsIn, optionsText, serials } from './sequence-options.ts'
import {
  type Column,
  type Constraint,
  type Key,
  type Policy,
  pathOf,
  type Sequence,
  type State,
  type Table,
  type Thing,
} from './state.ts'

/* The statements that make an object and that take it away. */

/** A relation's or type's name in SQL; of one that is not known, from its key. */
export function sqlOf(state: State, key: Key | undefined): string {
  const thing = state.get(key)
  if (thing && 'schema' in thing && thing.schema !== undefined) return `${name(thing.schema)}.${name(thing.name)}`
  const path = pathOf(key ?? '')
  const at = path.indexOf('.')
  return at < 0 ? name(path) : `${name(path.slice(0, at))}.${name(path.slice(at + 1))}`
}

const alter = (state: State, table: Key) => `ALTER TABLE ${sqlOf(state, table)}`

/** The statements that make an object, without what belongs to it; a table comes with its columns. */
export function made(state: State, thing: Thing): string[] {
  switch (thing.kind) {
    case 'schema':
      return [`CREATE SCHEMA ${name(thing.name)}`]
    case 'type':
      return [`CREATE TYPE ${sqlOf(state, thing.key)} AS ENUM (${thing.labels.map(literal).join(', ')})`]
    case 'sequence':
      return [`${sequenceMade(sqlOf(state, thing.key), thing.options)}${ownedBy(state, thing)}`]
    case 'table':
      return tableMade(state, thing)
    case 'column':
      return columnMade(state, thing)
    case 'constraint':
      return [constraintMade(state, thing)]
    case 'policy':
      return [policyMade(thing, sqlOf(state, thing.on))]
    case 'index':
    case 'view':
    case 'object':
    case 'setting':
      return [thing.text]
  }
}

/** The statement that takes an object away; undefined where nobody knows it. */
export function gone(state: State, thing: Thing): string | undefined {
  switch (thing.kind) {
    case 'schema':
      return `DROP SCHEMA ${name(thing.name)}`
    case 'view':
      return `DROP ${thing.materialized ? 'MATERIALIZED VIEW' : 'VIEW'} ${sqlOf(state, thing.key)}`
    case 'type':
    case 'sequence':
    case 'table':
    case 'index':
      return `DROP ${thing.kind.toUpperCase()} ${sqlOf(state, thing.key)}`
    case 'column':
      return `${alter(state, thing.on)} DROP COLUMN ${name(thing.name)}`
    case 'constraint':
      return `${alter(state, thing.on)} DROP CONSTRAINT ${name(thing.name)}`
    case 'policy':
      return `DROP POLICY ${name(thing.name)} ON ${sqlOf(state, thing.on)}`
    case 'object':
      return thing.drop
    case 'setting':
      return thing.reset
  }
}

/**
 * What a column that went had in it nobody knows: NULL says so. Its default would be made up, and one value in all rows
 * may be what a key, a check or a reference refuses.
 */
function columnMade(state: State, column: Column): string[] {
  const { default: value, ...bare } = column
  const mayBeNull = value !== undefined && !column.notNull && column.serial === undefined
  const text = columnText(mayBeNull ? bare : column, primaryKeyColumns(state, column.on))
  const made = `${alter(state, column.on)} ADD COLUMN ${text}`
  return mayBeNull
    ? [made, `${alter(state, column.on)} ALTER COLUMN ${name(column.name)} SET DEFAULT ${value}`]
    : [made]
}

function tableMade(state: State, table: Table): string[] {
  if (table.whole !== undefined) return [table.whole]
  const keys = primaryKeyColumns(state, table.key)
  const columns = state.columns(table.key).map((column) => `  ${columnText(column, keys)}`)
  const tail = table.tail === '' ? '' : ` ${table.tail}`
  const list = columns.length === 0 ? '()' : `(\n${columns.join(',\n')}\n)`
  return [`CREATE ${table.unlogged ? 'UNLOGGED ' : ''}TABLE ${sqlOf(state, table.key)} ${list}${tail}`]
}

function primaryKeyColumns(state: State, table: Key): string[] {
  return state.owned(table, 'constraint').find(({ type }) => type === 'p')?.columns ?? []
}

export function columnText(column: Column, keys: string[]): string {
  const serial =
    column.serial === undefined
      ? undefined
      : (Object.entries(serials).find(([, type]) => type === column.type)?.[0] ?? 'serial')
  return [
    name(column.name),
    serial ?? column.type,
    column.collate,
    column.default === undefined ? '' : `DEFAULT ${column.default}`,
    column.generated === undefined ? '' : `GENERATED ALWAYS AS ${column.generated} STORED`,
    column.identity === undefined
      ? ''
      : `GENERATED ${column.identity.always ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY ${column.identity.options}`.trim(),
    column.notNull && !keys.includes(column.name) ? 'NOT NULL' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}

export function constraintMade(state: State, { on, name: called, definition, valid }: Constraint): string {
  return `${alter(state, on)} ADD CONSTRAINT ${name(called)} ${definition}${valid ? '' : ' NOT VALID'}`
}

export function policyMade({ name: called, head, roles, using, check }: Policy, table: string): string {
  return [
    `CREATE POLICY ${name(called)} ON ${table}`,
    head,
    `TO ${roles}`,
    using === undefined ? '' : `USING ${using}`,
    check === undefined ? '' : `WITH CHECK ${check}`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}

export function sequenceMade(called: string, options: Sequence['options']): string {
  const type = options.as ? ` AS ${options.as}` : ''
  return `CREATE SEQUENCE ${called}${type} ${optionsText(options)}`.trim()
}

function ownedBy(state: State, { on }: Sequence): string {
  const owner = state.of('column', on)
  return owner ? ` OWNED BY ${sqlOf(state, owner.on)}.${name(owner.name)}` : ''
}

/** Every option said, so that nothing of what was set before is left. */
export function sequenceChange(head: string, options: Record<string, string>, prefix = ''): string {
  const all = { increment: '1', minvalue: '', maxvalue: '', start: '1', cache: '1', cycle: '', ...options }
  return `${head} ${optionsText(all, prefix)}`
}

export const identityChange = (options: string) => sequenceChange('', optionsIn(options), 'SET ')
