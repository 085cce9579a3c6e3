/*
 * Who calls. A scope is claims and a role for PostgreSQL's row-level security; `session.ts` sends them ahead of each
 * statement. Roles come from a closed list, and claims are a bound value.
 */

import { text } from '../config/short-text.ts'
import { IntegrationsDbError } from '../errors.ts'
import { isUuid, uuid } from '../util/checks.ts'
import { readable } from '../util/readable.ts'
import { type Statement, statement } from './statement.ts'

/** A member's role in an organization, as the policies know it. */
export type OrganizationRole = 'admin' | 'coordinator'

/** Who calls, and for which organization. */
export type Scope = {
  /** The first statement of every unit: nothing of it runs without. */
  readonly prelude: Statement
  /** The same for a replica: nothing can be written behind it, even by a server that was promoted a moment ago. */
  readonly readOnlyPrelude: Statement
  /** What a verb is checked against before anything is sent. */
  readonly role: OrganizationRole | 'service_role'
  readonly organizationId: string | null
}

/** A scope that names its organization. */
export type OrganizationScopeSettings = Scope & { readonly organizationId: string }

const organizationRoles: readonly string[] = ['admin', 'coordinator'] satisfies OrganizationRole[]

/** Who calls, as a host says it. */
export type OrganizationCaller = { organizationId: string; role: OrganizationRole; userId?: string | undefined }

/** A scope from values the host vouches for. */
export function organizationScope(input: OrganizationCaller): OrganizationScopeSettings {
  const given = readable('scope', () => {
    const { organizationId, role, userId } = record(input) ?? {}
    return record(input) && { organizationId, role, userId }
  })
  if (given === undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      'scope: must be an object of organizationId, role and perhaps userId',
    )
  }
  const organizationId = uuid('organizationId', given.organizationId)
  const userId = given.userId === undefined ? undefined : text('userId', given.userId)
  if (!isOrganizationRole(given.role)) {
    throw new IntegrationsDbError('invalid_input', `role: must be one of ${organizationRoles.join(', ')}`)
  }
  const claims = {
    ...(userId === undefined ? {} : { sub: userId }),
    role: 'authenticated',
    app_metadata: { organization_id: organizationId, role: given.role },
  }
  return { ...preludes('authenticated', claims), role: given.role, organizationId }
}

/** Refuses what the role may not do before anything is sent. */
export function assertMayWrite({ role }: Scope, method: string): void {
  if (role !== 'coordinator') return
  throw new IntegrationsDbError('permission_denied', `${method}: role coordinator may only read; role admin is needed`)
}

function isOrganizationRole(role: unknown): role is OrganizationRole {
  return typeof role === 'string' && organizationRoles.includes(role)
}

/** Who calls, by a token the host has verified. Only `app_metadata` counts: users can edit `user_metadata`. */
export function callerOf(payload: unknown): OrganizationCaller {
  const claims = readable('claims', () => {
    const claims = record(payload)
    const metadata = record(claims?.app_metadata)
    return claims && { role: claims.role, sub: claims.sub, metadata: { ...metadata } }
  })
  if (claims === undefined) {
    throw new IntegrationsDbError('invalid_input', 'claims: must be the payload of a verified token, an object')
  }
  if (claims.role !== undefined && claims.role !== 'authenticated') {
    throw new IntegrationsDbError(
      'permission_denied',
      'claims.role: only tokens of role "authenticated" have an organization scope',
    )
  }
  const { organization_id: organizationId, role } = claims.metadata
  if (typeof organizationId !== 'string' || !isUuid(organizationId)) {
    throw new IntegrationsDbError(
      'permission_denied',
      'claims.app_metadata.organization_id: the token names no organization',
    )
  }
  if (!isOrganizationRole(role)) {
    throw new IntegrationsDbError(
      'permission_denied',
      `claims.app_metadata.role: must be one of ${organizationRoles.join(', ')}`,
    )
  }
  // Null is a token without a user to some issuers.
  const user = claims.sub === undefined || claims.sub === null ? {} : { userId: text('claims.sub', claims.sub) }
  return { organizationId, role, ...user }
}

/** Across organizations, or for one, for sync workers and repair. */
export function serviceScope(actor: string): Scope
export function serviceScope(actor: string, organizationId: string): OrganizationScopeSettings
export function serviceScope(actor: string, organizationId?: string): Scope {
  const organization = organizationId === undefined ? null : uuid('organizationId', organizationId)
  const claims = {
    role: 'service_role',
    actor: text('actor', actor),
    // For the definer functions, which take an organization from nowhere but the claims.
    ...(organization === null ? {} : { app_metadata: { organization_id: organization } }),
  }
  return { ...preludes('service_role', claims), role: 'service_role', organizationId: organization }
}

function preludes(role: 'authenticated' | 'service_role', claims: object): Pick<Scope, 'prelude' | 'readOnlyPrelude'> {
  const text = JSON.stringify(claims)
  return { prelude: prelude[role](text), readOnlyPrelude: readOnlyPrelude[role](text) }
}

const prelude = { authenticated: settings('authenticated'), service_role: settings('service_role') }
const readOnlyPrelude = {
  authenticated: settings('authenticated', { transaction_read_only: `'on'` }),
  service_role: settings('service_role', { transaction_read_only: `'on'` }),
}

function settings(role: 'authenticated' | 'service_role', more: Record<string, string> = {}) {
  const values = {
    ...more,
    role: `'${role}'`,
    'request.jwt.claims': '$1',
    // Temporary objects last, and whatever an earlier statement left on this connection put right: no other table, type
    // or view can pass for ours.
    search_path: `'public, extensions, pg_temp'`,
  }
  // What it answers is of no use, and claims are long.
  const calls = Object.entries(values).map(
    ([name, value]) => `pg_catalog.set_config('${name}', ${value}, true) is null`,
  )
  // The process that answers tells whether a pooler stands in between (connection.ts).
  const build = statement(`select ${calls.join(', ')}, pg_catalog.pg_backend_pid()`)
  return (claims: string): Statement => ({ ...build(claims), tellsProcess: true })
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
