import { isOurs } from '../../schema/tables.ts'
import { type Advice, advise, look } from './advice.ts'

/* What could pass for what: temporary objects, and functions that would take one for PostgreSQL's. */

// Of PUBLIC, the roles that calls become, and the logins that may become them.
const temporary = look<{ database: string; owner: string; holders: string }>({
  needs: [],
  text: `
with api_roles as (
  select oid from pg_roles where rolname in ('anon', 'authenticated', 'service_role')
)
select quote_ident(d.datname) as database, quote_ident(pg_get_userbyid(d.datdba)) as owner,
  string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(r.rolname) end, ', ') as holders
from pg_database as d
cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
left join pg_roles as r on r.oid = a.grantee
where d.datname = current_database() and a.privilege_type = 'TEMPORARY' and a.grantee <> d.datdba
  and (a.grantee = 0 or a.grantee in (select oid from api_roles)
    or not r.rolsuper and not r.rolbypassrls and r.rolname <> 'authenticator' and r.rolname !~ '^supabase_'
      and not pg_has_role(a.grantee, d.datdba, 'member')
      and exists (select from api_roles as api where pg_has_role(a.grantee, api.oid, 'member')))
group by d.datname, d.datdba`,
  findings: (rows) =>
    rows.map(({ database, owner, holders }) =>
      advise({
        what: 'temporary objects',
        where: `database ${database}`,
        expected:
          'created by nobody who calls: one can be called like a table or type of yours, for functions that look there first',
        found: `TEMPORARY granted to ${holders}`,
        fix: `revoke temporary on database ${database} from ${holders};`,
        hint: `as the database's owner, ${owner}; whoever else needs them: grant temporary on database ${database} to …`,
      }),
    ),
})

// Functions of the host's that stand in for ours, or run within a statement on our tables. Ours are compared with the catalog.
const paths = look<{ name: string; path: string | null; safe: string }>({
  needs: ['not locked'],
  text: `
with functions as (
  select p.oid, p.proconfig from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = 'integrations' and p.proname in ('current_organization_id', 'current_organization_role') and p.pronargs = 0
    and obj_description(p.oid, 'pg_proc') = 'integrations-db: host'
  union
  select p.oid, p.proconfig from pg_trigger as g
  join pg_proc as p on p.oid = g.tgfoid join pg_language as l on l.oid = p.prolang
  join pg_class as c on c.oid = g.tgrelid join pg_namespace as n on n.oid = c.relnamespace
  where not g.tgisinternal and l.lanname not in ('c', 'internal') and p.pronamespace <> (select oid from pg_namespace where nspname = 'integrations')
    and ${isOurs('n.nspname', 'c.relname')}
), searched as (
  select f.oid, s.path, regexp_split_to_array(s.path, '\\s*,\\s*') as schemas
  from functions as f
  left join lateral (select substr(c, length('search_path=') + 1) as path from unnest(f.proconfig) as c where c like 'search_path=%') as s on true
)
select (select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where p.oid = s.oid) as name, s.path,
  case when s.path is null then 'pg_catalog, public, ' else coalesce(o.others || ', ', 'pg_catalog, ') end || 'pg_temp' as safe
from searched as s
cross join lateral (
  select string_agg(e.schema, ', ' order by e.position) as others
  from unnest(s.schemas) with ordinality as e (schema, position) where btrim(e.schema, '" ') not in ('pg_temp', '')
) as o
where s.path is null or btrim(s.schemas[cardinality(s.schemas)], '" ') <> 'pg_temp'
  or (select count(*) > 1 from unnest(s.schemas) as e where btrim(e, '" ') = 'pg_temp')
order by 1`,
  findings: (rows) =>
    rows.map(({ name, path, safe }) =>
      advise({
        what: 'search_path of a function',
        where: name,
        expected: 'one that names pg_temp, last: else temporary objects are found before real ones',
        found: path === null ? 'no search_path of its own' : path,
        fix: `alter function ${name} set search_path = ${safe};`,
        hint: path === null ? 'name the schemas that its body needs' : null,
      }),
    ),
})

export const nameAdvice: Advice[] = [temporary, paths]
