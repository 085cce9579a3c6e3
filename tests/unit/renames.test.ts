import { generateDrizzleJson } from 'drizzle-kit/api'
import { sql } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  integer,
  type PgSchema,
  pgEnum,
  pgMaterializedView,
  pgPolicy,
  pgRole,
  pgSchema,
  pgSequence,
  pgTable,
  pgView,
  primaryKey,
  unique,
} from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { renamed, renameStatements, renamesIn, reversed } from '../../src/migrations/renames.ts'
import type { Snapshot } from '../../src/migrations/snapshot.ts'
import { parseStatements } from '../../src/migrations/statements.ts'

/* A rename read out of SQL, applied to drizzle-kit's snapshot of the old schema: no server, every kind there is. */

const snapshotOf = (schema: Record<string, unknown>) => generateDrizzleJson(schema) as unknown as Snapshot
const said = async (text: string) => renamesIn(await parseStatements(text, 'test.sql'))
const apply = async (snapshot: Snapshot, text: string) => (await said(text)).reduce(renamed, snapshot)

/** Each of the names below can be given; what hangs on them comes along. */
function world({
  table = 'parent',
  column = 'id',
  constraint = 'parent_n_key',
  indexed = 'parent_n_idx',
  policy = 'reads',
  type = 'mood',
  label = 'ok',
  sequence = 's',
  view = 'v',
  stored = 'w',
  role = 'reader',
  schema = undefined as PgSchema | undefined,
  other = pgSchema('other') as PgSchema,
}) {
  const inSchema = {
    table: (schema?.table ?? pgTable) as typeof pgTable,
    enum: (schema?.enum.bind(schema) ?? pgEnum) as typeof pgEnum,
    sequence: (schema?.sequence.bind(schema) ?? pgSequence) as typeof pgSequence,
    view: (schema?.view ?? pgView) as typeof pgView,
    materializedView: (schema?.materializedView ?? pgMaterializedView) as typeof pgMaterializedView,
  }
  const mood = inSchema.enum(type, ['sad', label])
  const parent = inSchema.table(
    table,
    { [column]: integer(column).notNull(), n: integer('n'), up: integer('up'), m: mood('m').default(label) },
    (its) => {
      const own = its as unknown as Record<string, never>
      const named = (name: string) => sql.raw(`${schema ? `"${schema.schemaName}".` : ''}"${table}"."${name}"`)
      return [
        primaryKey({ name: 'parent_pkey', columns: [own[column] as never, own.n as never] }),
        unique(constraint).on(own.n as never, own[column] as never),
        index(indexed).on(own[column] as never, sql`lower(n::text)`),
        check('parent_check', sql`${named(column)} > 0`),
        pgPolicy(policy, { for: 'select', to: 'public', using: sql`${named(column)} > 1` }),
        foreignKey({ name: 'parent_up_fkey', columns: [own.up as never], foreignColumns: [own[column] as never] }),
      ]
    },
  )
  const unrelated = pgTable('unrelated', { id: integer('id').primaryKey() })
  const child = other.table('child', { parent: integer('parent'), other: integer('other'), m: mood('m') }, (its) => [
    foreignKey({
      name: 'child_fkey',
      columns: [its.parent],
      foreignColumns: [(parent as never as Record<string, never>)[column] as never],
    }),
    foreignKey({ name: 'child_other_fkey', columns: [its.other], foreignColumns: [unrelated.id] }),
    index('parent_n_idx').on(its.parent),
  ])
  return {
    mood,
    parent,
    child,
    unrelated,
    other,
    ...(schema && { schema }),
    s: inSchema.sequence(sequence),
    v: inSchema.view(view, { n: integer('n') }).as(sql`select 1 as n`),
    w: inSchema.materializedView(stored, { n: integer('n') }).as(sql`select 1 as n`),
    role: pgRole(role),
  }
}

const own = () => pgSchema('own')
const apart = pgSchema('apart')

/** A table that may move, and one that points at it and stays. */
function pointedAt(schema?: PgSchema) {
  const t = ((schema?.table ?? pgTable) as typeof pgTable)('t', { n: integer('n').primaryKey() })
  const child = pgTable('child', { n: integer('n') }, (its) => [
    foreignKey({ name: 'child_fkey', columns: [its.n], foreignColumns: [t.n] }),
  ])
  return { t, child }
}

/** A type that may move, and a column of it that stays. */
function typed(schema?: PgSchema) {
  const mood = ((schema?.enum.bind(schema) ?? pgEnum) as typeof pgEnum)('mood', ['sad', 'ok'])
  return { mood, t: pgTable('t', { m: mood('m') }) }
}

describe('a rename makes of the snapshot what drizzle-kit writes for the schema that has the new name', () => {
  test.each<[string, Parameters<typeof world>[0], Parameters<typeof world>[0]]>([
    ['alter table parent rename to elder', {}, { table: 'elder' }],
    ['alter table own.parent rename to elder', { schema: own() }, { schema: own(), table: 'elder' }],
    ['alter table parent rename column id to nr', {}, { column: 'nr' }],
    ['alter table own.parent rename id to nr', { schema: own() }, { schema: own(), column: 'nr' }],
    ['alter table parent rename constraint parent_n_key to alone', {}, { constraint: 'alone' }],
    ['alter index parent_n_idx rename to fast', {}, { indexed: 'fast' }],
    ['alter index own.parent_n_idx rename to fast', { schema: own() }, { schema: own(), indexed: 'fast' }],
    ['alter policy reads on parent rename to sees', {}, { policy: 'sees' }],
    ['alter type mood rename to temper', {}, { type: 'temper' }],
    [`alter type mood rename value 'ok' to 'fine'`, {}, { label: 'fine' }],
    ['alter sequence s rename to r', {}, { sequence: 'r' }],
    ['alter view v rename to u', {}, { view: 'u' }],
    ['alter materialized view w rename to u', {}, { stored: 'u' }],
    ['alter role reader rename to viewer', {}, { role: 'viewer' }],
    ['alter schema own rename to mine', { schema: own() }, { schema: pgSchema('mine') }],
    ['alter schema other rename to mine', {}, { other: pgSchema('mine') }],
  ])('%s', async (text, before, after) => {
    const [from, to] = [snapshotOf(world(before)), snapshotOf(world(after))]
    expect(await apply(from, text)).toEqual({ ...to, id: from.id })
    // And the way back.
    const back = reversed(await said(text)).flatMap((rename) => renameStatements(rename, ({ name }) => name === 'u'))
    expect(await apply({ ...to, id: from.id }, `${back.join(';\n')};`)).toEqual(from)
  })
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['alter sequence s set schema apart', { s: pgSequence('s') }, { s: apart.sequence('s') }],
    ['alter sequence apart.s set schema public', { s: apart.sequence('s') }, { s: pgSequence('s') }],
    [
      'alter view v set schema apart',
      { v: pgView('v', { n: integer('n') }).as(sql`select 1 as n`) },
      { v: apart.view('v', { n: integer('n') }).as(sql`select 1 as n`) },
    ],
    ['alter table t set schema apart', pointedAt(), pointedAt(apart)],
    ['alter table apart.t set schema public', pointedAt(apart), pointedAt()],
    ['alter type mood set schema apart', typed(), typed(apart)],
    ['alter type apart.mood set schema public', typed(apart), typed()],
  ])('%s', async (text, before, after) => {
    const from = snapshotOf({ apart, ...before })
    expect(await apply(from, text)).toEqual({ ...snapshotOf({ apart, ...after }), id: from.id })
  })

  test.each([
    'alter table gone rename to elder',
    'alter table gone rename column id to nr',
    'alter table gone rename constraint a to b',
    'alter policy a on gone rename to b',
    'alter index gone rename to b',
    'alter index apart.parent_n_idx rename to b',
    `alter type gone rename value 'ok' to 'fine'`,
    'alter type gone rename to temper',
    'alter role gone rename to b',
    'alter schema gone rename to b',
    'alter function f() rename to g',
    'alter function f() set schema other',
    'alter type pair rename attribute a to b',
    `alter type mood add value 'more'`,
    'alter table parent add column c int',
  ])('and leaves it as it is where it has no such thing: %s', async (text) => {
    const from = snapshotOf(world({}))
    expect(await apply(from, text)).toEqual(from)
  })
})
