import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgEnum, pgTable, text, varchar } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { build } from '../../src/migrations/build.ts'
import {
  type BuiltFile,
  built,
  builtFiles,
  inDatabase,
  type Project,
  runFile,
  type Step,
  tryFiles,
  urlOf,
  useProjects,
} from '../support/projects.ts'

const project = useProjects()

const t = (columns: object = {}, extras: unknown[] = [], name = 't') =>
  pgTable(name, { id: integer('id').primaryKey(), a: text('a'), ...columns } as never, () => extras as never)
const base = { t: t() }
const sqlVarchar = (length: number) => varchar('a', { length })
const names = (files: BuiltFile[]) => files.map(({ name }) => name)
const attempt = (files: BuiltFile[]) => inDatabase((db) => tryFiles(db, files))

describe('a custom migration', () => {
  test('runs once, keeps its comments, and is undone by the file beside it', async () => {
    const files = await built(
      await project([
        { schema: base },
        {
          sql: `-- why: everybody starts with one\nINSERT INTO t VALUES (1, 'x');\n--> statement-breakpoint\n/* and a function */\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ select 1; -- inside\n$$;\n-- the end\n`,
          rollback: `DROP FUNCTION f();\nDELETE FROM t WHERE id = 1;`,
        },
      ]),
    )
    const { up } = files[1] as BuiltFile
    for (const comment of ['-- why: everybody', '/* and a function */', '-- inside', '-- the end'])
      expect(up).toContain(comment)
    expect((await attempt(files)).problems).toEqual([])
  })

  test('that only creates is undone without a file: what it made was not there before', async () => {
    const files = await built(
      await project([
        { schema: base },
        {
          sql: `CREATE TABLE by_hand (a int); CREATE INDEX by_hand_idx ON by_hand (a);
            CREATE INDEX lower_idx ON t (lower(a)); CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ begin return new; end $$;
            CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE TYPE pair AS ENUM ('a'); CREATE SEQUENCE s;
            ALTER TABLE t ADD CONSTRAINT ex EXCLUDE USING btree (a WITH =); ALTER TABLE t ADD COLUMN by_hand text;
            ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (true); CREATE DOMAIN short AS text;
            CREATE SCHEMA apart; CREATE TABLE apart.copied AS SELECT 1 AS n; CREATE INDEX far_idx ON apart.copied (n);
            CREATE MATERIALIZED VIEW apart.stored AS SELECT a FROM t; CREATE EXTENSION IF NOT EXISTS btree_gin;
            CREATE EXTENSION btree_gist;
            CREATE POLICY own ON by_hand USING (true); GRANT SELECT ON by_hand TO anon; COMMENT ON TABLE by_hand IS 'x';
            COMMENT ON COLUMN by_hand.a IS 'y'; ALTER TABLE by_hand REPLICA IDENTITY FULL;`,
        },
      ]),
    )
    // A type by hand is known to no snapshot either.
    expect((await attempt(files)).problems).toEqual([])
  })

  test.each([
    ['DO $$ begin perform 1; end $$;'],
    ['REVOKE SELECT ON t FROM anon;'],
    ['ALTER TABLE t SET TABLESPACE pg_default;'],
    ['ALTER TABLE t ALTER COLUMN by_hand SET NOT NULL;'],
  ])(
    'whose reverse only its author knows has a rollback that refuses, says so and changes nothing: %s',
    async (statement) => {
      const files = await built(await project([{ schema: base }, { sql: statement }]))
      const { down } = files[1] as BuiltFile
      await inDatabase(async (db) => {
        await runFile(db, files[0]?.up ?? '')
        await db`alter table t add by_hand text`
        await runFile(db, files[1]?.up ?? '')
        await expect(runFile(db, down)).rejects.toMatchObject({
          message: expect.stringMatching(/^0001_step cannot be rolled back: nobody but its author knows /),
          hint: expect.stringContaining(
            'write 0001_step.rollback.sql beside 0001_step.sql and run integrations-db build',
          ),
        })
      })
    },
  )

  test('that replaces, grants or comments goes back to what the earlier files made', async () => {
    const f = (n: number) => `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ select ${n} $$;`
    const files = await built(
      await project([
        { schema: base },
        {
          sql: `${f(1)} CREATE VIEW v AS SELECT a FROM t; COMMENT ON TABLE t IS 'old'; CREATE POLICY p ON t USING (a = 'x');
            CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ begin return new; end $$;
            CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();`,
        },
        {
          sql: `${f(2)} DROP VIEW v; CREATE VIEW v AS SELECT id, a FROM t; COMMENT ON TABLE t IS 'new';
            COMMENT ON COLUMN t.a IS 'a'; GRANT SELECT ON v TO anon; ALTER TABLE t REPLICA IDENTITY FULL;
            ALTER POLICY p ON t TO anon USING (a = 'y'); DROP TRIGGER tr ON t;
            ALTER FUNCTION touch() RENAME TO touched; GRANT anon TO authenticated;`,
        },
        {
          sql: 'DROP FUNCTION f(); DROP VIEW v; DROP POLICY p ON t; DROP FUNCTION touched(); REVOKE anon FROM authenticated;',
        },
      ]),
    )
    expect((await attempt(files)).problems).toEqual([])
  })

  test('with a refusing rollback takes a file beside it later, once the refusal is deleted', async () => {
    const made = await project([{ schema: base }, { sql: 'DO $$ begin grant select on t to anon; end $$;' }])
    const [, custom] = await built(made)
    writeFileSync(join(made.drizzle, '0001_step.rollback.sql'), 'REVOKE SELECT ON t FROM anon;')
    await expect(build(made)).rejects.toMatchObject({ code: 'conflict' })
    rmSync(join(made.supabase, 'rollbacks', custom?.name ?? ''))
    const files = await built(made)
    expect(files[1]?.up).toBe(custom?.up)
    await inDatabase(async (db) => {
      for (const { up } of files) await runFile(db, up)
      await runFile(db, files[1]?.down ?? '')
      const [row] = await db`select has_table_privilege('anon', 't', 'select') as granted`
      expect(row?.granted).toBe(false)
    })
  })

  test('whose author vouches for a statement is undone by the file that the comment names', async () => {
    const sql = `CREATE TABLE more (a int);
      -- integrations-db: runs twice
      -- integrations-db: undone by f.sql
      DO $$ begin execute 'create or replace function f() returns int language sql as $f$ select 1 $f$'; end $$;`
    const made = await project([{ schema: base }, { sql }])
    await expect(build(made)).rejects.toThrow(/0001_step\.sql: names f\.sql as what undoes a statement.*write it there/)
    writeFileSync(join(made.drizzle, 'f.sql'), 'DROP FUNCTION IF EXISTS f();')
    const files = await built(made)
    expect(files[1]?.up).toContain('-- Runs as it is: its author vouches for it in 0001_step.sql:')
    expect((await attempt(files)).problems).toEqual([])
  })

  test('that changes rows says in its rollback that they do not come back, and rollback asks for --yes', async () => {
    const made = await project([{ schema: base }, { sql: `\nUPDATE t SET a = 'gone';` }])
    const files = await built(made)
    expect(files[1]?.down).toContain('-- data loss: the rows as they were before 0001_step.sql:2\n')
    expect((await attempt(files)).problems).toEqual([])
    await inDatabase(async (db) => {
      const url = urlOf(db)
      await migrate({ url, supabase: made.supabase })
      await expect(rollback({ url, supabase: made.supabase, steps: 1 })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/the rows as they were before 0001_step\.sql:2.*--yes/),
      })
      await rollback({ url, supabase: made.supabase, steps: 2, acceptDataLoss: true })
    })
  })

  test('whose own way back deletes rows says which in its header, and rollback asks for --yes', async () => {
    const rollbackSql = `DELETE FROM t WHERE a = 'new';\nTRUNCATE t;`
    const made = await project([{ schema: base }, { sql: `INSERT INTO t VALUES (1, 'new');`, rollback: rollbackSql }])
    const files = await built(made)
    expect(files[1]?.down.match(/^-- data loss: .*$/gm)).toEqual([
      `-- data loss: the rows that go with DELETE FROM t WHERE a = 'new'`,
      '-- data loss: the rows that go with TRUNCATE t',
    ])
    await inDatabase(async (db) => {
      const url = urlOf(db)
      await migrate({ url, supabase: made.supabase })
      await expect(rollback({ url, supabase: made.supabase, steps: 1 })).rejects.toMatchObject({ code: 'conflict' })
      expect(await db`select from t`).toHaveLength(1)
    })
  })

  test.each([
    ['a statement of a kind that cannot run twice', 'VACUUM t;', /0001_step\.sql:1: VACUUM/],
    ['no SQL', 'SELEC 1;', /0001_step\.sql.*parser refuses/],
  ])('with %s is refused, and nothing is written', async (_what, statement, message) => {
    const made = await project([{ schema: base }, { sql: statement }])
    await expect(build(made)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
    expect(() => readdirSync(made.supabase)).toThrow('ENOENT')
  })
})

describe('data', () => {
  test('that a migration or its rollback drops is named in the rollback’s header', async () => {
    const other = pgTable('other', { id: integer('id').primaryKey() })
    const files = await built(
      await project([
        { schema: { ...base, other } },
        { schema: { t: pgTable('t', { id: integer('id').primaryKey() }) } },
      ]),
    )
    const losses = (text: string | undefined) => text?.match(/^-- data loss: .*$/gm)
    expect(losses(files[0]?.down)).toEqual([
      '-- data loss: every row of public.t',
      '-- data loss: every row of public.other',
    ])
    expect(losses(files[1]?.down)).toEqual([
      '-- data loss: the rows public.other had before it was dropped',
      '-- data loss: the values public.t.a had before it was dropped',
    ])
  })

  test('that still uses an enum label stops the rollback that takes it away, with the number of rows', async () => {
    const mood = pgEnum('mood', ['sad'])
    const more = pgEnum('mood', ['sad', 'glad'])
    const files = await built(
      await project([
        { schema: { mood, t: pgTable('t', { m: mood('m').default('sad'), list: mood('list').array() }).enableRLS() } },
        { schema: { more, t: pgTable('t', { m: more('m').default('sad'), list: more('list').array() }).enableRLS() } },
      ]),
    )
    await inDatabase(async (db) => {
      for (const { up } of files) await runFile(db, up)
      await db`alter table t force row level security`
      await db`insert into t values ('glad'), ('sad'), ('glad')`
      await expect(runFile(db, files[1]?.down ?? '')).rejects.toMatchObject({
        message: '2 rows of "public"."t"."m" hold what type "public"."mood" does not have: glad',
      })
      await db`update t set m = 'sad'`
      await db`update t set list = '{sad,glad}' where ctid = (select min(ctid) from t)`
      await expect(runFile(db, files[1]?.down ?? '')).rejects.toThrow('1 rows of "public"."t"."list"')
      await db`update t set list = null`
      await runFile(db, files[1]?.down ?? '')
      expect((await db`select distinct m::text from t`).map(({ m }) => m)).toEqual(['sad'])
    })
  })

  test('too long for the type a column goes back to is an error, not cut off', async () => {
    const wide = { t: pgTable('t', { a: text('a') }) }
    const files = await built(
      await project([
        { sql: 'CREATE TABLE t (a varchar(3));', schema: { t: pgTable('t', { a: sqlVarchar(3) }) } },
        { schema: wide },
      ]),
    )
    await inDatabase(async (db) => {
      for (const { up } of files) await runFile(db, up)
      await db`insert into t values ('abcdef')`
      await expect(runFile(db, files[1]?.down ?? '')).rejects.toThrow('value too long for type character varying(3)')
      expect([...(await db`select a from t`)]).toEqual([{ a: 'abcdef' }])
    })
  })
})

describe('files that drizzle-kit wrote before 0.26', () => {
  test('with their guards in DO blocks run twice and roll back', async () => {
    const files = await built(
      await project([
        {
          schema: { few: pgEnum('mood', ['sad']), t: t({}, [index('t_a_idx').on(sql`a`)]), u: t({}, [], 'u') },
          sql: `DO $$ BEGIN
 CREATE TYPE "public"."mood" AS ENUM('sad');
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "t" ("id" integer PRIMARY KEY NOT NULL, "a" text);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "u" ("id" integer PRIMARY KEY NOT NULL, "a" text);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "t_a_idx" ON "t" USING btree (a);`,
        },
        {
          schema: {
            few: pgEnum('mood', ['sad']),
            t: pgTable('t', { id: integer('id').primaryKey(), a: text('a') }, (its) => [
              index('t_a_idx').on(sql`a`),
              foreignKey({
                name: 't_fk',
                columns: [its.id],
                foreignColumns: [(t({}, [], 'u') as never as { id: never }).id],
              }),
            ]),
            u: t({}, [], 'u'),
          },
          sql: `DO $$ BEGIN
 ALTER TABLE "t" ADD CONSTRAINT "t_fk" FOREIGN KEY ("id") REFERENCES "public"."u"("id") ON DELETE no action ON UPDATE no action;
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;`,
        },
      ]),
    )
    expect(names(files).at(-1)).toContain('_validate')
    expect((await attempt(files)).problems).toEqual([])
  })
})

describe('a migration is cut into files', () => {
  test('where it uses an enum label it adds: the label comes first, one second before the rest', async () => {
    const mood = pgEnum('mood', ['sad'])
    const more = pgEnum('mood', ['sad', 'glad'])
    const files = await built(
      await project([
        { schema: { mood, t: pgTable('t', { m: mood('m').default('sad') }) } },
        { schema: { more, t: pgTable('t', { m: more('m').default('glad') }) } },
        { schema: { more, t: pgTable('t', { m: more('m').default('glad') }), u: t({}, [], 'u') } },
      ]),
    )
    expect(names(files)).toEqual([
      '20260101000000_step.sql',
      '20260101000100_step_enum_values.sql',
      '20260101000101_step.sql',
      '20260101000200_step.sql',
    ])
    expect((await attempt(files)).problems).toEqual([])
  })

  test('and the next version is later than all of them', async () => {
    const other = t({}, [], 'u')
    const steps = [
      { schema: base },
      { schema: { t: t({}, [check('c', sql.raw('id > 0'))]) } },
      { schema: { t: t({}, [check('c', sql.raw('id > 0'))]), other } },
    ]
    const made = await project(steps)
    const journal = join(made.drizzle, 'meta', '_journal.json')
    writeFileSync(
      journal,
      readFileSync(journal, 'utf8').replaceAll(/"when": \d+/g, `"when": ${Date.UTC(2025, 11, 31, 23, 59, 59)}`),
    )
    expect(names(await built(made))).toEqual([
      '20251231235959_step.sql',
      '20260101000000_step.sql',
      '20260101000001_step_validate.sql',
      '20260101000002_step.sql',
    ])
  })

  test('where it builds an index concurrently: a file of its own, marked in its first line, that fixes an interrupted build', async () => {
    const made = await project([
      { schema: base },
      { schema: { t: t({ b: integer('b') }, [index('i').on(sql`a`).concurrently()]) } },
    ])
    const files = await built(made)
    expect(names(files)).toEqual([
      '20260101000000_step.sql',
      '20260101000100_step.sql',
      '20260101000101_step_concurrently.sql',
    ])
    const concurrent = files[2] as BuiltFile
    expect(concurrent.up.split('\n')[0]).toBe('-- integrations-db: no transaction')
    expect((await attempt(files)).problems).toEqual([])
    await inDatabase(async (db) => {
      await migrate({ url: urlOf(db), supabase: made.supabase })
      await db`update pg_index set indisvalid = false where indexrelid = 'i'::regclass`
      await runFile(db, concurrent.up)
      const [row] = await db`select indisvalid from pg_index where indexrelid = 'i'::regclass`
      expect(row?.indisvalid).toBe(true)
      expect(await rollback({ url: urlOf(db), supabase: made.supabase, steps: 3, acceptDataLoss: true })).toMatchObject(
        {
          rolledBack: names(files).reverse(),
        },
      )
    })
  })

  test('of its own for each index that is built or dropped beside other work', async () => {
    const made = await project([
      { schema: { t: t({}, [index('old').on(sql`a`)]) } },
      {
        schema: { t: t({}, [index('i').on(sql`a`), index('j').on(sql`id`)]) },
        sql: 'CREATE INDEX CONCURRENTLY i ON t (a); CREATE INDEX CONCURRENTLY j ON t (id); DROP INDEX CONCURRENTLY old;',
      },
    ])
    const files = await built(made)
    expect(names(files).slice(2)).toEqual([1, 2, 3].map((n) => `2026010100010${n}_step_concurrently_${n}.sql`))
    expect((await attempt(files)).problems).toEqual([])
  })

  test('but not before a rename that takes away the name to validate by', async () => {
    const files = await built(
      await project([
        { schema: base },
        {
          schema: { u: t({}, [check('c', sql.raw('"u"."id" > 0'))], 'u') },
          sql: 'ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0); ALTER TABLE t RENAME TO u;',
        },
      ]),
    )
    expect(files).toHaveLength(2)
    expect(files[1]?.up).not.toMatch(/ NOT VALID;/)
    expect((await attempt(files)).problems).toEqual([])
  })

  test('and one that renames a type, adds a label to it and uses that is refused, since neither file could name it', async () => {
    const made = await project([
      { schema: { mood: pgEnum('mood', ['sad']), t: t() } },
      {
        schema: { mood: pgEnum('temper', ['sad', 'glad']), t: t() },
        sql: `ALTER TYPE mood RENAME TO temper; ALTER TYPE temper ADD VALUE 'glad'; INSERT INTO t VALUES (1, 'glad');`,
      },
    ])
    await expect(build(made)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/0001_step\.sql:1: a type renamed or moved.*generate two migrations/),
    })
  })

  test('where a foreign key or check is added to an earlier file’s table: NOT VALID first, validated in the following file', async () => {
    const u = t({}, [], 'u')
    const pointing = pgTable('t', { id: integer('id').primaryKey(), a: text('a') }, (its) => [
      foreignKey({ name: 'fk', columns: [its.id], foreignColumns: [(u as never as { id: never }).id] }),
      check('c', sql.raw('id > 0')),
    ])
    const files = await built(await project([{ schema: { ...base, u } }, { schema: { t: pointing, u } }]))
    expect(names(files).at(-1)).toBe('20260101000101_step_validate.sql')
    const [, add, validate] = files
    expect(add?.up.match(/NOT VALID;/g)).toHaveLength(2)
    expect(add?.up).not.toContain('VALIDATE')
    expect(validate?.up.match(/^ALTER TABLE "t" VALIDATE CONSTRAINT "(fk|c)";$/gm)).toHaveLength(2)
    expect((await attempt(files)).problems).toEqual([])
  })

  test('and not where the table is new', async () => {
    const files = await built(await project([{ schema: { t: t({}, [check('c', sql.raw('id > 0'))]) } }]))
    expect(files).toHaveLength(1)
    expect(files[0]?.up).not.toMatch(/ NOT VALID;/)
  })
})

describe('what snapshots cannot tell', () => {
  const old = pgEnum('mood', ['sad', 'ok'])
  const now = pgEnum('mood', ['sad', 'well'])
  const steps = (more: Partial<Step>): Step[] => [
    { schema: { old, t: pgTable('t', { m: old('m').default('ok'), a: text('a') }) } },
    {
      schema: { now, u: pgTable('u', { m: now('m').default('well'), b: text('b') }) },
      sql: '-- see the renames',
      ...more,
    },
  ]

  test('a file of renames does: rows keep their values, up and down', async () => {
    const files = await built(
      await project(
        steps({
          renames: {
            tables: { 'public.t': 'u' },
            columns: { 'public.u.a': 'b' },
            labels: { 'public.mood.ok': 'well' },
          },
        }),
      ),
    )
    expect((await attempt(files)).problems).toEqual([])
    await inDatabase(async (db) => {
      await runFile(db, files[0]?.up ?? '')
      await db`insert into t (a) values ('kept')`
      await runFile(db, files[1]?.up ?? '')
      expect([...(await db`select m::text, b from u`)]).toEqual([{ m: 'well', b: 'kept' }])
      await runFile(db, files[1]?.down ?? '')
      expect([...(await db`select m::text, a from t`)]).toEqual([{ m: 'ok', a: 'kept' }])
    })
  })

  test('a rollback never drops a table or column that its migration did not create', async () => {
    const files = await built(await project(steps({})))
    await inDatabase(async (db) => {
      await runFile(db, files[0]?.up ?? '')
      await db`insert into t (a) values ('kept')`
      await db`create table u (b text)`
      for (const run of [files[1]?.up, files[1]?.down]) await runFile(db, run ?? '')
      expect([...(await db`select m::text, a, (select count(*)::int from u) as u from t`)]).toEqual([
        { m: 'ok', a: 'kept', u: 0 },
      ])
    })
  })

  test('nor with a rollback by hand, which then is the whole way back', async () => {
    const files = await built(
      await project(
        steps({
          sql: 'DO $$ begin alter table t rename to u; alter table u rename a to b; alter type mood rename value $l$ok$l$ to $l$well$l$; end $$;',
          rollback:
            'DO $$ begin alter type mood rename value $l$well$l$ to $l$ok$l$; alter table u rename b to a; alter table u rename to t; end $$;',
        }),
      ),
    )
    await inDatabase(async (db) => {
      await runFile(db, files[0]?.up ?? '')
      await db`insert into t (a) values ('kept')`
      for (const run of [files[1]?.up, files[1]?.up, files[1]?.down, files[1]?.down]) await runFile(db, run ?? '')
      expect([...(await db`select m::text, a from t`)]).toEqual([{ m: 'ok', a: 'kept' }])
    })
  })

  test('a type that is renamed and gets a label goes back to its name and its labels', async () => {
    const [old, now] = [pgEnum('mood', ['sad']), pgEnum('temper', ['sad', 'glad'])]
    const files = await built(
      await project([
        { schema: { old, t: pgTable('t', { m: old('m').default('sad') }) } },
        {
          schema: { now, t: pgTable('t', { m: now('m').default('sad') }) },
          sql: `ALTER TYPE mood RENAME TO temper; ALTER TYPE temper ADD VALUE 'glad';`,
        },
      ]),
    )
    expect((await attempt(files)).problems).toEqual([])
  })

  test('a file of renames that names none is refused', async () => {
    await expect(build(await project(steps({ renames: { columns: { t: 'u' } } })))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/0001_step\.renames\.json: "columns".*schema\.table\.column/),
    })
  })

  test('without a snapshot the files alone tell both ways', async () => {
    const made = await project([{ schema: base }, { schema: { t: t({ b: text('b') }) } }])
    for (const name of ['0000_snapshot.json', '0001_snapshot.json']) rmSync(join(made.drizzle, 'meta', name))
    expect((await attempt(await built(made))).problems).toEqual([])
  })

  test('an early snapshot of version 7, which knows no policies, checks, views or roles, is as good as a late one', async () => {
    const made = await project([{ schema: base }, { schema: { t: t({ b: text('b') }) } }])
    for (const name of ['0000_snapshot.json', '0001_snapshot.json']) {
      const file = join(made.drizzle, 'meta', name)
      const { policies: _p, roles: _r, views: _v, sequences: _s, ...snapshot } = JSON.parse(readFileSync(file, 'utf8'))
      for (const table of Object.values<Record<string, unknown>>(snapshot.tables)) {
        for (const late of ['policies', 'checkConstraints', 'isRLSEnabled']) delete table[late]
      }
      writeFileSync(file, JSON.stringify(snapshot))
    }
    expect((await attempt(await built(made))).problems).toEqual([])
  })

  test('a snapshot of an older drizzle-kit is refused, naming drizzle-kit up, and its journal of dialect "pg" is not', async () => {
    const made = await project([{ schema: base }])
    const file = join(made.drizzle, 'meta', '0000_snapshot.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version": "7"', '"version": "5"'))
    await expect(build(made)).rejects.toThrow(/version 5, drizzle-kit 0\.31 writes 7; run drizzle-kit up/)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version": "5"', '"version": "7"'))
    const journal = join(made.drizzle, 'meta', '_journal.json')
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('"postgresql"', '"pg"'))
    expect((await attempt(await built(made))).problems).toEqual([])
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('"pg"', '"mysql"'))
    await expect(build(made)).rejects.toThrow(/dialect is "mysql"/)
  })
})

describe('what drizzle-kit cannot say', () => {
  const extras = (body: string, comment: string) => [
    {
      key: 'function f',
      phase: 'before',
      create: `create or replace function f() returns int language sql as $$ select ${body} $$;`,
      drop: 'drop function if exists f();',
    },
    { key: 'comment on type mood', phase: 'after', on: 'public.mood', create: `comment on type mood is '${comment}';` },
  ]
  const declare = (made: Project, tag: string, list: object[]) => {
    mkdirSync(join(made.supabase, 'extras'), { recursive: true })
    writeFileSync(join(made.supabase, 'extras', `${tag}.json`), JSON.stringify(list))
  }
  const [few, more] = [pgEnum('mood', ['sad']), pgEnum('mood', ['sad', 'glad'])]

  test('becomes a migration when it changes alone, and the rollback restores the old body', async () => {
    const made = await project([{ schema: { few } }, { sql: '-- only the function' }])
    declare(made, '0000_step', extras('1', 'one'))
    declare(made, '0001_step', extras('2', 'one'))
    const files = await built(made)
    expect(files[1]?.up).toContain('select 2')
    expect(files[1]?.up).not.toContain('comment on type')
    await inDatabase(async (db) => {
      for (const { up } of files) await runFile(db, up)
      expect((await db`select f()`)[0]).toEqual({ f: 2 })
      await runFile(db, files[1]?.down ?? '')
      expect((await db`select f()`)[0]).toEqual({ f: 1 })
    })
    expect((await attempt(files)).problems).toEqual([])
  })

  test('of a type is said again where a rollback makes the type anew', async () => {
    const made = await project([{ schema: { few } }, { schema: { more } }])
    declare(made, '0000_step', extras('1', 'kept'))
    expect((await attempt(await built(made))).problems).toEqual([])
  })
})

describe('what is written', () => {
  test('is the same on every machine, wherever the folders lie', async () => {
    const steps: Step[] = [{ schema: base }, { sql: `UPDATE t SET a = '1'; GRANT SELECT ON t TO anon;` }]
    const [one, two] = [await project(steps), await project(steps)]
    // Only drizzle-kit's random ids differ between two runs of it.
    for (const name of readdirSync(join(one.drizzle, 'meta'))) {
      writeFileSync(join(two.drizzle, 'meta', name), readFileSync(join(one.drizzle, 'meta', name)))
    }
    expect(await built(one)).toEqual(await built(two))
  })

  test('by an older generator stays as it is, and --check verifies its hashes', async () => {
    const made = await project([{ schema: base }, { schema: { t: t({ b: text('b') }) } }])
    await build(made)
    for (const kind of ['migrations', 'rollbacks']) {
      const folder = join(made.supabase, kind)
      for (const name of readdirSync(folder)) {
        const sqlText = readFileSync(join(folder, name), 'utf8')
        writeFileSync(join(folder, name), sqlText.replace(/^-- generator: \d+ /m, '-- generator: 0 '))
      }
    }
    const before = builtFiles(made.supabase)
    expect(await build({ ...made, check: true })).toMatchObject({ migrations: 2, written: [] })
    const file = join(made.supabase, 'rollbacks', before[0]?.name ?? '')
    const sqlText = readFileSync(file, 'utf8')
    writeFileSync(file, sqlText.replace('DROP TABLE', 'drop table'))
    await expect(build({ ...made, check: true })).rejects.toThrow(/edited by hand/)
    rmSync(file)
    await expect(build({ ...made, check: true })).rejects.toThrow(/holds 0 of the 1 files.*restore/)
  })

  test('says in every file which locks and how long it waits at most', async () => {
    for (const { up, down } of await built(
      await project([{ schema: base }, { schema: { t: t({}, [index('i').on(sql`a`).concurrently()]) } }]),
    )) {
      for (const text of [up, down]) {
        expect(text).toMatch(/^set (local )?lock_timeout = '5s';$/m)
        expect(text).toMatch(/^set (local )?statement_timeout = '(1min|1h)';$/m)
      }
    }
  })

  test('never takes the place of a file of the host', async () => {
    const made = await project([{ schema: base }])
    const [file] = await built(made)
    writeFileSync(join(made.supabase, 'migrations', file?.name ?? ''), 'select 1;')
    await expect(build(made)).rejects.toThrow(/has no header of integrations-db; move it away/)
  })
})
