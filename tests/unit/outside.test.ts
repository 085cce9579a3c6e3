import { describe, expect, test } from 'vitest'
import { diff } from '../../src/migrations/diff.ts'
import { replayAll, trace } from '../../src/migrations/replay.ts'
import { schedule } from '../../src/migrations/schedule.ts'
import { State } from '../../src/migrations/state.ts'
import { parseNow, parseStatements, simplify } from '../../src/migrations/statements.ts'
import { renamesIn, reversed } from '../../src/migrations/up.ts'

/* What undoes a statement, read from what the earlier files made. No server: roles belong to all databases of one. */

const earlier = `
  CREATE SCHEMA own; CREATE TYPE mood AS ENUM ('sad'); CREATE SEQUENCE s; CREATE ROLE reader;
  CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 0, m text, e mood, CONSTRAINT t_check CHECK (n > 0));
  CREATE INDEX t_idx ON t (n); CREATE POLICY t_policy ON t FOR SELECT USING (true);
  CREATE VIEW v AS SELECT 1 AS n; CREATE MATERIALIZED VIEW w AS SELECT 1 AS n;
  CREATE TABLE heir (id int); ALTER TABLE t ADD CONSTRAINT t_fk FOREIGN KEY (n) REFERENCES t;
  CREATE TABLE parted (m text) PARTITION BY LIST (m); CREATE TABLE part PARTITION OF parted FOR VALUES IN ('a)', 'b');
  CREATE TYPE two AS (a int, b numeric(10, 2)); CREATE DOMAIN small AS int CONSTRAINT few CHECK (value < 9);
  CREATE VIEW reads AS SELECT n FROM v; CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE bare (id int);
  CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; COMMENT ON TABLE t IS 'old';`

async function undoing(text: string) {
  const read = async (sql: string) => simplify(await parseStatements(sql, 'test.sql'))
  const before = replayAll(new State(), await read(earlier))
  const after = before.copy()
  const outcomes = (await read(text)).map((statement) => trace(after, statement).outcome)
  const way = diff(after, before, reversed(renamesIn(await read(text), before)))
  return {
    way: schedule(parseNow(way.statements, 'test'), after, before, 'test').map((one) => one.text),
    unknown: way.unknown.length > 0 || outcomes.some(({ unknown }) => unknown),
    rows: outcomes.some(({ rows }) => rows),
  }
}

describe('of the statements of a migration', () => {
  test.each([
    [
      `DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'hand') THEN ALTER TABLE t ADD CONSTRAINT hand CHECK (n > 1); END IF; END $$`,
      'ALTER TABLE "public"."t" DROP CONSTRAINT "hand"',
    ],
    ['CREATE TABLE hand (id int)', 'DROP TABLE "public"."hand"'],
    ['CREATE TABLE IF NOT EXISTS hand (id int)', 'DROP TABLE "public"."hand"'],
    [`CREATE TYPE apart.pair AS ENUM ('a')`, 'DROP TYPE "apart"."pair"'],
    ['CREATE DOMAIN short AS text', 'DROP DOMAIN "public"."short"'],
    ['CREATE SCHEMA apart', 'DROP SCHEMA "apart"'],
    ['CREATE SEQUENCE hand', 'DROP SEQUENCE "public"."hand"'],
    ['CREATE VIEW hand AS SELECT 1', 'DROP VIEW "public"."hand"'],
    ['CREATE OR REPLACE VIEW hand AS SELECT 1', 'DROP VIEW "public"."hand"'],
    ['CREATE TABLE hand AS SELECT 1', 'DROP TABLE "public"."hand"'],
    ['CREATE MATERIALIZED VIEW hand AS SELECT 1', 'DROP MATERIALIZED VIEW "public"."hand"'],
    ['CREATE INDEX hand ON apart.t (n)', 'DROP INDEX "apart"."hand"'],
    ['CREATE INDEX ON t (n, lower(m))', 'DROP INDEX "public"."t_n_lower_idx"'],
    ['CREATE POLICY hand ON t USING (true)', 'DROP POLICY "hand" ON "public"."t"'],
    ['CREATE TRIGGER hand AFTER INSERT ON t EXECUTE FUNCTION f()', 'DROP TRIGGER "hand" ON "t"'],
    ['CREATE FUNCTION own.g(a int) RETURNS int LANGUAGE sql RETURN 1', 'DROP FUNCTION "own"."g"(int4)'],
    ['CREATE EXTENSION citext', 'DROP EXTENSION "citext"'],
    ['CREATE ROLE hand', 'DROP ROLE "hand"'],
    ['ALTER TABLE t ADD CONSTRAINT hand CHECK (n > 1)', 'ALTER TABLE "public"."t" DROP CONSTRAINT "hand"'],
    ['ALTER TABLE t ADD CHECK (n > 1)', 'ALTER TABLE "public"."t" DROP CONSTRAINT "t_n_check"'],
    ['ALTER TABLE t ADD UNIQUE (n, m)', 'ALTER TABLE "public"."t" DROP CONSTRAINT "t_n_m_key"'],
    ['ALTER TABLE t ADD COLUMN hand int', 'ALTER TABLE "public"."t" DROP COLUMN "hand"'],
    ['ALTER TABLE t FORCE ROW LEVEL SECURITY', 'ALTER TABLE "public"."t" NO FORCE ROW LEVEL SECURITY'],
    ['ALTER TABLE t ENABLE ROW LEVEL SECURITY', 'ALTER TABLE "public"."t" DISABLE ROW LEVEL SECURITY'],
    ['ALTER TABLE t REPLICA IDENTITY FULL', 'ALTER TABLE "t" REPLICA IDENTITY DEFAULT'],
    ['ALTER TABLE t ALTER COLUMN m SET NOT NULL', 'ALTER TABLE "public"."t" ALTER COLUMN "m" DROP NOT NULL'],
    [`ALTER TABLE t ALTER COLUMN m SET DEFAULT 'x'`, 'ALTER TABLE "public"."t" ALTER COLUMN "m" DROP DEFAULT'],
    ['ALTER TABLE t ALTER COLUMN n DROP DEFAULT', 'ALTER TABLE "public"."t" ALTER COLUMN "n" SET DEFAULT 0'],
    ['ALTER TABLE t ALTER COLUMN m TYPE varchar(9)', 'ALTER TABLE "public"."t" ALTER COLUMN "m" SET DATA TYPE text'],
    ['ALTER TABLE t DROP CONSTRAINT t_check', 'ALTER TABLE "public"."t" ADD CONSTRAINT "t_check" CHECK (n > 0)'],
    ['ALTER TABLE t RENAME TO u', 'ALTER TABLE "public"."u" RENAME TO "t"'],
    ['ALTER TABLE t RENAME COLUMN m TO k', 'ALTER TABLE "public"."t" RENAME COLUMN "k" TO "m"'],
    ['ALTER FUNCTION f() RENAME TO g', 'ALTER FUNCTION "public"."g"() RENAME TO "f"'],
    ['ALTER VIEW v SET (security_invoker = true)', 'ALTER VIEW "v" RESET (security_invoker)'],
    ['ALTER TABLE t ALTER COLUMN m SET STORAGE external', 'ALTER TABLE "t" ALTER COLUMN "m" SET STORAGE EXTENDED'],
    [
      'ALTER TABLE t ALTER CONSTRAINT t_fk DEFERRABLE',
      'ALTER TABLE "public"."t" ALTER CONSTRAINT "t_fk" NOT DEFERRABLE',
    ],
    ['ALTER TABLE t INHERIT heir', 'ALTER TABLE "public"."t" NO INHERIT "public"."heir"'],
    ['ALTER TABLE heir ATTACH PARTITION t DEFAULT', 'ALTER TABLE "public"."heir" DETACH PARTITION "public"."t"'],
    [
      'ALTER TABLE parted DETACH PARTITION part',
      `ALTER TABLE "public"."parted" ATTACH PARTITION "public"."part" FOR VALUES IN ('a)', 'b') `.trim(),
    ],
    ['ALTER TYPE two ADD ATTRIBUTE c int', 'ALTER TYPE "two" DROP ATTRIBUTE "c"'],
    ['ALTER TYPE two DROP ATTRIBUTE b', 'ALTER TYPE "two" ADD ATTRIBUTE "b" numeric(10, 2)'],
    ['ALTER TYPE two ALTER ATTRIBUTE b TYPE int', 'ALTER TYPE "two" ALTER ATTRIBUTE "b" TYPE numeric(10, 2)'],
    ['ALTER TYPE two RENAME ATTRIBUTE b TO c', 'ALTER TYPE "two" RENAME ATTRIBUTE "c" TO "b"'],
    ['ALTER DOMAIN small RENAME CONSTRAINT few TO less', 'ALTER DOMAIN "small" RENAME CONSTRAINT "less" TO "few"'],
    ['CREATE SERVER s1 FOREIGN DATA WRAPPER w', 'DROP SERVER "s1"'],
    ['CREATE FOREIGN DATA WRAPPER w1', 'DROP FOREIGN DATA WRAPPER "w1"'],
    ['DROP INDEX t_idx', 'CREATE INDEX t_idx ON t (n)'],
    ['DROP POLICY t_policy ON t', 'CREATE POLICY "t_policy" ON "public"."t" FOR SELECT TO public USING (true)'],
    ['DROP VIEW v', 'CREATE VIEW v AS SELECT 1 AS n'],
    ['DROP MATERIALIZED VIEW w', 'CREATE MATERIALIZED VIEW w AS SELECT 1 AS n'],
    ['DROP TYPE mood', `CREATE TYPE "public"."mood" AS ENUM ('sad')`],
    ['DROP SCHEMA own', 'CREATE SCHEMA "own"'],
    ['DROP ROLE reader', 'CREATE ROLE reader'],
    ['DROP FUNCTION f()', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1'],
    [
      'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 2',
      'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1',
    ],
    ['GRANT SELECT ON t TO anon', 'REVOKE SELECT ON "t" FROM "anon"'],
    ['ALTER PUBLICATION p ADD TABLE t', 'ALTER PUBLICATION "p" DROP TABLE "t"'],
    ['GRANT USAGE ON SCHEMA own TO anon WITH GRANT OPTION', 'REVOKE USAGE ON SCHEMA own FROM anon'],
    ['GRANT reader TO anon', 'REVOKE "reader" FROM "anon"'],
    [`COMMENT ON TABLE t IS 'x'`, `COMMENT ON TABLE t IS 'old'`],
    ['COMMENT ON TABLE t IS NULL', `COMMENT ON TABLE t IS 'old'`],
    [`COMMENT ON COLUMN t.n IS 'x'`, 'COMMENT ON COLUMN t.n IS NULL'],
    [
      'CREATE TABLE hand (a int); CREATE INDEX i ON hand (a); GRANT SELECT ON hand TO anon',
      'DROP TABLE "public"."hand"',
    ],
  ])('%s is undone by its reverse', async (text, reverse) => {
    expect(await undoing(text)).toEqual({ way: [reverse], unknown: false, rows: false })
  })

  test.each([
    `SET lock_timeout = '1s'`,
    `DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE mood AS ENUM ('sad'); END IF; END $$`,
    `DO $$ BEGIN IF EXISTS (SELECT 1) THEN ALTER TABLE t DROP CONSTRAINT gone; END IF; END $$`,
    'LOCK TABLE t',
    'REFRESH MATERIALIZED VIEW w',
    'CREATE TABLE IF NOT EXISTS t (id int)',
    'DROP FUNCTION IF EXISTS gone()',
    'DROP TRIGGER IF EXISTS gone ON t',
    `COMMENT ON TABLE t IS 'old'`,
  ])('%s leaves nothing to undo', async (text) => {
    expect(await undoing(text)).toEqual({ way: [], unknown: false, rows: false })
  })

  test.each([
    'DO $$ begin perform 1; end $$',
    `DO $$ BEGIN IF NOT EXISTS (SELECT 1) THEN EXECUTE 'drop table t'; END IF; END $$`,
    'DO $$ BEGIN IF EXISTS (SELECT 1) THEN CREATE TABLE hand (a int); END IF; END $$',
    `ALTER ROLE reader WITH PASSWORD 'x'`,
    'ALTER ROLE stranger WITH CREATEDB',
    'ALTER SEQUENCE gone INCREMENT BY 2',
    'ALTER TABLE gone ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE t ALTER COLUMN hand SET NOT NULL',
    'ALTER TABLE t SET TABLESPACE pg_default',
    'ALTER TABLE t DROP CONSTRAINT hand',
    'ALTER POLICY hand ON t USING (true)',
    'ALTER TABLE t ALTER COLUMN e SET STORAGE external',
    'ALTER VIEW v RENAME COLUMN n TO m',
    'ALTER TYPE two DROP ATTRIBUTE a',
    'ALTER TABLE keyed ATTACH PARTITION bare DEFAULT',
    'ALTER DOMAIN gone RENAME CONSTRAINT a TO b',
    'ALTER TABLE t ALTER CONSTRAINT gone DEFERRABLE',
    'DROP TABLE hand',
    'DROP VIEW hand',
    'DROP FUNCTION gone()',
    'REVOKE SELECT ON t FROM anon',
    'ALTER PUBLICATION p ADD TABLE t, u',
  ])('nobody but its author undoes %s', async (text) => {
    expect((await undoing(text)).unknown).toBe(true)
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
    expect(await undoing(text)).toEqual({ way: [], unknown: false, rows: true })
  })
})
