import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TransactionSql } from 'postgres'
import { describe, expect, test } from 'vitest'
import { build } from '../../src/migrations/build.ts'
import { sampled } from '../support/changes.ts'
import { useDatabase } from '../support/database.ts'
import { builtFiles, type Project, writeProject } from '../support/projects.ts'

/*
 * A column goes from each type to each other and back. PostgreSQL tells whether its value comes back: where it does not,
 * the conversion failed or the rollback says what is lost.
 */

const t = useDatabase('host')

/** Types, each with values that others cannot hold. */
const types: Record<string, string[]> = {
  smallint: ['32767'],
  integer: ['2147483647', '16777217'],
  bigint: ['9223372036854775807'],
  numeric: ['12345678901234567890.123456789', '1.5'],
  'numeric(10, 2)': ['12345678.91'],
  'numeric(6)': ['123456'],
  real: ['16777217', '0.1'],
  'double precision': ['1.2345678901234567', '0.1'],
  text: [
    'ab ',
    '007',
    'yes',
    '2026-1-2 3:4',
    ' {"a": 1}',
    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    '10.0.0.1/32',
    '\\x4A',
    '03:04',
    '1 DAY',
    '101',
  ],
  'varchar(3)': ['ab ', '007'],
  'char(5)': ['ab'],
  date: ['2026-01-02'],
  timestamp: ['2026-01-02 03:04:05.678901'],
  'timestamp(3)': ['2026-01-02 03:04:05.678'],
  timestamptz: ['2026-01-02 03:04:05.678901+05'],
  time: ['03:04:05.678901'],
  timetz: ['03:04:05+05'],
  interval: ['1 day 25:00:00.000001'],
  boolean: ['true'],
  json: ['{"b":1, "a":1,"a":2}'],
  jsonb: ['{"a": 2}'],
  uuid: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  bytea: ['\\x4a'],
  inet: ['10.1.2.3/8'],
  cidr: ['10.0.0.0/8'],
  'bit(8)': ['10110101'],
  'varbit(16)': ['10110101', '1011010111110000'],
  'text[]': ['{1,01}'],
  'integer[]': ['{1,2}'],
  'numeric(6, 3)[]': ['{1.125}'],
  'numeric(6, 1)[]': ['{1.5}'],
}

const pairs = Object.keys(types).flatMap((from) =>
  Object.keys(types).flatMap((to) => (from === to ? [] : [{ from, to }])),
)

/** Of these every value comes back, and nothing is announced. */
const lossless = new Set(['smallint to integer', 'integer to bigint', 'varchar(3) to text'])

/** The two files of the second migration, built in one folder again and again. */
async function filesOf(project: Project, { from, to }: { from: string; to: string }) {
  writeFileSync(join(project.drizzle, '0000_step.sql'), `CREATE TABLE n (v ${from});`)
  writeFileSync(join(project.drizzle, '0001_step.sql'), `ALTER TABLE n ALTER COLUMN v SET DATA TYPE ${to};`)
  const supabase = join(project.folder, `${from} ${to}`)
  await build({ drizzle: project.drizzle, supabase })
  return builtFiles(supabase)[1] as { up: string; down: string }
}

/** What becomes of one value: back as it was, an error on the way, or another value. */
async function wayBack(tx: TransactionSql, from: string, value: string, { up, down }: { up: string; down: string }) {
  let found: 'same' | 'error' | 'changed' = 'error'
  const undo = new Error('undo')
  await tx
    .savepoint(async (nested) => {
      await nested.unsafe(`create table n (v ${from}); insert into n values ('${value}')`)
      const read = async () => (await nested.unsafe('select v::text as v from n'))[0]?.v
      const before = await read()
      for (const text of [up, down]) await nested.unsafe(text)
      found = (await read()) === before ? 'same' : 'changed'
      throw undo
    })
    .catch(() => undefined)
  return found
}

describe('a value that a change of type or its rollback changes is announced as lost:', () => {
  test.each(sampled(pairs))('$from to $to', async (pair) => {
    const project = await writeProject([{ sql: '' }, { sql: '' }])
    const files = await filesOf(project, pair)
    project.remove()
    const told = /^-- data loss: what the values of public\.n\.v have/m.test(files.down)
    const outcomes = await t.admin.begin(async (tx) => {
      await tx.unsafe(`set local timezone = 'Europe/Oslo'`)
      const found: string[] = []
      for (const value of types[pair.from] ?? []) found.push(await wayBack(tx, pair.from, value, files))
      return found
    })
    if (outcomes.includes('changed')) expect(told, `${outcomes}`).toBe(true)
    if (lossless.has(`${pair.from} to ${pair.to}`))
      expect({ outcomes, told }).toEqual({ outcomes: outcomes.map(() => 'same'), told: false })
  })
})
