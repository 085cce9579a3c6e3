import { setTimeout as pause } from 'node:timers/promises'
import type PgBoss from 'pg-boss'
import type { RunEnd } from '../client/call-options.ts'
import type { Integration } from '../client/integration-statements.ts'
import type { Run } from '../client/runs.ts'
import { IntegrationsDbError } from '../errors.ts'
import type { SyncJob } from './queue.ts'
import type { WorkSettings } from './work-options.ts'

/** A job that was fetched, and what it is worked on with. */
export type Attempt = {
  job: PgBoss.JobWithMetadata<SyncJob>
  /** When the job was asked for, by `performance.now()`: its expiry began no earlier. */
  askedAt: number
  stopping: AbortSignal
  settings: WorkSettings
  /** `boss.complete`. */
  complete: (id: string) => Promise<void>
}

/**
 * Works on a job. Once it may have expired it is no longer ours: another worker can have it under the same id, so it is
 * left alone, and so is one whose run another attempt has taken over.
 */
export async function attempt(given: Attempt): Promise<void> {
  const { job, settings } = given
  const { boss, queue } = settings
  let succeeded: boolean | undefined
  try {
    succeeded = await outcomeOf(given)
  } catch (error) {
    if (isOurs(given)) await boss.fail(queue, job.id, { message: messageOf(error) })
    throw error
  }
  if (succeeded === undefined || !isOurs(given)) return
  if (succeeded) await given.complete(job.id)
  else await boss.fail(queue, job.id, { message: 'the run says why' })
}

const millisecondsOf = ({ job }: Attempt) => Number(job.expireInSeconds) * 1000
const isOurs = (given: Attempt) => performance.now() < given.askedAt + millisecondsOf(given)

/** Whether the job is done with; undefined where it is no longer ours. */
async function outcomeOf(given: Attempt): Promise<boolean | undefined> {
  const { job, settings } = given
  const { service } = settings
  const { integrationId, organizationId, integrationType, due } = job.data
  const integration = await service.forOrganization(organizationId).integrations.get(integrationType)
  if (integration?.id !== integrationId || integration.status !== 'active') return true
  const retries = job.retryCount > 0
  const run = await service.runs.start({ organizationId, integrationType, due: new Date(due), retries })
  if (run === null) return true
  const end = await worked(given, integration, run)
  return (await recorded(given, run, end)) ? end.outcome === 'succeeded' : undefined
}

async function worked(given: Attempt, integration: Integration, run: Run): Promise<RunEnd> {
  const { job, stopping, settings } = given
  const { organizationId, integrationType } = integration
  const aborting = new AbortController()
  const abort = () => aborting.abort()
  // What is left of its time, at most half a minute, is for the work to end in.
  const timer = setTimeout(abort, given.askedAt + aborted(millisecondsOf(given)) - performance.now())
  stopping.addEventListener('abort', abort)
  if (stopping.aborted) abort()
  try {
    const retrieve = () =>
      settings.service.credentials.retrieve({ organizationId, integrationType, reason: `run ${run.id}` })
    const { signal } = aborting
    const result = await settings.work({ integration, due: run.due, run, retrieve, signal })
    return { outcome: 'succeeded', counts: result ? result.counts : undefined, attempt: run.attempt }
  } catch (error) {
    const said = aborting.signal.aborted ? interrupted(stopping) : messageOf(error)
    const errorAfter = job.retryCount >= job.retryLimit ? settings.errorAfter : undefined
    return { outcome: 'failed', message: said, attempt: run.attempt, errorAfter }
  } finally {
    clearTimeout(timer)
    stopping.removeEventListener('abort', abort)
  }
}

const aborted = (expiry: number) => Math.max(expiry * 0.8, expiry - 30_000)
const interrupted = ({ aborted }: AbortSignal) =>
  aborted ? 'the worker was stopped' : 'the work was aborted before its job expired'

/** Errors of others may carry what they were given, a credential for one; those of this package do not. */
function messageOf(error: unknown): string {
  return error instanceof IntegrationsDbError
    ? error.message.slice(0, 1000).toWellFormed()
    : 'the work failed; the worker says why'
}

/** Writes down how the run ended, through a restart of the server; false where the run is no longer ours. */
async function recorded(given: Attempt, run: Run, end: RunEnd): Promise<boolean> {
  const { runs } = given.settings.service
  let said = end
  while (isOurs(given)) {
    try {
      await runs.finish(run.id, said)
      return true
    } catch (error) {
      if (!(error instanceof IntegrationsDbError)) throw error
      if (error.code === 'conflict' || error.code === 'not_found') return false
      if (error.code === 'invalid_input') {
        // What was said of it looks like a credential, or is no count.
        if (said.message === refused) throw error
        said = { ...end, counts: undefined, message: refused }
      } else await pause(200)
    }
  }
  return false
}

const refused = 'what the work said of its run was refused'
