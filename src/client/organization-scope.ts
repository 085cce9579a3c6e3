import type { CheckedPool } from '../connection/checked-pool.ts'
import { observed } from '../connection/diagnostics.ts'
import type { Protection } from '../connection/protection.ts'
import type { Replicas } from '../connection/replicas.ts'
import type { OrganizationScopeSettings } from '../connection/scope.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { inTransaction, type Session, unitSession } from '../connection/session.ts'
import { type ScopedQueries, scopedQueries } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { lazily } from '../util/lazily.ts'
import { readable } from '../util/readable.ts'
import type { QueryOptions } from './call-options.ts'
import { Credentials } from './credentials.ts'
import { Events } from './events.ts'
import { Integrations } from './integrations.ts'
import type { Settings } from './options.ts'
import { Runs } from './runs.ts'

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

/** Without a protection nothing is looked up: the service role passes every policy. */
type ScopeSettings = Settings & { protection?: Protection }

/** The calls of an organization over a pool of connections; its reads over replicas where there are any. */
export function openScope(
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
