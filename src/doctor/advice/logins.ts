import { type Advice, advise, look } from './advice.ts'

/* Who connects, and who owns. */

const ours = `
  select c.oid, c.relname, c.relowner, n.oid as schema
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v') and (n.nspname in ('integrations', 'vault') or n.nspname = 'public' and c.relname in
    ('organization_integrations', 'organization_integration_credentials', 'organization_integration_events'))`

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
        mend: `revoke service_role from ${login};`,
        remedy: 'or keep it and set allowCombinedLogin: true',
      }),
    ),
})

const rights = look<{ login: string; tables: string }>({
  // Where a privilege is one too many, that is the finding.
  needs: ['privileges as granted'],
  text: `
with ours as (${ours}
),
backends as (${backends}
)
select b.login, string_agg(o.relname, ', ' order by o.relname) as tables
from backends as b cross join ours as o
where has_schema_privilege(b.oid, o.schema, 'usage')
  and (has_table_privilege(b.oid, o.oid, 'select, insert, update, delete, truncate')
    or has_any_column_privilege(b.oid, o.oid, 'select, insert, update'))
group by 1
order by 1`,
  findings: (rows) =>
    rows.map(({ login, tables }) =>
      advise({
        what: 'login with rights of its own',
        where: `login ${login}`,
        expected: 'none: a statement without a scope is then refused',
        found: `may reach ${tables}`,
        remedy: 'connect with another one: integrations-db login create NAME',
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
  where n.nspname = 'integrations' and p.prosecdef and p.proname not in ('current_organization_id', 'current_organization_role'))
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
              mend: `alter role ${owner} bypassrls;`,
            }),
          ],
    ),
})

export const loginAdvice: Advice[] = [both, rights, bypass]
