import { type Queries, queriesOf, withAdminConnection, withExclusiveAdmin } from '../admin/connection.ts'
import { type Access, projectQueries } from '../admin/management-api.ts'
import type { Progress } from '../admin/steps.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import { noTransaction } from '../migrations/index.ts'
import { switchDataApi } from './data-api.ts'
import { fileName, type MigrationFile, recordedStatements } from './files.ts'
import {
  assertRecorded,
  assertSound,
  compareWith,
  createHistory,
  deploymentLock,
  overtaken,
  record,
} from './history.ts'
import { migrationFiles } from './sources.ts'

/** Which files, and how far. */
export type MigrateOptions = {
  /**
   * The Supabase project folder.
   *
   * @default this package's own
   */
  supabase?: string | undefined
  /**
   * The newest version to apply, 14 digits.
   *
   * @default all that are pending
   */
  to?: string | undefined
  /**
   * Report what would be applied and change nothing.
   *
   * @default false
   */
  dryRun?: boolean | undefined
  /**
   * Open the functions of schema `integrations_api` to the users of your Data API, or close them, once the files are
   * applied.
   *
   * @default as it is; closed in a new database
   */
  dataApi?: boolean | undefined
  /**
   * Called after each file with how many of all are done.
   *
   * @default none
   */
  onProgress?: Progress | undefined
}

/** What a migration did: file names, oldest first. */
export type MigrateReport = {
  /** What was applied. */
  applied: string[]
  /** What still is to be; of a dry run, what it would apply. */
  pending: string[]
}

/** As `index.ts` publishes it; what it takes, throws and sends is said there. */
export async function migrate({
  onWait,
  ...options
}: MigrateOptions &
  Access & {
    /**
     * Called once where another process is migrating.
     *
     * @default none
     */
    onWait?: (() => void) | undefined
  }): Promise<MigrateReport> {
  try {
    if ('projectRef' in options) return await applyPending(await projectQueries(options), options)
    const { wanted, ...report } = await withAdminConnection(options.url, (sql) => prepare(queriesOf(sql), options))
    // Once there is a schema to lock. Whoever comes second finds nothing left to do then.
    if (options.dryRun || (wanted.length === 0 && options.dataApi === undefined)) return report
    return await withExclusiveAdmin(options.url, deploymentLock, (sql) => applyPending(queriesOf(sql), options), onWait)
  } catch (error) {
    throw toIntegrationsDbError(error)
  }
}

/** {@link migrate} on what is open already. */
export async function applyPending(database: Queries, options: MigrateOptions): Promise<MigrateReport> {
  const { wanted, ...report } = await prepare(database, options)
  if (options.dryRun) return report
  const applied: string[] = []
  for (const [i, file] of wanted.entries()) {
    if (await apply(database, file, applied)) applied.push(fileName(file))
    options.onProgress?.(i + 1, wanted.length)
  }
  if (options.dataApi !== undefined) await switchDataApi(database, options.dataApi)
  return { ...report, applied }
}

type Preparation = MigrateReport & { wanted: MigrationFile[] }

/** What there is to apply, and the history that it is recorded in; a dry run makes none. */
async function prepare(database: Queries, { supabase, to, dryRun = false }: MigrateOptions): Promise<Preparation> {
  const files = await migrationFiles(supabase)
  if (to !== undefined) assertVersion(files, to)
  const { pending, problems } = await compareWith(database, files)
  assertSound(problems)
  const wanted = pending.filter(({ version }) => to === undefined || version <= to)
  if (!dryRun && wanted.length > 0) await database.query(createHistory)
  return { applied: [], pending: (dryRun ? wanted : pending.slice(wanted.length)).map(fileName), wanted }
}

/** Whether it was applied here; not, where somebody else did so meanwhile. */
async function apply(database: Queries, file: MigrationFile, applied: string[]): Promise<boolean> {
  const recorded = await record(file)
  const isNotYet = assertRecorded([file.version], false)
  const before = applied.length > 0 ? `; applied before it: ${applied.join(', ')}` : ''
  if (!file.text.startsWith(noTransaction)) {
    return unlessOvertaken(file, `nothing of this file was applied${before}`, before, async () => {
      await database.query(`${isNotYet}${file.text}\n;${recorded}`)
    })
  }
  // CREATE INDEX CONCURRENTLY: each statement commits by itself, and the file can run again from its beginning.
  const outcome = `run it again: what it has done already it does not do twice${before}`
  return unlessOvertaken(file, outcome, before, async () => {
    for (const statement of await recordedStatements(file)) await database.query(statement)
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
