import {
  bigint,
  check,
  foreignKey,
  index,
  jsonb,
  pgPolicy,
  pgTable,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm/sql'
import { currentOrganizationId, currentOrganizationRole } from './claims.ts'
import { organizationIntegrations } from './organization-integrations.ts'

/** How a run can end. */
export const runOutcomes = ['succeeded', 'failed', 'cancelled'] as const
/** How a run ended. */
export type RunOutcome = (typeof runOutcomes)[number]

/** Most fields, and most characters as PostgreSQL prints them, of a run's counts. */
export const runCountLimits = { fields: 50, characters: 4000 } as const
/** Most characters of a run's message. */
export const longestRunMessage = 1000

/**
 * What came of each sync: one row per integration and due time, whatever number of attempts it took.
 *
 * Members of the organization read it; only the functions that `service_role` may call write it. The organization is
 * the one that the integration belonged to at the time.
 */
export const organizationIntegrationRuns = pgTable(
  'organization_integration_runs',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    integrationId: uuid('integration_id').notNull(),
    organizationId: uuid('organization_id').notNull(),
    /** When it was to run by its schedule; the time it is known by. */
    due: timestamp('due', { withTimezone: true }).notNull(),
    /** When its last attempt began. */
    startedAt: timestamp('started_at', { withTimezone: true }).notNull().default(sql`clock_timestamp()`),
    /** Null while it runs, and where its worker died. */
    finishedAt: timestamp('finished_at', { withTimezone: true }),
    outcome: text('outcome').$type<RunOutcome>(),
    message: text('message'),
    counts: jsonb('counts').$type<Record<string, number>>(),
    attempt: bigint('attempt', { mode: 'number' }).notNull().default(1),
  },
  (table) => [
    foreignKey({
      name: 'organization_integration_runs_integration_id_fkey',
      columns: [table.integrationId],
      foreignColumns: [organizationIntegrations.id],
    }).onDelete('cascade'),
    unique('organization_integration_runs_integration_id_due_key').on(table.integrationId, table.due),
    index('organization_integration_runs_organization_id_due_idx').on(table.organizationId, table.due),
    // Few of many: `integrations-db top` counts what runs, however long ago it was due.
    index('organization_integration_runs_unfinished_idx').on(table.startedAt).where(sql`outcome is null`),
    check(
      'organization_integration_runs_outcome_check',
      sql`case when outcome is null then finished_at is null else outcome in ('succeeded', 'failed', 'cancelled') and finished_at is not null end`,
    ),
    check('organization_integration_runs_attempt_check', sql`attempt > 0`),
    check('organization_integration_runs_message_check', sql`length(message) between 1 and 1000`),
    // Strict, and behind the question for its type: a lax path unwraps a list, and a strict one of no object raises.
    check(
      'organization_integration_runs_counts_check',
      sql`counts is null or case when jsonb_typeof(counts) = 'object' then length(counts::text) <= 4000 and not jsonb_path_exists(counts, 'strict $.* ? (@.type() <> "number")') else false end`,
    ),
    pgPolicy('org_members_can_read_own_runs', {
      for: 'select',
      to: 'authenticated',
      using: sql`organization_id = ${currentOrganizationId} and ${currentOrganizationRole} in ('admin', 'coordinator')`,
    }),
  ],
).enableRLS()
