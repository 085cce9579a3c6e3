import type PgBoss from 'pg-boss'
import { z } from 'zod'
import type { ServiceScope } from '../client/client.ts'
import type { CredentialBundle } from '../client/credential-bundle.ts'
import type { Integration } from '../client/integration-statements.ts'
import type { Run } from '../client/runs.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { check } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'
import { shared } from './queue.ts'

/** One sync, as the work gets it. */
export type SyncWork = {
  /** The integration, read when its job began. */
  integration: Integration
  /** When it was due by its schedule. */
  due: Date
  /** Its run, begun. */
  run: Run
  /**
   * The integration's credential bundle; its event names the run as reason. Sends what `service.credentials.retrieve` sends.
   *
   * @example
   * const { api_key } = await retrieve()
   *
   * @throws IntegrationsDbError as `service.credentials.retrieve` does.
   */
  retrieve(): Promise<CredentialBundle<IntegrationType>>
  /** Aborted when the workers stop, and shortly before the job expires: another worker may then take the run on. */
  signal: AbortSignal
}

/** What a work may say of its run. */
export type SyncResult = {
  /**
   * How many of what, such as `{ invoices: 12 }`.
   *
   * @default none
   */
  counts?: Record<string, number> | undefined
}

/** What to work on, and how. */
export type WorkSyncsOptions = {
  /** A started pg-boss on the same PostgreSQL. */
  boss: PgBoss
  /** The service role, from `db.asService`. */
  service: ServiceScope
  /**
   * The queue, as `planSyncs` has it.
   *
   * @default 'integration-syncs'
   */
  queue?: string | undefined
  /**
   * Syncs one integration: what it throws makes the run `failed`, and pg-boss hands the job out again. Sends nothing itself.
   *
   * @example
   * const work = async ({ integration, signal }) => ({ counts: { invoices: await sendInvoices(integration, signal) } })
   *
   * @throws whatever it likes; only the message of an IntegrationsDbError is written down.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most works have nothing to say.
  work: (sync: SyncWork) => Promise<SyncResult | void>
  /**
   * How many syncs this process works on at a time, 1 to 100.
   *
   * @default 1
   */
  concurrency?: number | undefined
  /**
   * How often to look for jobs while there are none, 0.1 to 3600.
   *
   * @default 2
   */
  pollSeconds?: number | undefined
  /**
   * After so many failed runs in a row, 1 to 1000, the integration is set to `error` and an alert is recorded, once. A
   * run counts once its last retry has failed.
   *
   * @default 5
   */
  errorAfter?: number | undefined
}

const workOptions = lazily(() =>
  z.strictObject({
    ...shared(),
    work: z.custom<WorkSyncsOptions['work']>((value) => typeof value === 'function', 'must be a function'),
    concurrency: z.int().min(1).max(100).default(1),
    pollSeconds: z.number().min(0.1).max(3600).default(2),
    errorAfter: z.int().min(1).max(1000).default(5),
  } satisfies Record<keyof WorkSyncsOptions, z.ZodType>),
)

/** The options with their defaults. */
export type WorkSettings = z.output<ReturnType<typeof workOptions>>

export const workSettings = (options: WorkSyncsOptions): WorkSettings => check('', workOptions, options)
