import { join } from 'node:path'
import { type Queries, queriesOf, withAdminConnection, withExclusiveAdmin } from '../admin/connection.ts'
import type { Progress } from '../admin/steps.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import { fileName } from './files.ts'
import { type Applied, assertRecorded, assertSound, compareWith, deploymentLock, forget } from './history.ts'
import { assertVersion, unlessOvertaken } from './migrate.ts'
import { migrationFiles, rollbackFiles } from './sources.ts'

/** How far back: a number of files, or to the version that shall be the newest applied one. */
export type RollbackOptions = {
  /** An administrator's URL, of the role that migrated. */
  url: string
  /**
   * The Supabase project folder.
   *
   * @default this package's own
   */
  supabase?: string | undefined
  /**
   * Accept the loss of data that the rollback files announce.
   *
   * @default false
   */
  acceptDataLoss?: boolean | undefined
  /**
   * Called after each file with how many of all are done.
   *
   * @default none
   */
  onProgress?: Progress | undefined
  /**
   * Called once where another process is migrating.
   *
   * @default none
   */
  onWait?: (() => void) | undefined
} & (
  | {
      /** How many files to roll back. */
      steps: number
    }
  | {
      /** The version that stays applied, 14 digits. */
      to: string
    }
)

/** What a rollback did. */
export type RollbackReport = {
  /** File names, newest first. */
  rolledBack: string[]
  /** What data went with them. */
  losses: string[]
}

/** As `index.ts` publishes it; what it takes, throws and sends is said there. */
export async function rollback(options: RollbackOptions): Promise<RollbackReport> {
  const { url, onWait } = options
  try {
    const planned = await withAdminConnection(url, (sql) => plan(queriesOf(sql), options))
    // Without a history there is no schema to lock.
    if (planned.files.length === 0) return { rolledBack: [], losses: [] }
    return await withExclusiveAdmin(url, deploymentLock, (sql) => undo(queriesOf(sql), options), onWait)
  } catch (error) {
    throw toIntegrationsDbError(error)
  }
}

async function undo(database: Queries, options: RollbackOptions): Promise<RollbackReport> {
  const { files, losses } = await plan(database, options)
  for (const [i, { file, recordedAs }] of files.entries()) {
    const text = `${assertRecorded(recordedAs, true)}${file.text}\n;${forget(recordedAs)}`
    await unlessOvertaken(file, 'nothing of this file was rolled back', '', async () => {
      await database.query(text)
    })
    options.onProgress?.(i + 1, files.length)
  }
  return { rolledBack: files.map(({ file }) => fileName(file)), losses }
}

/** The files to run, and what data goes with them, which must have been accepted. */
async function plan(
  database: Queries,
  { supabase, acceptDataLoss = false, ...how }: RollbackOptions,
): Promise<{ files: Applied[]; losses: string[] }> {
  const files = await planRollback(supabase, await appliedOf(supabase, database), how)
  const losses = files.flatMap(({ file }) => lossesIn(file.text))
  if (losses.length > 0 && !acceptDataLoss) {
    throw new IntegrationsDbError('conflict', `rolling back loses ${losses.join(', ')}; pass --yes to accept that`)
  }
  return { files, losses }
}

async function appliedOf(supabase: string | undefined, database: Queries): Promise<Applied[]> {
  const { applied, problems } = await compareWith(database, await migrationFiles(supabase))
  // One that was left out does not stand in the way of going back.
  assertSound(problems.filter(({ problem }) => problem !== 'out of order'))
  return applied
}

/** The rollback files to run, newest first. */
async function planRollback(
  supabase: string | undefined,
  applied: Applied[],
  how: { steps: number } | { to: string },
): Promise<Applied[]> {
  if ('to' in how)
    assertVersion(
      applied.map(({ file }) => file),
      how.to,
    )
  // Without a number, or with one below zero, all but a few would go.
  else if (!Number.isInteger(how.steps) || how.steps < 1)
    throw new IntegrationsDbError(
      'invalid_input',
      'steps: must be a whole number from 1; or name the version to go back to',
    )
  const newestFirst = applied.toReversed()
  const undone = 'to' in how ? newestFirst.filter(({ file }) => file.version > how.to) : newestFirst.slice(0, how.steps)
  const rollbacks = await rollbackFiles(supabase)
  return undone.map(({ file, recordedAs }) => {
    const rollback = rollbacks.find(({ path }) => path.endsWith(`${file.version}_${file.name}.sql`))
    if (rollback !== undefined) return { file: rollback, recordedAs }
    throw new IntegrationsDbError(
      'not_found',
      `${join(supabase ?? 'supabase', 'rollbacks', fileName(file))}: is missing, so nothing leads back from ${fileName(file)}; put it back, or run integrations-db build`,
    )
  })
}

function lossesIn(text: string): string[] {
  return [...text.matchAll(/^-- data loss: (.*)$/gm)].map(([, loss = '']) => loss)
}
