import { ourIds, ourSchemas } from '../ours.ts'
import { type Advice, advise, look } from './advice.ts'

/* What the database around our tables allows: who may create, what is granted by itself, what fires or stands on ours. */

// The place where everybody looks names up first.
const creators = look<{ kind: 'schema' | 'database'; name: string }>({
  needs: [],
  text: `
select 'schema' as kind, quote_ident(n.nspname) as name
from pg_namespace as n
where n.nspname in ('public', 'extensions') and exists (
  select from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as a where a.grantee = 0 and a.privilege_type = 'CREATE')
union all
select 'database', quote_ident(d.datname)
from pg_database as d
where d.datname = current_database() and exists (
  select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a where a.grantee = 0 and a.privilege_type = 'CREATE')
order by 1, 2`,
  findings: (rows) =>
    rows.map(({ kind, name }) =>
      advise({
        what: 'everybody may create',
        where: `${kind} ${name}`,
        expected: 'no CREATE for PUBLIC: names there stand in for others',
        found: 'PUBLIC: create',
        fix: `revoke create on ${kind} ${name} from public;`,
      }),
    ),
})

// Supabase grants everything on new objects in schema public; in our schemas and in all of them nobody should.
const defaults = look<{ owner: string; schema: string | null; objects: string; grantee: string; verbs: string }>({
  needs: [],
  text: `
select quote_ident(pg_get_userbyid(d.defaclrole)) as owner, quote_ident(n.nspname) as schema,
  case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end as objects,
  coalesce(quote_ident(r.rolname), 'public') as grantee, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as verbs
from pg_default_acl as d
left join pg_namespace as n on n.oid = d.defaclnamespace
cross join lateral aclexplode(d.defaclacl) as a
left join pg_roles as r on r.oid = a.grantee
where a.grantee <> d.defaclrole and (
  n.nspname in (${ourSchemas})
  or d.defaclnamespace = 0 and (r.rolname in ('anon', 'authenticated')
    -- What PostgreSQL gives everybody is no decision of somebody's.
    or a.grantee = 0 and (d.defaclobjtype, a.privilege_type) not in (('f', 'EXECUTE'), ('T', 'USAGE'))))
group by 1, 2, 3, 4
order by 1, 2, 3, 4`,
  findings: (rows) =>
    rows.map(({ owner, schema, objects, grantee, verbs }) => {
      const place = schema === null ? '' : ` in schema ${schema}`
      return advise({
        what: 'default privileges',
        where: `new ${objects} of ${owner}${place || ' in every schema'}`,
        expected: 'nothing for roles of the API: a new object is open to nobody until it is granted',
        found: `${grantee}: ${verbs}`,
        fix: `alter default privileges for role ${owner}${place} revoke all on ${objects} from ${grantee};`,
      })
    }),
})

// Supabase's own, those of PostgREST's documentation, and those of extensions are known.
const eventTriggers = look<{ name: string; event: string; owner: string }>({
  needs: [],
  text: `
select quote_ident(e.evtname) as name, e.evtevent as event, quote_ident(pg_get_userbyid(e.evtowner)) as owner
from pg_event_trigger as e
where e.evtenabled <> 'D' and pg_get_userbyid(e.evtowner) !~ '^supabase_'
  and e.evtname !~ '^(issue_(graphql|pg)_|pgrst_|pgsodium_|ensure_rls$)'
  and not exists (select from pg_depend as d where d.deptype = 'e' and (d.classid, d.objid) in
    (('pg_event_trigger'::regclass, e.oid), ('pg_proc'::regclass, e.evtfoid)))
order by 1`,
  findings: (rows) =>
    rows.map(({ name, event, owner }) =>
      advise({
        what: 'event trigger',
        where: `event trigger ${name}`,
        expected: 'none: it runs with the rights of whoever migrates, and can change or refuse what a migration does',
        found: `at ${event}, of ${owner}`,
        fix: `alter event trigger ${name} disable;`,
        hint: 'or keep it, where you know what it does',
      }),
    ),
})

// A provider may hide or change what a column gives.
const labels = look<{ kind: string; name: string; provider: string }>({
  needs: [],
  text: `
select case o.type when 'table column' then 'column' else o.type end as kind, o.identity as name, quote_ident(l.provider) as provider
from pg_seclabel as l cross join lateral pg_identify_object(l.classoid, l.objoid, l.objsubid) as o
where l.classoid = 'pg_class'::regclass and l.objoid in (${ourIds.tables})
  or l.classoid = 'pg_type'::regclass and l.objoid in (${ourIds.types})
  or l.classoid = 'pg_namespace'::regclass and l.objoid in (${ourIds.schemas})
  or l.classoid = 'pg_proc'::regclass and exists (
    select from pg_proc as p where p.oid = l.objoid and p.pronamespace in (${ourIds.schemas}))
order by 2, 3`,
  findings: (rows) =>
    rows.map(({ kind, name, provider }) =>
      advise({
        what: 'security label',
        where: `${kind} ${name}`,
        expected: 'none',
        found: `one of ${provider}`,
        fix: `security label for ${provider} on ${kind} ${name} is null;`,
      }),
    ),
})

export const surroundingAdvice: Advice[] = [creators, defaults, eventTriggers, labels]
