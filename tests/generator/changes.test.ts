import { sql } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgEnum,
  pgPolicy,
  pgRole,
  pgSchema,
  pgTable,
  primaryKey,
  serial,
  text,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { describe, test } from 'vitest'
import { type Change, sampled, tryChange } from '../support/changes.ts'

type Columns = Record<string, unknown>
type Extra = ReturnType<typeof check> | ReturnType<typeof index> | ReturnType<typeof pgPolicy> | unknown

const mood = pgEnum('mood', ['sad', 'ok'])
/** Table `t` with some columns and whatever hangs on them. */
const t = (columns: Columns, extras: Extra[] = [], name = 't') =>
  pgTable(name, { id: uuid('id').primaryKey(), ...columns } as never, () => extras as never)
const p = (name: string, config: object) => pgPolicy(name, { for: 'select', to: 'public', using: sql`true`, ...config })
const moodTable = (type: typeof mood, extras: Extra[] = [], fallback?: string) => ({
  mood: type,
  t: t({ m: fallback === undefined ? type('m') : type('m').default(fallback as never) }, extras),
})
const longer = pgEnum('mood', ['sad', 'fine', 'ok']) as unknown as typeof mood
const longest = pgEnum('mood', ['sad', 'ok', 'glad']) as unknown as typeof mood
const readsMood = () => p('reads_mood', { using: sql.raw(`m = 'sad'`) })
const checksMood = () => check('t_m', sql.raw(`m <> 'sad'`))
const parent = t({}, [], 'parent')
const child = (onDelete: 'cascade' | 'restrict') =>
  pgTable('child', { id: uuid('id').primaryKey(), parent: uuid('parent') }, (c) => [
    foreignKey({
      name: 'child_fk',
      columns: [c.parent],
      foreignColumns: [(parent as never as { id: never }).id],
    }).onDelete(onDelete),
  ])
const priv = pgSchema('priv')
const far = pgSchema('far')
const rls = (table: { enableRLS(): unknown }) => table.enableRLS()

const indexed = (column: string) =>
  pgTable('t', { id: uuid('id').primaryKey(), a: text(column) }, (its) => [
    check('t_a', sql.raw(`"t"."${column}" <> ''`)),
    index('t_a_idx').on(its.a),
    unique('t_a_key').on(its.a),
  ])

const computed = (a: unknown) =>
  pgTable('t', { a, g: text('g').generatedAlwaysAs(sql.raw('upper(a)')) } as never, (its) => [
    index('t_g').on((its as unknown as { g: never }).g),
    unique('t_g_key').on((its as unknown as { g: never }).g),
  ])

/** Kinds of change, each tried in both directions. Where drizzle-kit would ask about a rename its answer is given. */
const changes: Change[] = [
  { name: 'a nullable column', from: { t: t({}) }, to: { t: t({ a: text('a') }) } },
  {
    name: 'a NOT NULL column whose default has a quote',
    from: { t: t({}) },
    to: { t: t({ a: text('a').notNull().default(`it's`) }) },
  },
  {
    name: 'a column of two, the other staying',
    from: { t: t({ a: text('a'), b: text('b') }) },
    to: { t: t({ b: text('b') }) },
  },
  { name: 'an enum label in the middle', from: moodTable(mood), to: moodTable(longer) },
  {
    name: 'an enum label at the end of a column with a default',
    from: moodTable(mood, [], 'ok'),
    to: moodTable(longest, [], 'ok'),
  },
  {
    name: 'an enum label that is the default at once',
    from: moodTable(mood, [], 'ok'),
    to: moodTable(longest, [], 'glad'),
  },
  {
    name: 'an enum label while a policy reads the column',
    from: moodTable(mood, [readsMood()]),
    to: moodTable(longest, [readsMood()]),
  },
  {
    name: 'an enum label with a CHECK on the column',
    from: moodTable(mood, [checksMood()]),
    to: moodTable(longest, [checksMood()]),
  },
  {
    name: 'an enum label of an array column',
    from: { mood, t: t({ m: mood('m').array() }) },
    to: { mood: longest, t: t({ m: longest('m').array() }) },
  },
  {
    name: 'a column’s name',
    from: { t: indexed('a') },
    to: { t: indexed('b') },
    up: 'ALTER TABLE "t" RENAME COLUMN "a" TO "b";',
    down: 'ALTER TABLE "t" RENAME COLUMN "b" TO "a";',
  },
  {
    name: 'a column’s name that a policy reads unqualified',
    from: { t: t({ a: text('a') }, [p('p', { using: sql.raw('a is not null') })]) },
    to: { t: t({ b: text('b') }, [p('p', { using: sql.raw('b is not null') })]) },
    up: 'ALTER TABLE "t" RENAME COLUMN "a" TO "b";',
    down: 'ALTER TABLE "t" RENAME COLUMN "b" TO "a";',
  },
  {
    name: 'a table’s name',
    from: { t: t({ a: text('a') }) },
    to: { t: t({ a: text('a') }, [], 'u') },
    up: 'ALTER TABLE "t" RENAME TO "u"; ALTER TABLE "u" RENAME CONSTRAINT "t_pkey" TO "u_pkey";',
    down: 'ALTER TABLE "u" RENAME TO "t"; ALTER TABLE "t" RENAME CONSTRAINT "u_pkey" TO "t_pkey";',
  },
  {
    name: 'a table’s name, the old one taken by a new table',
    from: { t: t({ a: text('a') }) },
    to: { u: t({ a: text('a') }, [], 'u'), t: t({ b: integer('b') }) },
    up: 'ALTER TABLE "t" RENAME TO "u"; ALTER TABLE "u" RENAME CONSTRAINT "t_pkey" TO "u_pkey"; CREATE TABLE "t" ("id" uuid PRIMARY KEY NOT NULL, "b" integer);',
  },
  {
    name: 'a type’s name',
    from: moodTable(mood, [], 'ok'),
    to: moodTable(pgEnum('temper', ['sad', 'ok']) as unknown as typeof mood, [], 'ok'),
    up: 'ALTER TYPE "public"."mood" RENAME TO "temper";',
    down: 'ALTER TYPE "public"."temper" RENAME TO "mood";',
  },
  {
    name: 'an enum label’s name',
    from: moodTable(mood, [], 'ok'),
    to: moodTable(pgEnum('mood', ['sad', 'well']) as unknown as typeof mood, [], 'well'),
    up: `ALTER TYPE "public"."mood" RENAME VALUE 'ok' TO 'well';`,
    down: `ALTER TYPE "public"."mood" RENAME VALUE 'well' TO 'ok';`,
  },
  {
    name: 'a schema’s name',
    from: { priv, x: priv.table('x', { id: uuid('id').primaryKey() }) },
    to: (() => {
      const other = pgSchema('other')
      return { other, x: other.table('x', { id: uuid('id').primaryKey() }) }
    })(),
    up: 'ALTER SCHEMA "priv" RENAME TO "other";',
    down: 'ALTER SCHEMA "other" RENAME TO "priv";',
  },
  {
    name: 'a policy’s name',
    from: { t: t({}, [p('p', {})]) },
    to: { t: t({}, [p('q', {})]) },
    up: 'ALTER POLICY "p" ON "t" RENAME TO "q";',
    down: 'ALTER POLICY "q" ON "t" RENAME TO "p";',
  },
  {
    name: 'a check’s name',
    from: { t: t({ a: integer('a') }, [check('c1', sql.raw('a > 0'))]) },
    to: { t: t({ a: integer('a') }, [check('c2', sql.raw('a > 0'))]) },
  },
  {
    name: 'an index’s name',
    from: { t: t({ a: text('a') }, [index('i1').on(sql`a`)]) },
    to: { t: t({ a: text('a') }, [index('i2').on(sql`a`)]) },
  },
  {
    name: 'a unique constraint’s name',
    from: { t: t({ a: text('a').unique('u1') }) },
    to: { t: t({ a: text('a').unique('u2') }) },
  },
  { name: 'an enum default', from: moodTable(mood, [], 'ok'), to: moodTable(mood, [], 'sad') },
  {
    name: 'a JSON default to one with a quote',
    from: { t: t({ j: jsonb('j').default({}) }) },
    to: { t: t({ j: jsonb('j').default({ a: `it's` }) }) },
  },
  {
    name: 'a JSON default in a table made with it',
    from: {},
    to: { t: t({ j: jsonb('j').default({ a: `it's`, b: [`'`] }) }) },
  },
  { name: 'NOT NULL', from: { t: t({ a: text('a') }) }, to: { t: t({ a: text('a').notNull() }) } },
  {
    name: 'a check',
    from: { t: t({ a: integer('a') }) },
    to: { t: t({ a: integer('a') }, [check('c', sql.raw('a > 0'))]) },
  },
  {
    name: 'a check’s expression',
    from: { t: t({ a: integer('a') }, [check('c', sql.raw('a > 0'))]) },
    to: { t: t({ a: integer('a') }, [check('c', sql.raw('a > 1'))]) },
  },
  { name: 'a policy', from: { t: t({}) }, to: { t: t({}, [p('p', {})]) } },
  { name: 'a policy’s USING', from: { t: t({}, [p('p', {})]) }, to: { t: t({}, [p('p', { using: sql`false` })]) } },
  {
    name: 'a policy’s role',
    from: { t: t({}, [p('p', {})]) },
    to: { t: t({}, [p('p', { to: pgRole('authenticated').existing() })]) },
  },
  { name: 'a policy’s command', from: { t: t({}, [p('p', {})]) }, to: { t: t({}, [p('p', { for: 'delete' })]) } },
  { name: 'a restrictive policy', from: { t: t({}, [p('p', {})]) }, to: { t: t({}, [p('p', { as: 'restrictive' })]) } },
  {
    name: 'a policy and the column it reads',
    from: { t: t({ a: text('a') }, [p('p', { using: sql.raw('a is null') })]) },
    to: { t: t({}) },
  },
  { name: 'an index', from: { t: t({ a: text('a') }, [index('i').on(sql`a`)]) }, to: { t: t({ a: text('a') }) } },
  {
    name: 'an index’s method under the same name',
    from: { t: t({ j: jsonb('j') }, [index('i').using('btree', sql`j`)]) },
    to: { t: t({ j: jsonb('j') }, [index('i').using('gin', sql`j`)]) },
  },
  {
    name: 'the last policy, row-level security staying',
    from: { t: rls(t({}, [p('p', {})]) as never) },
    to: { t: rls(t({}) as never) },
  },
  { name: 'the last policy, row-level security going', from: { t: t({}, [p('p', {})]) }, to: { t: t({}) } },
  { name: 'row-level security without a policy', from: { t: t({}) }, to: { t: rls(t({}) as never) } },
  {
    name: 'a foreign key’s action',
    from: { parent, child: child('cascade') },
    to: { parent, child: child('restrict') },
  },
  { name: 'text to varchar(20)', from: { t: t({ a: text('a') }) }, to: { t: t({ a: varchar('a', { length: 20 }) }) } },
  { name: 'text to integer', from: { t: t({ a: text('a') }) }, to: { t: t({ a: integer('a') }) } },
  {
    name: 'text with a default to integer with one',
    from: { t: t({ a: text('a').default('x') }) },
    to: { t: t({ a: integer('a').default(7) }) },
  },
  {
    name: 'a type that a policy and a check read',
    from: {
      t: t({ a: text('a') }, [p('p', { using: sql.raw('a is not null') }), check('c', sql.raw('a is not null'))]),
    },
    to: {
      t: t({ a: varchar('a', { length: 9 }) }, [
        p('p', { using: sql.raw('a is not null') }),
        check('c', sql.raw('a is not null')),
      ]),
    },
  },
  { name: 'text to an enum type', from: { mood, t: t({ m: text('m') }) }, to: { mood, t: t({ m: mood('m') }) } },
  { name: 'a schema with a table', from: {}, to: { priv, x: priv.table('x', { id: serial('id').primaryKey() }) } },
  {
    name: 'two tables that point at each other',
    from: {},
    to: { parent, child: child('cascade'), t: t({ a: text('a') }) },
  },
  {
    name: 'the type of a column that an indexed, unique, generated column reads',
    from: { t: computed(text('a')) },
    to: { t: computed(varchar('a', { length: 20 })) },
  },
  {
    name: 'the primary key of one column',
    from: { n: pgTable('n', { a: integer('a').notNull() }) },
    to: { n: pgTable('n', { a: integer('a').primaryKey() }) },
    // drizzle-kit leaves this to its author, in a comment.
    down: 'ALTER TABLE "n" DROP CONSTRAINT "n_pkey"',
  },
  {
    name: 'the primary key of two columns',
    from: { n: pgTable('n', { a: integer('a').notNull(), b: integer('b').notNull() }) },
    to: {
      n: pgTable('n', { a: integer('a').notNull(), b: integer('b').notNull() }, (n) => [
        primaryKey({ name: 'n_key', columns: [n.a, n.b] }),
      ]),
    },
  },
  {
    name: 'the primary key of two columns that may be null without it',
    from: { n: pgTable('n', { a: integer('a'), b: integer('b') }) },
    to: { n: pgTable('n', { a: integer('a'), b: integer('b') }, (n) => [primaryKey({ columns: [n.a, n.b] })]) },
  },
  {
    name: 'a column of a primary key, for another',
    from: {
      n: pgTable('n', { a: integer('a'), b: integer('b'), c: integer('c') }, (n) => [
        primaryKey({ name: 'n_key', columns: [n.a, n.b] }),
      ]),
    },
    to: {
      n: pgTable('n', { a: integer('a'), b: integer('b'), c: integer('c') }, (n) => [
        primaryKey({ name: 'n_key', columns: [n.a, n.c] }),
      ]),
    },
  },
  {
    name: 'an enum label that an array’s default holds',
    from: { mood, t: t({ m: mood('m').array() }) },
    to: {
      mood: longest,
      t: t({
        m: longest('m')
          .array()
          .default(['glad' as never]),
      }),
    },
  },
  {
    name: 'an enum label, with columns that are named as a guard’s variables could be',
    from: { mood, t: t({ used: mood('used'), found: mood('found'), label: mood('label') }) },
    to: { mood: longest, t: t({ used: longest('used'), found: longest('found'), label: longest('label') }) },
  },
  {
    name: 'an enum type’s name and schema',
    from: { mood, priv, t: t({ m: mood('m') }) },
    to: (() => {
      const moved = priv.enum('feeling', ['sad', 'ok'])
      return { priv, moved, t: t({ m: moved('m') }) }
    })(),
    up: `ALTER TYPE "public"."mood" SET SCHEMA "priv";\nALTER TYPE "priv"."mood" RENAME TO "feeling";`,
    down: `ALTER TYPE "priv"."feeling" SET SCHEMA "public";\nALTER TYPE "public"."feeling" RENAME TO "mood";`,
  },
  {
    name: 'a sequence’s name and schema',
    from: { priv, far, s: far.sequence('s') },
    to: { priv, far, s: priv.sequence('other') },
    up: `ALTER SEQUENCE "far"."s" SET SCHEMA "priv";\nALTER SEQUENCE "priv"."s" RENAME TO "other";`,
    down: `ALTER SEQUENCE "priv"."other" SET SCHEMA "far";\nALTER SEQUENCE "far"."other" RENAME TO "s";`,
  },
  {
    name: 'a unique constraint of two columns',
    from: { n: pgTable('n', { a: integer('a'), b: integer('b') }) },
    to: {
      n: pgTable('n', { a: integer('a'), b: integer('b') }, (n) => [unique('n_uq').on(n.a, n.b).nullsNotDistinct()]),
    },
  },
  {
    name: 'an identity column',
    from: { n: pgTable('n', { a: integer('a').notNull() }) },
    to: { n: pgTable('n', { a: integer('a').generatedAlwaysAsIdentity() }) },
  },
  {
    name: 'an index built concurrently',
    from: { t: t({ a: text('a') }) },
    to: { t: t({ a: text('a') }, [index('i').on(sql`a`).concurrently()]) },
  },
]

describe('a change comes out as if the schema had been made so, runs twice, and rolls back to what was:', () => {
  test.each(sampled(changes))('$name comes', async ({ from, to, up }) => {
    await tryChange([{ schema: from }, { schema: to, ...(up ? { sql: up } : {}) }], to)
  })

  test.each(sampled(changes, 2).filter(({ up, down }) => up === undefined || down !== undefined))(
    '$name goes',
    async ({ from, to, down }) => {
      await tryChange([{ schema: to }, { schema: from, ...(down ? { sql: down } : {}) }], from)
    },
  )
})
