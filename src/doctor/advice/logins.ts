import { mayReach } from '../../connection/login-check.ts'
import { isOurs } from '../../schema/tables.ts'
import { type Advice, advise, look } from './advice.ts'

/* Who connects, and who owns. */

const ours = `
  select c.oid, c.relname, c.relowner, n.oid as schema
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v') and (n.nspname = 'vault' or ${isOurs('n.nspname', 'c.relname')})`

// Administrators may everything, and Supabase's own logins are Supabase's.
const backends = `
  select r.oid, quote_ident(r.rolname) as login
  from pg_roles as r
  where r.rolcanlogin and not r.rolsuper and not r.rolbypassrls
    and r.rolname <> 'authenticator' and r.rolname !~ '^supabase_'
    and not exists (select from ours as o where pg_has_role(r.oid, o.relowner, 'member'))`

const both = look<{ login: string }>({
  needs: [],
  text: `
with ours as (${ours}
),
backends as (${backends}
)
select b.login
from backends as b
where (select count(*) = 2 from pg_roles as r where r.rolname in ('authenticated', 'service_role') and pg_has_role(b.oid, r.oid, 'member'))
order by 1`,
  findings: (rows) =>
    rows.map(({ login }) =>
      advise({
        what: 'login that may become both',
        where: `login ${login}`,
        expected: 'authenticated or service_role, so that an SQL injection in the host stays within an organization',
        found: 'both',
        fix: `revoke service_role from ${login};`,
        hint: 'or keep it and set allowCombinedLogin: true',
      }),
    ),
})

// The attributes of the roles that calls become: with others the policies are passed, or the service role sees nothing.
const attributes = look<{ role: string; expected: string; found: string }>({
  needs: [],
  text: `
with expected (role, bypasses) as (values ('anon', false), ('authenticated', false), ('service_role', true))
select r.rolname as role,
  case when bypasses then 'bypassrls' else 'nobypassrls' end as expected,
  concat_ws(' ', case when r.rolsuper then 'superuser' end, case when r.rolbypassrls then 'bypassrls' else 'nobypassrls' end,
    -- One connects past what its login may, one grants itself roles (up to 15), one reads every change of every table.
    case when r.rolcanlogin then 'login' end, case when r.rolcreaterole then 'createrole' end, case when r.rolreplication then 'replication' end) as found
from expected join pg_roles as r on r.rolname = role
where r.rolsuper or r.rolbypassrls <> bypasses or r.rolcanlogin or r.rolcreaterole or r.rolreplication
order by 1`,
  findings: (rows) =>
    rows.map(({ role, expected, found }) => {
      const surplus = found.split(' ').filter((word) => ['login', 'createrole', 'replication'].includes(word))
      const wanted = [
        ...(found.includes('superuser') ? ['nosuperuser'] : []),
        expected,
        ...surplus.map((word) => `no${word}`),
      ].join(' ')
      return advise({
        severity: 'drift',
        what: 'role: attributes',
        where: `role ${role}`,
        expected: wanted,
        found,
        fix: `alter role ${role} ${wanted};`,
      })
    }),
})

// Supabase's roles are members of nothing; what a host grants them is its own affair, unless it opens our tables.
const memberships = look<{ role: string; member_of: string }>({
  needs: [],
  text: `
with ours as (${ours}
)
select m.rolname as role, quote_ident(r.rolname) as member_of
from pg_roles as m join pg_roles as r on r.oid <> m.oid and pg_has_role(m.oid, r.oid, 'member')
where m.rolname in ('anon', 'authenticated') and not m.rolsuper
  and (r.rolname in ('authenticated', 'service_role') or r.rolsuper or r.rolbypassrls
    or exists (select from ours as o where pg_has_role(r.oid, o.relowner, 'member')))
order by 1, 2`,
  findings: (rows) =>
    rows.map(({ role, member_of }) =>
      advise({
        severity: 'drift',
        what: 'role: member of another',
        where: `role ${role}`,
        expected: 'nothing that opens our tables',
        found: `may become ${member_of}`,
        fix: `revoke ${member_of} from ${role};`,
      }),
    ),
})

const rights = look<{ login: string; tables: string; through: string | null }>({
  // Where a privilege is one too many, that is the finding.
  needs: ['privileges as granted'],
  text: `
with ours as (${ours}
),
backends as (${backends}
)
select b.login, nullif(quote_ident(r.rolname), b.login) as through, string_agg(o.relname, ', ' order by o.relname) as tables
from backends as b
join pg_roles as r on pg_has_role(b.oid, r.oid, 'member') and r.rolname not in ('authenticated', 'service_role')
cross join ours as o
where r.rolsuper or r.rolbypassrls or ${mayReach('r.oid', { schema: 'o.schema', table: 'o.oid' })}
group by 1, 2
order by 1, 2 nulls first`,
  findings: (rows) =>
    rows.map(({ login, tables, through }) =>
      advise({
        what: 'login with rights of its own',
        where: `login ${login}`,
        expected: 'none: a statement without a scope is then refused',
        found: `may ${through === null ? '' : `become ${through}, which may `}reach ${tables}`,
        fix: through === null ? null : `revoke ${through} from ${login};`,
        hint: `${through === null ? '' : 'or '}connect with another one: integrations-db login create NAME`,
      }),
    ),
})

// Row-level security is forced for owners too, so the functions of one that does not pass it see nothing.
const bypass = look<{ owner: string; passes: boolean }>({
  needs: ['privileges as granted'],
  text: `
select quote_ident(r.rolname) as owner, r.rolsuper or r.rolbypassrls as passes
from pg_roles as r
where r.oid in (
  select p.proowner from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname in ('integrations', 'integrations_api') and p.prosecdef and p.proname not in ('current_organization_id', 'current_organization_role'))
order by 1`,
  findings: (rows) =>
    rows.flatMap(({ owner, passes }) =>
      passes
        ? []
        : [
            advise({
              what: 'owner that sees no row',
              where: `role ${owner}`,
              expected: 'BYPASSRLS: it owns functions that read tables with forced row-level security',
              found: 'neither that nor superuser',
              fix: `alter role ${owner} bypassrls;`,
            }),
          ],
    ),
})

export const loginAdvice: Advice[] = [attributes, memberships, both, rights, bypass]
