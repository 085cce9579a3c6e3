import { createHash } from 'node:crypto'
import type PgBoss from 'pg-boss'
import { z } from 'zod'
import type { ServiceScope } from '../client/client.ts'
import type { IntegrationType } from '../schema/enums.ts'

/** What a job says: one integration, one due time. */
export type SyncJob = {
  integrationId: string
  organizationId: string
  integrationType: IntegrationType
  /** An ISO text: jobs are JSON. */
  due: string
}

/** The options that planners and workers share. */
export const shared = () => ({
  boss: z.custom<PgBoss>(
    has('createQueue', 'getQueue', 'insert', 'fetch', 'complete', 'fail', 'getDb'),
    'must be a started PgBoss',
  ),
  service: z.custom<ServiceScope>(has('integrations', 'runs', 'credentials'), 'must be what db.asService gives'),
  queue: z.string().min(1).max(255).default('integration-syncs'),
})

const has =
  (...names: string[]) =>
  (value: unknown) =>
    typeof value === 'object' && value !== null && names.every((name) => name in value)

/** Where pg-boss puts what it gives up: the jobs that failed, or expired, on their last retry. */
export const givenUpQueue = (queue: string) => `${queue}-given-up`

/** Makes the queues where nobody has: retries, backoff and expiry are then as they were set. */
export async function ensureQueues(boss: PgBoss, queue: string): Promise<void> {
  await boss.createQueue(givenUpQueue(queue), { name: givenUpQueue(queue) })
  await boss.createQueue(queue, { name: queue, retryLimit: 5, retryDelay: 10, retryBackoff: true })
}

/**
 * The same id for the same integration and due time. pg-boss leaves a job out whose id its queue has, so any number of
 * planners enqueue a due time once; a standard queue's singletonKey does not say so.
 */
export function jobId(integrationId: string, due: string): string {
  const hex = createHash('sha256').update(`${integrationId} ${due}`).digest('hex')
  // Version 8: what the bits are is the maker's own affair.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
