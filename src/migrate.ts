import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type postgres from 'postgres'
import { type Admin, asAdmin } from './admin.ts'
import { IntegrationsDbError } from './errors.ts'
import { noTransaction } from './migrations/render.ts'
import { parseStatements } from './migrations/statements.ts'
import { toIntegrationsDbError } from './server-errors.ts'

/** Where this package's own `supabase/` lies, beside `src/` and beside `dist/`. */
const packagedSupabase = fileURLToPath(new URL('../supabase', import.meta.url))

export type MigrateOptions = {
  /** An administrator's URL: a role that may create schemas, types and tables. */
  url: string
  /** The Supabase project folder; this package's own unless told. */
  supabase?: string
}

type MigrationFile = { version: string; name: string; path: string }

/**
 * Applies what is pending, each file in one transaction with its row in Supabase's own history table.
 *
 * @example
 * const { applied } = await migrate({ url: process.env.INTEGRATIONS_ADMIN_URL })
 *
 * Several may start at once: an advisory lock lets one work, the others then find nothing to do.
 *
 * @throws IntegrationsDbError `invalid_input` where PostgreSQL refuses a file; that file has then left nothing behind.
 */
export async function migrate({ url, supabase = packagedSupabase }: MigrateOptions): Promise<{ applied: string[] }> {
  return withHistory(url, async (sql, recorded) => {
    const applied: string[] = []
    for (const file of await listFiles(join(supabase, 'migrations'))) {
      if (recorded.has(file.version)) continue
      const text = await readFile(file.path, 'utf8')
      const statements = (await parseStatements(text, file.path)).map(({ source }) => source)
      const record = (connection: Admin | Transaction) =>
        connection`insert into supabase_migrations.schema_migrations (version, name, statements)
          values (${file.version}, ${file.name}, array(select jsonb_array_elements_text(${JSON.stringify(statements)}::text::jsonb)))`
      if (text.startsWith(noTransaction)) {
        // CREATE INDEX CONCURRENTLY: each statement commits by itself, and the file can run again from its beginning.
        await explained(file, 'run it again: what it has done already it does not do twice', async () => {
          for (const statement of statements) await sql.unsafe(statement)
          await record(sql)
        })
      } else {
        await inOneTransaction(sql, file, async (tx) => {
          await tx.unsafe(text)
          await record(tx)
        })
      }
      applied.push(basename(file.path))
    }
    return { applied }
  })
}

/**
 * Runs the newest rollback files, newest first, each in one transaction with the removal of its history row.
 *
 * @example
 * await rollback({ url, steps: 1, acceptDataLoss: true })
 *
 * @throws IntegrationsDbError `conflict` where a rollback loses data and `acceptDataLoss` is not set; nothing has run then.
 */
export async function rollback({
  url,
  supabase = packagedSupabase,
  steps,
  acceptDataLoss = false,
}: MigrateOptions & { steps: number; acceptDataLoss?: boolean }): Promise<{ rolledBack: string[] }> {
  return withHistory(url, async (sql, recorded) => {
    const files = (await listFiles(join(supabase, 'rollbacks')))
      .filter((file) => recorded.has(file.version))
      .reverse()
      .slice(0, steps)
    const texts = await Promise.all(files.map((file) => readFile(file.path, 'utf8')))
    const losses = texts.flatMap((text) => [...text.matchAll(/^-- data loss: (.*)$/gm)].map((match) => match[1]))
    if (losses.length > 0 && !acceptDataLoss) {
      throw new IntegrationsDbError('conflict', `rolling back loses ${losses.join(', ')}; say --yes to accept that`)
    }
    for (const [i, file] of files.entries()) {
      await inOneTransaction(sql, file, async (tx) => {
        await tx.unsafe(texts[i] ?? '')
        await tx`delete from supabase_migrations.schema_migrations where version = ${file.version}`
      })
    }
    return { rolledBack: files.map((file) => basename(file.path)) }
  })
}

/** Supabase's history table, made as its CLI makes it, and the versions in it; one process at a time. */
async function withHistory<T>(url: string, work: (sql: Admin, recorded: Set<string>) => Promise<T>): Promise<T> {
  return asAdmin(url, async (sql) => {
    try {
      await sql`select pg_advisory_lock(hashtextextended('@org/integrations-db migrations', 0))`
      await sql.unsafe(`
        create schema if not exists supabase_migrations;
        create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
        alter table supabase_migrations.schema_migrations add column if not exists statements text[];
        alter table supabase_migrations.schema_migrations add column if not exists name text`)
      const rows = await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`
      return await work(sql, new Set(rows.map(({ version }) => version)))
    } catch (error) {
      throw toIntegrationsDbError(error)
    }
  })
}

async function listFiles(folder: string): Promise<MigrationFile[]> {
  const entries = await readdir(folder).catch(() => {
    throw new IntegrationsDbError('not_found', `${folder} cannot be read; run integrations-db build first`)
  })
  return entries.sort().flatMap((entry) => {
    const [, version, name] = /^(\d{14})_(.*)\.sql$/.exec(entry) ?? []
    return version && name ? [{ version, name, path: join(folder, entry) }] : []
  })
}

type Transaction = postgres.TransactionSql<Record<string, never>>

function inOneTransaction(sql: Admin, file: MigrationFile, work: (tx: Transaction) => Promise<void>): Promise<void> {
  return explained(file, 'nothing of this file was applied', () => sql.begin(work) as Promise<void>)
}

/** Names the file in what PostgreSQL says, and what became of it. */
async function explained(file: MigrationFile, outcome: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { code = 'unknown', message, hint } = error as { code?: string; message: string; hint?: string }
    if (!/^[0-9A-Z]{5}$/.test(code)) throw toIntegrationsDbError(error)
    // Unlike a caller's statement, a reviewed file holds no secrets: PostgreSQL's words are what helps here.
    throw new IntegrationsDbError(
      'invalid_input',
      `${basename(file.path)}: ${message}${hint ? ` (${hint})` : ''}; ${outcome}`,
      { sqlState: code },
    )
  }
}
