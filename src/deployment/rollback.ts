import { join } from 'node:path'
import { aloneAsAdmin, type Progress, queriesOf } from '../admin/connection.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import { fileName, type MigrationFile, packagedSupabase, readMigrationFiles } from './files.ts'
import { assertRecorded, assertSound, compareHistory, forget, readHistory } from './history.ts'
import { assertVersion, deploymentLock, unlessOvertaken } from './migrate.ts'

/** How far back: a number of files, or to the version that shall be the newest applied one. */
export type RollbackOptions = {
  /** An administrator's URL, of the role that migrated. */
  url: string
  /** The Supabase project folder; this package's own unless told. */
  supabase?: string
  /** Accept that what the rollback files name is lost. */
  acceptDataLoss?: boolean
  onProgress?: Progress
  onWait?: () => void
} & ({ steps: number } | { to: string })

/** File names, newest first, and what data went with them. */
export type RollbackReport = { rolledBack: string[]; losses: string[] }

/** As `index.ts` publishes it; what it takes, throws and sends is said there. */
export async function rollback(options: RollbackOptions): Promise<RollbackReport> {
  const { url, supabase = packagedSupabase, acceptDataLoss = false, onProgress = () => {}, onWait } = options
  try {
    return await aloneAsAdmin(
      url,
      deploymentLock,
      async (sql) => {
        const database = queriesOf(sql)
        const files = await planRollback(supabase, await appliedOf(supabase, database), options)
        const losses = files.flatMap(({ text }) => lossesIn(text))
        if (losses.length > 0 && !acceptDataLoss) {
          throw new IntegrationsDbError('conflict', `rolling back loses ${losses.join(', ')}; say --yes to accept that`)
        }
        for (const [i, file] of files.entries()) {
          const text = `${assertRecorded(file.version, true)}${file.text}\n;${forget(file)}`
          await unlessOvertaken(file, 'nothing of this file was rolled back', '', async () => {
            await database.query(text)
          })
          onProgress(i + 1, files.length)
        }
        return { rolledBack: files.map(fileName), losses }
      },
      onWait,
    )
  } catch (error) {
    throw toIntegrationsDbError(error)
  }
}

async function appliedOf(supabase: string, database: ReturnType<typeof queriesOf>): Promise<MigrationFile[]> {
  const files = await readMigrationFiles(join(supabase, 'migrations'))
  const { applied, problems } = await compareHistory(files, await readHistory(database))
  // One that was left out does not stand in the way of going back.
  assertSound(problems.filter(({ problem }) => problem !== 'out of order'))
  return applied
}

/** The rollback files to run, newest first. */
async function planRollback(
  supabase: string,
  applied: MigrationFile[],
  how: { steps: number } | { to: string },
): Promise<MigrationFile[]> {
  if ('to' in how) assertVersion(applied, how.to)
  const newestFirst = applied.toReversed()
  const undone = 'to' in how ? newestFirst.filter(({ version }) => version > how.to) : newestFirst.slice(0, how.steps)
  const rollbacks = await readMigrationFiles(join(supabase, 'rollbacks'))
  return undone.map((migration) => {
    const rollback = rollbacks.find(({ path }) => path.endsWith(`${migration.version}_${migration.name}.sql`))
    if (rollback !== undefined) return rollback
    throw new IntegrationsDbError(
      'not_found',
      `${join(supabase, 'rollbacks', fileName(migration))}: is missing, so nothing leads back from ${fileName(migration)}; put it back, or run integrations-db build`,
    )
  })
}

function lossesIn(text: string): string[] {
  return [...text.matchAll(/^-- data loss: (.*)$/gm)].map(([, loss = '']) => loss)
}
