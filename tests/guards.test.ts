import { describe, expect, test } from 'vitest'
import { guard } from '../src/migrations/guards.ts'
import { parseStatements } from '../src/migrations/statements.ts'
import { readCatalog } from './catalog.ts'
import { useDatabase } from './database.ts'

const t = useDatabase('host')

const guarded = async (sql: string) => (await parseStatements(sql, 'test.sql')).map(guard).join('\n')

/** A statement as drizzle-kit writes it, its guarded form (or what must be in it). */
const golden: [kind: string, statement: string, guarded: string | string[]][] = [
  ['CREATE SCHEMA', 'CREATE SCHEMA "priv";', 'CREATE SCHEMA IF NOT EXISTS "priv";'],
  [
    'CREATE TABLE',
    'CREATE TABLE "t1" ("id" uuid PRIMARY KEY);',
    'CREATE TABLE IF NOT EXISTS "t1" ("id" uuid PRIMARY KEY);',
  ],
  [
    'CREATE TABLE that is guarded already',
    'CREATE TABLE IF NOT EXISTS "t1" ("id" uuid);',
    'CREATE TABLE IF NOT EXISTS "t1" ("id" uuid);',
  ],
  [
    'CREATE TYPE',
    `CREATE TYPE "public"."colour" AS ENUM('red', 'it''s $guard$');`,
    ['DO $guard1$', `if to_regtype('"public"."colour"') is null`],
  ],
  [
    'CREATE INDEX',
    'CREATE INDEX "i1" ON "t" USING btree ("a");',
    'CREATE INDEX IF NOT EXISTS "i1" ON "t" USING btree ("a");',
  ],
  [
    'CREATE UNIQUE INDEX',
    'CREATE UNIQUE INDEX "i2" ON "t" USING btree ("a");',
    'CREATE UNIQUE INDEX IF NOT EXISTS "i2" ON "t" USING btree ("a");',
  ],
  [
    'CREATE POLICY',
    'CREATE POLICY "p" ON "t" AS PERMISSIVE FOR SELECT TO "authenticated" USING (true);',
    'DROP POLICY IF EXISTS "p" ON "t";\nCREATE POLICY "p" ON "t" AS PERMISSIVE FOR SELECT TO "authenticated" USING (true);',
  ],
  [
    'ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE "t" ENABLE ROW LEVEL SECURITY;',
    'ALTER TABLE "t" ENABLE ROW LEVEL SECURITY;',
  ],
  [
    'DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE "t" DISABLE ROW LEVEL SECURITY;',
    'ALTER TABLE IF EXISTS "t" DISABLE ROW LEVEL SECURITY;',
  ],
  [
    'ADD COLUMN',
    `ALTER TABLE "t" ADD COLUMN "b" text DEFAULT 'add column' NOT NULL;`,
    `ALTER TABLE "t" ADD COLUMN IF NOT EXISTS "b" text DEFAULT 'add column' NOT NULL;`,
  ],
  ['DROP COLUMN', 'ALTER TABLE "t" DROP COLUMN "a";', 'ALTER TABLE "t" DROP COLUMN IF EXISTS "a";'],
  ['SET DEFAULT', 'ALTER TABLE "t" ALTER COLUMN "a" SET DEFAULT 1;', 'ALTER TABLE "t" ALTER COLUMN "a" SET DEFAULT 1;'],
  ['SET NOT NULL', 'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL;', 'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL;'],
  [
    'DROP NOT NULL',
    'ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL;',
    'ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL;',
  ],
  [
    'ADD CONSTRAINT',
    'ALTER TABLE "t" ADD CONSTRAINT "t_uq" UNIQUE("a");',
    ["where conname = 't_uq'", `conrelid = to_regclass('"t"')`],
  ],
  [
    'ADD FOREIGN KEY',
    'ALTER TABLE "t" ADD CONSTRAINT "t_fk" FOREIGN KEY ("o") REFERENCES "public"."organizations"("id") ON DELETE cascade;',
    ["where conname = 't_fk'"],
  ],
  [
    'DROP CONSTRAINT',
    'ALTER TABLE "t" DROP CONSTRAINT "t_check";',
    'ALTER TABLE "t" DROP CONSTRAINT IF EXISTS "t_check";',
  ],
  ['DROP TABLE', 'DROP TABLE "t" CASCADE;', 'DROP TABLE IF EXISTS "t";'],
  ['DROP TYPE', 'DROP TYPE "public"."mood";', 'DROP TYPE IF EXISTS "public"."mood";'],
  ['DROP SCHEMA', 'DROP SCHEMA "empty";', 'DROP SCHEMA IF EXISTS "empty";'],
  ['DROP POLICY', 'DROP POLICY "p0" ON "t" CASCADE;', 'DROP POLICY IF EXISTS "p0" ON "t";'],
  ['DROP INDEX', 'DROP INDEX "i0";', 'DROP INDEX IF EXISTS "i0";'],
]

const setUp = `
  create table t (a int, o uuid, constraint t_check check (a > 0));
  create index i0 on t (a);
  create policy p0 on t for select using (true);
  create type mood as enum ('sad');
  create schema empty;`

describe('the guarded form of', () => {
  test.each(golden)(
    '%s does what the statement says, and nothing the second time',
    async (_kind, statement, expected) => {
      const text = await guarded(statement)
      if (typeof expected === 'string') expect(text).toBe(expected)
      else for (const part of expected) expect(text).toContain(part)

      const states: unknown[] = []
      const undo = new Error('undo')
      await t.admin
        .begin(async (tx) => {
          await tx.unsafe(setUp)
          const sql = tx as unknown as typeof t.admin
          for (const step of [statement, undefined]) {
            await tx
              .savepoint(async (nested) => {
                await nested.unsafe(step ?? text)
                states.push(await readCatalog(nested as unknown as typeof t.admin))
                if (step !== undefined) throw undo
              })
              .catch((error) => {
                if (error !== undo) throw error
              })
          }
          await tx.unsafe(text)
          states.push(await readCatalog(sql))
          throw undo
        })
        .catch((error) => {
          if (error !== undo) throw error
        })
      const [original, once, twice] = states
      expect(once).toEqual(original)
      expect(twice).toEqual(once)
    },
  )
})

describe('a statement without a guard', () => {
  test.each([
    ['of an unknown kind', 'select 1;', /^test\.sql:1: SelectStmt .*select 1.*src\/migrations\/guards\.ts/],
    [
      'of an unknown ALTER TABLE',
      '\n\nalter table t cluster on i0;',
      /^test\.sql:3: ALTER TABLE \(AT_ClusterOn\).*src\/migrations\/guards\.ts/,
    ],
    ['that drops an unknown kind', 'drop view v;', /^test\.sql:1: DROP \(OBJECT_VIEW\)/],
    ['of two ALTER TABLE commands', 'alter table t add column a int, add column b int;', /one command per statement/],
    ['that names no index', 'create index on t (a);', /an index without a name.*Drizzle definition/],
    ['that names no constraint', 'alter table t add unique (a);', /a constraint without a name.*Drizzle definition/],
    ['that needs to run outside a transaction', 'create index concurrently i on t (a);', /CONCURRENTLY/],
    ['that is no SQL', 'creat table t ();', /^test\.sql: PostgreSQL's parser refuses it/],
  ])('%s is refused with file, line, statement and remedy', async (_what, sql, message) => {
    await expect(guarded(sql)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
  })
})

describe('statements are cut', () => {
  test('where PostgreSQL ends them, not at semicolons or breakpoints inside literals and bodies', async () => {
    const body = `do $x$ begin perform ';'; end $x$`
    const statements = await parseStatements(
      `-- above æøå\n${body};--> statement-breakpoint\n/* kept */ select '--> statement-breakpoint;', 'blåbær 😀';\n\nselect 3`,
      'test.sql',
    )
    expect(statements.map(({ origin, comments, text }) => [origin, comments, text])).toEqual([
      ['test.sql:2', '-- above æøå', body],
      ['test.sql:3', '/* kept */', `select '--> statement-breakpoint;', 'blåbær 😀'`],
      ['test.sql:5', '', 'select 3'],
    ])
  })

  test('into none where there is only a comment', async () => {
    expect(await parseStatements('-- Custom SQL migration file, put your code below! --\n', 'test.sql')).toEqual([])
    expect(await parseStatements('', 'test.sql')).toEqual([])
  })
})
