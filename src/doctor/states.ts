import type { Queries } from '../admin/connection.ts'
import type { Problem } from '../deployment/index.ts'
import { type Catalog, keyOf } from './catalog.ts'
import type { Finding } from './finding.ts'

/* States of the whole database that are one finding, however much differs because of them. */

const history = 'supabase_migrations.schema_migrations'

/** Migrations that were not applied, and files and history that do not belong together. */
export function historyFindings(pending: string[], problems: Problem[]): Finding[] {
  const found = (finding: Pick<Finding, 'what' | 'expected' | 'found' | 'hint'>): Finding => ({
    severity: 'drift',
    where: history,
    fix: null,
    ...finding,
  })
  const missing = found({
    what: 'pending migrations',
    expected: 'every packaged migration',
    found: `${pending.length} missing: ${pending.join(', ')}`,
    hint: 'integrations-db migrate; the catalog is compared after that',
  })
  return [
    ...(pending.length > 0 ? [missing] : []),
    ...problems.map(({ problem, version, message }) =>
      found({
        what: `migration ${problem}`,
        expected: 'a history of the packaged files',
        found: `version ${version}`,
        hint: message,
      }),
    ),
  ]
}

/** Privileges that `lockdown` took. */
export function lockdownFinding(privileges: number): Finding {
  return {
    severity: 'drift',
    what: 'locked down',
    where: 'integrations.revoked_grants',
    expected: 'the privileges that the migrations grant',
    found: `${privileges} privileges taken away`,
    fix: null,
    hint: 'integrations-db lockdown --lift',
  }
}

/** How many privileges a lockdown has taken and not given back. */
export async function privilegesTaken(database: Queries, live: Catalog): Promise<number> {
  if (!live.objects.some((object) => keyOf(object) === 'table integrations.revoked_grants')) return 0
  const [row] = await database.query<{ count: number }>(
    'select count(*)::integer as count from integrations.revoked_grants',
  )
  return row?.count ?? 0
}
