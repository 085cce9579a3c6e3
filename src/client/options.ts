import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { z } from 'zod'
import type { Casing } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { assertStrongKey, databaseUrl, encryptionKey, parse } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'

/** How to reach the database, and how patient to be. */
export type IntegrationsDbOptions = {
  /**
   * The URL of the login that may become `authenticated` and nothing else.
   *
   * @default process.env.INTEGRATIONS_DATABASE_URL
   */
  url?: string | undefined
  /**
   * The URL of the login that may become `service_role`, needed only by `asService`.
   *
   * @default process.env.INTEGRATIONS_SERVICE_URL
   */
  serviceUrl?: string | undefined
  /**
   * The URLs of streaming replicas of `url`, with the same login: they answer scoped reads, and where none can the
   * primary does. A replica may be a moment behind; `onPrimary()` reads what was just written.
   *
   * @default []
   */
  replicas?: string[] | undefined
  /**
   * How long a replica that failed is left out.
   *
   * @default 5
   */
  replicaRetrySeconds?: number | undefined
  /**
   * Most connections per URL, each used by one call at a time.
   *
   * @default 10, or the URL's connection_limit
   */
  max?: number | undefined
  /**
   * How long a call waits while every connection is in use, before it fails with `unavailable`.
   *
   * @default 10
   */
  acquireTimeoutSeconds?: number | undefined
  /**
   * How long connecting may take.
   *
   * @default 10
   */
  connectTimeoutSeconds?: number | undefined
  /**
   * How long a call may take in all, or one statement of a transaction. Then it fails with `unavailable`, which says
   * whether a write may have happened, its connection is thrown away and its statement cancelled. A client's first call
   * checks its login before, with the same bound.
   *
   * @default 30
   */
  callTimeoutSeconds?: number | undefined
  /**
   * How long a connection without a call is kept. It does not keep the process alive meanwhile.
   *
   * @default 30
   */
  idleTimeoutSeconds?: number | undefined
  /**
   * How long any connection is kept before a call gets a new one.
   *
   * @default Infinity
   */
  maxLifetimeSeconds?: number | undefined
  /**
   * What the server knows its connections as, in `pg_stat_activity` and its log.
   *
   * @default 'integrations-db'
   */
  applicationName?: string | undefined
  /**
   * TLS in place of what the URL's `sslmode` says: true, false, or options of Node's `tls.connect`.
   *
   * @default the URL's sslmode
   */
  ssl?: boolean | TlsOptions | undefined
  /**
   * Let the server keep the plans of the repository's statements where it is reached directly. Behind a pooler, which is
   * noticed, nothing is prepared but with `'pooled'`, for one that keeps track of prepared statements (PgBouncer's
   * `max_prepared_statements`).
   *
   * @default true
   */
  keepPlans?: boolean | 'pooled' | undefined
  /**
   * How `query` spells columns that your tables do not name, as Drizzle's own option does.
   *
   * @default as they are in the code
   */
  casing?: Casing | undefined
  /**
   * Accept a login that may become both roles, such as Supabase's `authenticator`.
   *
   * @default false
   */
  allowCombinedLogin?: boolean | undefined
  /**
   * The key that encrypts credentials where the database has no Vault: 64 hexadecimal digits. Never stored; who loses it
   * loses the credentials.
   *
   * @default process.env.INTEGRATIONS_ENCRYPTION_KEY
   */
  encryptionKey?: string | undefined
  /**
   * The key before, while `credentials rotate-key` is under way.
   *
   * @default process.env.INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY
   */
  previousEncryptionKey?: string | undefined
  /**
   * Store credentials although the server writes parameters, and with them keys or values, into its log.
   *
   * @default false
   */
  allowParameterLogging?: boolean | undefined
}

// Node's timers count milliseconds in 31 bits: what is longer would be over at once.
const mostSeconds = 2_147_483

/** Parts are shared: what is made of zod in a process that has just started costs more than all that it checks. */
const optionsSchema = lazily(() => {
  const [text, seconds, flag] = [z.string(), z.number().positive().max(mostSeconds), z.boolean()]
  const [maybe, off] = [text.optional(), flag.default(false)]
  return z.strictObject({
    url: maybe,
    serviceUrl: maybe,
    replicas: z.array(text).default([]),
    replicaRetrySeconds: seconds.default(5),
    max: z.int().min(1).max(1000).optional(),
    acquireTimeoutSeconds: seconds.default(10),
    connectTimeoutSeconds: seconds.default(10),
    callTimeoutSeconds: seconds.default(30),
    idleTimeoutSeconds: seconds.default(30),
    maxLifetimeSeconds: seconds.optional(),
    applicationName: text.min(1).max(63).default('integrations-db'),
    ssl: z.union([flag, z.custom<TlsOptions>((value) => typeof value === 'object' && value !== null)]).optional(),
    keepPlans: z.union([flag, z.literal('pooled')]).default(true),
    casing: z.enum(['snake_case', 'camelCase']).optional(),
    allowCombinedLogin: off,
    encryptionKey: maybe,
    previousEncryptionKey: maybe,
    allowParameterLogging: off,
  })
})

/** Options that were checked, with what was left out. */
export type Settings = z.output<ReturnType<typeof optionsSchema>>

/** Every option by name, or an error that names those that are wrong. */
export function parseOptions(options: IntegrationsDbOptions): Settings {
  // Read once per client: compiling the schema first would cost more than it saves.
  const result = parse('options', optionsSchema(), options, { jitless: true })
  if (result.success) {
    // Checked where a client is made: a mistyped key must not come to light with the first credential.
    const key = encryptionKey('INTEGRATIONS_ENCRYPTION_KEY', result.data.encryptionKey)
    assertStrongKey('INTEGRATIONS_ENCRYPTION_KEY', key)
    return {
      ...result.data,
      replicas: result.data.replicas.map((url, i) => databaseUrl(`replicas.${i}`, url)),
      encryptionKey: key,
      previousEncryptionKey: encryptionKey('INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY', result.data.previousEncryptionKey),
    }
  }
  throw new IntegrationsDbError(
    'invalid_input',
    result.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`).join('; '),
  )
}
