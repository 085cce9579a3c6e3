import { getTableConfig } from 'drizzle-orm/pg-core'
import type { Admin } from '../admin/connection.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import { organizations } from '../schema/host.ts'
import * as schema from '../schema/index.ts'
import { alertAcknowledgements, encryptedSecrets, retrievalRequests, syncPlans } from '../schema/private-tables.ts'

/** Every table of ours whose rows belong to an organization; `revoked_grants` belongs to the database. */
const emptied = [
  organizations,
  schema.organizationIntegrations,
  schema.organizationIntegrationCredentials,
  schema.organizationIntegrationEvents,
  schema.organizationIntegrationChanges,
  schema.organizationIntegrationRuns,
  encryptedSecrets,
  retrievalRequests,
  alertAcknowledgements,
  syncPlans,
].map((table) => {
  const { schema: namespace = 'public', name } = getTableConfig(table)
  return `${namespace}.${name}`
})

// One message, one transaction. Truncated, not deleted: what refers to an organization, host's tables included, goes with
// it whatever its foreign keys say. Events refuse that by a trigger, which a replica does not fire.
const statements = `
  select set_config('session_replication_role', 'replica', true), set_config('lock_timeout', '2s', true);
  truncate ${emptied.join(', ')} restart identity cascade`

/** Leaves no organization, nothing that refers to one, and nothing of what this package keeps for them. */
export async function resetTables(admin: Admin): Promise<void> {
  try {
    await admin.unsafe(statements)
  } catch (error) {
    const known = toIntegrationsDbError(error)
    if (known.sqlState !== '55P03') throw known
    throw new IntegrationsDbError(
      'conflict',
      'reset: a transaction is still open on tables that are to be emptied; end it, or await the call, before reset',
      { sqlState: '55P03' },
    )
  }
}
