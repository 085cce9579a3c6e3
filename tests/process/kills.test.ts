import { sql as expression } from 'drizzle-orm'
import { check, index, integer, pgEnum, pgTable, text } from 'drizzle-orm/pg-core'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { parseStatements } from '../../src/migrations/statements.ts'
import { readRows } from '../support/catalog.ts'
import {
  type BuiltFile,
  built,
  builtFiles,
  inDatabase,
  runFile,
  schemaOf,
  urlOf,
  writeProject,
} from '../support/projects.ts'

/*
 * A deployment that dies in the middle. The files run statement by statement, as the Supabase CLI sends them; after each
 * statement the server ends the connection, and then `migrate` finds what is left and completes it.
 */

/** Every statement in full mode; else a sample, begun at another statement in each file. */
const every = Number(process.env.KILL_EVERY ?? 1)

async function stateOf(db: postgres.Sql): Promise<unknown> {
  return { schema: await schemaOf(db), rows: await readRows(db) }
}

async function killAfterEveryStatement(supabase: string, files: BuiltFile[]): Promise<void> {
  const expected = await inDatabase(async (db) => {
    await migrate({ url: urlOf(db), supabase })
    return stateOf(db)
  })
  for (const [i, file] of files.entries()) {
    const statements = await parseStatements(file.up, file.name)
    const inTransaction = !file.up.startsWith('-- integrations-db: no transaction')
    for (let survived = 1 + (i % every); survived <= statements.length; survived += every) {
      await inDatabase(async (db) => {
        for (const { up } of files.slice(0, i)) await runFile(db, up)
        const doomed = postgres(urlOf(db), { max: 1, onnotice: () => {} })
        if (inTransaction) await doomed.unsafe('begin')
        for (const { source } of statements.slice(0, survived)) await doomed.unsafe(source)
        const [row] = await doomed.unsafe('select pg_backend_pid() as pid')
        await db`select pg_terminate_backend(${row?.pid}, 5000)`
        await doomed.end({ timeout: 0 })
        await migrate({ url: urlOf(db), supabase })
        expect(await stateOf(db), `${file.name}, killed after statement ${survived}`).toEqual(expected)
      })
    }
  }
}

test('a connection that ends after any statement of any of our migrations leaves what the next run completes', async () => {
  await killAfterEveryStatement('supabase', builtFiles('supabase'))
}, 240_000)

test('so it does for enum labels, concurrent indexes, validation and rows changed by hand', async () => {
  const [few, more] = [pgEnum('mood', ['sad']), pgEnum('mood', ['sad', 'glad'])]
  const project = await writeProject([
    { schema: { few, t: pgTable('t', { a: integer('a'), m: few('m') }) } },
    { sql: `INSERT INTO t VALUES (1, 'sad'); UPDATE t SET a = a + 1;` },
    {
      schema: {
        more,
        t: pgTable('t', { a: integer('a'), m: more('m').default('glad'), b: text('b') }, () => [
          check('c', expression.raw('a > 0')),
          index('i').on(expression.raw('a')).concurrently(),
        ]),
      },
    },
  ])
  try {
    await killAfterEveryStatement(project.supabase, await built(project))
  } finally {
    project.remove()
  }
}, 240_000)
