import { describe, expect, test } from 'vitest'
import { claim, claimOf, madeBy } from '../../src/migrations/claims.ts'
import { guardAll } from '../../src/migrations/guards.ts'
import { once, prepareMarks } from '../../src/migrations/once.ts'
import { State } from '../../src/migrations/state.ts'
import { parseStatements, simplify } from '../../src/migrations/statements.ts'
import { readCatalog, readRows } from '../support/catalog.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase('host')

/** A file's statements as they are written, and what remembers that they made something. */
const written = async (sql: string) => {
  const statements = await simplify(await parseStatements(sql, 'test.sql'))
  const things = madeBy(statements, new State())
  const made = { things, mark: (key: string) => claimOf('1', key) }
  return {
    claims: claim(things, new State(), '1'),
    guards: guardAll(statements, (text, at) => once(text, `1.${at}`), new State(), { made }),
  }
}
const guarded = async (sql: string) => {
  const { claims, guards } = await written(sql)
  return [...claims, ...guards].join('\n')
}

/** A statement as drizzle-kit or a person writes it, and its guarded form, or what must be in it. */
const golden: [kind: string, statement: string, guarded: string | string[]][] = [
  ['CREATE SCHEMA', 'CREATE SCHEMA "priv";', 'CREATE SCHEMA IF NOT EXISTS "priv";'],
  ['CREATE EXTENSION', 'CREATE EXTENSION citext;', 'CREATE EXTENSION IF NOT EXISTS citext;'],
  ['CREATE SEQUENCE', 'CREATE SEQUENCE "s1" START WITH 7;', 'CREATE SEQUENCE IF NOT EXISTS "s1" START WITH 7;'],
  ['CREATE STATISTICS', 'CREATE STATISTICS st ON a, o FROM t;', 'CREATE STATISTICS IF NOT EXISTS st ON a, o FROM t;'],
  [
    'CREATE TABLE',
    'CREATE TABLE "t1" ("id" uuid PRIMARY KEY, "n" numeric(10, 2), "m" "mood"[], "at" timestamp(3) with time zone, "v" varchar(20), "s" serial, "c" char(3), "i" interval day, "w" numeric(5));',
    ['CREATE TABLE IF NOT EXISTS "t1" ("id"', 'create table integrations_stated."t1" ("id" uuid NOT NULL,'],
  ],
  ['CREATE TABLE without columns', 'CREATE TABLE "t1" (LIKE t);', 'CREATE TABLE IF NOT EXISTS "t1" (LIKE t);'],
  [
    'CREATE TABLE that is guarded already',
    'CREATE TABLE IF NOT EXISTS "t1" (LIKE t);',
    'CREATE TABLE IF NOT EXISTS "t1" (LIKE t);',
  ],
  ['CREATE TABLE AS', 'CREATE TABLE t1 AS SELECT a FROM t;', 'CREATE TABLE IF NOT EXISTS t1 AS SELECT a FROM t;'],
  [
    'CREATE MATERIALIZED VIEW',
    'CREATE MATERIALIZED VIEW "m1" AS (select a from t) WITH NO DATA;',
    'CREATE MATERIALIZED VIEW IF NOT EXISTS "m1" AS (select a from t) WITH NO DATA;',
  ],
  ['CREATE VIEW', 'CREATE VIEW "v1" AS (select a from t);', 'CREATE OR REPLACE VIEW "v1" AS (select a from t);'],
  [
    'CREATE TYPE',
    `CREATE TYPE "public"."colour" AS ENUM('red', 'it''s $guard$');`,
    ['DO $guard1$', `if not to_regtype('"public"."colour"') is not null`],
  ],
  [
    'CREATE TYPE as drizzle-kit guarded it before 0.26',
    `DO $$ BEGIN\n CREATE TYPE "public"."colour" AS ENUM('red');\nEXCEPTION\n WHEN duplicate_object THEN null;\nEND $$;`,
    [`if not to_regtype('"public"."colour"') is not null`, 'exists with other labels'],
  ],
  ['CREATE TYPE of columns', 'CREATE TYPE pair AS (a int, b int);', [`if not to_regtype('"pair"') is not null`]],
  [
    'CREATE DOMAIN',
    'CREATE DOMAIN positive AS int CHECK (value > 0);',
    [`if not to_regtype('"positive"') is not null`],
  ],
  [
    'ADD VALUE',
    `ALTER TYPE "mood" ADD VALUE 'ok' BEFORE 'sad';`,
    `ALTER TYPE "mood" ADD VALUE IF NOT EXISTS 'ok' BEFORE 'sad';`,
  ],
  ['RENAME VALUE', `ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';`, [`enumlabel = 'sad'`, `enumlabel = 'blue'`]],
  ['RENAME TYPE', 'ALTER TYPE "mood" RENAME TO "temper";', [`to_regtype('"mood"')`, `to_regtype('"temper"')`]],
  ['TYPE SET SCHEMA', 'ALTER TYPE public.mood SET SCHEMA "empty";', [`to_regtype('"empty"."mood"')`]],
  [
    'CREATE INDEX',
    'CREATE INDEX "i1" ON "t" USING btree ("a" DESC NULLS LAST, lower(c)) INCLUDE (o) WHERE a > 1;',
    ['CREATE INDEX IF NOT EXISTS "i1" ON', 'CREATE INDEX "i1" ON integrations_stated."t" USING btree'],
  ],
  [
    'CREATE UNIQUE INDEX',
    'CREATE UNIQUE INDEX "i2" ON "t" USING btree ("a");',
    ['CREATE UNIQUE INDEX IF NOT EXISTS "i2" ON'],
  ],
  [
    'CREATE INDEX USING gin',
    'CREATE INDEX "i3" ON "t" USING gin (j jsonb_path_ops);',
    ['ON integrations_stated."t" USING gin (j jsonb_path_ops)'],
  ],
  [
    'CREATE INDEX with an operator class for one of its columns',
    'CREATE INDEX "i4" ON "t" (c text_pattern_ops, a);',
    ['ON integrations_stated."t" (c text_pattern_ops, a)'],
  ],
  [
    'CREATE POLICY',
    'CREATE POLICY "p" ON "t" AS PERMISSIVE FOR SELECT TO "authenticated" USING (true);',
    'DROP POLICY IF EXISTS "p" ON "t";\nCREATE POLICY "p" ON "t" AS PERMISSIVE FOR SELECT TO "authenticated" USING (true);',
  ],
  [
    'ALTER POLICY',
    'ALTER POLICY "p0" ON "t" TO authenticated USING (false);',
    'ALTER POLICY "p0" ON "t" TO authenticated USING (false);',
  ],
  ['RENAME POLICY', 'ALTER POLICY "p0" ON "t" RENAME TO "p1";', [`polname = 'p0'`, `polname = 'p1'`]],
  [
    'CREATE FUNCTION',
    'CREATE FUNCTION f1() RETURNS int LANGUAGE sql AS $$ select 1; $$;',
    'CREATE OR REPLACE FUNCTION f1() RETURNS int LANGUAGE sql AS $$ select 1; $$;',
  ],
  [
    'CREATE TRIGGER',
    'CREATE TRIGGER tr1 BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();',
    'CREATE OR REPLACE TRIGGER tr1 BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();',
  ],
  [
    'CREATE CONSTRAINT TRIGGER',
    'CREATE CONSTRAINT TRIGGER tr1 AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();',
    ['DROP TRIGGER IF EXISTS "tr1" ON "t";'],
  ],
  ['CREATE RULE', 'CREATE RULE r1 AS ON DELETE TO t DO INSTEAD NOTHING;', ['CREATE OR REPLACE RULE r1']],
  ['CREATE ROLE', 'CREATE ROLE "guard_test_role" WITH NOINHERIT;', [`rolname = 'guard_test_role'`]],
  ['RENAME PUBLICATION', 'ALTER PUBLICATION pub0 RENAME TO pub1;', [`pubname = 'pub0'`, `pubname = 'pub1'`]],
  ['RENAME EVENT TRIGGER', 'ALTER EVENT TRIGGER ev RENAME TO ev1;', [`evtname = 'ev'`, `evtname = 'ev1'`]],
  ['CREATE FOREIGN DATA WRAPPER', 'CREATE FOREIGN DATA WRAPPER w1;', [`fdwname = 'w1'`]],
  [
    'CREATE SERVER',
    'CREATE SERVER s1 FOREIGN DATA WRAPPER w0;',
    'CREATE SERVER IF NOT EXISTS s1 FOREIGN DATA WRAPPER w0;',
  ],
  ['RENAME SERVER', 'ALTER SERVER server0 RENAME TO s1;', [`srvname = 'server0'`, `srvname = 's1'`]],
  [
    'ATTACH PARTITION',
    'ALTER TABLE parted ATTACH PARTITION apart DEFAULT;',
    [`inhrelid = to_regclass('"apart"') and inhparent`],
  ],
  ['DETACH PARTITION', 'ALTER TABLE parted DETACH PARTITION part;', [`if not not exists (select from pg_inherits`]],
  [
    'INHERIT',
    'ALTER TABLE heir INHERIT elder;',
    [`inhrelid = to_regclass('"heir"') and inhparent = to_regclass('"elder"')`],
  ],
  ['NO INHERIT', 'ALTER TABLE child NO INHERIT elder;', [`if not not exists (select from pg_inherits`]],
  ['ADD ATTRIBUTE', 'ALTER TYPE two ADD ATTRIBUTE c int;', [`attrelid = to_regclass('"two"') and attname = 'c'`]],
  ['DROP ATTRIBUTE', 'ALTER TYPE two DROP ATTRIBUTE b;', 'ALTER TYPE two DROP ATTRIBUTE IF EXISTS b;'],
  ['RENAME ATTRIBUTE', 'ALTER TYPE two RENAME ATTRIBUTE b TO c;', [`attname = 'b'`, `attname = 'c'`]],
  ['RENAME COLUMN of a view', 'ALTER VIEW v0 RENAME COLUMN one TO two;', [`attname = 'one'`, `attname = 'two'`]],
  ['CREATE PUBLICATION', 'CREATE PUBLICATION pub1 FOR TABLE t;', [`pubname = 'pub1'`]],
  [
    'ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE "t" ENABLE ROW LEVEL SECURITY;',
    'ALTER TABLE "t" ENABLE ROW LEVEL SECURITY;',
  ],
  [
    'FORCE ROW LEVEL SECURITY',
    'ALTER TABLE "t" FORCE ROW LEVEL SECURITY;',
    'ALTER TABLE "t" FORCE ROW LEVEL SECURITY;',
  ],
  [
    'DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE "t" DISABLE ROW LEVEL SECURITY;',
    'ALTER TABLE IF EXISTS "t" DISABLE ROW LEVEL SECURITY;',
  ],
  [
    'ADD COLUMN',
    `ALTER TABLE "t" ADD COLUMN "b" text DEFAULT 'add column' NOT NULL;`,
    [
      `ALTER TABLE "t" ADD COLUMN IF NOT EXISTS "b" text DEFAULT 'add column' NOT NULL;`,
      `add column "b" text DEFAULT 'add column' NOT NULL`,
    ],
  ],
  ['ADD without COLUMN', `ALTER TABLE "t" ADD "b" int;`, ['ALTER TABLE "t" ADD IF NOT EXISTS "b" int;']],
  [
    'several commands in one ALTER TABLE',
    `ALTER TABLE ONLY "public"."t" ADD COLUMN "b" numeric(4, 2) DEFAULT 1.5, DROP COLUMN c;`,
    [
      'ADD COLUMN IF NOT EXISTS "b" numeric(4, 2) DEFAULT 1.5;',
      'ALTER TABLE IF EXISTS ONLY "public"."t" DROP COLUMN IF EXISTS c;',
    ],
  ],
  [
    'several commands for a table that may be gone',
    'ALTER TABLE IF EXISTS t ADD COLUMN b int, DROP COLUMN c;',
    ['ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS b int;', 'ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS c;'],
  ],
  ['DROP without COLUMN', 'ALTER TABLE "t" DROP "a";', 'ALTER TABLE IF EXISTS "t" DROP IF EXISTS "a";'],
  ['DROP COLUMN', 'ALTER TABLE "t" DROP COLUMN "a";', 'ALTER TABLE IF EXISTS "t" DROP COLUMN IF EXISTS "a";'],
  [
    'RENAME COLUMN',
    'ALTER TABLE "t" RENAME COLUMN "c" TO "d";',
    [`attname = 'c'`, `attname = 'd'`, 'expected exactly one'],
  ],
  ['RENAME TABLE', 'ALTER TABLE "t" RENAME TO "u";', [`to_regclass('"u"') is not null`]],
  ['TABLE SET SCHEMA', 'ALTER TABLE "public"."t" SET SCHEMA "empty";', [`to_regclass('"empty"."t"') is not null`]],
  ['RENAME CONSTRAINT', 'ALTER TABLE t RENAME CONSTRAINT t_check TO t_chk;', [`conname = 't_chk'`]],
  ['RENAME INDEX', 'ALTER INDEX "i0" RENAME TO "i9";', [`to_regclass('"i9"')`]],
  ['RENAME SCHEMA', 'ALTER SCHEMA "empty" RENAME TO "full";', [`to_regnamespace('"full"')`]],
  ['SET DEFAULT', 'ALTER TABLE "t" ALTER COLUMN "a" SET DEFAULT 1;', 'ALTER TABLE "t" ALTER COLUMN "a" SET DEFAULT 1;'],
  ['DROP DEFAULT', 'ALTER TABLE "t" ALTER COLUMN "a" DROP DEFAULT;', [`attname = 'a'`]],
  ['SET NOT NULL', 'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL;', 'ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL;'],
  [
    'DROP NOT NULL',
    'ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL;',
    'ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL;',
  ],
  [
    'SET DATA TYPE',
    'ALTER TABLE "t" ALTER COLUMN "c" SET DATA TYPE varchar(20);',
    [`USING "c"::varchar;`, `USING "c"::text::varchar;`, `= '(20)'`],
  ],
  ['SET DATA TYPE char', 'ALTER TABLE "t" ALTER COLUMN "c" SET DATA TYPE char(3);', [`USING "c"::varchar;`, `= '(3)'`]],
  [
    'SET DATA TYPE with USING',
    `ALTER TABLE t ALTER COLUMN o SET DATA TYPE text USING o || 'x';`,
    [`SET DATA TYPE text USING o || 'x';`],
  ],
  [
    'ADD GENERATED',
    'ALTER TABLE k ALTER COLUMN g ADD GENERATED ALWAYS AS IDENTITY (sequence name "n_seq");',
    [`attidentity = ''`],
  ],
  [
    'SET GENERATED',
    'ALTER TABLE k ALTER COLUMN n SET GENERATED BY DEFAULT;',
    'ALTER TABLE k ALTER COLUMN n SET GENERATED BY DEFAULT;',
  ],
  [
    'DROP IDENTITY',
    'ALTER TABLE k ALTER COLUMN n DROP IDENTITY;',
    'ALTER TABLE IF EXISTS k ALTER COLUMN n DROP IDENTITY IF EXISTS;',
  ],
  [
    'ADD CONSTRAINT',
    'ALTER TABLE "t" ADD CONSTRAINT "t_uq" UNIQUE("a");',
    [`conname = 't_uq'`, `conrelid = to_regclass('"t"')`],
  ],
  ['ADD PRIMARY KEY', 'ALTER TABLE "t" ADD PRIMARY KEY ("a");', [`contype = 'p'`]],
  ['ADD CHECK', 'ALTER TABLE "t" ADD CONSTRAINT "t_ck" CHECK ("t"."c" <> $x$ ok $x$ and a > 0);', [`conname = 't_ck'`]],
  [
    'ADD FOREIGN KEY',
    'ALTER TABLE "t" ADD CONSTRAINT "t_fk" FOREIGN KEY ("o") REFERENCES "public"."organizations"("id") ON DELETE cascade;',
    [`conname = 't_fk'`],
  ],
  [
    'ADD FOREIGN KEY to whatever the other table’s key is',
    'ALTER TABLE t ADD CONSTRAINT t_fk FOREIGN KEY (o) REFERENCES organizations;',
    [`conname = 't_fk'`],
  ],
  ['ADD CONSTRAINT USING INDEX', 'ALTER TABLE k ADD CONSTRAINT k_key UNIQUE USING INDEX k_idx;', [`conname = 'k_key'`]],
  ['VALIDATE CONSTRAINT', 'ALTER TABLE t VALIDATE CONSTRAINT t_late;', 'ALTER TABLE t VALIDATE CONSTRAINT t_late;'],
  [
    'DROP CONSTRAINT',
    'ALTER TABLE "t" DROP CONSTRAINT "t_check";',
    'ALTER TABLE IF EXISTS "t" DROP CONSTRAINT IF EXISTS "t_check";',
  ],
  ['DROP TABLE', 'DROP TABLE "t" CASCADE;', 'DROP TABLE IF EXISTS "t";'],
  ['DROP TYPE', 'DROP TYPE "public"."unused";', 'DROP TYPE IF EXISTS "public"."unused";'],
  ['DROP SCHEMA', 'DROP SCHEMA "empty";', 'DROP SCHEMA IF EXISTS "empty";'],
  ['DROP POLICY', 'DROP POLICY "p0" ON "t" CASCADE;', 'DROP POLICY IF EXISTS "p0" ON "t";'],
  ['DROP INDEX', 'DROP INDEX "i0";', 'DROP INDEX IF EXISTS "i0";'],
  ['DROP VIEW', 'DROP VIEW "v0";', 'DROP VIEW IF EXISTS "v0";'],
  ['DROP FUNCTION', 'DROP FUNCTION touch() CASCADE;', 'DROP FUNCTION IF EXISTS touch() CASCADE;'],
  ['DROP TRIGGER', 'DROP TRIGGER tr0 ON t;', 'DROP TRIGGER IF EXISTS tr0 ON t;'],
  ['DROP SEQUENCE', 'DROP SEQUENCE "s0";', 'DROP SEQUENCE IF EXISTS "s0";'],
  ['DROP ROLE', 'DROP ROLE "guard_test_none";', 'DROP ROLE IF EXISTS "guard_test_none";'],
  ['GRANT', 'GRANT SELECT ON t TO authenticated;', 'GRANT SELECT ON t TO authenticated;'],
  ['COMMENT', `COMMENT ON TABLE t IS 'x';`, `COMMENT ON TABLE t IS 'x';`],
  [
    'INSERT',
    'INSERT INTO t (a) VALUES (7);',
    [`where id = '1.0'`, 'execute $statement$INSERT INTO t (a) VALUES (7)$statement$;'],
  ],
  ['UPDATE', 'UPDATE t SET a = a + 1;', ['execute $statement$UPDATE t SET a = a + 1$statement$;']],
  ['SELECT', `SELECT setval('s0', 42);`, ['execute $statement$SELECT setval']],
  ['DO', `DO $$ begin insert into t (a) values (9); end $$;`, ['execute $statement$DO $$ begin']],
  ['COMMIT', 'COMMIT;', '-- COMMIT: left out, the file is one transaction.'],
]

/** Statements of one file that bear on each other. */
const files: [kind: string, sql: string][] = [
  [
    'an enum type that loses a label',
    `ALTER TABLE t ALTER COLUMN m SET DATA TYPE text; ALTER TABLE t ALTER COLUMN m SET DEFAULT 'sad'::text; DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE t ALTER COLUMN m SET DEFAULT 'sad'::mood; ALTER TABLE t ALTER COLUMN m SET DATA TYPE mood USING m::mood;`,
  ],
  [
    'a type change whose default changes too',
    `ALTER TABLE t ALTER COLUMN c SET DATA TYPE integer; ALTER TABLE t ALTER COLUMN c SET DEFAULT 5;`,
  ],
  [
    'a column replaced by way of another',
    `ALTER TABLE t ADD COLUMN x text; UPDATE t SET x = a::text || '!'; ALTER TABLE t DROP COLUMN a; ALTER TABLE t RENAME COLUMN x TO a;`,
  ],
  [
    'a table made, filled and renamed',
    `CREATE TABLE t_new (a int); INSERT INTO t_new SELECT a FROM t; DROP TABLE t; ALTER TABLE t_new RENAME TO t;`,
  ],
  [
    'a column added, then retyped',
    `ALTER TABLE t ADD COLUMN b int DEFAULT 7; ALTER TABLE t ALTER COLUMN b SET DATA TYPE bigint;`,
  ],
  [
    'a column altered, then dropped',
    `ALTER TABLE t ALTER COLUMN c DROP NOT NULL; UPDATE t SET c = '1'; ALTER TABLE t DROP COLUMN c;`,
  ],
  [
    'a table altered, then renamed',
    `ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t RENAME TO u; ALTER TABLE u ADD COLUMN late int;`,
  ],
  [
    'a column dropped and made anew',
    `ALTER TABLE t DROP COLUMN c; ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (n * 2) STORED;`,
  ],
]

/** Statements that state an end, not a step: they run again as they are. */
const asTheyAre = [
  'GRANT guard_test_none TO CURRENT_USER;',
  'REVOKE ALL ON t FROM PUBLIC;',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO guard_test_none;',
  'ALTER FUNCTION touch() SECURITY DEFINER;',
  'ALTER TABLE t OWNER TO guard_test_none;',
  'ALTER SEQUENCE s0 INCREMENT BY 3;',
  'ALTER ROLE guard_test_none NOINHERIT;',
  `ALTER ROLE guard_test_none SET work_mem = '8MB';`,
  `SET LOCAL work_mem = '8MB';`,
  'SHOW work_mem;',
  'LOCK TABLE t IN SHARE MODE;',
  'ANALYZE t;',
  'REINDEX TABLE t;',
  'CLUSTER k USING k_idx;',
  'CHECKPOINT;',
  'SET CONSTRAINTS ALL DEFERRED;',
  'LISTEN guard_test;',
  'UNLISTEN guard_test;',
  `LOAD 'plpgsql';`,
  'EXPLAIN SELECT 1;',
  'REFRESH MATERIALIZED VIEW stored;',
  'ALTER STATISTICS known SET STATISTICS 50;',
  'ALTER EXTENSION plpgsql UPDATE;',
  'ALTER TRIGGER tr0 ON t DEPENDS ON EXTENSION plpgsql;',
  'ALTER COLLATION german REFRESH VERSION;',
  'ALTER TEXT SEARCH DICTIONARY words (StopWords);',
  'ALTER OPERATOR === (int, int) SET (RESTRICT = eqsel);',
  'ALTER EVENT TRIGGER ev DISABLE;',
  'REASSIGN OWNED BY guard_test_none TO CURRENT_USER;',
  'DROP OWNED BY guard_test_none;',
  'ALTER TABLE t ALTER COLUMN c SET STATISTICS 5;',
  'ALTER TABLE t ALTER COLUMN c SET STORAGE MAIN;',
  'ALTER TABLE t ALTER COLUMN a SET (n_distinct = 3);',
  'ALTER TABLE t SET (fillfactor = 70);',
  'ALTER TABLE t RESET (fillfactor);',
  'ALTER TABLE t REPLICA IDENTITY FULL;',
  'ALTER TABLE k CLUSTER ON k_idx;',
  'ALTER TABLE t SET UNLOGGED;',
  'ALTER TABLE t VALIDATE CONSTRAINT t_late;',
  'ALTER TABLE t DISABLE TRIGGER tr0;',
  'ALTER TABLE t ENABLE ALWAYS TRIGGER tr0;',
  'ALTER TABLE t DISABLE TRIGGER ALL;',
  'ALTER TABLE t ENABLE TRIGGER USER;',
  'ALTER TYPE two ALTER ATTRIBUTE a TYPE bigint;',
  'ALTER TABLE k ALTER CONSTRAINT k_self DEFERRABLE INITIALLY DEFERRED;',
]

const setUp = `
  create type mood as enum ('sad', 'glad');
  create table t (a int, o uuid, c text default '5', j jsonb, n int not null default 1, m mood default 'sad', constraint t_check check (a > 0));
  alter table t add constraint t_late check (n > 0) not valid;
  create table k (g int not null, n int generated always as identity);
  create type unused as enum ('x');
  create role guard_test_none;
  insert into t (a, c) values (1, '12'), (2, '13');
  create index i0 on t (a);
  create unique index k_idx on k (g);
  alter table k add constraint k_self foreign key (n) references k (g);
  create policy p0 on t for select using (true);
  create view v0 as select 1 as one;
  create sequence s0;
  create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
  create trigger tr0 before update on t for each row execute function touch();
  create schema empty;
  create materialized view stored as select 1 as one;
  create statistics known on g, n from k;
  create collation german (provider = icu, locale = 'de');
  create text search dictionary words (template = simple);
  create operator === (leftarg = int, rightarg = int, function = int4eq);
  create function noop() returns event_trigger language plpgsql as $$ begin end $$;
  create event trigger ev on ddl_command_end execute function noop();
  create publication pub0;
  create foreign data wrapper w0; create server server0 foreign data wrapper w0;
  create table parted (g int not null, n int not null) partition by list (g);
  create table part partition of parted for values in (1);
  create table apart (g int not null, n int not null);
  create table elder (z int); create table heir (z int); create table child () inherits (elder);
  create type two as (a int, b text);
  ${prepareMarks}`

type Sql = typeof t.admin
const state = async (sql: Sql) => ({ ...(await readCatalog(sql)), rows: await readRows(sql) })

/** The states after the statement itself, after its guarded form, and after that form ran again. */
async function states(statement: string, text: string): Promise<unknown[]> {
  const found: unknown[] = []
  const undo = new Error('undo')
  const undone = (error: unknown) => {
    if (error !== undo) throw error
  }
  await t.admin
    .begin(async (tx) => {
      await tx.unsafe(setUp)
      const sql = tx as unknown as Sql
      await tx
        .savepoint(async (nested) => {
          await nested.unsafe(statement)
          found.push(await state(nested as unknown as Sql))
          throw undo
        })
        .catch(undone)
      for (const _run of ['first', 'second']) {
        await tx.unsafe(text)
        found.push(await state(sql))
      }
      throw undo
    })
    .catch(undone)
  return found
}

const marks = ({ rows, ...rest }: { rows: Record<string, unknown> }) => ({
  ...rest,
  rows: { ...rows, 'integrations_once.statements': null },
})

describe('the guarded form of', () => {
  test.each(golden)(
    '%s does what the statement says, and nothing the second time',
    async (_kind, statement, expected) => {
      const text = await guarded(statement)
      if (typeof expected === 'string') expect(text.endsWith(expected), text).toBe(true)
      else for (const part of expected) expect(text).toContain(part)
      // COMMIT would end the transaction that this test undoes; its guarded form is a comment.
      const raw = statement === 'COMMIT;' ? 'select 1' : /SET DATA TYPE/.test(statement) ? text : statement
      const [original, once, twice] = (await states(raw, text)) as Parameters<typeof marks>[0][]
      if (original && once) expect(marks(once)).toEqual(marks(original))
      expect(twice).toEqual(once)
    },
  )

  test.each(asTheyAre)('%s is the statement itself, which does nothing the second time', async (statement) => {
    expect(await guarded(statement)).toBe(statement)
    const [original, once, twice] = await states(statement, statement)
    expect([once, twice]).toEqual([original, original])
  })

  test.each(files)('%s, statement by statement, does nothing the second time', async (_kind, sql) => {
    const [, once, twice] = await states('select 1', await guarded(sql))
    expect(twice).toEqual(once)
  })
})

describe('where IF NOT EXISTS would accept something else, the file fails and says found and expected:', () => {
  test.each([
    [
      'a table with a column of another type',
      'CREATE TABLE "t" ("a" text, "zz" int);',
      /"public"\."t" exists, but a is integer instead of text, zz is missing instead of integer, .*c is text default '5'::text instead of not stated/,
    ],
    [
      'a column of another type',
      'ALTER TABLE "t" ADD COLUMN "c" numeric(5, 2);',
      /c is text default '5'::text instead of numeric\(5,2\)/,
    ],
    [
      'a column of another length',
      'ALTER TABLE "t" ADD COLUMN "w" varchar(20);',
      /w is character varying\(10\) instead of character varying\(20\)/,
    ],
    [
      'an enum type with other labels',
      `CREATE TYPE "mood" AS ENUM ('sad', 'angry');`,
      /found \{sad,glad\}, expected \{sad,angry\}/,
    ],
    [
      'an index on another column',
      'CREATE INDEX "i0" ON "t" ("o");',
      /index "public"\."i0" is another one: found CREATE INDEX i0 ON public\.t USING btree \(a\), expected CREATE INDEX "i0" ON "t" \("o"\)/,
    ],
    ['an index of another method', 'CREATE INDEX "i0" ON "t" USING hash ("a");', /is another one/],
    ['an index in another order', 'CREATE INDEX "i0" ON "t" ("a" DESC);', /is another one/],
    ['an index of some rows', 'CREATE INDEX "i0" ON "t" ("a") WHERE a > 5;', /is another one/],
    ['a unique index', 'CREATE UNIQUE INDEX "i0" ON "t" ("a");', /is another one/],
    ['an index on another table', 'CREATE INDEX "i0" ON "organizations" ("id");', /is another one/],
    [
      'an INVALID index',
      'CREATE INDEX "broken" ON "t" ("a");',
      /found CREATE INDEX broken ON public\.t USING btree \(a\) \(INVALID\)/,
    ],
    [
      'another kind of constraint',
      'ALTER TABLE "t" ADD CONSTRAINT "t_check" UNIQUE ("a");',
      /another constraint of this name: found t_check CHECK \(\(a > 0\)\), expected ALTER TABLE "t" ADD/,
    ],
    [
      'a check of another column',
      'ALTER TABLE "t" ADD CONSTRAINT "t_check" CHECK (n > 0);',
      /another constraint of this name/,
    ],
    [
      'a foreign key that does something else on delete',
      'ALTER TABLE "t" ADD CONSTRAINT "fk" FOREIGN KEY ("o") REFERENCES "organizations"("id") ON DELETE cascade;',
      /found fk FOREIGN KEY/,
    ],
    ['another primary key', 'ALTER TABLE "keyed" ADD PRIMARY KEY ("b");', /found keyed_pkey PRIMARY KEY \(a\)/],
    ['both ends of a rename', 'ALTER TABLE "t" RENAME COLUMN "a" TO "c";', /expected exactly one of the two to exist/],
    [
      'neither end of a rename',
      "ALTER TYPE \"mood\" RENAME VALUE 'x' TO 'y';",
      /expected exactly one of the two to exist/,
    ],
    [
      'rows that hold a label which goes',
      `ALTER TABLE t ALTER COLUMN m SET DATA TYPE text; ALTER TABLE t ALTER COLUMN m DROP DEFAULT; DROP TYPE mood; CREATE TYPE mood AS ENUM ('glad'); ALTER TABLE t ALTER COLUMN m SET DATA TYPE mood USING m::mood;`,
      /2 rows of "t"\."m" hold what type "?mood"? does not have: sad/,
    ],
  ])('%s', async (_what, sql, message) => {
    const text = await guarded(sql)
    await expect(
      t.admin.begin(async (tx) => {
        await tx.unsafe(setUp)
        await tx.unsafe(`
          alter table t add column w varchar(10), add constraint fk foreign key (o) references organizations (id);
          create table keyed (a int primary key, b int);
          create index broken on t (a);
          update pg_index set indisvalid = false where indexrelid = 'broken'::regclass`)
        await tx.unsafe(text)
      }),
    ).rejects.toThrow(message)
  })
})

test('a type whose modifier the catalog keeps in a form of its own is changed for all that, and twice makes no difference', async () => {
  const text = await guarded('ALTER TABLE spans ALTER COLUMN i SET DATA TYPE interval day;')
  const types = await t.admin
    .begin(async (tx) => {
      await tx`create table spans (i interval)`
      const found: unknown[] = []
      for (const _run of ['first', 'second']) {
        await tx.unsafe(text)
        found.push(
          (
            await tx`select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = 'spans'::regclass and attname = 'i'`
          )[0]?.type,
        )
      }
      throw Object.assign(new Error('undo'), { found })
    })
    .catch(({ found }) => found)
  expect(types).toEqual(['interval day', 'interval day'])
  expect(await guarded('ALTER TABLE t1 ALTER COLUMN p SET DATA TYPE geo.geometry(Point, 4326);')).toContain(
    'not (false)',
  )
  expect(await guarded('ALTER TABLE t ALTER COLUMN i SET DATA TYPE interval day USING f(i);')).toContain(
    `not (atttypid = to_regtype('interval'))`,
  )
})

describe('a statement that no file can hold', () => {
  test.each([
    ['VACUUM', 'vacuum;', /^test\.sql:1: VACUUM .*leave it to autovacuum/],
    ['CREATE DATABASE', '\n\ncreate database d;', /^test\.sql:3: CREATE DATABASE .*before its migrations run/],
    ['ALTER SYSTEM', 'alter system set work_mem = 1;', /ALTER ROLE … SET/],
    ['REINDEX CONCURRENTLY', 'reindex (concurrently) table t;', /without CONCURRENTLY/],
    ['DETACH PARTITION CONCURRENTLY', 'alter table p detach partition c concurrently;', /without CONCURRENTLY/],
    ['COPY FROM STDIN', 'copy t from stdin;', /write INSERT/],
    ['PREPARE', 'prepare p as select 1;', /write the statement itself/],
    ['of great length, of which the beginning is shown', `vacuum ${'t, '.repeat(99)} t`, /vacuum (t, ){64}t… \(/],
    ['that is no SQL', 'creat table t ();', /^test\.sql: PostgreSQL's parser refuses it/],
  ])('%s is refused with file, line, statement and what to write instead', async (_what, sql, message) => {
    const refused = await guarded(sql).catch((error) => error)
    expect(refused).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
    expect(refused.message).not.toContain('src/')
  })

  test.each([
    'create cast (mood as int) with inout',
    'alter language plpgsql rename to g',
    'alter function f() set schema s',
    'alter extension e add function f()',
    'alter publication p add table t',
  ])('but one without a catalog to ask runs once: %s', async (sql) => {
    expect(await guarded(sql)).toContain(`if not exists (select from integrations_once.statements where id = '1.0')`)
  })

  test('and one that its author vouches for runs as it is, which the file says', async () => {
    const sql = '-- why\n-- integrations-db: runs twice\nvacuum t;'
    expect(await guarded(sql)).toBe(
      '-- Runs as it is: its author vouches for it in test.sql:3.\n-- why\n-- integrations-db: runs twice\nvacuum t;',
    )
    expect(await guarded(sql.replace(': runs', ' runs')).catch((error) => error.code)).toBe('invalid_input')
  })

  test.each([
    ['create index on t (a)', 'CREATE INDEX IF NOT EXISTS "t_a_idx" on t (a)'.replace('CREATE INDEX', 'create index')],
    ['alter table t add unique (a, b)', 'alter table t add CONSTRAINT "t_a_b_key" unique (a, b)'],
    ['alter table t add foreign key (a) references u (id)', 'add CONSTRAINT "t_a_fkey" foreign key'],
  ])('one without a name gets the one that PostgreSQL gives: %s', async (sql, part) => {
    expect(await guarded(sql)).toContain(part)
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
