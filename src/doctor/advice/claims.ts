import type { Queries } from '../../admin/connection.ts'
import type { Finding } from '../finding.ts'
import { type Advice, advise, look } from './advice.ts'

/* The two functions that policies read claims through, and that a host may have replaced by its own. */

const replaced = look<{ name: string; problem: string; fix: string }>({
  needs: ['not locked'],
  text: `
with claims as (
  select p.*, format('integrations.%I()', p.proname) as name
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = 'integrations' and p.proname in ('current_organization_id', 'current_organization_role') and p.pronargs = 0
)
select c.name, w.problem, w.fix
from claims as c
cross join lateral (values
  (c.provolatile = 'v', 'volatile', format('alter function %s stable;', c.name)),
  (exists (select from pg_roles as r where r.rolname = 'authenticated' and not has_function_privilege(r.oid, c.oid, 'execute')),
    'authenticated may not execute it', format('grant execute on function %s to authenticated;', c.name))
) as w (wrong, problem, fix)
where w.wrong and obj_description(c.oid, 'pg_proc') = 'integrations-db: host'`,
  findings: (rows) =>
    rows.map(({ name, problem, fix }) =>
      advise({
        what: 'claims function',
        where: name,
        expected: 'stable, to be executed by authenticated',
        found: problem,
        fix,
      }),
    ),
})

export const claimsAdvice: Advice[] = [replaced]

/** What a claims function answers where there are no claims; it should be nothing, and no error. */
export async function answerFindings(database: Queries, name: string): Promise<Finding[]> {
  const found = await answerOf(database, name)
  if (found === null) return []
  const hint = 'correct it; docs/memberships.md has one that works'
  return [advise({ what: 'claims function', where: name, expected: 'null where there are no claims', found, hint })]
}

async function answerOf(database: Queries, name: string): Promise<string | null> {
  try {
    const [row] = await database.query<{ empty: boolean }>(`select ${name} is null as empty`)
    return row?.empty ? null : 'an answer'
  } catch (error) {
    // Its message may quote anything.
    const { code, sqlState = code } = error as { code?: string; sqlState?: string }
    return `an error${sqlState ? ` (SQLSTATE ${sqlState})` : ''}`
  }
}
