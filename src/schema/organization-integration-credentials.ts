import { bigint, check, foreignKey, pgTable, primaryKey, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm/sql'
import { organizationIntegrations } from './organization-integrations.ts'

/**
 * Where each version of an integration's credential bundle lies; never a value.
 *
 * No policy and no privilege: only the definer functions of schema `integrations` reach it. A row outlives its secret, so
 * that a version's number, which events speak of, is never used twice.
 */
export const organizationIntegrationCredentials = pgTable(
  'organization_integration_credentials',
  {
    integrationId: uuid('integration_id').notNull(),
    version: bigint('version', { mode: 'number' }).notNull(),
    store: text('store').notNull(),
    /** The secret's id in its store; null once it was deleted, which a trigger does whenever this changes. */
    secretId: uuid('secret_id'),
    fieldNames: text('field_names').array().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    /** Until when a replaced version may still be retrieved; null for the current one. */
    readableUntil: timestamp('readable_until', { withTimezone: true }),
  },
  (table) => [
    primaryKey({ name: 'organization_integration_credentials_pkey', columns: [table.integrationId, table.version] }),
    foreignKey({
      name: 'organization_integration_credentials_integration_id_fkey',
      columns: [table.integrationId],
      foreignColumns: [organizationIntegrations.id],
    }).onDelete('cascade'),
    uniqueIndex('organization_integration_credentials_current_key')
      .on(table.integrationId)
      .where(sql`secret_id is not null and readable_until is null`),
    check('organization_integration_credentials_store_check', sql`store in ('vault', 'pgcrypto')`),
    check('organization_integration_credentials_version_check', sql`version > 0`),
  ],
).enableRLS()
