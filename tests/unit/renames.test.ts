import { describe, expect, test } from 'vitest'
import { diff } from '../../src/migrations/diff.ts'
import { replayAll } from '../../src/migrations/replay.ts'
import { State } from '../../src/migrations/state.ts'
import { parseStatements, simplify } from '../../src/migrations/statements.ts'
import { renamesIn, reversed } from '../../src/migrations/up.ts'

/* A rename applied to what the earlier files made: no server, every kind there is. */

const read = async (sql: string) => simplify(await parseStatements(sql, 'test.sql'))

/** Each of the names below can be given; what hangs on them comes along. */
const world = (names: Partial<Record<keyof typeof defaults, string>> = {}) => {
  const n = { ...defaults, ...names }
  return `
    CREATE SCHEMA "${n.schema}"; CREATE ROLE "${n.role}";
    CREATE TYPE "${n.schema}"."${n.type}" AS ENUM ('sad', '${n.label}');
    CREATE SEQUENCE "${n.schema}"."${n.sequence}";
    CREATE TABLE "${n.schema}"."${n.table}" ("${n.column}" integer NOT NULL, "n" integer, "up" integer,
      "m" "${n.schema}"."${n.type}" DEFAULT '${n.label}', "id""x" text, "g" integer GENERATED ALWAYS AS ("${n.column}" + 1) STORED);
    ALTER TABLE "${n.schema}"."${n.table}" ADD CONSTRAINT "k" PRIMARY KEY ("${n.column}");
    ALTER TABLE "${n.schema}"."${n.table}" ADD CONSTRAINT "${n.constraint}" UNIQUE ("n", "${n.column}");
    ALTER TABLE "${n.schema}"."${n.table}" ADD CONSTRAINT "up_fk" FOREIGN KEY ("up") REFERENCES "${n.schema}"."${n.table}"("${n.column}");
    ALTER TABLE "${n.schema}"."${n.table}" ADD CONSTRAINT "positive" CHECK ("${n.column}" > 0 AND 'id' <> 'parent');
    CREATE INDEX "${n.index}" ON "${n.schema}"."${n.table}" USING btree ("${n.column}", lower("n"::text));
    CREATE POLICY "${n.policy}" ON "${n.schema}"."${n.table}" FOR SELECT TO "${n.role}" USING ("${n.table}"."${n.column}" > 1);
    CREATE VIEW "${n.schema}"."${n.view}" AS SELECT "${n.column}"${n.column === 'id' ? '' : ' AS "id"'} FROM "${n.schema}"."${n.table}";
    CREATE TABLE "other" ("p" integer REFERENCES "${n.schema}"."${n.table}"("${n.column}"), "id" integer CHECK ("id" > 0));`
}
const defaults = {
  schema: 'own',
  role: 'reader',
  type: 'mood',
  label: 'ok',
  sequence: 's',
  table: 'parent',
  column: 'id',
  constraint: 'parent_n_key',
  index: 'parent_idx',
  policy: 'reads',
  view: 'v',
}
const told = (state: State) =>
  [...state.things.values()].map((thing) => JSON.stringify({ ...thing, refs: [...thing.refs].sort() })).sort()

describe('a rename makes of a schema what the same files make that have the new name', () => {
  test.each<[string, Parameters<typeof world>[0]]>([
    ['ALTER TABLE own.parent RENAME TO elder', { table: 'elder' }],
    ['ALTER TABLE own.parent RENAME TO "El der"', { table: 'El der' }],
    ['ALTER TABLE own.parent RENAME COLUMN id TO nr', { column: 'nr' }],
    ['ALTER TABLE own.parent RENAME id TO "n-r"', { column: 'n-r' }],
    ['ALTER TABLE own.parent RENAME CONSTRAINT parent_n_key TO alone', { constraint: 'alone' }],
    ['ALTER INDEX own.parent_idx RENAME TO fast', { index: 'fast' }],
    ['ALTER POLICY reads ON own.parent RENAME TO sees', { policy: 'sees' }],
    ['ALTER TYPE own.mood RENAME TO temper', { type: 'temper' }],
    [`ALTER TYPE own.mood RENAME VALUE 'ok' TO 'fine'`, { label: 'fine' }],
    ['ALTER SEQUENCE own.s RENAME TO r', { sequence: 'r' }],
    ['ALTER VIEW own.v RENAME TO u', { view: 'u' }],
    ['ALTER ROLE reader RENAME TO viewer', { role: 'viewer' }],
    ['ALTER SCHEMA own RENAME TO mine', { schema: 'mine' }],
  ])('%s', async (text, after) => {
    const before = replayAll(new State(), await read(world()))
    const statements = await read(text)
    const renamed = replayAll(before, statements)
    expect(told(renamed)).toEqual(told(replayAll(new State(), await read(world(after)))))
    // And the rollback.
    const back = diff(renamed, before, reversed(renamesIn(statements, before)))
    expect(back.statements).toHaveLength(1)
    expect(told(replayAll(renamed, await read(`${back.statements};`)))).toEqual(told(before))
  })
})
