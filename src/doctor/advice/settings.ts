import type { Finding } from '../finding.ts'
import { type Advice, advise, look } from './advice.ts'

/* Settings that stand with a database or a role, and so hold before a session says anything. */

type Row = { database: string | null; role: string | null; setting: string; found: string; concerned: boolean }

// Roles and logins that calls of ours, and the Data API's, go through; administrators may do as they like.
const concerned = `(
    s.setrole = 0 or r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
    or r.rolcanlogin and not r.rolsuper and r.rolname !~ '^supabase_'
      and exists (select from pg_roles as a where a.rolname in ('authenticated', 'service_role') and pg_has_role(r.oid, a.oid, 'member'))
      and not exists (
        select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relname = 'organization_integrations' and pg_has_role(r.oid, c.relowner, 'member')))`

// No value is shown but names of schemas and roles that exist, and words of PostgreSQL's.
const bent = look<Row>({
  needs: [],
  text: `
with settings as (
  select s.setdatabase, s.setrole, r.rolname, lower(split_part(c.text, '=', 1)) as setting,
    substr(c.text, strpos(c.text, '=') + 1) as value, ${concerned} as concerned
  from pg_db_role_setting as s
  left join pg_roles as r on r.oid = s.setrole
  cross join lateral unnest(s.setconfig) as c (text)
  where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
),
paths as (
  select s.*, e.schema, e.position
  from settings as s
  cross join lateral (
    select btrim(p.name, ' "') as schema, p.position from unnest(string_to_array(s.value, ',')) with ordinality as p (name, position)
  ) as e
  where s.setting = 'search_path' and s.concerned
),
bent as (
  select setdatabase, rolname, setting, concerned, 'replica' as found from settings
  where setting = 'session_replication_role' and lower(value) = 'replica'
  union all
  select setdatabase, rolname, setting, concerned, 'off' from settings where setting = 'row_security' and value ~* '^(of|f|n|0)'
  union all
  select s.setdatabase, s.rolname, s.setting, true, coalesce(quote_ident(r.rolname), 'a role that does not exist')
  from settings as s left join pg_roles as r on r.rolname = btrim(s.value, '"')
  where s.setting = 'role' and lower(s.value) <> 'none' and s.concerned
  union all
  select setdatabase, rolname, setting, true, 'a value' from settings
  where value <> '' and (setting in ('request.jwt.claims', 'request.jwt.claim') or setting like 'request.jwt.claim.%'
    or setting in ('integrations.encryption_key', 'integrations.previous_encryption_key'))
  union all
  select p.setdatabase, p.rolname, p.setting, true, case
    when not bool_or(p.schema = 'public') then 'without public'
    else coalesce(string_agg(quote_ident(n.nspname), ', ' order by p.position) filter (where p.early), 'a schema that does not exist') || ' before public' end
  from (
    select p.*, p.schema not in ('public', '$user', 'pg_catalog', 'extensions')
      and p.position < (select min(q.position) from paths as q
        where q.schema = 'public' and (q.setdatabase, q.setrole) = (p.setdatabase, p.setrole)) as early
    from paths as p
  ) as p
  left join pg_namespace as n on n.nspname = p.schema
  group by p.setdatabase, p.rolname, p.setting
  having bool_or(p.early) or not bool_or(p.schema = 'public')
)
select case when setdatabase <> 0 then quote_ident(current_database()) end as database, quote_ident(rolname) as role, setting, found, concerned
from bent
order by 3, 1, 2`,
  findings: (rows) => rows.map(settingFinding),
})

const expectations: Record<string, Pick<Finding, 'severity' | 'expected'>> = {
  session_replication_role: {
    severity: 'drift',
    expected: 'origin: with replica no trigger and no foreign key is asked',
  },
  row_security: { severity: 'drift', expected: 'on: otherwise every statement that a policy limits fails' },
  role: { severity: 'drift', expected: 'none: a session starts as the role that it connects as' },
  search_path: { severity: 'advice', expected: 'public first: what another schema holds stands in for our tables' },
  'request.jwt.claims': { severity: 'drift', expected: 'none: a session without claims reads nothing' },
}
const key = { severity: 'drift', expected: 'none: everybody may read it in the catalog' } as const

function settingFinding({ database, role, setting, found, concerned }: Row): Finding {
  const place = [role && `role ${role}`, database && `database ${database}`].filter(Boolean).join(' in ') || 'all roles'
  const said = setting.startsWith('request.') ? expectations['request.jwt.claims'] : expectations[setting]
  return advise({
    what: 'setting that stands before every session',
    where: `${setting} of ${place}`,
    found,
    fix: `alter ${target(database, role)} reset ${setting};`,
    ...(setting === 'session_replication_role' ? { hint: 'a superuser resets it' } : {}),
    ...(said ?? key),
    // A login that copies or restores may need it.
    ...(concerned ? {} : { severity: 'advice' }),
  })
}

function target(database: string | null, role: string | null): string {
  if (role !== null) return `role ${role}${database === null ? '' : ` in database ${database}`}`
  return database === null ? 'role all' : `database ${database}`
}

// From 15 on the right to set what superusers set can be granted.
const granted = look<{ parameter: string; grantee: string }>({
  needs: [],
  text: `
select quote_ident(p.parname) as parameter, coalesce(quote_ident(s.rolname), 'public') as grantee
from pg_parameter_acl as p cross join lateral aclexplode(p.paracl) as a
left join (select r.oid as setrole, r.rolname from pg_roles as r) as s on s.setrole = a.grantee
left join pg_roles as r on r.oid = a.grantee
where p.parname = 'session_replication_role' and (a.grantee = 0 or r.oid is not null and ${concerned})
group by 1, 2
order by 1, 2`,
  findings: (rows) =>
    rows.map(({ parameter, grantee }) =>
      advise({
        severity: 'drift',
        what: 'right to switch triggers off',
        where: `${parameter} for ${grantee}`,
        expected: 'nobody but administrators sets it: with replica no trigger and no foreign key is asked',
        found: `${grantee} may`,
        fix: `revoke all on parameter ${parameter} from ${grantee};`,
      }),
    ),
})

export const settingAdvice: Advice[] = [bent, granted]
