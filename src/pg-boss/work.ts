import { setTimeout as pause } from 'node:timers/promises'
import { attempt } from './attempt.ts'
import { ensureQueue, type SyncJob } from './queue.ts'
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
 * its job expired. Nothing is run for an integration that is gone, or no longer active. What goes wrong with the queue
 * itself is emitted by `boss` as `error`, if somebody listens.
 *
 * Sends what `boss.fetch` sends, and for each job what `integrations.get`, `service.runs.start` and `finish`, and
 * `boss.complete` or `boss.fail` send.
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
  const { boss, queue, concurrency } = settings
  await ensureQueue(boss, queue)
  const stopping = new AbortController()
  boss.once('stopped', () => stopping.abort())
  const workers = Array.from({ length: concurrency }, () => worker(settings, stopping.signal))
  return {
    async stop() {
      stopping.abort()
      await Promise.all(workers)
    },
  }
}

/*
 * Not boss.work(): it waits between two jobs, and does not wait for its own `complete` and `fail`, so that a server that
 * restarts ends the process with an unhandled rejection.
 */
async function worker(settings: WorkSettings, stopping: AbortSignal): Promise<void> {
  const { boss, queue, pollSeconds } = settings
  const rest = () => pause(pollSeconds * 1000, undefined, { signal: stopping }).catch(() => {})
  while (!stopping.aborted) {
    const askedAt = performance.now()
    try {
      const [job] = await boss.fetch<SyncJob>(queue, { includeMetadata: true, batchSize: 1 })
      if (job === undefined) await rest()
      else await attempt({ job, askedAt, stopping, settings })
    } catch (error) {
      if (boss.listenerCount('error') > 0) boss.emit('error', error)
      await rest()
    }
  }
}
