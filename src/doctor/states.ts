import type { Queries } from '../admin.ts'
import { type Catalog, keyOf } from './catalog.ts'
import type { Finding } from './findings.ts'

/* States of the whole database that are one finding, however much differs because of them. */

/** Migrations that were not applied. */
export function pendingFinding(versions: string[]): Finding {
  return {
    severity: 'drift',
    what: 'pending migrations',
    where: 'supabase_migrations.schema_migrations',
    expected: 'every packaged migration',
    found: `${versions.length} missing: ${versions.join(', ')}`,
    mend: null,
    remedy: 'integrations-db migrate; the catalog is compared after that',
  }
}

/** Privileges that `lockdown` took. */
export function lockdownFinding(privileges: number): Finding {
  return {
    severity: 'drift',
    what: 'locked down',
    where: 'integrations.revoked_grants',
    expected: 'the privileges that the migrations grant',
    found: `${privileges} privileges taken away`,
    mend: null,
    remedy: 'integrations-db lockdown --lift',
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
