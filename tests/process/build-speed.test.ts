import { spawnSync } from 'node:child_process'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Project, type Step, writeProject } from '../support/projects.ts'

/* How long a folder of 300 migrations takes, held against drizzle-kit's own time in the same folder. */

const tables = 12
const migrations = 300

/** The schema after so many migrations: each adds a column, and every third an index. */
function schemaAfter(count: number): Record<string, unknown> {
  const own = (n: number) => Math.ceil((count - n) / tables)
  return Object.fromEntries(
    Array.from({ length: tables }, (_, n) => {
      const columns = Array.from({ length: Math.max(own(n), 0) }, (_, i) => [
        `c${i}`,
        i % 2 ? integer(`c${i}`) : text(`c${i}`),
      ])
      const table = pgTable(`t${n}`, { id: uuid('id').primaryKey(), ...Object.fromEntries(columns) }, (its) =>
        columns.flatMap(([name], i) =>
          i % 3 === 0 ? [index(`t${n}_${name}`).on((its as never)[name as string])] : [],
        ),
      )
      return [`t${n}`, table]
    }),
  )
}

/** The same as a file for drizzle-kit. */
function schemaFile(count: number): string {
  const own = (n: number) => Math.max(Math.ceil((count - n) / tables), 0)
  const lines = Array.from({ length: tables }, (_, n) => {
    const columns = Array.from({ length: own(n) }, (_, i) => `c${i}: ${i % 2 ? 'integer' : 'text'}('c${i}')`)
    const indexes = Array.from({ length: own(n) }, (_, i) =>
      i % 3 === 0 ? `index('t${n}_c${i}').on(t.c${i})` : '',
    ).filter((one) => one)
    return `export const t${n} = pgTable('t${n}', { id: uuid('id').primaryKey(), ${columns.join(', ')} }, (t) => [${indexes.join(', ')}])`
  })
  return `import { index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'\n${lines.join('\n')}\n`
}

let folder: string
let project: Project

/** What a command takes, in seconds and MB. */
function measured(command: string, ...args: string[]): { seconds: number; megabytes: number } {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync('node', ['--import', report, command, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  expect(status, stdout + stderr).toBe(0)
  return { seconds: (performance.now() - started) / 1000, megabytes: Number(/peak (\d+) MB/.exec(stderr)?.[1]) }
}
let report: string

beforeAll(async () => {
  const steps: Step[] = Array.from({ length: migrations }, (_, i) => ({ schema: schemaAfter(i + 1) }))
  project = await writeProject(steps)
  folder = project.folder
  report = join(folder, 'report.mjs')
  writeFileSync(
    report,
    `process.on('exit', () => console.error('peak', Math.round(process.resourceUsage().maxRSS / 1024), 'MB'))`,
  )
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'schema.ts'), schemaFile(migrations + 1))
  writeFileSync(
    join(folder, 'drizzle.config.json'),
    JSON.stringify({ dialect: 'postgresql', schema: './schema.ts', out: './drizzle' }),
  )
}, 120_000)
afterAll(() => {
  project.remove()
})

test('300 migrations build in less than ten times one drizzle-kit generate there, one more in less than twice, below 500 MB', () => {
  const cli = join(inject('dist'), 'cli.js')
  const build = () => measured(cli, 'build', '--drizzle', project.drizzle, '--supabase', project.supabase)
  const first = build()
  const kit = measured(resolve('node_modules/drizzle-kit/bin.cjs'), 'generate', '--config', 'drizzle.config.json')
  expect(readdirSync(project.drizzle).filter((name) => name.endsWith('.sql'))).toHaveLength(migrations + 1)
  const second = build()
  const told = (one: { seconds: number; megabytes: number }) => `${one.seconds.toFixed(1)} s, ${one.megabytes} MB`
  console.log(`drizzle-kit generate ${told(kit)}; build of ${migrations} ${told(first)}; of one more ${told(second)}`)
  expect(first.seconds).toBeLessThan(10 * kit.seconds)
  expect(second.seconds).toBeLessThan(2 * kit.seconds)
  expect(Math.max(first.megabytes, second.megabytes)).toBeLessThan(500)
}, 300_000)
