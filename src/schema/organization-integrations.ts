import { foreignKey, index, jsonb, pgPolicy, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm/sql'
import type { ExcludedFeatures, FieldMappings } from '../config/documents.ts'
import { currentOrganizationId, currentOrganizationRole } from './claims.ts'
import { timestamps } from './columns.ts'
import { integrationStatus, integrationType } from './enums.ts'
import { organizations } from './host.ts'

const own = sql`organization_id = ${currentOrganizationId}`
const readable = sql`${own} and ${currentOrganizationRole} in ('admin', 'coordinator')`
const writable = sql`${own} and ${currentOrganizationRole} = 'admin'`

/**
 * One external system's configuration for one organization.
 *
 * Every constraint and index has an explicit name: what PostgreSQL would choose is not in drizzle-kit's snapshot, so a
 * rollback could not address it. No column may ever hold a credential.
 */
export const organizationIntegrations = pgTable(
  'organization_integrations',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    organizationId: uuid('organization_id').notNull(),
    integrationType: integrationType('integration_type').notNull(),
    status: integrationStatus('status').notNull().default('inactive'),
    fieldMappings: jsonb('field_mappings').$type<FieldMappings>().notNull().default({}),
    // Five-field cron, checked in the application: PostgreSQL has no cron parser to agree with.
    syncSchedule: text('sync_schedule'),
    excludedFeatures: jsonb('excluded_features').$type<ExcludedFeatures>().notNull().default([]),
    ...timestamps,
  },
  (table) => [
    foreignKey({
      name: 'organization_integrations_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    unique('organization_integrations_organization_id_integration_type_key').on(
      table.organizationId,
      table.integrationType,
    ),
    index('organization_integrations_organization_id_idx').on(table.organizationId),
    // jsonb_ops, not the smaller jsonb_path_ops: only the former serves `field_mappings ? 'employee_id'`.
    index('organization_integrations_field_mappings_idx').using('gin', table.fieldMappings.op('jsonb_ops')),
    // Few of many: `listScheduled` walks it by id.
    index('organization_integrations_scheduled_idx')
      .on(table.id)
      .where(sql`status = 'active' and sync_schedule is not null`),
    pgPolicy('org_members_can_read_own_integrations', { for: 'select', to: 'authenticated', using: readable }),
    pgPolicy('admins_can_create_integrations', { for: 'insert', to: 'authenticated', withCheck: writable }),
    // Both clauses spelled out: without `with check` PostgreSQL would reuse `using`, and a reader would have to know.
    pgPolicy('admins_can_update_integrations', {
      for: 'update',
      to: 'authenticated',
      using: writable,
      withCheck: writable,
    }),
    pgPolicy('admins_can_delete_integrations', { for: 'delete', to: 'authenticated', using: writable }),
  ],
).enableRLS()
