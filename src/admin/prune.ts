import { IntegrationsDbError } from '../errors.ts'
import { mayGo } from '../schema/functions/alerts.ts'
import { isSuperseded } from '../schema/functions/runs.ts'
import { type Admin, withAdmin } from './connection.ts'

/* How events and runs that are old go. In batches, each a transaction: what is stopped is done that far. */

/** What would go, or went. */
export type PruneReport = { applied: boolean; before: string; rows: number }

type Prune = { url: string; before: string; apply: boolean }
type Pruned = { count: string; prune: string }

const batchRows = 20_000

const events: Pruned = {
  count: `select (select count(*) from public.organization_integration_events as e
      where e.created_at < $1::text::timestamptz and ${mayGo})
    + (select count(*) from public.organization_integration_changes as c where c.created_at < $1::text::timestamptz) as rows`,
  prune: 'select integrations.prune_events($1::text::timestamptz, $2::integer) as rows',
}
const runs: Pruned = {
  count: `select count(*) as rows from public.organization_integration_runs as old
    where old.due < $1::text::timestamptz and ${isSuperseded}`,
  prune: 'select integrations.prune_runs($1::text::timestamptz, $2::integer) as rows',
}

/**
 * Deletes events of before a date, which is itself recorded. Alerts that nobody acknowledged stay: somebody must be told
 * first.
 */
export const pruneEvents = (options: Prune): Promise<PruneReport> => prune(events, options)

/** Deletes runs due before a date. The latest of each integration stays: it says since when a due time had no run. */
export const pruneRuns = (options: Prune): Promise<PruneReport> => prune(runs, options)

async function prune(what: Pruned, { url, before: given, apply }: Prune): Promise<PruneReport> {
  const before = pastDate(given)
  return withAdmin(url, async (sql) => {
    if (!apply) return { applied: false, before, rows: await rowsOf(sql, what.count, [before]) }
    let rows = 0
    for (let batch = 1; batch > 0; rows += batch) batch = await rowsOf(sql, what.prune, [before, batchRows])
    return { applied: true, before, rows }
  })
}

async function rowsOf(sql: Admin, text: string, values: (string | number)[]): Promise<number> {
  const [row] = await sql.unsafe<{ rows: string }[]>(text, values)
  return Number(row?.rows)
}

function pastDate(given: string): string {
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(given)
  const time = isDate ? new Date(given) : new Date(Number.NaN)
  if (!Number.isNaN(time.getTime()) && time.getTime() <= Date.now()) return time.toISOString()
  throw new IntegrationsDbError(
    'invalid_input',
    'before: must be a date in the past such as 2026-01-31, which begins at midnight UTC, or a time such as 2026-01-31T12:00:00Z',
  )
}
