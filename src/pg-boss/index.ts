/*
 * `@org/integrations-db/pg-boss`: each due time of each integration is run once, by pg-boss, on the same PostgreSQL.
 */
export { type PlannedSyncs, type PlanSyncsOptions, planSyncs } from './plan.ts'
export { type SyncWorkers, workSyncs } from './work.ts'
export type { SyncResult, SyncWork, WorkSyncsOptions } from './work-options.ts'
