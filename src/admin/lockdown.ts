import { setTimeout as pause } from 'node:timers/promises'
import { publicTables } from '../schema/tables.ts'
import type { Admin } from './connection.ts'
import { endAll, type Holder, type Patience, withAttempts } from './holders.ts'
import { planSeconds } from './steps.ts'

/*
 * The emergency patch: every privilege that anybody but an owner has on our tables, functions and schemas is taken away,
 * and written down as the statements that give it back.
 */

const tables = publicTables.map((name) => `public.${name}`).join()
/** Their ids; an older database may not have all of them. */
const tableIds = (sql: Admin) =>
  sql`array(select to_regclass(name) from unnest(string_to_array(${tables}, ',')) as name)`

type Lockdown = { url: string } & Patience

/** What was taken away or given back, and who can still reach the tables. */
export type LockdownReport = {
  grants: number
  stillAllowed: string[]
  /** Sessions in a transaction from before: what they have opened, such as a cursor, they may go on reading. */
  stillOpen: Holder[]
  /** Sessions that `terminate` ended. */
  ended: Holder[]
}

/**
 * Takes every privilege away, in one transaction; repeated, it takes what was granted since. It waits for nobody but
 * another administrator, and `terminate` ends the sessions that are still reading.
 *
 * @example
 * const { stillAllowed } = await lockdown({ url }) // superusers, owners and members of theirs
 *
 * @throws IntegrationsDbError `conflict` where another administrator holds a lock, with who it is; nothing is changed then.
 */
export function lockdown({ url, terminate = false }: Lockdown): Promise<LockdownReport> {
  return withAttempts(url, { terminate }, async (sql, attempt, ended) => {
    const report = await attempt(planSeconds, (tx) => alone(tx, takeAll))
    const reading = await readersLeft(sql, report.stillAllowed)
    const treated = terminate ? await endAll(sql, reading) : reading
    return {
      ...report,
      stillOpen: treated.filter((holder) => !holder.ended),
      ended: [...ended, ...treated.filter((holder) => holder.ended)],
    }
  })
}

/** Gives back what {@link lockdown} took, in one transaction. */
export function liftLockdown({ url, terminate = false }: Lockdown): Promise<LockdownReport> {
  return withAttempts(url, { terminate }, async (_, attempt, ended) => {
    const report = await attempt(planSeconds, (tx) => alone(tx, giveBack))
    return { ...report, stillOpen: [], ended }
  })
}

async function takeAll(sql: Admin): Promise<number> {
  const grants = await sql<{ give: string; take: string }[]>`
      with objects as (
        select 'table' as kind, c.oid::regclass::text as name, '' as part, c.relowner as owner, c.relacl as acl
        from pg_class as c
        where c.relkind in ('r', 'p', 'v', 'm', 'f')
          and (c.relnamespace = 'integrations'::regnamespace or c.oid = any (${tableIds(sql)}))
        union all
        select 'table', c.oid::regclass::text, format('(%I)', a.attname), c.relowner, a.attacl
        from pg_attribute as a join pg_class as c on c.oid = a.attrelid
        where a.attacl is not null
          and (c.relnamespace = 'integrations'::regnamespace or c.oid = any (${tableIds(sql)}))
        union all
        select 'function', p.oid::regprocedure::text, '', p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname in ('integrations', 'integrations_api')
        union all
        select 'schema', quote_ident(nspname), '', nspowner, nspacl from pg_namespace where nspname in ('integrations', 'integrations_api')
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
  return grants.length
}

async function giveBack(sql: Admin): Promise<number> {
  // Where safeupdate is on, a DELETE needs a WHERE.
  const grants = await sql<{ statement: string }[]>`
    delete from integrations.revoked_grants where statement is not null returning statement`
  for (const { statement } of grants) await sql.unsafe(statement)
  return grants.length
}

/** Logins that can read or write our tables by themselves: superusers, owners, and who was granted everything. */
async function whoMayRead(sql: Admin): Promise<string[]> {
  const rows = await sql<{ rolname: string }[]>`
    select rolname from pg_roles as r
    where r.rolcanlogin and exists (
      select from unnest(${tableIds(sql)}) as t
      where has_table_privilege(r.oid, t, 'select, insert, update, delete, truncate')
    )
    order by 1`
  return rows.map(({ rolname }) => rolname)
}

/** Sessions of logins that may not read any more, in a transaction that has used one of our tables before. */
async function whoIsReading(sql: Admin, allowed: readonly string[]): Promise<Holder[]> {
  const rows = await sql<Holder[]>`
    select a.pid, a.usename::text as login, a.xact_start as since, null::text as prepared, false as ended
    from pg_catalog.pg_stat_activity as a
    where a.pid <> pg_catalog.pg_backend_pid() and a.backend_type = 'client backend'
      and a.usename <> all (select pg_catalog.jsonb_array_elements_text(${JSON.stringify(allowed)}::text::jsonb))
      and exists (
        select from pg_catalog.pg_locks as l join pg_catalog.pg_class as c on c.oid = l.relation
        where l.pid = a.pid and l.locktype = 'relation' and l.granted
          and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
          and (c.relnamespace = 'integrations'::regnamespace or c.oid = any (${tableIds(sql)}))
      )
    order by 1`
  return [...rows]
}

/** A transaction that was under way may end by itself. */
async function readersLeft(sql: Admin, allowed: readonly string[]): Promise<Holder[]> {
  let reading = await whoIsReading(sql, allowed)
  for (let looks = 0; reading.length > 0 && looks < 10; looks++) {
    await pause(100)
    reading = await whoIsReading(sql, allowed)
  }
  return reading
}

/** Not under an advisory lock, which any login could hold: on this table nobody but administrators has a privilege. */
async function alone(
  tx: Admin,
  work: (tx: Admin) => Promise<number>,
): Promise<{ grants: number; stillAllowed: string[] }> {
  await tx`lock table integrations.revoked_grants in share row exclusive mode`
  // Every name is then written with its schema: it is read again by another session.
  await tx`select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)`
  return { grants: await work(tx), stillAllowed: await whoMayRead(tx) }
}
