import type { Finding } from '../finding.ts'

/** One look at what the migrations cannot settle: a statement that reads, and what its rows mean. */
export type Advice = {
  /** Keys of the catalog objects without which, or with others in their place, the statement would not run. */
  needs: string[]
  text: string
  findings: (rows: unknown[]) => Finding[]
}

/** An {@link Advice} whose rows have a type. */
export function look<Row>(advice: { needs: string[]; text: string; findings: (rows: Row[]) => Finding[] }): Advice {
  return advice as Advice
}

/** A finding of advice; without `fix` its `hint` says what to do. */
export function advise(finding: Partial<Finding> & Pick<Finding, 'what' | 'where' | 'expected' | 'found'>): Finding {
  return { severity: 'advice', fix: null, hint: null, ...finding }
}

/** At most five of many. */
export function examples(all: readonly string[], count = all.length): string {
  const shown = all.slice(0, 5).join(', ')
  return count > 5 ? `${shown} and ${count - 5} more` : shown
}

export const integrations = 'table public.organization_integrations'
export const credentials = 'table public.organization_integration_credentials'
