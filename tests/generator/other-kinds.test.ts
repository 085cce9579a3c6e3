import { sql } from 'drizzle-orm'
import {
  bigint,
  foreignKey,
  index,
  integer,
  type PgSchema,
  pgEnum,
  pgMaterializedView,
  pgPolicy,
  pgSchema,
  pgSequence,
  pgTable,
  pgView,
  primaryKey,
} from 'drizzle-orm/pg-core'
import { describe, test } from 'vitest'
import { type Change, sampled, tryChange } from '../support/changes.ts'

/* What a Drizzle schema can hold beside tables: tried as tables are in changes.test.ts. */

const own = pgSchema('own')
const foreign = pgSchema('foreign')
const columns = { id: integer('id').primaryKey(), n: integer('n') }
const t = pgTable('t', columns)
const guarded = pgTable('t', columns).enableRLS()
const view = (name: string, where = 'n > 0') =>
  pgView(name, { id: integer('id') }).as(sql.raw(`select id from t where ${where}`))
const stored = (name: string) => pgMaterializedView(name, { id: integer('id') }).as(sql`select id from t`)

/** A table, one that points at it, and a type that both have: all in one schema, under names that are given. */
function family({
  schema = own as PgSchema,
  table = 'parent',
  key = 'id',
  type = 'mood',
  constraint = 'child_parent_fkey',
}) {
  const mood = schema.enum(type, ['sad', 'ok'])
  const parent = schema.table(table, { [key]: integer(key).notNull(), m: mood('m').default('ok') }, (its) => [
    primaryKey({ name: 'parent_pkey', columns: [its[key] as never] }),
  ])
  const child = schema.table(
    'child',
    { id: integer('id').primaryKey(), parent: integer('parent'), m: mood('m') },
    (its) => [foreignKey({ name: constraint, columns: [its.parent], foreignColumns: [parent[key] as never] })],
  )
  return { schema, mood, parent, child }
}

const pair = (column: string) =>
  pgTable('pair', { a: integer(column), b: integer('b') }, (its) => [
    primaryKey({ name: 'pair_pkey', columns: [its.a, its.b] }),
    index('pair_idx').on(its.a),
  ])

const retyped = pgTable('t', { id: integer('id').primaryKey(), n: bigint('n', { mode: 'number' }) }).enableRLS()
const linked = (using: string, name = 'p', table: typeof guarded | typeof retyped = guarded) =>
  pgPolicy(name, { for: 'select', to: 'public', using: sql.raw(using) }).link(table)

/** A type, a column of it and an index of some of its rows. */
function indexed(labels: [string, ...string[]]) {
  const mood = own.enum('mood', labels)
  const t = own.table('t', { id: integer('id').primaryKey(), m: mood('m') }, (its) => [
    index('t_idx').on(its.id).where(sql`m = 'ok'`),
  ])
  return { own, mood, t }
}

const changes: Change[] = [
  { name: 'a sequence', from: { t }, to: { t, s: pgSequence('s', { startWith: 5, cache: 1 }) } },
  { name: 'a view', from: { t }, to: { t, v: view('v') } },
  { name: 'a view’s definition', from: { t, v: view('v') }, to: { t, v: view('v', 'n > 1') } },
  { name: 'a materialized view', from: { t }, to: { t, v: stored('v') } },
  {
    name: 'a view whose column goes',
    from: { t, v: view('v') },
    to: { t: pgTable('t', { id: integer('id').primaryKey() }) },
  },
  {
    name: 'a policy linked to a table from outside',
    from: { guarded },
    to: { guarded, p: pgPolicy('p', { for: 'select', to: 'public', using: sql`n > 0` }).link(guarded) },
  },
  {
    name: 'the expression of a policy linked from outside',
    from: { guarded, p: linked('n > 0'), q: linked('n > 7', 'q') },
    to: { guarded, p: linked('n > 1'), q: linked('n > 7', 'q') },
  },
  {
    name: 'the type of a column that a policy linked from outside reads',
    from: { guarded, p: linked('n > 0') },
    to: { guarded: retyped, p: linked('n > 0', 'p', retyped) },
  },
  {
    name: 'the label of a type that a partial index reads, in a schema of their own',
    from: indexed(['sad', 'ok', 'glad']),
    to: indexed(['sad', 'ok']),
  },
  {
    name: 'a sequence’s name',
    from: { s: pgSequence('s') },
    to: { s: pgSequence('r') },
    up: 'alter sequence s rename to r',
    down: 'alter sequence r rename to s',
  },
  {
    name: 'a view’s name',
    from: { t, v: view('v') },
    to: { t, v: view('w') },
    up: 'alter view v rename to w',
    down: 'alter view w rename to v',
  },
  {
    name: 'a materialized view’s name',
    from: { t, v: stored('v') },
    to: { t, v: stored('w') },
    up: 'alter materialized view v rename to w',
    down: 'alter materialized view w rename to v',
  },
  {
    name: 'a foreign key’s name',
    from: family({}),
    to: family({ constraint: 'child_fk' }),
    up: 'alter table own.child rename constraint child_parent_fkey to child_fk',
    down: 'alter table own.child rename constraint child_fk to child_parent_fkey',
  },
  {
    name: 'the name of a table that another points at',
    from: family({}),
    to: family({ table: 'elder' }),
    up: 'alter table own.parent rename to elder',
    down: 'alter table own.elder rename to parent',
  },
  {
    name: 'the name of a column that another table points at',
    from: family({}),
    to: family({ key: 'nr' }),
    up: 'alter table own.parent rename column id to nr',
    down: 'alter table own.parent rename column nr to id',
  },
  {
    name: 'the name of a type in a schema of its own',
    from: family({}),
    to: family({ type: 'temper' }),
    up: 'alter type own.mood rename to temper',
    down: 'alter type own.temper rename to mood',
  },
  {
    name: 'the name of a schema with tables, types and keys',
    from: family({}),
    to: family({ schema: foreign }),
    up: 'alter schema own rename to "foreign"',
    down: 'alter schema "foreign" rename to own',
  },
  {
    name: 'the name of a column of a primary key and an index',
    from: { pair: pair('a') },
    to: { pair: pair('c') },
    up: 'alter table pair rename column a to c',
    down: 'alter table pair rename column c to a',
  },
  {
    name: 'the schema of a table',
    from: { own, foreign, t: own.table('t', columns) },
    to: { own, foreign, t: foreign.table('t', columns) },
    up: 'alter table own.t set schema "foreign"',
    down: 'alter table "foreign".t set schema own',
  },
  {
    name: 'the schema of a type',
    from: { own, mood: pgEnum('mood', ['sad', 'ok']) },
    to: { own, mood: own.enum('mood', ['sad', 'ok']) },
    up: 'alter type mood set schema own',
    down: 'alter type own.mood set schema public',
  },
]

describe('a change of what is no table comes out as if the schema had been made so, runs twice, and rolls back:', () => {
  test.each(sampled(changes))('$name comes', async ({ from, to, up }) => {
    await tryChange([{ schema: from }, { schema: to, ...(up ? { sql: up } : {}) }], to)
  })

  test.each(sampled(changes, 2))('$name goes', async ({ from, to, down }) => {
    await tryChange([{ schema: to }, { schema: from, ...(down ? { sql: down } : {}) }], from)
  })
})
