import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { integer, pgTable, text, varchar } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { status } from '../../src/deployment/status.ts'
import { build } from '../../src/migrations/build.ts'
import { built, inDatabase, schemaOf, tryFiles, urlOf, useProjects } from '../support/projects.ts'

const project = useProjects()

const t = (columns: object = {}) => pgTable('t', { id: integer('id').primaryKey(), a: text('a'), ...columns })
const base = { t: t() }
const inFolder = (folder: string, change: (text: string) => string) => {
  for (const name of readdirSync(folder).filter((one) => /\.(sql|json)$/.test(one)))
    writeFileSync(join(folder, name), change(readFileSync(join(folder, name), 'utf8')))
}
/** As Git checks files out on Windows, and some editors save them. */
const asOnWindows = (text: string) => `\uFEFF${text.replaceAll('\n', '\r\n')}`

describe('a folder as it lies on disks', () => {
  test('with CRLF, a byte order mark, an entry twice and a file in no journal builds the same', async () => {
    const steps = [{ schema: base }, { schema: { t: t({ b: text('b') }) } }]
    const [plain, odd] = [await project(steps), await project(steps)]
    for (const name of ['0000_snapshot.json', '0001_snapshot.json'])
      writeFileSync(join(odd.drizzle, 'meta', name), readFileSync(join(plain.drizzle, 'meta', name)))
    for (const name of readdirSync(odd.drizzle).filter((one) => one.endsWith('.sql'))) {
      const file = join(odd.drizzle, name)
      writeFileSync(file, `\uFEFF${readFileSync(file, 'utf8').replaceAll('\n', '\r\n')}`)
    }
    const journal = join(odd.drizzle, 'meta', '_journal.json')
    const parsed = JSON.parse(readFileSync(journal, 'utf8'))
    writeFileSync(journal, JSON.stringify({ ...parsed, entries: [...parsed.entries, parsed.entries[0]] }))
    writeFileSync(join(odd.drizzle, '0009_nowhere.sql'), 'DROP TABLE t;')
    expect(await built(odd)).toEqual(await built(plain))
    // Checked out anew on Windows, the written files are the same as well.
    for (const kind of ['migrations', 'rollbacks'])
      for (const name of readdirSync(join(odd.supabase, kind))) {
        const file = join(odd.supabase, kind, name)
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'))
      }
    expect(await build(odd)).toMatchObject({ migrations: 2, written: [] })
    expect(await build({ ...odd, check: true })).toMatchObject({ migrations: 2, written: [] })
  })

  test('says which SQL is in no journal, and of which nothing would be read, and what to do', async () => {
    const made = await project([{ schema: base, rollback: 'drop table if exists t' }])
    expect((await build(made)).notes).toEqual([])
    for (const name of ['0009_nowhere.sql', '0008_typo.rollback.sql', '0007_typo.renames.json'])
      writeFileSync(join(made.drizzle, name), '')
    expect((await build(made)).notes).toEqual([
      expect.stringMatching(/0007_typo\.renames\.json: lies beside no migration .*; rename it/),
      expect.stringMatching(/0008_typo\.rollback\.sql: lies beside no migration/),
      expect.stringMatching(/0009_nowhere\.sql: is in no journal, .*; move it elsewhere, or .*--custom/),
    ])
  })

  test('is read in the order of the journal, as drizzle-kit runs it, whatever its numbers say', async () => {
    const made = await project([{ schema: base }, { sql: 'create table late (id int)' }, { sql: 'drop table late' }])
    const journal = join(made.drizzle, 'meta', '_journal.json')
    const parsed = JSON.parse(readFileSync(journal, 'utf8'))
    parsed.entries.forEach((entry: { idx: number }, i: number) => {
      entry.idx = 9 - i
    })
    writeFileSync(journal, JSON.stringify(parsed))
    const files = await built(made)
    expect((await inDatabase((db) => tryFiles(db, files))).problems).toEqual([])
  })

  test('checked out on Windows is migrated, reported and rolled back as anywhere, and build advises on .gitattributes', async () => {
    const made = await project([{ schema: base }, { schema: { t: t({ b: varchar('b', { length: 9 }) }) } }])
    await built(made)
    await inDatabase(async (db) => {
      const url = urlOf(db)
      const start = await schemaOf(db)
      const [first = '', second = ''] = readdirSync(join(made.supabase, 'migrations')).sort()
      // Half of it from a checkout with LF: the history must not mind.
      await migrate({ url, supabase: made.supabase, to: first.slice(0, 14) })
      for (const kind of ['migrations', 'rollbacks']) inFolder(join(made.supabase, kind), asOnWindows)
      expect(await status({ url, supabase: made.supabase })).toMatchObject({
        applied: [first],
        pending: [second],
        problems: [],
      })
      await migrate({ url, supabase: made.supabase })
      for (const kind of ['migrations', 'rollbacks'])
        inFolder(join(made.supabase, kind), (one) => one.replace('\uFEFF', '').replaceAll('\r\n', '\n'))
      expect(await status({ url, supabase: made.supabase })).toMatchObject({ applied: [first, second], problems: [] })
      for (const kind of ['migrations', 'rollbacks']) inFolder(join(made.supabase, kind), asOnWindows)
      await expect(rollback({ url, supabase: made.supabase, steps: 2 })).rejects.toThrow(/the values of public\.t\.b/)
      await rollback({ url, supabase: made.supabase, steps: 2, acceptDataLoss: true })
      const { schemas: _with, tables: _and, ...rest } = await schemaOf(db)
      expect(rest.policies).toEqual(start.policies)
      expect(await db`select from pg_class where relname = 't'`).toHaveLength(0)
    })
    expect((await build(made)).notes).toEqual([
      expect.stringMatching(/checked out with CRLF; add the line "\*\.sql text eol=lf" to \.gitattributes/),
    ])
  })

  test('with a journal that names a file which is not there is refused, naming both', async () => {
    const made = await project([{ schema: base }])
    rmSync(join(made.drizzle, '0000_step.sql'))
    await expect(build(made)).rejects.toThrow(/0000_step\.sql cannot be read/)
  })
})
