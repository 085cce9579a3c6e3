import { bigint, check, index, jsonb, pgPolicy, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm/sql'
import { currentOrganizationId, currentOrganizationRole } from './claims.ts'
import { transactionId } from './columns.ts'

/** What an event of this table may say was done. */
export const credentialActions = [
  'store',
  'rotate',
  'retrieve',
  'revoke',
  'delete',
  'alert',
  'quarantine',
  'restore',
] as const

/**
 * What was done with credentials, and which documents repair reset, by whom and why; never a value of a credential. Written by the definer functions alone, changed by nobody, deleted by `events prune` alone.
 *
 * Without foreign keys: an event outlives the organization it speaks of, and a cascade into a table that refuses
 * deletion would make deleting an organization fail.
 */
export const organizationIntegrationEvents = pgTable(
  'organization_integration_events',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    // Not now(): several events of one transaction keep their order.
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
    organizationId: uuid('organization_id'),
    integrationId: uuid('integration_id'),
    integrationType: text('integration_type'),
    action: text('action').notNull(),
    /** `ok`, or the error's code. */
    outcome: text('outcome').notNull(),
    actor: text('actor').notNull(),
    reason: text('reason'),
    version: bigint('version', { mode: 'number' }),
    /** A document that repair reset, under its column's name: `{ field_mappings: … }`. Credentials in it are redacted. */
    quarantined: jsonb('quarantined').$type<Record<string, unknown>>(),
    /** Orders events across organizations, see `integrations.settled_events`. Those before the column have its migration's. */
    transactionId: transactionId('transaction_id').notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [
    index('organization_integration_events_organization_id_created_at_idx').on(table.organizationId, table.createdAt),
    index('organization_integration_events_position_idx').on(table.transactionId, table.createdAt, table.id),
    // Few of many: who asks for alerts must not read all else.
    index('organization_integration_events_alerts_idx')
      .on(table.transactionId, table.createdAt, table.id)
      .where(sql`action = 'alert'`),
    check(
      'organization_integration_events_action_check',
      sql`action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore')`,
    ),
    pgPolicy('admins_can_read_own_events', {
      for: 'select',
      to: 'authenticated',
      using: sql`organization_id = ${currentOrganizationId} and ${currentOrganizationRole} = 'admin'`,
    }),
  ],
).enableRLS()
