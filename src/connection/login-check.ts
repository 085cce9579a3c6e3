import { IntegrationsDbError } from '../errors.ts'
import { isOurs } from '../schema/tables.ts'
import type { Pool } from './pool.ts'
import { statement, toObjects } from './statement.ts'

/*
 * A login must have no rights of its own: should a statement ever run without its scope, PostgreSQL then refuses it
 * instead of answering with every organization's rows. Asked once per client, before its first call.
 */

/** SQL: whether a role has rights on a table of its own, in any of its columns. Not of what it may become. */
export const mayReach = (role: string, { schema, table }: { schema: string; table: string }): string =>
  `(has_schema_privilege(${role}, ${schema}, 'usage')
      and (has_table_privilege(${role}, ${table}, 'select, insert, update, delete, truncate')
        or has_any_column_privilege(${role}, ${table}, 'select, insert, update')))`
const ours = { schema: 'ours.schema', table: 'ours.oid' }

/** Before a question to the catalog: a pooler may answer with a process that has temporary tables called like it. */
export const catalogOnly = statement(`select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)`)()

// By name and not through to_regclass, which raises where a login may not look into a schema.
const rights = `\
with ours as (
  select pg_class.oid, relname, relowner, pg_namespace.oid as schema
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where relkind in ('r', 'v') and (nspname = 'vault' or ${isOurs('nspname', 'relname')})
)
select rolname, rolsuper, rolbypassrls,
  pg_has_role(session_user, 'service_role', 'member') as may_be_service,
  pg_has_role(session_user, 'authenticated', 'member') as may_be_authenticated,
  (select string_agg(relname, ', ') from ours where pg_has_role(session_user, relowner, 'member')) as owns,
  (select string_agg(relname, ', ') from ours
    where ${mayReach('session_user', ours)}) as granted,
  -- What it may become counts as much, inherited or not: an injected SET ROLE is enough.
  (select string_agg(format('%s, which %s', role.rolname, case
      when role.rolsuper then 'is a superuser' when role.rolbypassrls then 'has BYPASSRLS' else 'has rights on ' || tables end), '; ')
    from pg_roles as role cross join lateral (
      select string_agg(relname, ', ') as tables from ours
      where role.rolname not in ('authenticated', 'service_role') and ${mayReach('role.oid', ours)}
    ) as reach
    where role.rolname <> session_user and pg_has_role(session_user, role.oid, 'member')
      and (role.rolsuper or (role.rolbypassrls and role.rolname <> 'service_role') or tables is not null)) as powerful
from pg_roles
where rolname = session_user`

/** Refuses a login that could read the tables without a scope, or become more than it should. */
export async function assertSafeLogin(
  pool: Pick<Pool, 'run'>,
  becomes: 'authenticated' | 'service_role',
  allowCombinedLogin: boolean,
  field = becomes === 'service_role' ? 'serviceUrl' : 'url',
): Promise<void> {
  const [login = {}] = toObjects(await pool.run(catalogOnly, { text: rights, values: [] }, { reads: true }))
  const without = 'so it could read every organization without a scope'
  const problem =
    (login.rolsuper && 'is a superuser') ||
    (login.rolbypassrls && 'has BYPASSRLS') ||
    (login.owns && `owns ${login.owns}, or is a member of its owner`) ||
    (login.granted && `has rights of its own on ${login.granted}`)
  if (problem) throw refuse(field, becomes, `${login.rolname} ${problem}, ${without}`)
  if (login.powerful) {
    const fix = ', or fix the role: integrations-db doctor'
    throw refuse(field, becomes, `${login.rolname} may become ${login.powerful}, ${without}`, fix)
  }
  if (!(becomes === 'service_role' ? login.may_be_service : login.may_be_authenticated)) {
    throw refuse(field, becomes, `${login.rolname} may not become ${becomes}`)
  }
  const other = becomes === 'service_role' ? login.may_be_authenticated : login.may_be_service
  if (other && !allowCombinedLogin) {
    throw refuse(
      field,
      becomes,
      `${login.rolname} may become both authenticated and service_role, so an SQL injection in the host could read everything`,
      ', or set allowCombinedLogin: true',
    )
  }
}

function refuse(field: string, becomes: string, problem: string, alternative = ''): IntegrationsDbError {
  const flag = becomes === 'service_role' ? ' --service' : ''
  return new IntegrationsDbError(
    'permission_denied',
    `${field}: login ${problem}; make one with: integrations-db login create NAME${flag}${alternative}`,
  )
}
