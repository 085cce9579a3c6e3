import { generateDrizzleJson } from 'drizzle-kit/api'
import { sql } from 'drizzle-orm'
import {
  check,
  index,
  integer,
  pgEnum,
  pgMaterializedView,
  pgPolicy,
  pgRole,
  pgSchema,
  pgSequence,
  pgTable,
  pgView,
} from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { outsideOf } from '../../src/migrations/outside.ts'
import { emptySnapshot, type Snapshot } from '../../src/migrations/snapshot.ts'
import { parseStatements } from '../../src/migrations/statements.ts'

/* Who undoes a statement. No server: roles belong to all databases of one, and some of these would stay there. */

const t = pgTable('t', { id: integer('id').primaryKey(), n: integer('n').default(0) }, (its) => [
  index('t_idx').on(its.n),
  check('t_check', sql`n > 0`),
  pgPolicy('t_policy', { for: 'select', to: 'public', using: sql`true` }),
])
const schema = generateDrizzleJson({
  t,
  own: pgSchema('own'),
  mood: pgEnum('mood', ['sad']),
  s: pgSequence('s'),
  v: pgView('v', { n: integer('n') }).as(sql`select 1 as n`),
  w: pgMaterializedView('w', { n: integer('n') }).as(sql`select 1 as n`),
  reader: pgRole('reader'),
  linked: pgPolicy('linked', { for: 'select', to: 'public', using: sql`true` }).link(t),
}) as unknown as Snapshot

const outside = async (text: string) => outsideOf(await parseStatements(text, 'test.sql'), emptySnapshot, schema)
const undone = (found: Awaited<ReturnType<typeof outside>>) => ({
  inverse: found.inverse,
  unknown: found.unknown.map(({ text }) => text),
  rows: found.rows.map(({ text }) => text),
})

describe('of the statements of a migration', () => {
  test.each([
    'CREATE TABLE t (id int)',
    'CREATE SCHEMA own',
    `CREATE TYPE mood AS ENUM ('sad')`,
    `ALTER TYPE mood ADD VALUE 'ok'`,
    'CREATE SEQUENCE s',
    'ALTER SEQUENCE s INCREMENT BY 2',
    'CREATE OR REPLACE VIEW v AS SELECT 1 AS n',
    'CREATE MATERIALIZED VIEW w AS SELECT 1 AS n',
    'ALTER VIEW v SET (security_invoker = true)',
    'CREATE ROLE reader',
    'ALTER ROLE reader WITH CREATEDB',
    'CREATE INDEX t_idx ON t (n)',
    'CREATE POLICY t_policy ON t USING (true)',
    'ALTER POLICY t_policy ON t USING (false)',
    'ALTER POLICY linked ON t USING (false)',
    'ALTER TABLE t ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE t ADD COLUMN n int',
    'ALTER TABLE t ALTER COLUMN n SET NOT NULL',
    'ALTER TABLE t ALTER COLUMN n TYPE bigint',
    'ALTER TABLE t ADD CONSTRAINT t_check CHECK (n > 0)',
    'ALTER TABLE t VALIDATE CONSTRAINT t_check',
    'ALTER TABLE t DROP CONSTRAINT t_pkey',
    'DROP TABLE t',
    'DROP TYPE mood',
    'DROP SCHEMA own',
    'DROP SEQUENCE s',
    'DROP VIEW v',
    'DROP MATERIALIZED VIEW w',
    'DROP INDEX t_idx',
    'DROP POLICY t_policy ON t',
    'DROP POLICY linked ON t',
    'DROP ROLE reader',
    // Nothing of these is left.
    `SET lock_timeout = '1s'`,
    'LOCK TABLE t',
    'REFRESH MATERIALIZED VIEW w',
    'ALTER TABLE t RENAME TO u',
  ])('the difference of two snapshots undoes %s', async (text) => {
    expect(undone(await outside(text))).toEqual({ inverse: [], unknown: [], rows: [] })
  })

  test.each([
    ['CREATE TABLE hand (id int)', 'DROP TABLE "hand"'],
    [`CREATE TYPE apart.pair AS ENUM ('a')`, 'DROP TYPE "apart"."pair"'],
    ['CREATE DOMAIN short AS text', 'DROP DOMAIN "short"'],
    ['CREATE SCHEMA apart', 'DROP SCHEMA "apart"'],
    ['CREATE SEQUENCE hand', 'DROP SEQUENCE "hand"'],
    ['CREATE VIEW hand AS SELECT 1', 'DROP VIEW "hand"'],
    ['CREATE TABLE hand AS SELECT 1', 'DROP TABLE "hand"'],
    ['CREATE MATERIALIZED VIEW hand AS SELECT 1', 'DROP MATERIALIZED VIEW "hand"'],
    ['CREATE INDEX hand ON apart.t (n)', 'DROP INDEX "apart"."hand"'],
    ['CREATE POLICY hand ON t USING (true)', 'DROP POLICY "hand" ON "t"'],
    ['CREATE TRIGGER hand AFTER INSERT ON t EXECUTE FUNCTION f()', 'DROP TRIGGER "hand" ON "t"'],
    ['CREATE FUNCTION own.f() RETURNS int LANGUAGE sql RETURN 1', 'DROP FUNCTION "own"."f"()'],
    ['CREATE EXTENSION citext', 'DROP EXTENSION "citext"'],
    ['ALTER TABLE t ADD CONSTRAINT hand CHECK (n > 1)', 'ALTER TABLE "t" DROP CONSTRAINT "hand"'],
    ['ALTER TABLE t ADD COLUMN hand int', 'ALTER TABLE "t" DROP COLUMN "hand"'],
    ['ALTER TABLE t FORCE ROW LEVEL SECURITY', 'ALTER TABLE "t" NO FORCE ROW LEVEL SECURITY'],
  ])('%s, which is in no snapshot, is undone by its reverse', async (text, reverse) => {
    expect(undone(await outside(text))).toEqual({ inverse: [reverse], unknown: [], rows: [] })
  })

  test.each([
    'CREATE TABLE IF NOT EXISTS hand (id int)',
    'CREATE SCHEMA IF NOT EXISTS apart',
    'CREATE SEQUENCE IF NOT EXISTS hand',
    'CREATE OR REPLACE VIEW hand AS SELECT 1',
    'CREATE TABLE IF NOT EXISTS hand AS SELECT 1',
    'CREATE INDEX IF NOT EXISTS hand ON t (n)',
    'CREATE INDEX ON t (n)',
    'CREATE OR REPLACE TRIGGER hand AFTER INSERT ON t EXECUTE FUNCTION f()',
    'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1',
    'CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1',
    'CREATE ROLE hand',
    'ALTER ROLE hand WITH CREATEDB',
    'DROP ROLE hand',
    'DROP ROLE reader, hand',
    'ALTER SEQUENCE hand INCREMENT BY 2',
    'ALTER VIEW hand SET (security_invoker = true)',
    'ALTER TABLE gone ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE t ADD COLUMN IF NOT EXISTS hand int',
    'ALTER TABLE t ADD CHECK (n > 1)',
    'ALTER TABLE t ALTER COLUMN hand SET NOT NULL',
    'ALTER TABLE t DROP CONSTRAINT hand',
    'ALTER TABLE t REPLICA IDENTITY FULL',
    'ALTER POLICY hand ON t USING (true)',
    'DROP TABLE hand',
    'DROP TYPE hand',
    'DROP SCHEMA apart',
    'DROP SEQUENCE hand',
    'DROP VIEW hand',
    'DROP INDEX hand',
    'DROP POLICY hand ON t',
    'DROP FUNCTION f()',
    'GRANT SELECT ON t TO anon',
    'GRANT USAGE ON SCHEMA own TO anon',
    `COMMENT ON TABLE t IS 'x'`,
    `COMMENT ON COLUMN t.n IS 'x'`,
    `COMMENT ON SCHEMA own IS 'x'`,
  ])('nobody but its author undoes %s', async (text) => {
    expect(undone(await outside(text))).toEqual({ inverse: [], unknown: [text], rows: [] })
  })

  test.each([
    'INSERT INTO t VALUES (1)',
    'UPDATE t SET n = 1',
    'DELETE FROM t',
    'TRUNCATE t',
    'SELECT f()',
    'CALL p()',
    'MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE',
  ])('%s changes rows that no rollback brings back', async (text) => {
    expect(undone(await outside(text))).toEqual({ inverse: [], unknown: [], rows: [text] })
  })

  test('what hangs on a table made by hand goes with it, and an extension that may have been there stays', async () => {
    const found =
      await outside(`CREATE TABLE hand (a int); CREATE INDEX i ON hand (a); CREATE POLICY p ON hand USING (true);
      CREATE TRIGGER tr AFTER INSERT ON hand EXECUTE FUNCTION f(); GRANT SELECT ON hand TO anon;
      ALTER TABLE hand REPLICA IDENTITY FULL; COMMENT ON TABLE hand IS 'x'; COMMENT ON COLUMN hand.a IS 'y';
      CREATE EXTENSION IF NOT EXISTS citext`)
    expect(undone(found)).toEqual({ inverse: ['DROP TABLE "hand"'], unknown: [], rows: [] })
  })
})
