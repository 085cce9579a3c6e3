import { callerOf, type OrganizationCaller } from '../connection/scope.ts'
import { IntegrationsDbError } from '../errors.ts'
import { uuid } from '../util/checks.ts'
import { readable } from '../util/readable.ts'
import { createIntegrationsDb, type IntegrationsDb, type ScopeOptions } from './client.ts'
import type { IntegrationsDbOptions } from './options.ts'
import type { OrganizationScope } from './organization-scope.ts'

/** Which databases there are, and which of them an organization is in. */
export type IntegrationsDatabasesOptions<Name extends string> = {
  /** By a name of yours: what {@link createIntegrationsDb} takes for each. */
  databases: Readonly<Record<Name, IntegrationsDbOptions | string>>
  /**
   * The name of an organization's database: out of your own directory, or out of the id. It must always say the same.
   *
   * @example
   * const placeOf = (organizationId: string) => directory.get(organizationId) ?? 'north'
   */
  placeOf(organizationId: string): Name
}

/** Clients of several databases, each organization in one of them; see {@link createIntegrationsDatabases}. */
export type IntegrationsDatabases<Name extends string> = {
  /** Each database's client, for what goes across organizations: one after the other, or side by side. */
  readonly clients: Readonly<Record<Name, IntegrationsDb>>
  /**
   * The client of an organization's database. Sends nothing.
   *
   * @example
   * const service = databases.of(organizationId).asService({ actor: 'nightly-sync' })
   *
   * @throws IntegrationsDbError `invalid_input` for what is no uuid; `not_found` where `placeOf` names no database.
   */
  of(organizationId: string): IntegrationsDb
  /**
   * As the client's own, on the organization's database. Sends nothing.
   *
   * @example
   * const acme = databases.forOrganization({ organizationId, role: 'admin', userId })
   *
   * @throws IntegrationsDbError as `of` and the client's own.
   */
  forOrganization(scope: ScopeOptions): OrganizationScope
  /**
   * As the client's own, on the database of the token's organization. Sends nothing.
   *
   * @example
   * await databases.forClaims(verifiedJwtPayload).integrations.list()
   *
   * @throws IntegrationsDbError as `of` and the client's own.
   */
  forClaims(verifiedJwtPayload: object): OrganizationScope
  /**
   * Closes every client. Sends nothing but the end of each connection.
   *
   * @example
   * await databases.end()
   *
   * @throws nothing.
   */
  end(): Promise<void>
}

/**
 * One client per database, for an application that is split by organization over whole databases.
 *
 * @example
 * const databases = createIntegrationsDatabases({
 *   databases: { north: { url, serviceUrl }, south: { url: southUrl, serviceUrl: southServiceUrl } },
 *   placeOf: (organizationId) => directory.get(organizationId) ?? 'north',
 * })
 * await databases.forOrganization({ organizationId, role: 'admin' }).integrations.list()
 *
 * @throws IntegrationsDbError `invalid_input` for no database, or what {@link createIntegrationsDb} refuses.
 */
export function createIntegrationsDatabases<Name extends string>(
  options: IntegrationsDatabasesOptions<Name>,
): IntegrationsDatabases<Name> {
  const { databases, placeOf } = readable('options', () => ({ ...options }))
  if (typeof placeOf !== 'function') throw new IntegrationsDbError('invalid_input', 'placeOf: must be a function')
  const given = Object.entries<IntegrationsDbOptions | string>(databases ?? {})
  if (given.length === 0) throw new IntegrationsDbError('invalid_input', 'databases: must name at least one')
  for (const [name, one] of given) assertOwnUrls(name, one)
  const clients = Object.fromEntries(given.map(([name, one]) => [name, createIntegrationsDb(one)])) as Record<
    Name,
    IntegrationsDb
  >
  const of = (organizationId: string): IntegrationsDb => {
    const name = placeOf(uuid('organizationId', organizationId))
    if (typeof name === 'string' && Object.hasOwn(clients, name)) return clients[name]
    throw new IntegrationsDbError(
      'not_found',
      `placeOf: named no database for the organization; expected one of ${Object.keys(clients).join(', ')}`,
    )
  }
  const open = (caller: OrganizationCaller) => of(caller.organizationId).forOrganization(caller as ScopeOptions)
  return {
    clients,
    of,
    forOrganization: (scope) => open(readable('scope', () => ({ ...scope }))),
    forClaims: (payload) => open(callerOf(payload)),
    async end() {
      await Promise.all(Object.values<IntegrationsDb>(clients).map((client) => client.end()))
    },
  }
}

/** What is left out would come from the environment, and so from another database than the one that is named. */
function assertOwnUrls(name: string, one: IntegrationsDbOptions | string): void {
  const own = typeof one === 'string' ? { url: one } : one
  for (const [field, variable] of [
    ['url', 'INTEGRATIONS_DATABASE_URL'],
    ['serviceUrl', 'INTEGRATIONS_SERVICE_URL'],
  ] as const) {
    if (own[field] !== undefined || process.env[variable] === undefined) continue
    throw new IntegrationsDbError(
      'invalid_input',
      `databases.${name}: has no ${field}, and ${variable} is another database's perhaps; name it, or unset the variable`,
    )
  }
}
