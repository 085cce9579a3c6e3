import { check, index, jsonb, pgPolicy, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm/sql'
import { currentOrganizationId, currentOrganizationRole } from './claims.ts'
import { transactionId } from './columns.ts'

/** What an event of this table may say was done. */
export const changeActions = ['create', 'update', 'remove', 'prune'] as const

/** A column's value before and after; neither for one that holds no configuration. */
export type ColumnChange = {
  /**
   * Before.
   *
   * @default absent where the integration was created
   */
  old?: unknown
  /**
   * After.
   *
   * @default absent where the integration was removed
   */
  new?: unknown
}

/**
 * Who changed which integration, and when events were pruned: the rest of the events. Written by triggers, changed by
 * nobody, deleted by `events prune` alone; without foreign keys, as the other events.
 *
 * A table of its own: the list of what an event may say was done is in an older migration, which must still apply to a
 * database that has these.
 */
export const organizationIntegrationChanges = pgTable(
  'organization_integration_changes',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
    transactionId: transactionId('transaction_id').notNull().default(sql`pg_current_xact_id()`),
    organizationId: uuid('organization_id'),
    integrationId: uuid('integration_id'),
    integrationType: text('integration_type'),
    action: text('action').notNull(),
    actor: text('actor').notNull(),
    reason: text('reason'),
    /** What became of its columns: `{ status: { old: 'inactive', new: 'active' } }`. Credentials are redacted. */
    changes: jsonb('changes').$type<Record<string, ColumnChange>>(),
  },
  (table) => [
    index('organization_integration_changes_organization_id_created_at_idx').on(table.organizationId, table.createdAt),
    index('organization_integration_changes_position_idx').on(table.transactionId, table.createdAt, table.id),
    check('organization_integration_changes_action_check', sql`action in ('create', 'update', 'remove', 'prune')`),
    pgPolicy('admins_can_read_own_changes', {
      for: 'select',
      to: 'authenticated',
      using: sql`organization_id = ${currentOrganizationId} and ${currentOrganizationRole} = 'admin'`,
    }),
  ],
).enableRLS()
