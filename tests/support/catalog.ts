import type postgres from 'postgres'

/**
 * Everything our migrations may create, as the live catalog has it: two databases are alike when this is.
 *
 * The order of privileges, which is that of the statements that gave them, does not count. Left out, as everywhere: schemas `extensions` and `auth` and what lies in them, the extension, Supabase's history, the host's table.
 * `tests/generator/migrations.test.ts` holds it against a real pg_dump.
 */
export async function readCatalog(sql: postgres.Sql): Promise<Record<string, unknown[]>> {
  const [row] = await sql.unsafe(`
    with schemas as (
      select oid, nspname, nspacl from pg_namespace
      where nspname !~ '^pg_' and nspname not in ('information_schema', 'extensions', 'auth', 'supabase_migrations')
    ),
    tables as (
      select pg_class.*, nspname from pg_class join schemas on schemas.oid = relnamespace
      where relkind in ('r', 'v', 'm', 'p', 'S') and relname <> 'organizations'
    )
    select
      (select jsonb_agg(jsonb_build_array(nspname, (select array_agg(one::text order by one::text) from unnest(nspacl) as one)) order by nspname) from schemas) as schemas,
      (select jsonb_agg(jsonb_build_array(nspname, typname, (select array_agg(one::text order by one::text) from unnest(typacl) as one), obj_description(pg_type.oid, 'pg_type'),
          (select jsonb_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = pg_type.oid)) order by nspname, typname)
        from pg_type join schemas on schemas.oid = typnamespace 
        where typtype in ('e', 'd') or exists (select from pg_class where pg_class.oid = typrelid and relkind = 'c')) as types,
      (select jsonb_agg(jsonb_build_array(nspname, relname, relkind, relrowsecurity, relforcerowsecurity, (select array_agg(one::text order by one::text) from unnest(relacl) as one),
          obj_description(oid, 'pg_class'), case when relkind in ('v', 'm') then pg_get_viewdef(oid) end,
          (select jsonb_build_array(seqincrement, seqmin, seqmax, seqstart, seqcache, seqcycle) from pg_sequence where seqrelid = oid))
        order by nspname, relname) from tables) as tables,
      (select jsonb_agg(jsonb_build_array(relname, attname, format_type(atttypid, atttypmod), attnotnull, (select array_agg(one::text order by one::text) from unnest(attacl) as one), attidentity, attgenerated,
          pg_get_expr(adbin, adrelid)) order by nspname, relname, attnum)
        from pg_attribute join tables on tables.oid = attrelid
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attnum > 0 and not attisdropped) as columns,
      (select jsonb_agg(jsonb_build_array(relname, conname, convalidated, pg_get_constraintdef(pg_constraint.oid)) order by relname, conname)
        from pg_constraint join tables on tables.oid = conrelid where contype <> 'n') as constraints,
      (select jsonb_agg(jsonb_build_array(pg_get_indexdef(indexrelid), indisvalid) order by pg_get_indexdef(indexrelid))
        from pg_index join tables on tables.oid = indrelid) as indexes,
      (select jsonb_agg(jsonb_build_array(relname, polname, polcmd, polpermissive,
          (select jsonb_agg(rolname order by rolname) from pg_roles where oid = any (polroles)),
          pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) order by relname, polname)
        from pg_policy join tables on tables.oid = polrelid) as policies,
      (select jsonb_agg(jsonb_build_array(pg_get_triggerdef(pg_trigger.oid), tgenabled) order by tgname)
        from pg_trigger join tables on tables.oid = tgrelid where not tgisinternal) as triggers,
      (select jsonb_agg(pubname order by pubname) from pg_publication) as publications,
      (select jsonb_agg(jsonb_build_array(tablename, rulename, definition) order by tablename, rulename) from pg_rules
        where schemaname in (select nspname from schemas)) as rules,
      (select jsonb_agg(pg_get_statisticsobjdef(pg_statistic_ext.oid) order by stxname) from pg_statistic_ext) as statistics,
      (select jsonb_agg(jsonb_build_array(pg_get_functiondef(pg_proc.oid), (select array_agg(one::text order by one::text) from unnest(proacl) as one), obj_description(pg_proc.oid, 'pg_proc'))
          order by nspname, proname)
        from pg_proc join schemas on schemas.oid = pronamespace
        where prokind <> 'a' and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')) as functions,
      (select jsonb_agg(jsonb_build_array(pg_proc.oid::regprocedure, to_jsonb(pg_aggregate) - 'aggfnoid') order by pg_proc.oid::regprocedure::text)
        from pg_proc join schemas on schemas.oid = pronamespace join pg_aggregate on aggfnoid = pg_proc.oid
        where not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')) as aggregates,
      (select jsonb_agg(jsonb_build_array(nspname, relname, relpersistence, (select array_agg(one order by one) from unnest(reloptions) as one),
          relreplident, relowner::regrole, pg_get_expr(relpartbound, oid),
          (select array_agg(inhparent::regclass order by inhseqno) from pg_inherits where inhrelid = tables.oid),
          (select array_agg(pg_describe_object(refclassid, refobjid, refobjsubid)) from pg_depend
            where classid = 'pg_class'::regclass and objid = tables.oid and relkind = 'S' and deptype in ('a', 'i')))
        order by nspname, relname) from tables) as storage,
      (select jsonb_agg(jsonb_build_array(relname, attname, to_jsonb(pg_attribute) ->> 'attstattarget', attstorage, attcompression, (select array_agg(one order by one) from unnest(attoptions) as one where one not like 'pg_%'), attcollation::regcollation)
          order by nspname, relname, attname)
        from pg_attribute join tables on tables.oid = attrelid where attnum > 0 and not attisdropped) as details,
      (select jsonb_agg(jsonb_build_array(indexrelid::regclass, indisclustered, indisreplident) order by indexrelid::regclass::text)
        from pg_index join tables on tables.oid = indrelid) as marks,
      (select jsonb_agg(jsonb_build_array(nspname, typname, typtype, typnotnull, typdefault, typbasetype::regtype, typowner::regrole,
          (select jsonb_agg(jsonb_build_array(conname, convalidated, pg_get_constraintdef(pg_constraint.oid)) order by conname)
            from pg_constraint where contypid = pg_type.oid and contype <> 'n'),
          (select jsonb_agg(jsonb_build_array(attname, format_type(atttypid, atttypmod)) order by attnum)
            from pg_attribute where attrelid = typrelid and attnum > 0 and not attisdropped and exists (select from pg_class where pg_class.oid = typrelid and relkind = 'c')))
          order by nspname, typname)
        from pg_type join schemas on schemas.oid = typnamespace
        where typtype in ('e', 'd', 'r') or exists (select from pg_class where pg_class.oid = typrelid and relkind = 'c')) as bodies,
      (select jsonb_agg(jsonb_build_array(pg_proc.oid::regprocedure, proowner::regrole) order by pg_proc.oid::regprocedure::text)
        from pg_proc join schemas on schemas.oid = pronamespace
        where not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')) as owners,
      (select jsonb_agg(jsonb_build_array(pg_describe_object(classoid, objoid, objsubid), description) order by pg_describe_object(classoid, objoid, objsubid))
        from pg_description where objoid >= 16384 and classoid <> 'pg_extension'::regclass
          and not exists (select from pg_depend where pg_depend.classid = classoid and pg_depend.objid = objoid and deptype = 'e')) as comments,
      (select jsonb_agg(jsonb_build_array(fdwname, (select jsonb_agg(jsonb_build_array(srvname, srvoptions) order by srvname) from pg_foreign_server where srvfdw = pg_foreign_data_wrapper.oid))
        order by fdwname) from pg_foreign_data_wrapper) as wrappers,
      (select jsonb_agg(jsonb_build_array(evtname, evtevent, evtfoid::regprocedure, evtenabled, evttags) order by evtname) from pg_event_trigger) as event_triggers,
      (select jsonb_agg(jsonb_build_array(ev_class::regclass, rulename, ev_enabled) order by ev_class::regclass::text, rulename)
        from pg_rewrite join tables on tables.oid = ev_class) as rule_states,
      (select jsonb_agg(jsonb_build_array(stxname, to_jsonb(pg_statistic_ext) ->> 'stxstattarget') order by stxname) from pg_statistic_ext) as statistics_targets,
      (select jsonb_agg(jsonb_build_array(defaclnamespace::regnamespace, defaclobjtype, (select array_agg(one::text order by one::text) from unnest(defaclacl) as one))
          order by defaclnamespace, defaclobjtype) from pg_default_acl) as default_privileges`)
  const catalog = row as Record<string, unknown[] | string | null>
  return Object.fromEntries(
    Object.entries(catalog).map(([kind, items]) => [
      kind,
      typeof items === 'string' ? JSON.parse(items) : (items ?? []),
    ]),
  )
}

/** Every row of every table, so that a statement which ran once too often shows. */
export async function readRows(sql: postgres.Sql): Promise<Record<string, unknown>> {
  const tables = await sql<{ at: string }[]>`
    select format('%I.%I', schemaname, tablename) as at from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema', 'supabase_migrations') order by 1`
  const rows: Record<string, unknown> = {}
  for (const { at } of tables) {
    const [found] = await sql.unsafe(
      `select jsonb_agg(to_jsonb(r) order by to_jsonb(r)::text)::text as rows from ${at} r`,
    )
    rows[at] = found?.rows
  }
  return rows
}
