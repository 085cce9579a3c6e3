import { IntegrationsDbError } from './errors.ts'
import type { Pool } from './pool.ts'

/*
 * A login must have no rights of its own: should a statement ever run without its scope, PostgreSQL then refuses it
 * instead of answering with every organization's rows. Asked once per client, before its first call.
 */

const rights = `\
select rolname, rolsuper, rolbypassrls,
  pg_has_role(session_user, 'service_role', 'member') as may_be_service,
  pg_has_role(session_user, 'authenticated', 'member') as may_be_authenticated,
  exists (
    select from pg_class where oid = to_regclass('public.organization_integrations') and pg_has_role(session_user, relowner, 'member')
  ) as owns,
  coalesce(has_table_privilege(session_user, to_regclass('public.organization_integrations'), 'select, insert, update, delete, truncate')
    or has_any_column_privilege(session_user, to_regclass('public.organization_integrations'), 'select, insert, update'), false) as granted
from pg_roles where rolname = session_user`

/** Refuses a login that could read the tables without a scope, or become more than it should. */
export async function assertSafeLogin(
  pool: Pool,
  becomes: 'authenticated' | 'service_role',
  allowCombinedLogin: boolean,
): Promise<void> {
  const { names, values } = await pool.run('', { text: () => rights }, { reads: true })
  const login = Object.fromEntries(names.map((name, i) => [name, values[0]?.[i]]))
  const problem =
    (login.rolsuper && 'is a superuser') ||
    (login.rolbypassrls && 'has BYPASSRLS') ||
    (login.owns && 'owns public.organization_integrations, or is a member of its owner') ||
    (login.granted && 'has rights of its own on public.organization_integrations')
  if (problem) throw refuse(becomes, `${login.rolname} ${problem}, so it could read every organization without a scope`)
  if (!(becomes === 'service_role' ? login.may_be_service : login.may_be_authenticated)) {
    throw refuse(becomes, `${login.rolname} may not become ${becomes}`)
  }
  const other = becomes === 'service_role' ? login.may_be_authenticated : login.may_be_service
  if (other && !allowCombinedLogin) {
    throw refuse(
      becomes,
      `${login.rolname} may become both authenticated and service_role, so an SQL injection in the host could read everything`,
      ', or set allowCombinedLogin: true',
    )
  }
}

function refuse(becomes: string, problem: string, alternative = ''): IntegrationsDbError {
  const [field, flag] = becomes === 'service_role' ? ['serviceUrl', ' --service'] : ['url', '']
  return new IntegrationsDbError(
    'permission_denied',
    `${field}: login ${problem}; make one with: integrations-db login create NAME${flag}${alternative}`,
  )
}
