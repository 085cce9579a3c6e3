import { getTableName } from 'drizzle-orm'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import {
  organizationIntegrationCredentials,
  organizationIntegrationEvents,
  organizationIntegrations,
} from '../schema/index.ts'
import { type Admin, asAdmin } from './connection.ts'

/*
 * The emergency patch: every privilege that anybody but an owner has on our tables, functions and schema is taken away,
 * and written down as the statements that give it back.
 */

const tables = [organizationIntegrations, organizationIntegrationCredentials, organizationIntegrationEvents]
  .map((table) => `public.${getTableName(table)}`)
  .join()

/** What was taken away or given back, and who can still reach the tables. */
export type LockdownReport = { grants: number; stillAllowed: string[] }

/**
 * Takes every privilege away, in one transaction; repeated, it takes what was granted since.
 *
 * @example
 * const { stillAllowed } = await lockdown({ url }) // superusers, owners and members of theirs
 */
export function lockdown({ url }: { url: string }): Promise<LockdownReport> {
  return inOneTransaction(url, async (sql) => {
    const grants = await sql<{ give: string; take: string }[]>`
      with objects as (
        select 'table' as kind, c.oid::regclass::text as name, '' as part, c.relowner as owner, c.relacl as acl
        from pg_class as c
        where c.relkind in ('r', 'p', 'v', 'm', 'f')
          and (c.relnamespace = 'integrations'::regnamespace or c.oid = any (string_to_array(${tables}, ',')::regclass[]))
        union all
        select 'table', c.oid::regclass::text, format('(%I)', a.attname), c.relowner, a.attacl
        from pg_attribute as a join pg_class as c on c.oid = a.attrelid
        where a.attacl is not null
          and (c.relnamespace = 'integrations'::regnamespace or c.oid = any (string_to_array(${tables}, ',')::regclass[]))
        union all
        select 'function', p.oid::regprocedure::text, '', p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
        from pg_proc as p where p.pronamespace = 'integrations'::regnamespace
        union all
        select 'schema', quote_ident(nspname), '', nspowner, nspacl from pg_namespace where nspname = 'integrations'
      )
      select format('grant %s %s on %s %s to %s%s', privilege_type, part, kind, name, grantee, case when is_grantable then ' with grant option' end) as give,
        format('revoke %s %s on %s %s from %s cascade', privilege_type, part, kind, name, grantee) as take
      from (
        select kind, name, part, privilege_type, is_grantable,
          case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee
        from objects cross join lateral aclexplode(acl) as a
        where a.grantee <> owner
      ) as privileges
      order by 1`
    for (const { give, take } of grants) {
      await sql`insert into integrations.revoked_grants (statement) values (${give}) on conflict do nothing`
      await sql.unsafe(take)
    }
    return { grants: grants.length, stillAllowed: await whoMayRead(sql) }
  })
}

/** Gives back what {@link lockdown} took, in one transaction. */
export function liftLockdown({ url }: { url: string }): Promise<LockdownReport> {
  return inOneTransaction(url, async (sql) => {
    const grants = await sql<{ statement: string }[]>`delete from integrations.revoked_grants returning statement`
    for (const { statement } of grants) await sql.unsafe(statement)
    return { grants: grants.length, stillAllowed: await whoMayRead(sql) }
  })
}

/** Logins that can read or write our tables by themselves: superusers, owners, and who was granted everything. */
async function whoMayRead(sql: Admin): Promise<string[]> {
  const rows = await sql<{ rolname: string }[]>`
    select rolname from pg_roles as r
    where r.rolcanlogin and exists (
      select from unnest(string_to_array(${tables}, ',')::regclass[]) as t
      where has_table_privilege(r.oid, t, 'select, insert, update, delete, truncate')
    )
    order by 1`
  return rows.map(({ rolname }) => rolname)
}

async function inOneTransaction<T>(url: string, work: (sql: Admin) => Promise<T>): Promise<T> {
  return asAdmin(url, async (sql) => {
    try {
      return (await sql.begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(hashtextextended('@org/integrations-db lockdown', 0))`
        // Every name is then written with its schema: it is read again by another session.
        await tx`select set_config('search_path', '', true)`
        return work(tx as unknown as Admin)
      })) as T
    } catch (error) {
      throw toIntegrationsDbError(error)
    }
  })
}
