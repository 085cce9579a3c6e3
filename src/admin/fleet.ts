import { lastRunBefore } from '../config/schedule.ts'
import { type PendingAlert, readPendingAlerts } from './alerts.ts'
import { type Admin, withAdmin } from './connection.ts'

/** How a fleet is: what waits, what runs, what failed, and what it runs on. Times are ISO 8601 in UTC. */
export type Fleet = {
  database: string
  /** When, by the server's clock. */
  at: string
  /** Active integrations with no run since their last due time; those whose schedule cannot be read apart. */
  due: { count: number; oldest: string | null; unreadable: number }
  /** Runs that started and did not finish, whenever they were due. */
  running: { count: number; oldest: string | null }
  /** Runs due in the last day that failed, by system. */
  failed: { integrationType: string; count: number }[]
  /** `pending` counts a thousand at most. */
  alerts: { pending: number; oldest: PendingAlert | null }
  /** Null is what the login may not see. */
  replicas: { name: string; state: string | null; lagBytes: number | null; lagSeconds: number | null }[]
  /** To this database, this command's own left out; what states a login may not see is in `total` alone. */
  connections: { max: number; logins: Login[] }
}
type Login = { login: string; total: number; active: number; idle: number; idleInTransaction: number }
type Schedule = { schedule: string; count: number }

/** Reads, in one transaction that can change nothing and waits for nobody long. */
export function readFleet(url: string, timeZone: string): Promise<Fleet> {
  return withAdmin(url, (sql) =>
    sql.begin(async () => {
      await sql.unsafe(
        "set transaction read only; set local lock_timeout = '2s'; set local statement_timeout = '20s'; set local timezone = 'UTC'",
      )
      const [server] = await sql<{ database: string; at: number; max: number }[]>`
        select current_database() as database, extract(epoch from now())::float8 * 1000 as at,
          current_setting('max_connections')::int as max`
      const { database = '', at = 0, max = 0 } = server ?? {}
      const due = await readDue(sql, { timeZone, at: new Date(at) })
      const alerts = await readPendingAlerts(sql)
      return {
        database,
        at: new Date(at).toISOString(),
        due,
        running: await readRunning(sql),
        failed: await readFailed(sql),
        alerts: { pending: alerts.length, oldest: alerts[0] ?? null },
        replicas: await readReplicas(sql),
        connections: { max, logins: await readLogins(sql) },
      }
    }),
  )
}

/** Integrations share a few schedules: each is read once, and the rows are counted where they are. */
async function readDue(sql: Admin, when: { timeZone: string; at: Date }): Promise<Fleet['due']> {
  const schedules = await sql<Schedule[]>`
    select sync_schedule as schedule, count(*)::int as count from public.organization_integrations
    where status = 'active' and sync_schedule is not null group by sync_schedule`
  const times = schedules.map((one) => ({ ...one, due: lastRunBefore(one.schedule, when) }))
  const known = JSON.stringify(times.filter(({ due }) => due !== null))
  const [due] = await sql<{ count: number; oldest: number | null }[]>`
    select count(*)::int as count, extract(epoch from min(s.due))::float8 * 1000 as oldest
    from public.organization_integrations as i
    join jsonb_to_recordset(${known}::text::jsonb) as s(schedule text, due timestamptz) on s.schedule = i.sync_schedule
    where i.status = 'active' and i.sync_schedule is not null and i.created_at <= s.due and not exists (
      select from public.organization_integration_runs as r where r.integration_id = i.id and r.due >= s.due)`
  const unreadable = times.reduce((sum, { due, count }) => sum + (due === null ? count : 0), 0)
  return { count: due?.count ?? 0, oldest: timeOf(due?.oldest), unreadable }
}

async function readRunning(sql: Admin): Promise<Fleet['running']> {
  const [running] = await sql<{ count: number; oldest: number | null }[]>`
    select count(*)::int as count, extract(epoch from min(started_at))::float8 * 1000 as oldest
    from public.organization_integration_runs where outcome is null`
  return { count: running?.count ?? 0, oldest: timeOf(running?.oldest) }
}

/**
 * A look into the index per organization, and `offset 0` keeps it so: otherwise the whole history may be read for its
 * last day.
 */
async function readFailed(sql: Admin): Promise<Fleet['failed']> {
  return [
    ...(await sql<Fleet['failed']>`
      select i.integration_type::text as "integrationType", count(*)::int as count
      from public.organizations as o
      cross join lateral (
        select r.integration_id from public.organization_integration_runs as r
        where r.organization_id = o.id and r.due > now() - interval '1 day' and r.outcome = 'failed'
        offset 0) as r
      join public.organization_integrations as i on i.id = r.integration_id
      group by i.integration_type order by count desc, i.integration_type::text`),
  ]
}

async function readReplicas(sql: Admin): Promise<Fleet['replicas']> {
  return [
    ...(await sql<Fleet['replicas']>`
      select coalesce(application_name, '') as name, state, extract(epoch from replay_lag)::float8 as "lagSeconds",
        pg_wal_lsn_diff(
          case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, replay_lsn
        )::float8 as "lagBytes"
      from pg_stat_replication order by name, pid`),
  ]
}

/** What a login may not see of others' sessions is null, their kind too. */
async function readLogins(sql: Admin): Promise<Login[]> {
  return [
    ...(await sql<Login[]>`
      select usename::text as login, count(*)::int as total, count(*) filter (where state = 'active')::int as active,
        count(*) filter (where state = 'idle')::int as idle,
        count(*) filter (where state like 'idle in transaction%')::int as "idleInTransaction"
      from pg_stat_activity
      where datname = current_database() and usename is not null and pid <> pg_backend_pid()
        and coalesce(backend_type, 'client backend') = 'client backend'
      group by usename order by total desc, login`),
  ]
}

function timeOf(milliseconds: number | null | undefined): string | null {
  return milliseconds === null || milliseconds === undefined ? null : new Date(milliseconds).toISOString()
}
