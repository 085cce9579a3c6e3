import { readsAsCaller } from '../connection/protection.ts'
import { lines, list, owned, privileges, rolesWho, settings } from './catalog-expressions.ts'
import { ourSchemas as schemas, ourTables as tables, ourTypes as types } from './ours.ts'

/*
 * One statement that reads everything our migrations make, and what others have attached to it. It takes no parameters
 * and changes nothing, so it also runs where only text goes in and rows come out.
 *
 * Every name comes back as a statement would write it, and every object says what it needs, out of pg_depend.
 */

const objects = `
    select 10 as rank, 'schema' as kind, quote_ident(s.nspname) as name, null as "on", 0 as position,
      'pg_namespace'::regclass as classid, s.oid as objid, 0 as subid,
      jsonb_build_object(${owned('s.oid', 'pg_namespace', 's.nspowner', 's.nspacl', 'n')}) as aspects
    from schemas as s
  union all
    -- Shared with the host: there, or not needed, or not to be had.
    select 11, 'extension', 'moddatetime', null, 0, null, null, 0, '{}'
    where exists (select from pg_proc where proname = 'moddatetime' and pronargs = 0 and prorettype = 'trigger'::regtype)
  union all
    select 11, 'extension', 'pgcrypto', null, 0, null, null, 0, '{}'
    where to_regclass('vault.secrets') is not null
      or exists (select from pg_extension where extname = 'pgcrypto')
      or not exists (select from pg_available_extensions where name = 'pgcrypto')
      or not has_database_privilege(current_database(), 'create')
  union all
    select 12, 'type', format('%I.%I', n.nspname, t.typname), null, 0, 'pg_type'::regclass, t.oid, 0,
      jsonb_build_object(
        'labels', (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum as e where e.enumtypid = t.oid),
        ${owned('t.oid', 'pg_type', 't.typowner', 't.typacl', 'T')})
    from types as t join pg_namespace as n on n.oid = t.typnamespace
  union all
    select 13, 'table', t.path, null, 0, 'pg_class'::regclass, t.oid, 0,
      jsonb_build_object(
        'row-level security', case when t.relrowsecurity then 'enabled' else 'disabled' end,
        'row-level security for the owner', case when t.relforcerowsecurity then 'forced' else 'not forced' end,
        'persistence', case t.relpersistence when 'p' then 'logged' else 'unlogged' end,
        'settings', ${settings(
          't.reloptions',
          "case t.relreplident when 'd' then null when 'f' then 'replica identity full' when 'n' then 'replica identity nothing' else 'replica identity using index' end",
          "case when t.reltablespace <> 0 then 'another tablespace' end",
        )},
        ${owned('t.oid', 'pg_class', 't.relowner', 't.relacl', 'r')})
    from tables as t
  union all
    select 14, 'column', quote_ident(a.attname), t.path, a.attnum, 'pg_class'::regclass, t.oid, a.attnum,
      jsonb_build_object(
        'type', format_type(a.atttypid, a.atttypmod) || coalesce((
          select format(' collate %I.%I', n.nspname, c.collname)
          from pg_collation as c join pg_namespace as n on n.oid = c.collnamespace
          join pg_type as y on y.oid = a.atttypid
          where c.oid = a.attcollation and a.attcollation <> y.typcollation), ''),
        'null', case when a.attnotnull then 'not null' else 'null' end,
        'default', case
          when a.attidentity <> '' then 'identity'
          when a.attgenerated <> '' then format('generated (%s)', pg_get_expr(d.adbin, d.adrelid))
          else pg_get_expr(d.adbin, d.adrelid) end,
        'settings', (select ${settings(
          // The two that PostgreSQL knows; some servers keep marks of their own here.
          "array(select o from unnest(a.attoptions) as o where o like 'n\\_distinct%')",
          "case when a.attstattarget >= 0 then 'statistics ' || a.attstattarget end",
          "case when a.attstorage <> y.typstorage then 'storage ' || a.attstorage::text end",
          "case when a.attcompression <> '' then 'compression ' || a.attcompression::text end",
        )} from pg_type as y where y.oid = a.atttypid),
        'privileges', ${privileges('a.attacl', 'c', 't.relowner', 'api')},
        'privileges of others', ${privileges('a.attacl', 'c', 't.relowner', 'others')},
        'comment', col_description(t.oid, a.attnum))
    from tables as t
    join pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = t.oid and d.adnum = a.attnum
  union all
    select 15, 'function', p.oid::regprocedure::text, null, 0, 'pg_proc'::regclass, p.oid, 0,
      jsonb_build_object(
        'definition', case when p.prokind in ('f', 'p', 'w') then ${lines('pg_get_functiondef(p.oid)')} else '["aggregate"]' end,
        ${owned('p.oid', 'pg_proc', 'p.proowner', 'p.proacl', 'f')})
    from pg_proc as p join schemas as s on s.oid = p.pronamespace
  union all
    -- 18 keeps NOT NULL among the constraints; it is the column's here. A foreign key comes after what it refers to.
    select case c.contype when 'f' then 17 else 16 end, 'constraint', quote_ident(c.conname), t.path, 0, 'pg_constraint'::regclass, c.oid, 0,
      jsonb_build_object(
        'definition', jsonb_build_array(regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')),
        'valid', case when c.convalidated and coalesce(i.indisvalid, true) then 'valid' else 'not valid' end,
        -- A foreign key is four triggers, two on each table, which DISABLE TRIGGER ALL stops.
        'enforced', (select case when bool_and(g.tgenabled in ('O', 'A')) then 'enforced' else 'not enforced' end
          from pg_trigger as g where g.tgconstraint = c.oid having count(*) > 0),
        'comment', obj_description(c.oid, 'pg_constraint'))
    from pg_constraint as c join tables as t on t.oid = c.conrelid
    left join pg_index as i on i.indexrelid = c.conindid and c.contype in ('p', 'u', 'x')
    where c.contype not in ('n', 't')
  union all
    select 18, 'index', format('%I.%I', n.nspname, x.relname), t.path, 0, 'pg_class'::regclass, x.oid, 0,
      jsonb_build_object(
        'definition', jsonb_build_array(pg_get_indexdef(x.oid)),
        'valid', case when i.indisvalid and i.indisready then 'valid' else 'not valid' end,
        'settings', case when i.indisclustered then '["clustered"]'::jsonb end,
        'comment', obj_description(x.oid, 'pg_class'))
    from pg_index as i join tables as t on t.oid = i.indrelid
    join pg_class as x on x.oid = i.indexrelid
    join pg_namespace as n on n.oid = x.relnamespace
    where not exists (select from pg_constraint as c where c.conindid = x.oid and c.conrelid = t.oid and c.contype in ('p', 'u', 'x'))
  union all
    select 19, 'policy', quote_ident(p.polname), t.path, 0, 'pg_policy'::regclass, p.oid, 0,
      jsonb_build_object(
        'definition', to_jsonb(array_remove(array[
          case when p.polpermissive then 'as permissive' else 'as restrictive' end,
          'for ' || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
          'to ' || coalesce((select string_agg(quote_ident(r.rolname), ', ' order by r.rolname) from pg_roles as r where r.oid = any (p.polroles)), 'public'),
          'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
          'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'], null)),
        'comment', obj_description(p.oid, 'pg_policy'))
    from pg_policy as p join tables as t on t.oid = p.polrelid
  union all
    select 20, 'trigger', quote_ident(g.tgname), t.path, 0, 'pg_trigger'::regclass, g.oid, 0,
      jsonb_build_object(
        -- Shared, so it may live in any schema.
        'definition', jsonb_build_array(case when p.proname = 'moddatetime'
          then regexp_replace(pg_get_triggerdef(g.oid), 'EXECUTE FUNCTION .*moddatetime\\(', 'EXECUTE FUNCTION extensions.moddatetime(')
          else pg_get_triggerdef(g.oid) end),
        'fires', case g.tgenabled when 'O' then 'enabled' when 'D' then 'disabled' when 'R' then 'on replicas only' else 'always' end,
        'comment', obj_description(g.oid, 'pg_trigger'))
    from pg_trigger as g join tables as t on t.oid = g.tgrelid join pg_proc as p on p.oid = g.tgfoid
    -- What a partition has of its parent's goes with it.
    where not g.tgisinternal and g.tgparentid = 0
  union all
    select 21, 'rule', quote_ident(r.rulename), t.path, 0, 'pg_rewrite'::regclass, r.oid, 0,
      jsonb_build_object('definition', ${lines('pg_get_ruledef(r.oid)')})
    from pg_rewrite as r join tables as t on t.oid = r.ev_class
  union all
    -- Ways around the policies: they read with their owner's eyes. What is open to nobody is nobody's way.
    select distinct 22, case v.relkind when 'm' then 'materialized view' else 'view' end, v.oid::regclass::text, t.path, 0, null::regclass, null::oid, 0,
      jsonb_build_object('open to', ${rolesWho("has_any_column_privilege(r.oid, v.oid, 'select, insert, update')")})
    from pg_rewrite as w
    join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
    join tables as t on t.oid = d.refobjid
    join pg_class as v on v.oid = w.ev_class and v.relkind in ('v', 'm')
    where not ${readsAsCaller('v.reloptions')}
  union all
    select distinct 22, 'definer function', p.oid::regprocedure::text, t.path, 0, null::regclass, null::oid, 0,
      jsonb_build_object('open to', ${rolesWho("has_function_privilege(r.oid, p.oid, 'execute')")})
    from pg_proc as p
    join pg_depend as d on d.classid = 'pg_proc'::regclass and d.objid = p.oid
    join tables as t on (d.refclassid, d.refobjid) in (('pg_class'::regclass, t.oid), ('pg_type'::regclass, t.reltype))
    where p.prosecdef and p.pronamespace not in (select oid from schemas)
  union all
    -- Who reads the parent reads our rows, and who reads our table the child's, without the other's policies.
    select 22, 'parent', i.inhparent::regclass::text, t.path, 0, null, null, 0,
      jsonb_build_object('by', case when t.relispartition then 'partition' else 'inheritance' end)
    from pg_inherits as i join tables as t on t.oid = i.inhrelid
  union all
    select 22, 'child', i.inhrelid::regclass::text, t.path, 0, null, null, 0,
      jsonb_build_object('by', case t.relkind when 'p' then 'partition' else 'inheritance' end)
    from pg_inherits as i join tables as t on t.oid = i.inhparent
  union all
    -- Both change what statements mean that compare or convert our types.
    select 22, 'cast', format('%s as %s', format_type(c.castsource, null), format_type(c.casttarget, null)), null, 0, null, null, 0, '{}'
    from pg_cast as c where c.oid >= 16384 and (c.castsource in (select oid from types) or c.casttarget in (select oid from types))
  union all
    select 22, 'operator', o.oid::regoperator::text, null, 0, null, null, 0, '{}'
    from pg_operator as o where o.oprleft in (select oid from types) or o.oprright in (select oid from types)
  union all
    select 23, 'publication', quote_ident(p.pubname), t.path, 0, null, null, 0, '{}'
    from pg_publication_rel as r join pg_publication as p on p.oid = r.prpubid join tables as t on t.oid = r.prrelid
  union all
    select 23, 'statistics', format('%I.%I', n.nspname, x.stxname), t.path, 0, null, null, 0,
      jsonb_build_object('definition', jsonb_build_array(pg_get_statisticsobjdef(x.oid)))
    from pg_statistic_ext as x join tables as t on t.oid = x.stxrelid join pg_namespace as n on n.oid = x.stxnamespace
  union all
    select 23, 'relation', format('%I.%I', s.nspname, c.relname), null, 0, null, null, 0,
      jsonb_build_object('kind', c.relkind, 'privileges', ${privileges('c.relacl', 'r', 'c.relowner', 'api')})
    from pg_class as c join schemas as s on s.oid = c.relnamespace
    where c.relkind in ('v', 'm', 'S', 'f')
      -- A column's own sequence is the column's matter.
      and not exists (select from pg_depend as d join tables as t on t.oid = d.refobjid where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refobjsubid > 0 and c.relkind = 'S')`

/** Gives one row with one column `catalog`: the objects, each `{ kind, name, on, needs, aspects }`, as JSON text. */
export const catalogText = `\
select (
  with schemas as (
    select oid, nspname, nspowner, nspacl from pg_namespace where nspname in (${schemas})
  ),
  tables as (
    select c.*, format('%I.%I', n.nspname, c.relname) as path
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and (c.oid in (select to_regclass(path) from unnest(${list(tables)}) as path) or n.oid in (select oid from schemas))
  ),
  types as (
    select t.* from pg_type as t
    where t.typtype = 'e' and (t.oid in (select to_regtype(path) from unnest(${list(types)}) as path) or t.typnamespace in (select oid from schemas))
  ),
  objects as materialized (${objects}
  ),
  -- What else stands for an object where something depends on it.
  parts as (
    select kind, name, "on", classid, objid, subid from objects where objid is not null
    union all
    select o.kind, o.name, o."on", 'pg_class'::regclass, c.conindid, 0
    from objects as o join pg_constraint as c on c.oid = o.objid and c.contype in ('p', 'u', 'x') where o.kind = 'constraint'
    union all
    select o.kind, o.name, o."on", 'pg_attrdef'::regclass, d.oid, 0
    from objects as o join pg_attrdef as d on d.adrelid = o.objid and d.adnum = o.subid where o.kind = 'column'
    union all
    -- What returns or takes rows of a table depends on the type of its rows.
    select o.kind, o.name, o."on", 'pg_type'::regclass, t.reltype, 0
    from objects as o join tables as t on t.oid = o.objid where o.kind = 'table'
    union all
    select 'extension', 'moddatetime', null, 'pg_proc'::regclass, p.oid, 0 from pg_proc as p where p.proname = 'moddatetime'
  ),
  needs as (
    select o.kind, o.name, o."on", jsonb_agg(distinct concat_ws(' ', p.kind, p."on", p.name)) as keys
    from parts as o
    join pg_depend as d on (d.classid, d.objid, d.objsubid) = (o.classid, o.objid, o.subid)
    join parts as p on (p.classid, p.objid, p.subid) = (d.refclassid, d.refobjid, d.refobjsubid)
    where (p.kind, p.name, p."on") is distinct from (o.kind, o.name, o."on")
    group by o.kind, o.name, o."on"
  )
  select jsonb_agg(
    jsonb_strip_nulls(jsonb_build_object('kind', o.kind, 'name', o.name, 'on', o."on", 'needs', n.keys, 'aspects', o.aspects))
    order by o.rank, o."on" collate "C", o.position, o.name collate "C"
  )::text
  from objects as o
  left join needs as n on n.kind = o.kind and n.name = o.name and n."on" is not distinct from o."on"
) as catalog
-- How the server writes names depends on these two; they last as long as this statement. OFFSET 0: evaluated first.
from (
  select set_config('search_path', '', true) as path, set_config('quote_all_identifiers', 'off', true) as quoting offset 0
) as settings
where settings.path = ''`
