import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDrizzleFolder } from '../../src/migrations/drizzle-folder.ts'
import { split } from '../../src/migrations/split.ts'
import { State } from '../../src/migrations/state.ts'
import { parseStatements, simplify } from '../../src/migrations/statements.ts'

/*
 * squawk, a linter for migrations, sees nothing inside DO blocks: it reads the statements as they are before they are
 * guarded, cut into the files that will be written, below the timeouts that every file sets.
 */

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'integrations-db-squawk-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const timeouts = `set local lock_timeout = '5s';\nset local statement_timeout = '1min';\n`

async function filesOf(sql: string): Promise<string[]> {
  const parts = await split(await simplify(await parseStatements(sql, 'test.sql')), [], new State())
  return parts.map(
    ({ statements }) => timeouts + statements.map(({ comments, text }) => `${comments}\n${text};\n`).join(''),
  )
}

/** What it finds in any of the files, in one run: starting it costs more than reading them. */
function lint(...texts: string[]): string[] {
  const files = texts.map((text, i) => {
    const file = join(folder, `${i}.sql`)
    writeFileSync(file, text)
    return file
  })
  // A label that drizzle-kit adds at the end belongs there: where it belongs elsewhere, it says BEFORE.
  const excluded = '--exclude=require-enum-value-ordering'
  const words = ['--assume-in-transaction', '--pg-version=15', '--reporter=json', excluded, ...files]
  const { status, stdout, stderr } = spawnSync(join('node_modules', '.bin', 'squawk'), words, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0 && stdout === '') throw new Error(stderr)
  const findings = JSON.parse(stdout) as { file: string; rule_name: string; line: number }[]
  return findings.map(({ file, rule_name, line }) => `${rule_name} in line ${line} of ${basename(file)}`)
}

/**
 * Indexes on tables that have rows. Built concurrently they would need a file that runs in no transaction; in one, the
 * file's timeouts end what takes too long, and docs/deployment.md builds them by hand first, which the guard accepts.
 */
const builtByHandWhereLarge = [
  'organization_integrations_scheduled_idx',
  'organization_integration_events_position_idx',
  'organization_integration_events_alerts_idx',
  'organization_integration_runs_unfinished_idx',
]

describe('squawk', () => {
  test('finds nothing in any of our migrations', async () => {
    const all = (await readDrizzleFolder('drizzle')).map(({ sql }) =>
      builtByHandWhereLarge.reduce((text, name) => text.replace(new RegExp(`CREATE INDEX "${name}"[^;]*;`), ''), sql),
    )
    const files = await Promise.all(all.map(filesOf))
    expect(lint(...files.flat())).toEqual([])
  })

  test('finds a foreign key and a check that lock a table with rows, and not once the migration is cut', async () => {
    const sql = `
      ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (o) REFERENCES u (id);
      ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);`
    expect(lint(timeouts + sql)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('adding-foreign-key-constraint'),
        expect.stringContaining('constraint-missing-not-valid'),
      ]),
    )
    const files = await filesOf(sql)
    expect(files).toHaveLength(2)
    expect(lint(...files)).toEqual([])
  })
})
