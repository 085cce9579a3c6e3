import type { Finding } from '../finding.ts'

/** One look at what the migrations cannot settle: a statement that reads, and what its rows mean. */
export type Advice = {
  /** Keys of the catalog objects without which, or with others in their place, the statement would not run. */
  needs: string[]
  /** What rows it goes through, where they may be many. */
  through?: string
  text: string
  findings: (rows: unknown[]) => Finding[]
}

/** An {@link Advice} whose rows have a type. */
export function look<Row>(advice: Omit<Advice, 'findings'> & { findings: (rows: Row[]) => Finding[] }): Advice {
  return advice as Advice
}

/** A finding of advice; without `fix` its `hint` says what to do. */
export function advise(finding: Partial<Finding> & Pick<Finding, 'what' | 'where' | 'expected' | 'found'>): Finding {
  return { severity: 'advice', fix: null, hint: null, ...finding }
}

/** At most five of many. */
export function examples(all: readonly string[], count = all.length): string {
  const shown = all.slice(0, 5)
  const more = count - shown.length
  return more > 0 ? `${shown.join(', ')} and ${number(more, count)} more` : shown.join(', ')
}

/** Beyond this many nobody counts: millions of rows are gone through only where none is found. */
const mostCounted = 10_000

/** SQL: how many rows a query has, up to one more than are counted, and the first five of them as text. */
export function counted(query: string, name = 'null::text'): string {
  return `
with found as materialized (${query} limit ${mostCounted + 1})
select count(*)::integer as count,
  (select coalesce(json_agg(f.name order by f.name), '[]') from (select ${name} as name from found order by 1 limit 5) as f) as some
from found`
}

/** A number of such rows, in words. */
export function number(shown: number, count = shown): string {
  return count > mostCounted ? `more than ${shown - 1}` : String(shown)
}

export const integrations = 'table public.organization_integrations'
export const credentials = 'table public.organization_integration_credentials'
