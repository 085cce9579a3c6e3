import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDrizzleFolder } from '../src/migrations/drizzle-folder.ts'
import { split } from '../src/migrations/split.ts'
import { parseStatements, simplify } from '../src/migrations/statements.ts'

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
  const parts = await split(await simplify(await parseStatements(sql, 'test.sql')), [])
  return parts.map(
    ({ statements }) => timeouts + statements.map(({ comments, text }) => `${comments}\n${text};\n`).join(''),
  )
}

function lint(sql: string): string[] {
  const file = join(folder, 'migration.sql')
  writeFileSync(file, sql)
  try {
    execFileSync('npx', ['squawk', '--assume-in-transaction', '--pg-version=15', '--reporter=json', file], {
      encoding: 'utf8',
      stdio: 'pipe',
      shell: process.platform === 'win32',
    })
    return []
  } catch (error) {
    const findings = JSON.parse((error as { stdout: string }).stdout) as { rule_name: string; line: number }[]
    return findings.map(({ rule_name, line }) => `${rule_name} in line ${line}`)
  }
}

describe('squawk', () => {
  test('finds nothing in any of our migrations', async () => {
    for (const { sql } of await readDrizzleFolder('drizzle')) {
      for (const file of await filesOf(sql)) expect(lint(file)).toEqual([])
    }
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
    for (const file of files) expect(lint(file)).toEqual([])
  })
})
