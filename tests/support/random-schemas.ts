import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgMaterializedView,
  pgPolicy,
  pgSequence,
  pgTable,
  pgView,
  primaryKey,
  serial,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import fc from 'fast-check'

/** A schema as plain data, which random edits turn into the next one. */
export type Model = { labels: string[] | undefined; sequence: number; tables: Record<string, TableModel> }
type TableModel = { columns: Record<string, ColumnModel>; rls: boolean }
type ColumnModel = {
  type: (typeof types)[number]
  notNull: boolean
  hasDefault: boolean
  hangers: (typeof hangers)[number][]
}

/** One needs quotes, and what is named after it is longer than PostgreSQL keeps. */
const tables = ['a', 'b', `Long-${'name_'.repeat(10)}c`] as const
const columns = ['p', 'q', 'R r'] as const
const types = [
  'text',
  'varchar',
  'integer',
  'jsonb',
  'boolean',
  'timestamp',
  'uuid',
  'mood',
  'moods',
  'bigint',
  'numeric',
  'serial',
  'identity',
] as const
const hangers = [
  'check',
  'index',
  'partial',
  'expression',
  'unique',
  'distinct',
  'policy',
  'writer',
  'reference',
  'generated',
  'onview',
  'viewer',
  'stored',
  'key',
] as const
const labels = ['sad', 'ok', 'glad', `it's`] as const

export type Edit = {
  kind: 'table' | 'column' | 'type' | 'notNull' | 'default' | 'hanger' | 'rls' | 'label' | 'sequence'
  table: (typeof tables)[number]
  column: (typeof columns)[number]
  type: ColumnModel['type']
  hanger: (typeof hangers)[number]
  label: (typeof labels)[number]
  at: number
}

const column = (type: ColumnModel['type'], hanging: ColumnModel['hangers'] = [], hasDefault = false): ColumnModel => ({
  type,
  notNull: false,
  hasDefault,
  hangers: hanging,
})

/** Where every sequence starts: something of everything, so that edits meet what depends on what they change. */
export const startModel: Model = {
  labels: ['sad', 'ok'],
  sequence: 1,
  tables: {
    a: {
      columns: {
        p: column('text', ['check', 'index', 'policy', 'generated', 'expression']),
        q: column('mood', ['policy', 'partial', 'check'], true),
      },
      rls: false,
    },
    b: {
      columns: {
        p: column('jsonb', ['index'], true),
        q: column('moods'),
        'R r': column('uuid', ['reference', 'unique', 'onview', 'viewer']),
      },
      rls: true,
    },
  },
}

/** Steps of edits; each step becomes one migration. */
export const randomSteps = fc.array(
  fc.array(
    fc.record<Edit>({
      kind: fc.oneof(
        { arbitrary: fc.constantFrom('type', 'hanger', 'label', 'default', 'notNull' as const), weight: 6 },
        { arbitrary: fc.constantFrom('column', 'rls', 'sequence' as const), weight: 2 },
        { arbitrary: fc.constant('table' as const), weight: 1 },
      ) as fc.Arbitrary<Edit['kind']>,
      table: fc.constantFrom(...tables),
      column: fc.constantFrom(...columns),
      type: fc.constantFrom(...types),
      hanger: fc.constantFrom(...hangers),
      label: fc.constantFrom(...labels),
      at: fc.nat(3),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  { minLength: 2, maxLength: 4 },
)

/** The schema after an edit; what the edit takes away takes along what depends on it. */
export function edited(model: Model, edit: Edit): Model {
  const next = structuredClone(model)
  const table = next.tables[edit.table]
  const column = table?.columns[edit.column]
  const usable = edit.type !== 'mood' && edit.type !== 'moods' ? edit.type : next.labels ? edit.type : 'text'
  switch (edit.kind) {
    case 'table':
      if (table === undefined) next.tables[edit.table] = { columns: {}, rls: false }
      else delete next.tables[edit.table]
      break
    case 'column':
      if (table === undefined) break
      if (column === undefined)
        table.columns[edit.column] = { type: usable, notNull: false, hasDefault: false, hangers: [] }
      else delete table.columns[edit.column]
      break
    case 'type':
      if (column)
        Object.assign(column, { type: usable, hangers: column.hangers.filter((hanger) => hanger !== 'reference') })
      break
    case 'notNull':
      if (column) column.notNull = !column.notNull
      break
    case 'default':
      if (column) column.hasDefault = !column.hasDefault
      break
    case 'hanger':
      if (column === undefined || (edit.hanger === 'reference' && column.type !== 'uuid')) break
      column.hangers = column.hangers.includes(edit.hanger)
        ? column.hangers.filter((hanger) => hanger !== edit.hanger)
        : [...column.hangers, edit.hanger]
      break
    case 'rls':
      if (table) table.rls = !table.rls
      break
    case 'sequence':
      next.sequence = edit.at
      break
    case 'label':
      if (next.labels === undefined) next.labels = [edit.label]
      else if (!next.labels.includes(edit.label)) next.labels.splice(edit.at % (next.labels.length + 1), 0, edit.label)
      else if (next.labels.length > 1) next.labels = next.labels.filter((label) => label !== edit.label)
      break
  }
  return next
}

/** The Drizzle definition of a model. */
export function schemaOfModel(model: Model): Record<string, unknown> {
  const mood = model.labels && pgEnum('mood', model.labels as [string, ...string[]])
  const fallbacks: Record<string, unknown> = {
    text: `it's`,
    varchar: 'x',
    integer: 7,
    jsonb: { quote: `it's`, list: [1] },
    boolean: true,
    timestamp: new Date(0),
    uuid: '00000000-0000-0000-0000-000000000000',
    bigint: 7,
    numeric: '7.5',
    mood: model.labels?.at(-1),
    moods: [],
  }
  const made: Record<string, unknown> = {}
  for (const [name, { columns: own, rls }] of Object.entries(model.tables)) {
    const keyed = Object.keys(own).find((one) => own[one]?.hangers.includes('key') && own[one]?.type !== 'jsonb')
    const id = uuid('id').default(sql`gen_random_uuid()`)
    const shape: Record<string, unknown> = { id: keyed === undefined ? id.primaryKey() : id.notNull() }
    for (const [column, { type, notNull, hasDefault, hangers: hanging }] of Object.entries(own)) {
      const builders: Record<string, () => unknown> = {
        text: () => text(column),
        varchar: () => varchar(column, { length: 20 }),
        integer: () => integer(column),
        jsonb: () => jsonb(column),
        boolean: () => boolean(column),
        timestamp: () => timestamp(column, { withTimezone: true, precision: 3 }),
        uuid: () => uuid(column),
        mood: () => mood?.(column),
        moods: () => mood?.(column).array(),
        bigint: () => bigint(column, { mode: 'number' }),
        numeric: () => numeric(column, { precision: 9, scale: 3 }),
        serial: () => serial(column),
        identity: () => integer(column).generatedByDefaultAsIdentity(),
      }
      let builder = builders[type]?.() as { notNull(): never; default(value: unknown): never }
      if (hasDefault && fallbacks[type] !== undefined) builder = builder.default(fallbacks[type])
      if (notNull) builder = builder.notNull()
      shape[column] = builder
      if (hanging.includes('generated')) shape[`${column}_g`] = generatedFrom(column, type)
    }
    const table = pgTable(name, shape as never, (its) => hangersOf(name, own, its as never, made, model) as never)
    for (const [key, view] of Object.entries(viewsOf(name, own))) made[key] = view
    made[name] = rls ? (table as unknown as { enableRLS(): unknown }).enableRLS() : table
  }
  const sequence = [
    undefined,
    {},
    { cycle: true, maxValue: 50, minValue: -5 },
    { increment: 2, startWith: 7, cache: 3 },
  ][model.sequence]
  if (sequence) made.counter = pgSequence('counter', sequence)
  return mood ? { mood, ...made } : made
}

const quoted = (name: string) => `"${name}"`
const numbers = ['integer', 'bigint', 'numeric', 'serial', 'identity']
const texts = ['text', 'varchar']

/** A column that is computed from another. */
function generatedFrom(column: string, type: ColumnModel['type']): unknown {
  const [name, from] = [`${column}_g`, quoted(column)]
  if (texts.includes(type)) return text(name).generatedAlwaysAs(sql.raw(`upper(${from})`))
  if (numbers.includes(type)) return numeric(name).generatedAlwaysAs(sql.raw(`${from} * 2`))
  return boolean(name).generatedAlwaysAs(sql.raw(`${from} is null`))
}

/** A view, one on it, and a materialized one. */
function viewsOf(table: string, own: TableModel['columns']): Record<string, unknown> {
  const named = (column: string, what: string) => `${table}_${column}_${what}`
  const shape = { id: uuid('id') }
  return Object.fromEntries(
    Object.entries(own).flatMap(([column, { hangers: hanging }]) => {
      const select = `select id, ${quoted(column)} from ${quoted(table)}`
      const onview = named(column, 'onview').slice(0, 63)
      return [
        ...(hanging.includes('onview') ? [[onview, pgView(onview, shape).as(sql.raw(select))]] : []),
        ...(hanging.includes('onview') && hanging.includes('viewer')
          ? [
              [
                named(column, 'viewer'),
                pgView(named(column, 'x'), shape).as(sql.raw(`select id from ${quoted(onview)}`)),
              ],
            ]
          : []),
        ...(hanging.includes('stored')
          ? [[named(column, 'stored'), pgMaterializedView(named(column, 'm'), shape).as(sql.raw(select))]]
          : []),
      ]
    }),
  )
}

function hangersOf(
  table: string,
  own: Record<string, ColumnModel>,
  its: Record<string, never>,
  made: Record<string, unknown>,
  model: Model,
): unknown[] {
  return Object.entries(own).flatMap(([column, { type, hangers: hanging }]) =>
    hanging.flatMap((hanger): unknown[] => {
      const named = `${table}_${column}_${hanger}`
      const test =
        type === 'mood'
          ? `${quoted(column)} <> '${model.labels?.[0]?.replaceAll("'", "''")}'`
          : `${quoted(column)} is not null or true`
      switch (hanger) {
        case 'check':
          return [check(named, sql.raw(test))]
        case 'index':
          return [
            type === 'jsonb' ? index(named).using('gin', its[column] as never) : index(named).on(its[column] as never),
          ]
        case 'partial':
          return [
            index(named)
              .on(its.id as never)
              .where(sql.raw(test)),
          ]
        case 'expression':
          return texts.includes(type) ? [index(named).on(sql.raw(`lower(${quoted(column)})`))] : []
        case 'distinct':
          return type === 'jsonb'
            ? []
            : [
                unique(named)
                  .on(its.id as never, its[column] as never)
                  .nullsNotDistinct(),
              ]
        case 'generated':
          return [index(named).on(its[`${column}_g`] as never)]
        case 'key':
          return type === 'jsonb' || Object.keys(own).find((one) => own[one]?.hangers.includes('key')) !== column
            ? []
            : [primaryKey({ name: `${table}_key`, columns: [its.id as never, its[column] as never] })]
        case 'unique':
          return type === 'jsonb' ? [] : [unique(named).on(its[column] as never)]
        case 'policy':
          return [pgPolicy(named, { for: 'select', to: 'public', using: sql.raw(test) })]
        case 'writer':
          return [pgPolicy(named, { for: 'insert', to: 'public', withCheck: sql.raw(`(${test}) is true`) })]
        case 'reference': {
          const target = Object.keys(model.tables).find(
            (other) =>
              other !== table &&
              made[other] !== undefined &&
              !Object.values(model.tables[other]?.columns ?? {}).some(({ hangers: its }) => its.includes('key')),
          )
          if (target === undefined) return []
          const other = made[target] as { id: never }
          return [
            foreignKey({ name: `${named}_${target}`, columns: [its[column] as never], foreignColumns: [other.id] }),
          ]
        }
        default:
          return []
      }
    }),
  )
}
