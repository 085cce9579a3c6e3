import type { Queries } from '../admin/connection.ts'
import { IntegrationsDbError } from '../errors.ts'

/*
 * The Data API's functions are there with every migration and open to nobody. One grant switches them on; whoever pushes
 * with the Supabase CLI writes it into a migration of their own.
 */

const grant = {
  on: 'grant usage on schema integrations_api to authenticated',
  off: 'revoke usage on schema integrations_api from authenticated',
}

/** Grants or revokes, and asks: a grant by somebody who may not make it is a warning to PostgreSQL and no error. */
export async function switchDataApi(database: Queries, on: boolean): Promise<void> {
  const [wanted, found] = on ? (['on', 'off'] as const) : (['off', 'on'] as const)
  const [row] = await database.query<{ open: boolean | null }>(`
    ${grant[wanted]};
    select pg_catalog.has_schema_privilege('authenticated', 'integrations_api', 'usage') as open`)
  if (row?.open === on) return
  throw new IntegrationsDbError(
    'permission_denied',
    `dataApi: expected ${wanted}, is still ${found}; as the schema's owner, run: ${grant[wanted]} (integrations-db doctor says who else may use it)`,
  )
}
