import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import postgres from 'postgres'
import { afterEach, expect, inject } from 'vitest'
import { build } from '../../src/migrations/build.ts'
import { parseStatements } from '../../src/migrations/statements.ts'
import { readCatalog, readRows } from './catalog.ts'
import { onServer } from './database.ts'
import { databaseUrl } from './global-setup.ts'

/* Projects of drizzle-kit, made as it makes them, and databases to run what `build` writes for them. */

type Schema = Record<string, unknown>

/** One migration: the schema after it, and what a person wrote instead of or beside drizzle-kit's statements. */
export type Step = {
  schema?: Schema
  /** In place of drizzle-kit's statements: for what it asks about (renames), or by hand. */
  sql?: string
  rollback?: string
  renames?: object
}

export type Project = { folder: string; drizzle: string; supabase: string; remove(): void }

/** Writes a drizzle-kit folder, prefix and journal included. */
export async function writeProject(steps: Step[]): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-project-'))
  const [drizzle, supabase] = [join(folder, 'drizzle'), join(folder, 'supabase')]
  mkdirSync(join(drizzle, 'meta'), { recursive: true })
  let previous = generateDrizzleJson({})
  const entries: object[] = []
  for (const [idx, { schema, sql, rollback, renames }] of steps.entries()) {
    const prefix = String(idx).padStart(4, '0')
    const tag = `${prefix}_step`
    const snapshot = schema === undefined ? { ...previous, id: `${idx}` } : generateDrizzleJson(schema, previous.id)
    const text = sql ?? (await generateMigration(previous, snapshot)).join('\n--> statement-breakpoint\n')
    writeFileSync(join(drizzle, `${tag}.sql`), text)
    writeFileSync(join(drizzle, 'meta', `${prefix}_snapshot.json`), JSON.stringify(snapshot, null, 2))
    if (rollback !== undefined) writeFileSync(join(drizzle, `${tag}.rollback.sql`), rollback)
    if (renames !== undefined) writeFileSync(join(drizzle, `${tag}.renames.json`), JSON.stringify(renames))
    entries.push({ idx, version: '7', when: Date.UTC(2026, 0, 1, 0, idx), tag, breakpoints: true })
    previous = snapshot
  }
  writeFileSync(
    join(drizzle, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }, null, 2),
  )
  return { folder, drizzle, supabase, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export type BuiltFile = { name: string; up: string; down: string }

/** What `build` writes for a project, oldest first. */
export async function built(project: Project): Promise<BuiltFile[]> {
  await build(project)
  return builtFiles(project.supabase)
}

export function builtFiles(supabase: string): BuiltFile[] {
  const text = (kind: string, name: string) => readFileSync(join(supabase, kind, name), 'utf8')
  return readdirSync(join(supabase, 'migrations'))
    .sort()
    .map((name) => ({ name, up: text('migrations', name), down: text('rollbacks', name) }))
}

/** A host's database, thrown away afterwards. */
export async function inDatabase<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const server = inject('server')
  const name = `test_${randomBytes(6).toString('hex')}`
  await onServer(`create database ${name} template ${server.hostTemplate}`)
  const sql = postgres(databaseUrl(server, name), { max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end()
    await onServer(`drop database ${name} with (force)`)
  }
}

/** What a call was refused with; that it was not is a failure. */
export async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  return work.then(
    () => expect.unreachable('it was not refused'),
    (error) => error,
  )
}

/** Writes folders that are gone after each test. */
export function useProjects(): (steps: Step[]) => Promise<Project> {
  const projects: Project[] = []
  afterEach(() => {
    for (const made of projects.splice(0)) made.remove()
  })
  return async (steps) => {
    const made = await writeProject(steps)
    projects.push(made)
    return made
  }
}

/** An administrator's URL of a database that is open. */
export const urlOf = (sql: postgres.Sql) => databaseUrl(inject('server'), String(sql.options.database))

/** Runs a file as `migrate` and the Supabase CLI do: in one transaction, unless its first line says otherwise. */
export async function runFile(sql: postgres.Sql, text: string): Promise<void> {
  if (text.startsWith('-- integrations-db: no transaction')) {
    for (const { source } of await parseStatements(text, 'file')) await sql.unsafe(source)
  } else await sql.begin((tx) => tx.unsafe(text))
}

/** The catalog without the order of columns, which no ALTER TABLE can choose. */
export async function schemaOf(sql: postgres.Sql): Promise<Record<string, unknown>> {
  const { columns, ...rest } = await readCatalog(sql)
  return { ...rest, columns: [...(columns ?? [])].map((column) => JSON.stringify(column)).sort() }
}

const noRows = async () => undefined

/**
 * Runs every file of a project up, up, down, down, up, then all the way down twice over, and gives what did not hold.
 * A replay compares equal states, so "no error" is not taken for "no change".
 */
export async function tryFiles(
  sql: postgres.Sql,
  files: BuiltFile[],
  addRows: (sql: postgres.Sql) => Promise<unknown> = noRows,
): Promise<{ problems: string[]; top: unknown; stopped: boolean }> {
  const problems: string[] = []
  const state = async () => JSON.stringify({ ...(await schemaOf(sql)), rows: Object.entries(await readRows(sql)) })
  // Rows that a rollback says it loses are not expected back.
  let losesRows = false
  const shown = (all: string) => {
    const { rows, ...schema } = JSON.parse(all)
    return JSON.stringify(losesRows ? schema : { ...schema, rows })
  }
  const check = async (what: string, run: string, expected: string | undefined) => {
    try {
      await runFile(sql, run)
    } catch (error) {
      problems.push(`${what}: ${(error as Error).message}`)
    }
    const now = await state()
    if (expected !== undefined && shown(now) !== shown(expected))
      problems.push(`${what}: ${difference(shown(expected), shown(now))}`)
    return now
  }
  const before: string[] = []
  const run: BuiltFile[] = []
  for (const file of files) {
    const { name, up, down } = file
    await addRows(sql)
    const start = await state()
    // Rows that a change of type or a NOT NULL refuses stop it, as they stop drizzle-kit's own file.
    if (await refusesRows(sql, up)) break
    run.push(file)
    losesRows = false
    before.push(start)
    const once = await check(`${name} up`, up, undefined)
    await check(`${name} up again`, up, once)
    losesRows = addRows !== noRows && /^-- data loss:/m.test(down)
    await check(`${name} down`, down, start)
    await check(`${name} down again`, down, start)
    await check(`${name} up after down`, up, once)
  }
  const top = await schemaOf(sql)
  losesRows = addRows !== noRows
  for (const [i, { name, down }] of [...run.entries()].reverse()) {
    // Rows that were written since may hold what the former types and constraints refuse: whoever removes them goes on.
    if (await refusesRows(sql, down, [...refusals, '23514', '23503'])) await removeRows(sql)
    await check(`${name} all the way down`, down, before[i])
    await check(`${name} all the way down again`, down, before[i])
  }
  return { problems, top, stopped: run.length < files.length }
}

async function removeRows(sql: postgres.Sql): Promise<void> {
  const tables = await sql<{ name: string }[]>`
    select oid::regclass::text as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`
  await sql.unsafe(`truncate ${tables.map(({ name }) => name).join(', ')} cascade`)
}

// The last: a sequence stands where its new limits do not reach.
const refusals = ['23502', '22P02', '22003', '23505', '22023']

/** Whether a file fails because of what rows hold. */
async function refusesRows(sql: postgres.Sql, text: string, codes = refusals): Promise<boolean> {
  const undo = new Error('undo')
  return sql
    .begin(async (tx) => {
      await tx.unsafe(text)
      throw undo
    })
    .then(
      () => false,
      (error) => codes.includes((error as { code?: string }).code ?? ''),
    )
}

function difference(expected: string, found: string): string {
  const items = (text: string) => {
    const catalog = JSON.parse(text) as Record<string, unknown[]>
    return Object.entries(catalog).flatMap(([kind, list]) => list.map((item) => `${kind} ${JSON.stringify(item)}`))
  }
  const [wanted, got] = [items(expected), items(found)]
  const missing = wanted.filter((item) => !got.includes(item)).map((item) => `- ${item}`)
  const surplus = got.filter((item) => !wanted.includes(item)).map((item) => `+ ${item}`)
  return [...missing, ...surplus].join('\n') || 'order differs'
}
