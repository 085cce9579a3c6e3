import {
  claimsFunction,
  forcedRowSecurity,
  moddatetime,
  requiredColumn,
  requiredRoles,
  schemaUsage,
  tablePrivileges,
  touchTrigger,
  typeComment,
} from '../migrations/extra-kinds.ts'
import type { Extra } from '../migrations/extras.ts'
import { integrationStatus, integrationType } from './enums.ts'
import { organizations } from './host.ts'
import { organizationIntegrations } from './organization-integrations.ts'

/*
 * What the database must have and drizzle-kit cannot say. Edit, then `npm run db:generate -- --name <what>`: the change
 * becomes a migration and a rollback like any other.
 */

const dartContract =
  "Labels must match the constants of the Flutter app's Dart registry, letter for letter; adding or renaming one means changing both."

/**
 * Reads one claim out of `app_metadata`, which users cannot edit (`user_metadata` they can).
 *
 * After a scoped transaction the setting reads '' rather than NULL, and PostgreSQL 15 cannot test for JSON: whatever is
 * no token answers NULL, and a policy that compares with NULL returns no row.
 */
function claimBody(field: string, accepted: string, returned: string): string {
  return `  declare
    claim jsonb;
  begin
    claim := nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' -> '${field}';
    if jsonb_typeof(claim) = 'string' and ${accepted} then
      return ${returned};
    end if;
    return null;
  exception when data_exception or statement_too_complex then
    return null;
  end`
}

/** Every extra of this package, in the order in which they are created. */
export const extras: Extra[] = [
  requiredRoles(),
  moddatetime(),
  schemaUsage('integrations', ['authenticated', 'service_role']),
  claimsFunction({
    name: 'integrations.current_organization_id',
    returns: 'uuid',
    comment:
      'The organization of the caller, from request.jwt.claims; null where there is none. Policies depend on it.',
    body: claimBody(
      'organization_id',
      "claim #>> '{}' ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'",
      "(claim #>> '{}')::uuid",
    ),
  }),
  claimsFunction({
    name: 'integrations.current_organization_role',
    returns: 'text',
    comment:
      'The role of the caller in that organization, from request.jwt.claims; null where there is none. Policies depend on it.',
    body: claimBody('role', "claim #>> '{}' <> ''", "claim #>> '{}'"),
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
]
