import { bigint, customType, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { integrations } from './namespace.ts'

/* Tables of the private schema: no policy, no privilege, reached by the definer functions and administrators alone. */

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** Bundles encrypted with pgcrypto, where there is no Vault. The key is nowhere in the database, only its id. */
export const encryptedSecrets = integrations
  .table('encrypted_secrets', {
    id: uuid('id').primaryKey().defaultRandom(),
    keyId: text('key_id').notNull(),
    ciphertext: bytea('ciphertext').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  })
  .enableRLS()

/** Announced retrievals: each may be used once, within 30 s, by a later transaction. */
export const retrievalRequests = integrations
  .table('retrieval_requests', {
    /** The ticket: whoever made it was handed it, and nobody else has seen it. Once it was the event's id; the name stayed. */
    id: uuid('event_id').primaryKey(),
    /** Who made it, for which organization, connected as what: to others it is worth nothing. */
    organizationId: uuid('organization_id'),
    actor: text('actor'),
    login: text('login'),
    integrationId: uuid('integration_id').notNull(),
    version: bigint('version', { mode: 'number' }).notNull(),
    /** The transaction that wrote it; the row's xmin would be that of a subtransaction. */
    transactionId: bigint('transaction_id', { mode: 'bigint' }).notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    usedAt: timestamp('used_at', { withTimezone: true }),
  })
  .enableRLS()

/** What `lockdown` took away, as the statements that give it back. Empty in normal times. */
export const revokedGrants = integrations
  .table('revoked_grants', {
    statement: text('statement').primaryKey(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  })
  .enableRLS()

/**
 * The turns of administrators' commands: a name that one transaction inserts and deletes again, for which the next waits.
 * Not advisory locks, which any login may hold for as long as it likes. Empty whenever nobody looks.
 */
export const operatorTurns = integrations.table('operator_turns', { name: text('name').primaryKey() }).enableRLS()

/**
 * Alerts that somebody was told of: one is pending until it has a row here. Without a foreign key, which would give
 * another answer to whoever truncates the events than that they are append-only.
 */
export const alertAcknowledgements = integrations
  .table('alert_acknowledgements', {
    eventId: uuid('event_id').primaryKey(),
    actor: text('actor').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  })
  .enableRLS()

/** Up to when planners have enqueued what is due, by queue: what an outage leaves is what lies behind it. */
export const syncPlans = integrations
  .table('sync_plans', {
    queue: text('queue').primaryKey(),
    plannedThrough: timestamp('planned_through', { withTimezone: true }).notNull(),
  })
  .enableRLS()
