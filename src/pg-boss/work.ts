import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type PgBoss from 'pg-boss'
import { attempt } from './attempt.ts'
import { giveUp } from './give-up.ts'
import { ensureQueues, givenUpQueue, type SyncJob } from './queue.ts'
import { together } from './together.ts'
import { type WorkSettings, type WorkSyncsOptions, workSettings } from './work-options.ts'

/** Workers that run. */
export type SyncWorkers = {
  /**
   * Aborts what is being worked on, waits until it has ended, and hands it to other workers. Stop before `boss.stop()`.
   * Sends nothing else.
   *
   * @example
   * process.once('SIGTERM', () => workers.stop().then(() => boss.stop()))
   *
   * @throws nothing.
   */
  stop(): Promise<void>
}

/**
 * Works on what `planSyncs` enqueued: each due time in one run, by one worker at a time.
 *
 * Retries, backoff and expiry are the queue's. A run whose worker died is taken on as its next attempt once pg-boss finds
 * its job expired, and ends as `failed` where that was the last retry. Nothing is run for an integration that is gone, or no longer active. What goes wrong with the queue
 * itself is emitted by `boss` as `error`, if somebody listens.
 *
 * Sends what `boss.fetch` sends for as many jobs as can be started, and for each what `integrations.get`,
 * `service.runs.start` and `finish`, and `boss.complete` or `boss.fail` send; the same for what pg-boss gave up.
 *
 * @example
 * const workers = await workSyncs({
 *   boss,
 *   service,
 *   async work({ integration, retrieve, signal }) {
 *     const { api_key } = await retrieve()
 *     return { counts: { invoices: await sendInvoices(integration, api_key, signal) } }
 *   },
 * })
 *
 * @throws IntegrationsDbError `invalid_input` that names the option; what pg-boss throws.
 */
export async function workSyncs(options: WorkSyncsOptions): Promise<SyncWorkers> {
  const settings = workSettings(options)
  const { boss, queue } = settings
  await ensureQueues(boss, queue)
  const stopping = new AbortController()
  // Each sync that is worked on listens.
  setMaxListeners(0, stopping.signal)
  const abort = () => stopping.abort()
  boss.once('stopped', abort)
  const complete = together((ids) => boss.complete(queue, ids))
  const work = (job: PgBoss.JobWithMetadata<SyncJob>, askedAt: number) =>
    attempt({ job, askedAt, stopping: stopping.signal, settings, complete })
  const loops = [
    workOn({ settings, stopping: stopping.signal, queue, most: settings.concurrency, work }),
    workOn({
      settings,
      stopping: stopping.signal,
      queue: givenUpQueue(queue),
      most: 1,
      work: (job) => giveUp(job, settings, stopping.signal),
    }),
  ]
  return {
    async stop() {
      abort()
      boss.off('stopped', abort)
      await Promise.all(loops)
    },
  }
}

type Loop = {
  settings: WorkSettings
  stopping: AbortSignal
  queue: string
  /** How many jobs at a time. */
  most: number
  work: (job: PgBoss.JobWithMetadata<SyncJob>, askedAt: number) => Promise<void>
}

/*
 * Not boss.work(): it waits between two jobs, and does not wait for its own `complete` and `fail`, so that a server that
 * restarts ends the process with an unhandled rejection.
 *
 * One question at a time for as many jobs as can be begun at once: pg-boss sorts all that is due to answer it, in 20 ms for
 * ten thousand. So the longer it took the longer the next one waits for more to end.
 */
async function workOn({ settings, stopping, queue, most, work }: Loop): Promise<void> {
  const { boss, pollSeconds } = settings
  const rest = () => pause(pollSeconds * 1000, undefined, { signal: stopping }).catch(() => {})
  const failed = (error: unknown) => {
    if (boss.listenerCount('error') > 0) boss.emit('error', error)
    return rest()
  }
  const busy = new Set<Promise<void>>()
  while (!stopping.aborted) {
    const [askedAt, free] = [performance.now(), most - busy.size]
    try {
      const jobs = await boss.fetch<SyncJob>(queue, { includeMetadata: true, priority: false, batchSize: free })
      for (const job of jobs) {
        const one = work(job, askedAt)
          .catch(failed)
          .finally(() => busy.delete(one))
        busy.add(one)
      }
      const asked = performance.now() - askedAt
      if (jobs.length < free) await rest()
      else await someEnd(busy, most / 4, 4 * asked)
    } catch (error) {
      await failed(error)
    }
  }
  await Promise.all(busy)
}

/** Until no more than so many are left, or a while after one has ended: where syncs are short, many end in it. */
async function someEnd(busy: Set<Promise<void>>, left: number, milliseconds: number): Promise<void> {
  await Promise.race(busy)
  const timer = new AbortController()
  const over = pause(Math.min(milliseconds, 500), true, { signal: timer.signal }).catch(() => true)
  while (busy.size > left && !(await Promise.race([over, ...busy]))) {}
  timer.abort()
}
