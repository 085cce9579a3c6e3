import { readOptions } from './options.ts'

/* The deployment's public side. What it takes (the files' reader, the driver, PostgreSQL's parser) is loaded by a call. */

/**
 * Applies what is pending, each file in one transaction with its row in Supabase's own history table.
 *
 * @example
 * const { applied } = await migrate({ url: process.env.INTEGRATIONS_ADMIN_URL })
 * await migrate({ projectRef: 'abcdefghijklmnopqrst' }) // through the Management API
 * await migrate({ url, to: '20261123195743', dryRun: true }) // says what it would apply, changes nothing
 *
 * Several may start at once: one works, the others wait and then find nothing to do. `supabase db push` can go on where
 * this stopped, and the other way round.
 *
 * SQL: each pending file's text and `insert into supabase_migrations.schema_migrations …`, one message per file.
 *
 * @throws IntegrationsDbError `invalid_input` where PostgreSQL refuses a file, which has then left nothing behind;
 * `conflict` where a file was changed after it was applied, is gone, or is older than the newest applied one: nothing
 * has run then; `not_found` for a `to` that no file has.
 */
export const migrate: typeof import('./migrate.ts').migrate = async (options) =>
  (await import('./migrate.ts')).migrate(readOptions(options))

/**
 * Runs the newest rollback files, newest first, each in one transaction with the removal of its history row.
 *
 * @example
 * await rollback({ url, steps: 1, acceptDataLoss: true })
 * await rollback({ url, to: '20261123195743' }) // that version stays
 *
 * SQL: each rollback file's text and `delete from supabase_migrations.schema_migrations …`, one message per file.
 *
 * @throws IntegrationsDbError `conflict` where data would be lost and `acceptDataLoss` is not set, or where the files are
 * not those that were applied; `not_found` where a rollback file is missing. Nothing has run then.
 */
export const rollback: typeof import('./rollback.ts').rollback = async (options) =>
  (await import('./rollback.ts')).rollback(readOptions(options))

/**
 * What is applied, what is pending, and why the history and the files do not belong together. Changes nothing.
 *
 * @example
 * const { pending, problems } = await status({ url: process.env.INTEGRATIONS_ADMIN_URL })
 *
 * SQL: `select … from supabase_migrations.schema_migrations order by version`
 *
 * @throws IntegrationsDbError `unavailable` where the server cannot be reached; `permission_denied` where it refuses the
 * login.
 */
export const status: typeof import('./status.ts').status = async (options) =>
  (await import('./status.ts')).status(readOptions(options))
