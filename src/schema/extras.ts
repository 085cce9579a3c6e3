import { type Extra, withSafeFunctions } from '../extras/extra.ts'
import { claimsFunction } from '../extras/functions.ts'
import {
  forcedRowSecurity,
  moddatetime,
  pgcrypto,
  requiredBypass,
  requiredColumn,
  requiredRoles,
  schemaUsage,
  tablePrivileges,
  touchTrigger,
  typeComment,
} from '../extras/kinds.ts'
import { integrationStatus, integrationType } from './enums.ts'
import { activationChecks } from './functions/activation.ts'
import { alertFunctions } from './functions/alerts.ts'
import { callerFunctions } from './functions/caller.ts'
import { changeFunctions } from './functions/changes.ts'
import { configurationFunctions } from './functions/configuration.ts'
import { credentialChecks } from './functions/credential-check.ts'
import { credentialFunctions } from './functions/credentials.ts'
import { dataApiFunctions } from './functions/data-api.ts'
import { eventFunctions } from './functions/events.ts'
import { maintenanceFunctions } from './functions/maintenance.ts'
import { systemChecks } from './functions/one-system.ts'
import { repairFunctions } from './functions/repair.ts'
import { retrievalFunctions } from './functions/retrieval.ts'
import { runFunctions } from './functions/runs.ts'
import { secretFunctions } from './functions/secrets.ts'
import { organizations } from './host.ts'
import { organizationIntegrationChanges } from './organization-integration-changes.ts'
import { organizationIntegrationCredentials } from './organization-integration-credentials.ts'
import { organizationIntegrationEvents } from './organization-integration-events.ts'
import { organizationIntegrationRuns } from './organization-integration-runs.ts'
import { organizationIntegrations } from './organization-integrations.ts'
import {
  alertAcknowledgements,
  encryptedSecrets,
  operatorTurns,
  retrievalRequests,
  revokedGrants,
  syncPlans,
} from './private-tables.ts'

/*
 * What the database must have and drizzle-kit cannot say. Edit, then `npm run db:generate -- --name <what>`: the change
 * becomes a migration and a rollback like any other.
 */

const dartContract =
  "Labels must match the constants of the Flutter app's Dart registry, letter for letter; adding or renaming one means changing both."

/**
 * Reads one claim out of `app_metadata`, which users cannot edit (`user_metadata` they can).
 *
 * After a scoped transaction the setting reads '' rather than NULL, PostgreSQL 15 cannot test for JSON, and a token may
 * hold anything: whatever cannot be read answers NULL, and a policy that compares with NULL shows no row.
 */
function claimBody(field: string, type: 'uuid' | 'text'): string {
  return `\
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,${field}}')::${type};
  exception when data_exception or statement_too_complex then
    return null;
  end`
}

/** Every extra of this package, in the order in which they are created. */
export const extras: Extra[] = withSafeFunctions([
  requiredRoles(),
  moddatetime(),
  schemaUsage('integrations', ['authenticated', 'service_role']),
  // Switched on by `migrate --data-api on`.
  schemaUsage('integrations_api', []),
  claimsFunction({
    name: 'integrations.current_organization_id',
    returns: 'uuid',
    comment:
      'The organization of the caller, from request.jwt.claims; null where there is none. Policies depend on it.',
    body: claimBody('organization_id', 'uuid'),
  }),
  claimsFunction({
    name: 'integrations.current_organization_role',
    returns: 'text',
    comment:
      'The role of the caller in that organization, from request.jwt.claims; null where there is none. Policies depend on it.',
    body: claimBody('role', 'text'),
  }),

  requiredColumn(organizations, 'id', 'uuid'),
  forcedRowSecurity(organizationIntegrations),
  tablePrivileges(organizationIntegrations, {
    authenticated: ['select', 'insert', 'update', 'delete'],
    // Not TRUNCATE, REFERENCES or TRIGGER: none of them asks a policy.
    service_role: ['select', 'insert', 'update', 'delete'],
  }),
  touchTrigger(organizationIntegrations, 'updated_at'),
  typeComment(integrationType, dartContract),
  typeComment(integrationStatus, dartContract),

  requiredBypass(),
  pgcrypto(),
  // Nobody is granted anything on the references and the private tables: definer functions reach them as their owner.
  ...[
    organizationIntegrationCredentials,
    encryptedSecrets,
    retrievalRequests,
    revokedGrants,
    operatorTurns,
    alertAcknowledgements,
    syncPlans,
  ].flatMap((table) => [forcedRowSecurity(table), tablePrivileges(table, {})]),
  // Read by members, written by definer functions.
  ...[organizationIntegrationEvents, organizationIntegrationChanges, organizationIntegrationRuns].flatMap((table) => [
    forcedRowSecurity(table),
    tablePrivileges(table, { authenticated: ['select'], service_role: ['select'] }),
  ]),
  ...callerFunctions,
  ...eventFunctions,
  ...secretFunctions,
  ...credentialFunctions,
  ...retrievalFunctions,
  ...maintenanceFunctions,
  ...configurationFunctions,
  ...repairFunctions,
  ...changeFunctions,
  ...runFunctions,
  ...alertFunctions,
  ...credentialChecks,
  ...activationChecks,
  ...systemChecks,
  ...dataApiFunctions,
])
