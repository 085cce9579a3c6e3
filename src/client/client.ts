import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { z } from 'zod'
import { type CheckedPool, checkedPool } from '../connection/checked-pool.ts'
import { observed } from '../connection/diagnostics.ts'
import { Protection } from '../connection/protection.ts'
import { Replicas } from '../connection/replicas.ts'
import {
  callerOf,
  type OrganizationCaller,
  type OrganizationRole,
  type OrganizationScopeSettings,
  organizationScope,
  serviceScope,
} from '../connection/scope.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { inTransaction, type Session, unitSession } from '../connection/session.ts'
import { type Casing, type ScopedQueries, scopedQueries } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { assertStrongKey, databaseUrl, encryptionKey, parse } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'
import { readable } from '../util/readable.ts'
import type { QueryOptions } from './call-options.ts'
import { Credentials, ServiceCredentials } from './credentials.ts'
import { Events, ServiceAlerts, ServiceEvents } from './events.ts'
import { Integrations } from './integrations.ts'
import { Runs, ServiceRuns } from './runs.ts'
import { ServiceIntegrations } from './service-integrations.ts'

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

/** The calls that work the same within a transaction and outside one. */
export type OrganizationCalls = {
  /** The organization's integrations. */
  readonly integrations: Integrations
  /** Their credential bundles. */
  readonly credentials: Credentials
  /** What was done with integrations, credentials and documents. */
  readonly events: Events
  /** What came of each sync. */
  readonly runs: Runs
  /**
   * Any typed Drizzle query in the same scope, one round trip. A table of yours that it names costs one more the first
   * time: one without row-level security, which a scope does not filter, is refused.
   *
   * The SQL is what the builder makes.
   *
   * ```sql
   * select id from organization_integrations
   * ```
   *
   * @example
   * await acme.query((q) => q.select({ id: organizationIntegrations.id }).from(organizationIntegrations))
   * await acme.query((q) => q.select().from(countries), { unprotected: true }) // the same rows for everybody
   *
   * @throws IntegrationsDbError `permission_denied` that names a table without row-level security, or without a grant;
   * `invalid_input` that names a column or table that does not exist, or where the SQL text holds more than one statement.
   */
  query<T>(build: (q: ScopedQueries) => PromiseLike<T>, options?: QueryOptions): Promise<T>
}

/**
 * One organization as one caller sees it. Holds no connection; make one per request.
 *
 * Each call is one unit before one Sync, and PostgreSQL runs all of it or nothing. It begins with the scope, `service_role` for the
 * service:
 *
 * ```sql
 * select pg_catalog.set_config('role', 'authenticated', true) is null,
 *   pg_catalog.set_config('request.jwt.claims', …, true) is null,
 *   pg_catalog.set_config('search_path', 'public, extensions, pg_temp', true) is null, pg_catalog.pg_backend_pid()
 * ```
 */
export type OrganizationScope = OrganizationCalls & {
  /**
   * Several calls in one transaction; a thrown error rolls it back. Nothing is sent before the first statement.
   *
   * `begin` travels with the first statement: nothing is sent before.
   *
   * ```sql
   * begin;
   * -- the scope, then each call as outside of a transaction
   * commit
   * ```
   *
   * @example
   * await acme.transaction(async (tx) => {
   *   await tx.integrations.update('xledger', { status: 'inactive' })
   *   await tx.integrations.create({ integrationType: 'dynamics' })
   * })
   *
   * @throws what `work` throws; IntegrationsDbError `conflict` or `unavailable` where it cannot be committed.
   */
  transaction<T>(work: (tx: OrganizationCalls) => Promise<T>): Promise<T>
  /**
   * The same scope with its reads on the primary, for one that must see what was just written. Sends nothing.
   *
   * @example
   * await acme.integrations.update('xledger', { status: 'inactive' })
   * await acme.onPrimary().integrations.get('xledger') // a replica may not know yet
   */
  onPrimary(): OrganizationScope
}

/** Across organizations, explicitly. */
export type ServiceScope = {
  /** Integrations of every organization. */
  readonly integrations: ServiceIntegrations
  /** Retrieving credential bundles. */
  readonly credentials: ServiceCredentials
  /** Events of every organization, as a feed. */
  readonly events: ServiceEvents
  /** Alerts that somebody must be told of. */
  readonly alerts: ServiceAlerts
  /** Starting and finishing runs. */
  readonly runs: ServiceRuns
  /**
   * One organization, with the service role's rights. Sends nothing.
   *
   * @example
   * await service.forOrganization(organizationId).integrations.update('xledger', { status: 'error' })
   *
   * @throws IntegrationsDbError `invalid_input` for what is no uuid.
   */
  forOrganization(organizationId: string): OrganizationScope
}

/** Who calls, and for which organization; your application vouches for it. */
export type ScopeOptions = {
  /** The organization, a uuid. */
  organizationId: string
  /** What the caller may do in it. */
  role: OrganizationRole
  /**
   * The caller, as events name them.
   *
   * @default the login's name
   */
  userId?: string | undefined
}

/** Who calls as the service role. */
export type ServiceOptions = {
  /** The worker, as events name it: 1 to 255 characters. */
  actor: string
}

/** A client; see {@link createIntegrationsDb}. */
export type IntegrationsDb = {
  /**
   * An organization's scope from values the host vouches for. Sends nothing.
   *
   * @example
   * const acme = db.forOrganization({ organizationId, role: 'admin', userId })
   *
   * @throws IntegrationsDbError `invalid_input` for what is no uuid, or no role.
   */
  forOrganization(scope: ScopeOptions): OrganizationScope
  /**
   * The same scope from the payload of a token the host has verified (signature and expiry). Sends nothing.
   *
   * @example
   * const { payload } = await jwtVerify(token, keys) // of jose, say
   * await db.forClaims(payload).integrations.list()
   *
   * @throws IntegrationsDbError `permission_denied` where its `app_metadata` names no organization or no role of ours;
   * `invalid_input` for a `sub` that is no text of 1 to 255 characters that PostgreSQL can hold.
   */
  forClaims(verifiedJwtPayload: object): OrganizationScope
  /**
   * The service role, for sync workers and repair. `actor` names the worker in what gets recorded. Sends nothing.
   *
   * @example
   * const service = db.asService({ actor: 'nightly-sync' })
   *
   * @throws IntegrationsDbError `invalid_input` for an actor that is empty or too long. Its calls throw it without
   * `serviceUrl`, and `permission_denied` for an unsafe login.
   */
  asService(options: ServiceOptions): ServiceScope
  /**
   * Closes every connection, waiting up to 5 s for calls under way. Sends nothing else.
   *
   * @example
   * await db.end()
   *
   * @throws nothing.
   */
  end(): Promise<void>
}

// Node's timers count milliseconds in 31 bits: what is longer would be over at once.
const seconds = () => z.number().positive().max(2_147_483)

const optionsSchema = lazily(() =>
  z.strictObject({
    url: z.string().optional(),
    serviceUrl: z.string().optional(),
    replicas: z.array(z.string()).default([]),
    replicaRetrySeconds: seconds().default(5),
    max: z.int().min(1).max(1000).optional(),
    acquireTimeoutSeconds: seconds().default(10),
    connectTimeoutSeconds: seconds().default(10),
    callTimeoutSeconds: seconds().default(30),
    idleTimeoutSeconds: seconds().default(30),
    maxLifetimeSeconds: seconds().optional(),
    applicationName: z.string().min(1).max(63).default('integrations-db'),
    ssl: z
      .union([z.boolean(), z.custom<TlsOptions>((value) => typeof value === 'object' && value !== null)])
      .optional(),
    keepPlans: z.union([z.boolean(), z.literal('pooled')]).default(true),
    casing: z.enum(['snake_case', 'camelCase']).optional(),
    allowCombinedLogin: z.boolean().default(false),
    encryptionKey: z.string().optional(),
    previousEncryptionKey: z.string().optional(),
    allowParameterLogging: z.boolean().default(false),
  }),
)

/**
 * A client for one database. Connects on the first call; checks then that the login has no rights of its own.
 *
 * @example
 * const db = createIntegrationsDb({ url, serviceUrl })
 * const acme = db.forOrganization({ organizationId, role: 'admin' })
 * await acme.integrations.get('xledger')
 * await db.end()
 *
 * @throws IntegrationsDbError `invalid_input` for an option that is unknown or out of range, or a URL that is none. Calls throw
 * `permission_denied` for an unsafe login and `unavailable` where the server cannot be reached.
 */
export function createIntegrationsDb(options: IntegrationsDbOptions | string = {}): IntegrationsDb {
  const settings = parseOptions(typeof options === 'string' ? { url: options } : options)
  const scoped = checkedPool('url', settings.url ?? process.env.INTEGRATIONS_DATABASE_URL, 'authenticated', settings)
  const service = checkedPool(
    'serviceUrl',
    settings.serviceUrl ?? process.env.INTEGRATIONS_SERVICE_URL,
    'service_role',
    settings,
  )
  const protection = new Protection()
  const replicas = settings.replicas.length > 0 ? new Replicas(settings.replicas, scoped.ready, settings) : undefined
  const open = keeping((caller: OrganizationCaller) =>
    openScope(scoped, organizationScope(caller), { ...settings, protection }, replicas),
  )

  return {
    forOrganization: open,
    forClaims: (payload) => open(callerOf(payload)),
    asService(options) {
      const actor = readable('options', () => options?.actor)
      const scope = serviceScope(actor)
      const open = keeping(({ organizationId }: { organizationId: string }) =>
        openScope(service, serviceScope(actor, organizationId), settings),
      )
      const { run } = unitSession(service.ready, scope)
      return {
        integrations: new ServiceIntegrations(run, scope),
        credentials: new ServiceCredentials(service.ready, actor, settings),
        events: new ServiceEvents(run, scope),
        alerts: new ServiceAlerts(run, scope),
        runs: new ServiceRuns(run, scope),
        forOrganization: (organizationId) => open({ organizationId }),
      }
    },
    async end() {
      await Promise.all([scoped.end(), service.end(), replicas?.end()])
    },
  }
}

const mostKept = 1000

/** Opens a scope once for the same caller: it holds claims and no connection, so requests can share one. */
function keeping<Caller extends Partial<OrganizationCaller>>(open: (caller: Caller) => OrganizationScope) {
  const kept = new Map<string, OrganizationScope>()
  return (given: Caller): OrganizationScope => {
    if (typeof given !== 'object' || given === null) return open(given)
    // Read once: a getter that answers differently the second time must not open a scope under another's key.
    const { isList, organizationId, role, userId } = readable('scope', () => {
      const { organizationId, role, userId } = given
      return { isList: Array.isArray(given), organizationId, role, userId }
    })
    if (isList) return open(given)
    const key = keyOf(organizationId, role, userId)
    const known = key === undefined ? undefined : kept.get(key)
    if (known !== undefined) return known
    const scope = open({ organizationId, role, userId } as Caller)
    if (key === undefined) return scope
    if (kept.size >= mostKept) kept.clear()
    kept.set(key, scope)
    return scope
  }
}

/** None for what is no text: that is the check's to refuse, and not to be taken for the text that it prints as. */
function keyOf(organizationId: unknown, role: unknown, userId: unknown): string | undefined {
  if (typeof organizationId !== 'string' || (role !== undefined && typeof role !== 'string')) return undefined
  if (userId === undefined) return `${organizationId} ${role}`
  return typeof userId === 'string' ? `${organizationId} ${role} ${userId}` : undefined
}

function openScope(
  pool: CheckedPool,
  scope: OrganizationScopeSettings,
  settings: ScopeSettings,
  replicas?: Replicas,
): OrganizationScope {
  return {
    ...organizationCalls(unitSession(pool.ready, scope, replicas), scope, settings),
    onPrimary: () => openScope(pool, scope, settings),
    transaction: (work) =>
      observed('transaction', scope, async () => {
        assertFunction('transaction', work)
        return inTransaction(await pool.ready(), scope, (session) => work(organizationCalls(session, scope, settings)))
      }),
  }
}

function organizationCalls(
  session: Session,
  scope: OrganizationScopeSettings,
  { protection, ...settings }: ScopeSettings,
): OrganizationCalls {
  const unprotected = lazily(() => scopedQueries(session.run, settings.casing))
  // The service role passes every policy anyway.
  const queries = lazily(() =>
    scopedQueries(session.run, settings.casing, (text) => protection?.assert(text, session.run) ?? Promise.resolve()),
  )
  return {
    integrations: new Integrations(session.run, scope),
    credentials: new Credentials(session, scope, settings),
    events: new Events(session.run, scope),
    runs: new Runs(session.run, scope),
    query: (build, options) =>
      observed('query', scope, async () => {
        assertFunction('query', build)
        const isUnprotected = protection === undefined || readUnprotected(options)
        try {
          return await build(isUnprotected ? unprotected() : queries())
        } catch (error) {
          // What the callback itself throws is the caller's; what the server or Drizzle says is put into our words.
          throw isServerError(error) ? toIntegrationsDbError(error) : error
        }
      }),
  }
}

function readUnprotected(given: QueryOptions | undefined): boolean {
  const { unprotected = false, ...others } = readable('options', () => ({ ...given }))
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new IntegrationsDbError('invalid_input', 'options: query takes unprotected alone')
  if (typeof unprotected !== 'boolean')
    throw new IntegrationsDbError('invalid_input', 'unprotected: must be true or false')
  return unprotected
}

function assertFunction(method: string, given: unknown): void {
  if (typeof given !== 'function') throw new IntegrationsDbError('invalid_input', `${method}: takes a function`)
}

/** Drizzle wraps what a query rejects with, and prints parameters in its message. */
function isServerError(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof IntegrationsDbError
}

type Settings = z.output<ReturnType<typeof optionsSchema>>

/** Without a protection nothing is looked up: the service role passes every policy. */
type ScopeSettings = Settings & { protection?: Protection }

function parseOptions(options: IntegrationsDbOptions): Settings {
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
