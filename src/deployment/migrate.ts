import { join } from 'node:path'
import { aloneAsAdmin, type Progress, type Queries, queriesOf } from '../admin.ts'
import { IntegrationsDbError } from '../errors.ts'
import { type Access, projectQueries } from '../management-api.ts'
import { noTransaction } from '../migrations/index.ts'
import { toIntegrationsDbError } from '../server-errors.ts'
import { fileName, type MigrationFile, packagedSupabase, readMigrationFiles, statementsOf } from './files.ts'
import {
  assertRecorded,
  assertSound,
  compareHistory,
  createHistory,
  overtaken,
  readHistory,
  record,
} from './history.ts'

/** Which files, and how far. */
export type MigrateOptions = {
  /** The Supabase project folder; this package's own unless told. */
  supabase?: string
  /** The newest version to apply, 14 digits; all that are pending unless told. */
  to?: string
  /** Say what is pending and change nothing. */
  dryRun?: boolean
  onProgress?: Progress
}

/** File names, oldest first: what was applied, and what still is to be; of a dry run, what it would apply. */
export type MigrateReport = { applied: string[]; pending: string[] }

/** Whoever migrates or rolls back does so alone. */
export const deploymentLock = '@org/integrations-db migrations'

/** As `index.ts` publishes it; what it takes, throws and sends is said there. */
export async function migrate({
  onWait,
  ...options
}: MigrateOptions &
  Access & {
    /** Told once where somebody else is migrating. */
    onWait?: () => void
  }): Promise<MigrateReport> {
  try {
    if ('projectRef' in options) return await applyPending(await projectQueries(options), options)
    return await aloneAsAdmin(options.url, deploymentLock, (sql) => applyPending(queriesOf(sql), options), onWait)
  } catch (error) {
    throw toIntegrationsDbError(error)
  }
}

/** {@link migrate} on what is open already. */
export async function applyPending(
  database: Queries,
  { supabase = packagedSupabase, to, dryRun = false, onProgress = () => {} }: MigrateOptions,
): Promise<MigrateReport> {
  const files = await readMigrationFiles(join(supabase, 'migrations'))
  if (to !== undefined) assertVersion(files, to)
  const { pending, problems } = await compareHistory(files, await readHistory(database))
  assertSound(problems)
  const wanted = pending.filter(({ version }) => to === undefined || version <= to)
  if (dryRun) return { applied: [], pending: wanted.map(fileName) }
  if (wanted.length === 0) return { applied: [], pending: pending.map(fileName) }
  await database.query(createHistory)
  const applied: string[] = []
  for (const [i, file] of wanted.entries()) {
    if (await apply(database, file, applied)) applied.push(fileName(file))
    onProgress(i + 1, wanted.length)
  }
  return { applied, pending: pending.slice(wanted.length).map(fileName) }
}

/** Whether it was applied here; not, where somebody else did so meanwhile. */
async function apply(database: Queries, file: MigrationFile, applied: string[]): Promise<boolean> {
  const recorded = await record(file)
  const isNotYet = assertRecorded(file.version, false)
  const before = applied.length > 0 ? `; applied before it: ${applied.join(', ')}` : ''
  if (!file.text.startsWith(noTransaction)) {
    return unlessOvertaken(file, `nothing of this file was applied${before}`, before, async () => {
      await database.query(`${isNotYet}${file.text}\n;${recorded}`)
    })
  }
  // CREATE INDEX CONCURRENTLY: each statement commits by itself, and the file can run again from its beginning.
  const outcome = `run it again: what it has done already it does not do twice${before}`
  return unlessOvertaken(file, outcome, before, async () => {
    for (const statement of await statementsOf(file)) await database.query(statement)
    await database.query(isNotYet + recorded)
  })
}

/** Runs one file's text. What PostgreSQL says is told with the file's name and what became of it. */
export async function unlessOvertaken(
  file: MigrationFile,
  outcome: string,
  before: string,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    const { code = 'unknown', message, hint } = error as { code?: string; message: string; hint?: string }
    if (code === overtaken) return false
    // Unlike a caller's statement, a reviewed file holds no secrets: PostgreSQL's words are what helps here.
    if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57P')) {
      const told = `${fileName(file)}: ${message}${hint ? ` (${hint})` : ''}; ${outcome}`
      throw new IntegrationsDbError('invalid_input', told, { sqlState: code })
    }
    const ours = toIntegrationsDbError(error)
    throw new IntegrationsDbError(
      ours.code,
      `${fileName(file)}: ${ours.message}; integrations-db status says whether it is done${before}`,
    )
  }
}

/** A version is named whole: a part of one might be another's. */
export function assertVersion(files: MigrationFile[], version: string): void {
  if (files.some((file) => file.version === version)) return
  throw new IntegrationsDbError(
    'not_found',
    `to: there is no migration of version ${version}; there are ${files.map((file) => file.version).join(', ')}`,
  )
}
