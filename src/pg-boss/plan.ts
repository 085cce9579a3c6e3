import type PgBoss from 'pg-boss'
import { z } from 'zod'
import type { ServiceScope } from '../client/client.ts'
import type { ScheduledIntegration } from '../client/service-integrations.ts'
import { isTimeZone } from '../config/schedule.ts'
import { check } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'
import { dueTimes, type Window } from './due-times.ts'
import { ensureQueues, givenUpQueue, jobId, type SyncJob, shared } from './queue.ts'

/** What to plan, and how far. */
export type PlanSyncsOptions = {
  /** A started pg-boss on the same PostgreSQL. */
  boss: PgBoss
  /** The service role, from `db.asService`. */
  service: ServiceScope
  /**
   * The IANA name of the clock that schedules follow.
   *
   * @default 'UTC'
   */
  timeZone?: string | undefined
  /**
   * The queue, 1 to 255 characters. Where it does not exist it is made with 5 retries, backing off from 10 s on.
   *
   * @default 'integration-syncs'
   */
  queue?: string | undefined
  /**
   * Of the due times that nobody planned, after an outage: the newest of each integration or all.
   *
   * @default 'newest'
   */
  missed?: 'newest' | 'all' | undefined
  /**
   * How far ahead to plan, 1 to 3600: at least as long as until the next call, or what falls between is missed.
   *
   * @default 120
   */
  horizonSeconds?: number | undefined
}

/** What one call of {@link planSyncs} did. */
export type PlannedSyncs = {
  /** How many due times it enqueued; those that another planner enqueued before do not count. */
  planned: number
}

const planOptions = lazily(() =>
  z.strictObject({
    ...shared(),
    timeZone: z.string().refine(isTimeZone, 'must be an IANA name such as Europe/Oslo').default('UTC'),
    missed: z.enum(['newest', 'all']).default('newest'),
    horizonSeconds: z.number().min(1).max(3600).default(120),
  } satisfies Record<keyof PlanSyncsOptions, z.ZodType>),
)

/**
 * Enqueues each due time of each active integration once, on however many machines it is called. Call it every minute.
 *
 * It plans from where the last call looked up to a little ahead. The first call of a queue looks ahead only, and no due
 * time before an integration was created is planned. A call that fails half way is made good by the next.
 *
 * Sends what `service.integrations.listScheduled` sends for each page, what `service.runs.plannedThrough` sends twice,
 * and what `boss.createQueue` and `boss.insert` send.
 *
 * @example
 * const timer = setInterval(() => planSyncs({ boss, service, timeZone: 'Europe/Oslo' }).catch(report), 60_000)
 *
 * @throws IntegrationsDbError `invalid_input` that names the option; what pg-boss throws.
 */
export async function planSyncs(options: PlanSyncsOptions): Promise<PlannedSyncs> {
  const { boss, service, queue, timeZone, missed, horizonSeconds } = check('', planOptions, options)
  await ensureQueues(boss, queue)
  const now = new Date()
  const since = (await service.runs.plannedThrough(queue)) ?? now
  const until = new Date(now.getTime() + horizonSeconds * 1000)
  const timesOf = remembered({ timeZone, since, now, until, missed })
  let planned = 0
  for await (const rows of pages(service)) {
    const jobs = jobsOf(rows, timesOf).map((job) => toInsert(job, queue, now))
    planned += await insert(boss, jobs)
  }
  // Not `until`: what is activated meanwhile may be due before.
  await service.runs.plannedThrough(queue, now)
  return { planned }
}

async function* pages(service: ServiceScope): AsyncGenerator<ScheduledIntegration[]> {
  let after: string | null = null
  do {
    const { rows, next } = await service.integrations.listScheduled({ limit: 500, after })
    yield rows
    after = next
  } while (after !== null)
}

function jobsOf(rows: ScheduledIntegration[], timesOf: (schedule: string) => Date[]): SyncJob[] {
  return rows.flatMap(({ id, organizationId, integrationType, createdAt, syncSchedule, due: next }) => {
    // A row with problems has no next run.
    if (syncSchedule === null || next === null) return []
    return timesOf(syncSchedule)
      .filter((due) => due > createdAt)
      .map((due) => ({ integrationId: id, organizationId, integrationType, due: due.toISOString() }))
  })
}

/** Many integrations share a schedule, and each is read once for all pages. */
function remembered(window: Window): (schedule: string) => Date[] {
  const known = new Map<string, Date[]>()
  return (schedule) => {
    const times = known.get(schedule) ?? dueTimes(schedule, window)
    known.set(schedule, times)
    return times
  }
}

/** pg-boss throws away what waits for longer than the queue's retention from `startAfter` on, so a missed one has none. */
function toInsert(job: SyncJob, queue: string, now: Date): PgBoss.JobInsert<SyncJob> {
  const ahead = new Date(job.due) > now ? { startAfter: job.due } : {}
  return { id: jobId(job.integrationId, job.due), name: queue, data: job, deadLetter: givenUpQueue(queue), ...ahead }
}

const mostAtOnce = 1000

async function insert(boss: PgBoss, jobs: PgBoss.JobInsert<SyncJob>[]): Promise<number> {
  let inserted = 0
  // boss.insert does not say how many were new; the server does.
  const counting: PgBoss.Db = {
    async executeSql(text, values) {
      const result: { rows: unknown[]; rowCount?: number | null } = await boss.getDb().executeSql(text, values)
      inserted += result.rowCount ?? 0
      return result
    },
  }
  for (let i = 0; i < jobs.length; i += mostAtOnce) {
    await boss.insert(jobs.slice(i, i + mostAtOnce), { db: counting })
  }
  return inserted
}
