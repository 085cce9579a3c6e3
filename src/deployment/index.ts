import { readOptions } from './options.ts'

export type { Problem } from './history.ts'
export type { MigrateOptions, MigrateReport } from './migrate.ts'
export type { RollbackOptions, RollbackReport } from './rollback.ts'
export { packaged } from './sources.ts'
export type { StatusReport } from './status.ts'

/* The deployment's public side. What it takes (the files' reader, the driver, PostgreSQL's parser) is loaded by a call. */

/**
 * Applies pending migrations, each file in one transaction with its row in Supabase's own history table.
 *
 * Several may start at once: one works, the others wait and then find nothing to do. `supabase db push` can go on where
 * this stopped, and the other way round. One message per file, behind a check that its version is not recorded yet:
 *
 * ```sql
 * -- the file's text
 * insert into supabase_migrations.schema_migrations (version, name, statements)
 * values (…, …, array(select jsonb_array_elements_text(…::text::jsonb)))
 * ```
 *
 * @example
 * const { applied } = await migrate({ url: process.env.INTEGRATIONS_ADMIN_URL })
 * await migrate({ projectRef: 'abcdefghijklmnopqrst' }) // through the Management API
 * await migrate({ url, to: '20261123195743', dryRun: true }) // reports what it would apply, changes nothing
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
 * ```sql
 * -- the rollback file's text
 * delete from supabase_migrations.schema_migrations where version = …
 * ```
 *
 * @example
 * await rollback({ url, steps: 1, acceptDataLoss: true })
 * await rollback({ url, to: '20261123195743' }) // that version stays
 *
 * @throws IntegrationsDbError `conflict` where data would be lost and `acceptDataLoss` is not set, or where the files are
 * not those that were applied; `not_found` where a rollback file is missing. Nothing has run then.
 */
export const rollback: typeof import('./rollback.ts').rollback = async (options) =>
  (await import('./rollback.ts')).rollback(readOptions(options))

/**
 * Applied and pending migrations, and why the history and the files do not belong together. Changes nothing.
 *
 * ```sql
 * select to_jsonb(h) as row from supabase_migrations.schema_migrations as h order by version
 * ```
 *
 * @example
 * const { pending, problems } = await status({ url: process.env.INTEGRATIONS_ADMIN_URL })
 *
 * @throws IntegrationsDbError `unavailable` where the server cannot be reached; `permission_denied` where it refuses the
 * login.
 */
export const status: typeof import('./status.ts').status = async (options) =>
  (await import('./status.ts')).status(readOptions(options))

/** Copies our migrations into another project's folder, behind what they need. */
export const exportMigrations: typeof import('./export.ts').exportMigrations = async (...options) =>
  (await import('./export.ts')).exportMigrations(...options)

/** {@link status} over a connection that is open. */
export const readStatus: typeof import('./status.ts').readStatus = async (...options) =>
  (await import('./status.ts')).readStatus(...options)
