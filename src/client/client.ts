import { checkedPool } from '../connection/checked-pool.ts'
import { Protection } from '../connection/protection.ts'
import { Replicas } from '../connection/replicas.ts'
import {
  callerOf,
  type OrganizationCaller,
  type OrganizationRole,
  organizationScope,
  serviceScope,
} from '../connection/scope.ts'
import { unitSession } from '../connection/session.ts'
import { readable } from '../util/readable.ts'
import { ServiceCredentials } from './credentials.ts'
import { ServiceAlerts, ServiceEvents } from './events.ts'
import { type IntegrationsDbOptions, parseOptions } from './options.ts'
import { type OrganizationScope, openScope } from './organization-scope.ts'
import { ServiceRuns } from './runs.ts'
import { ServiceIntegrations } from './service-integrations.ts'

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
