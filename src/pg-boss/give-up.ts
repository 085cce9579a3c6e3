import { setTimeout as pause } from 'node:timers/promises'
import { and, eq, isNull } from 'drizzle-orm'
import type PgBoss from 'pg-boss'
import type { OrganizationScope } from '../client/organization-scope.ts'
import { IntegrationsDbError } from '../errors.ts'
import { organizationIntegrationRuns as runs } from '../schema/organization-integration-runs.ts'
import { givenUpQueue, type SyncJob } from './queue.ts'
import type { WorkSettings } from './work-options.ts'

type Job = PgBoss.JobWithMetadata<SyncJob>

/**
 * Ends the run of a job that pg-boss hands out no more. Where the work threw, it has ended already; where its worker was
 * killed on the last retry, nobody else would end it.
 *
 * Tries again through a restart of the server: where the queue retries nothing, pg-boss would not hand this job out again.
 */
export async function giveUp(job: Job, settings: WorkSettings, stopping: AbortSignal): Promise<void> {
  for (const until = performance.now() + 60_000; ; await pause(200)) {
    try {
      return await end(job, settings)
    } catch (error) {
      if (stopping.aborted || performance.now() > until) throw error
    }
  }
}

async function end(job: Job, settings: WorkSettings): Promise<void> {
  const { boss, queue, service, errorAfter } = settings
  const run = await unended(job, settings)
  if (run !== undefined) {
    try {
      await service.runs.finish(run.id, { outcome: 'failed', message, attempt: run.attempt, errorAfter })
    } catch (error) {
      // It ended, or went with its integration, meanwhile.
      if (!(error instanceof IntegrationsDbError && ['conflict', 'not_found'].includes(error.code))) throw error
    }
  }
  // Whoever made the queue with a dead letter queue of its own waits for it there.
  const deadLetter = (await boss.getQueue(queue))?.deadLetter
  if (deadLetter) await boss.insert([{ id: job.id, name: deadLetter, data: job.data }])
  await boss.complete(givenUpQueue(queue), job.id)
}

const message = 'given up: its worker died, or ran out of time, on the last retry'

/** The run that nobody ends; begun here where every worker died before it could. */
async function unended({ data }: Job, { service }: WorkSettings): Promise<{ id: string; attempt: number } | undefined> {
  const { organizationId, integrationType, integrationId } = data
  const due = new Date(data.due)
  const scope = service.forOrganization(organizationId)
  const integration = await scope.integrations.get(integrationType)
  if (integration?.id !== integrationId) return undefined
  const begun = integration.status === 'active' && (await service.runs.start({ organizationId, integrationType, due }))
  return begun || (await open(scope, integrationId, due))
}

async function open(scope: OrganizationScope, integrationId: string, due: Date) {
  const [run] = await scope.query((q) =>
    q
      .select({ id: runs.id, attempt: runs.attempt })
      .from(runs)
      .where(and(eq(runs.integrationId, integrationId), eq(runs.due, due), isNull(runs.outcome))),
  )
  return run
}
