/*
 * What the published types promise, compiled in the same empty project. Each `// guarantee:` is a test of its own: it
 * fails where a line below it does not compile, and where one that must not compile does.
 */
import {
  type ConnectionFieldsBySystem,
  type CredentialBundle,
  createIntegrationsDb,
  type Integration,
  type IntegrationEvent,
  IntegrationsDbError,
  type IntegrationType,
  migrate,
  type OrganizationScope,
  rollback,
  type ServiceScope,
  systems,
} from '@org/integrations-db'
import {
  type organizationIntegrationChanges,
  type organizationIntegrationEvents,
  organizationIntegrations,
} from '@org/integrations-db/schema'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles where both types are one. */
function same<A, B>(_: Same<A, B>): void {}

/** Compiles where each may stand for the other. */
function alike<A extends B, B extends C, C = A>(_?: [A, B]): void {}

declare const acme: OrganizationScope
declare const service: ServiceScope
const organizationId = '00000000-0000-4000-8000-000000000000'
const xledger = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '4711' }
const bufdir = { org_id: '999999999', report_year: 2026, api_endpoint: 'https://api.bufdir.no' }

// guarantee: a system takes the fields of its own credential bundle, all of them and no others
acme.credentials.store('xledger', xledger)
acme.credentials.rotate('xledger', xledger, { graceSeconds: 300 })
acme.credentials.store('bufdir', bufdir)
// @ts-expect-error the bundle of another system
acme.credentials.store('dynamics', xledger)
// @ts-expect-error a field is missing
acme.credentials.rotate('xledger', { api_key: 'k', base_url: 'https://api.xledger.net' })
// @ts-expect-error a field that the system does not have
acme.credentials.store('cornerstone', { api_key: 'k', subdomain: 's', client_secret: 'c' })
// @ts-expect-error a year is no Date
acme.credentials.store('bufdir', { ...bufdir, report_year: new Date() })

// guarantee: a retrieved bundle has the fields of the system that was named, to be read and not to be written
export async function retrieves(): Promise<void> {
  const bundle = await service.credentials.retrieve({ organizationId, integrationType: 'dynamics', reason: 'run 42' })
  same<typeof bundle, CredentialBundle<'dynamics'>>(true)
  same<typeof bundle.client_secret, string>(true)
  // @ts-expect-error a field of another system
  bundle.api_key
  // @ts-expect-error bundles are read-only
  bundle.client_secret = ''
}

// guarantee: an organization's scope cannot retrieve a credential, and the service role says what for
// @ts-expect-error only the service role retrieves
acme.credentials.retrieve
// @ts-expect-error without a reason
service.credentials.retrieve({ organizationId, integrationType: 'xledger' })
// @ts-expect-error without an actor
createIntegrationsDb().asService({})

// guarantee: no call moves an integration to another organization or system, or sets what the database sets
acme.integrations.update('xledger', { status: 'inactive', syncSchedule: null }, { expectedRevision: '1' })
// @ts-expect-error another organization
acme.integrations.update('xledger', { organizationId })
// @ts-expect-error another system
acme.integrations.update('xledger', { integrationType: 'dynamics' })
// @ts-expect-error kept by a trigger
acme.integrations.update('xledger', { updatedAt: new Date() })
// @ts-expect-error another organization
acme.integrations.create({ integrationType: 'xledger', organizationId })
// @ts-expect-error another organization
acme.integrations.upsert({ integrationType: 'xledger', organizationId })
// @ts-expect-error chosen by the database
acme.integrations.create({ integrationType: 'xledger', id: organizationId })

// guarantee: unknown systems, statuses, roles and options do not compile
// @ts-expect-error no such system
acme.integrations.get('sap')
// @ts-expect-error no such system
acme.credentials.store('sap', xledger)
// @ts-expect-error which system is not said
acme.integrations.create({})
// @ts-expect-error no such status
acme.integrations.list({ status: 'paused' })
// @ts-expect-error no such role
createIntegrationsDb().forOrganization({ organizationId, role: 'owner' })
// @ts-expect-error no such option
createIntegrationsDb({ uri: 'postgresql://' })
// @ts-expect-error no such system
systems.sap

// guarantee: mappings take the targets of their system and any field of ours beside them, and nothing that is no mapping
acme.integrations.setFieldMappings('xledger', { amount: 'invoiceAmount', our_own: { const: 1 }, old_field: null })
acme.integrations.update('bufdir', { fieldMappings: { participants: 'count', our_own: 'x' } })
export function saves(system: IntegrationType, row: Integration, mappings: Integration['fieldMappings']): void {
  acme.integrations.update(row.integrationType, { fieldMappings: { ...row.fieldMappings, amount: 'a' } })
  acme.integrations.upsert({ integrationType: system, fieldMappings: mappings })
}
// @ts-expect-error a target is mapped by a path or an object with one
acme.integrations.setFieldMappings('xledger', { amount: 7 })
// @ts-expect-error and so is a field of ours
acme.integrations.update('xledger', { fieldMappings: { our_own: 7 } })
// @ts-expect-error null takes a mapping away from an edit, not from a document
acme.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: null } })

// guarantee: rows have dates, a revision, and documents of their own types
export async function reads(): Promise<void> {
  const [row] = await acme.integrations.list()
  same<typeof row, Integration | undefined>(true)
  same<Integration['createdAt'], Date>(true)
  same<Integration['revision'], string>(true)
  same<Integration['syncSchedule'], string | null>(true)
  same<Integration['excludedFeatures'], readonly string[]>(true)
  const found = await acme.integrations.get('xledger')
  // @ts-expect-error it may be null
  found.status
}

// guarantee: rows and events have the columns of their tables
same<Omit<Integration, 'revision' | 'problems'>, typeof organizationIntegrations.$inferSelect>(true)
type EventRow = Omit<typeof organizationIntegrationEvents.$inferSelect, 'transactionId' | 'action'>
same<Omit<IntegrationEvent, 'changes' | 'action'>, EventRow>(true)
same<IntegrationEvent['changes'] & {}, (typeof organizationIntegrationChanges.$inferSelect)['changes'] & {}>(true)

// guarantee: each system's bundle has the fields that the registry lists
type Listed = {
  [T in keyof typeof systems]: {
    [F in keyof (typeof systems)[T]['fields']]: (typeof systems)[T]['fields'][F] extends { type: 'year' }
      ? string | number
      : string
  }
}
alike<ConnectionFieldsBySystem, Listed>()

// guarantee: a query's rows are inferred from what it selects
export async function queries(): Promise<void> {
  const rows = await acme.query((q) =>
    q
      .select({ system: organizationIntegrations.integrationType, since: organizationIntegrations.createdAt })
      .from(organizationIntegrations),
  )
  type Row = { system: IntegrationType; since: Date }
  same<typeof rows, Row[]>(true)
  // @ts-expect-error a query within a scope is no transaction
  acme.query((q) => q.transaction(async () => {}))
}

// guarantee: a transaction has the same calls, and none within it
acme.transaction(async (tx) => {
  await tx.integrations.create({ integrationType: 'xledger' })
  await tx.credentials.store('xledger', xledger)
  // @ts-expect-error no transaction within a transaction
  tx.transaction
})

// guarantee: the codes of an error are known, so that a check of one that does not exist does not compile
export function handles(error: unknown): boolean {
  if (!(error instanceof IntegrationsDbError)) return false
  // @ts-expect-error no such code
  if (error.code === 'forbidden') return false
  return error.code === 'conflict'
}

// guarantee: migrating says where, and rolling back how far
migrate({ url: 'postgresql://', to: '20261123195743' })
migrate({ projectRef: 'abcdefghijklmnopqrst', dryRun: true })
// @ts-expect-error which database is not said
migrate({ dryRun: true })
// @ts-expect-error how far is not said
rollback({ url: 'postgresql://' })
