import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { sql } from 'drizzle-orm'
import { index, integer, pgPolicy, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import postgres from 'postgres'

/*
 * What guarding costs: a project of a hundred migrations, built, and applied from scratch beside drizzle-kit's own files.
 */

const migrations = 100
const rounds = 7
/** Our own take milliseconds: more of them for the same certainty. */
const ownRounds = 41

/** The schema after so many migrations: a table every fourth, then a column, an index and a policy on it. */
function schemaAfter(count: number): Record<string, unknown> {
  const tables: Record<string, unknown> = {}
  for (let i = 0; i * 4 < count; i++) {
    const step = count - i * 4
    const name = `table_${i}`
    tables[name] = pgTable(
      name,
      { id: uuid('id').primaryKey(), name: text('name').notNull(), ...(step > 1 ? { amount: integer('amount') } : {}) },
      (t) => [
        ...(step > 2 ? [index(`${name}_name_idx`).on(t.name)] : []),
        ...(step > 3 ? [pgPolicy(`${name}_read`, { for: 'select', to: 'public', using: sql`true` })] : []),
      ],
    )
  }
  return tables
}

async function writeProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-bench-'))
  const drizzle = join(folder, 'drizzle')
  mkdirSync(join(drizzle, 'meta'), { recursive: true })
  const entries: object[] = []
  let previous = generateDrizzleJson({})
  for (let idx = 0; idx < migrations; idx++) {
    const prefix = String(idx).padStart(4, '0')
    const snapshot = generateDrizzleJson(schemaAfter(idx + 1), previous.id)
    const statements = await generateMigration(previous, snapshot)
    writeFileSync(join(drizzle, `${prefix}_step.sql`), statements.join('\n--> statement-breakpoint\n'))
    writeFileSync(join(drizzle, 'meta', `${prefix}_snapshot.json`), JSON.stringify(snapshot))
    entries.push({ idx, version: '7', when: Date.UTC(2026, 0, 1, 0, idx), tag: `${prefix}_step`, breakpoints: true })
    previous = snapshot
  }
  writeFileSync(
    join(drizzle, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  )
  // One more table than the newest snapshot has, for drizzle-kit to generate a migration of.
  writeFileSync(
    join(folder, 'schema.ts'),
    `import { pgTable, uuid } from 'drizzle-orm/pg-core'\nexport const added = pgTable('added', { id: uuid('id').primaryKey() })\n`,
  )
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
  return folder
}

/** Whole processes, as a developer waits for them: one `drizzle-kit generate`, and one `build` of everything. */
function measureBuild(folder: string): { generateSeconds: number; buildSeconds: number } {
  const timed = (words: string[]) => {
    const start = performance.now()
    const { status, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return (performance.now() - start) / 1000
  }
  const [generate, build]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const out = join(folder, `generated_${round}`)
    generate.push(
      timed([
        'node_modules/drizzle-kit/bin.cjs',
        'generate',
        '--dialect=postgresql',
        '--schema=schema.ts',
        `--out=${out}`,
      ]),
    )
    build.push(timed([resolve('dist/cli.js'), 'build', '--drizzle=drizzle', `--supabase=supabase_${round}`]))
  }
  return { generateSeconds: median(generate), buildSeconds: median(build) }
}

/** Seconds to run files in order, each in a transaction, in a database of its own. */
async function measureApply(
  adminUrl: string,
  rounds: number,
  contenders: Record<string, { setUp: string; files: string[] }>,
) {
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  const samples = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, { setUp, files }] of Object.entries(contenders)) {
      await admin.unsafe('create database bench_apply')
      const url = new URL(adminUrl)
      url.pathname = '/bench_apply'
      const sqlOf = postgres(url.href, { max: 1, onnotice: () => {} })
      await sqlOf.unsafe(setUp)
      const start = performance.now()
      for (const file of files) await sqlOf.begin((tx) => tx.unsafe(file))
      samples.set(name, [...(samples.get(name) ?? []), (performance.now() - start) / 1000])
      await sqlOf.end()
      await admin.unsafe('drop database bench_apply')
    }
  }
  await admin.end()
  return Object.fromEntries([...samples].map(([name, seconds]) => [name, median(seconds)]))
}

const read = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))

/** Our own migrations without any guard: drizzle-kit's statements, and what is declared beside them where it changes. */
function ownUnguarded(): string[] {
  const order: Record<string, number> = { require: 0, before: 2, after: 4 }
  const last = new Map<string, string>()
  return readdirSync('drizzle')
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const statements = readFileSync(join('drizzle', name), 'utf8').split('--> statement-breakpoint')
      const extras = readExtras(join('supabase', 'extras', name.replace('.sql', '.json'))).filter(
        ({ key, create }) => last.get(key) !== create,
      )
      for (const { key, create } of extras) last.set(key, create)
      return [
        ...extras.map(({ phase, create }) => ({ at: order[phase] ?? 4, text: create })),
        ...statements.map((text) => ({ at: /^\s*CREATE (SCHEMA|TYPE)/.test(text) ? 1 : 3, text })),
      ]
        .sort((one, other) => one.at - other.at)
        .map(({ text }) => text)
        .join('\n')
    })
}

function readExtras(file: string): { key: string; phase: string; create: string }[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return []
  }
}

export type MigrationCosts = {
  migrations: number
  generateSeconds: number
  buildSeconds: number
  applySeconds: Record<string, number>
}

export async function measureMigrations(adminUrl: string, hostSql: string): Promise<MigrationCosts> {
  const folder = await writeProject()
  try {
    const built = measureBuild(folder)
    const own = await measureApply(adminUrl, ownRounds, {
      'our own, unguarded': { setUp: hostSql, files: ownUnguarded() },
      'our own': { setUp: hostSql, files: read('supabase/migrations') },
    })
    const hundred = await measureApply(adminUrl, rounds, {
      'a hundred, as drizzle-kit wrote them': { setUp: '', files: read(join(folder, 'drizzle')) },
      'a hundred, guarded': { setUp: '', files: read(join(folder, 'supabase_0', 'migrations')) },
    })
    return { migrations, ...built, applySeconds: { ...own, ...hundred } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function median(samples: number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0
}
