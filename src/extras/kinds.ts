import { getTableName } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { block, literal, name } from '../util/quote.ts'
import { type Extra, functionPath } from './extra.ts'

/** Roles that policies and grants speak of. Supabase has them; `bootstrap` makes them elsewhere. */
export const apiRoles = ['anon', 'authenticated', 'service_role'] as const
export type ApiRole = (typeof apiRoles)[number]
type Verb = 'select' | 'insert' | 'update' | 'delete'

/** Refuses to go on where a role is missing, before anything is created. */
export function requiredRoles(): Extra {
  return {
    key: 'require roles',
    phase: 'require',
    create: block(`\
  if exists (select from unnest(array[${apiRoles.map(literal).join(', ')}]) as role where to_regrole(role) is null) then
    raise exception 'the roles ${apiRoles.join(', ')} must exist, missing: %',
      (select string_agg(role, ', ') from unnest(array[${apiRoles.map(literal).join(', ')}]) as role where to_regrole(role) is null)
      using hint = 'Supabase has them; on plain PostgreSQL run integrations-db bootstrap first';
  end if;`),
  }
}

/**
 * Refuses a migrating role whose functions would see nothing: row-level security is forced for owners too, so a definer
 * function needs an owner that passes it.
 */
export function requiredBypass(): Extra {
  return {
    key: 'require bypassrls',
    phase: 'require',
    create: block(`\
  if not exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)) then
    raise exception 'role % must be a superuser or have BYPASSRLS, found neither: it will own functions that read tables with forced row-level security', current_user
      using hint = 'on Supabase migrate as postgres; elsewhere as a superuser, or alter role … bypassrls';
  end if;`),
  }
}

/** Refuses to go on where the host's table, or its key of the right type, is missing. */
export function requiredColumn(table: PgTable, column: string, type: string): Extra {
  const { path } = names(table)
  return {
    key: `require ${path}.${column}`,
    phase: 'require',
    create: block(`\
  if to_regclass(${literal(path)}) is null then
    raise exception 'table ${path} does not exist, and ours references ${path}(${column} ${type})'
      using hint = 'it belongs to the host application: apply the migration that creates it first';
  elsif not exists (
    select from pg_attribute
    where attrelid = to_regclass(${literal(path)}) and attname = ${literal(column)}
      and format_type(atttypid, atttypmod) = ${literal(type)} and not attisdropped
  ) then
    raise exception 'expected column ${path}.${column} of type ${type}, found %', coalesce(
      (select format_type(atttypid, atttypmod) from pg_attribute
       where attrelid = to_regclass(${literal(path)}) and attname = ${literal(column)} and not attisdropped), 'no such column')
      using hint = 'it belongs to the host application: change it there';
  end if;`),
  }
}

/** What takes the place of the extension's function. */
export const moddatetimeStandIn = `\
create function extensions.moddatetime() returns trigger
  language plpgsql
  set search_path = ${functionPath}
  as $function$
  begin
    if not to_jsonb(new) ? tg_argv[0] then
      raise exception 'moddatetime: % has no column %', tg_relid::regclass, tg_argv[0];
    end if;
    new := jsonb_populate_record(new, jsonb_build_object(tg_argv[0], now()));
    return new;
  end
  $function$;`

/**
 * A trigger function `moddatetime` somewhere: one that is there is shared, else the extension in schema `extensions`,
 * else, where the extension is not to be had, a function that does the same. Others may use it: never dropped.
 */
export function moddatetime(): Extra {
  return {
    key: 'extension moddatetime',
    phase: 'before',
    create: block(`\
  -- Our own stand-in of an older version, which let temporary types pass for PostgreSQL's.
  if exists (
    select from pg_proc where oid = to_regprocedure('extensions.moddatetime()') and proconfig = array['search_path=""']
      and prosrc like '%jsonb_populate_record(new, jsonb_build_object(tg_argv[0], now()))%' and pg_has_role(proowner, 'usage')
  ) then
    alter function extensions.moddatetime() set search_path = ${functionPath};
  end if;
  if exists (
    select from pg_proc where proname = 'moddatetime' and pronargs = 0 and prorettype = 'trigger'::regtype
  ) then
    return;
  end if;
  create schema if not exists extensions;
  if exists (select from pg_available_extensions where name = 'moddatetime') then
    begin
      create extension if not exists moddatetime with schema extensions;
      return;
    exception when insufficient_privilege then
      raise notice 'extension moddatetime may not be created here; a function that does the same takes its place';
    end;
  end if;
  ${moddatetimeStandIn}`),
  }
}

/**
 * The extension pgcrypto where there is no Vault to keep secrets in; shared with the host, so never dropped. Where it is
 * not to be had the functions that need it say so.
 */
export function pgcrypto(): Extra {
  return {
    key: 'extension pgcrypto',
    phase: 'before',
    create: block(`\
  if to_regclass('vault.secrets') is not null or exists (select from pg_extension where extname = 'pgcrypto')
    or not exists (select from pg_available_extensions where name = 'pgcrypto') then
    return;
  end if;
  create schema if not exists extensions;
  begin
    create extension pgcrypto with schema extensions;
  exception when insufficient_privilege then
    raise notice 'extension pgcrypto may not be created here; credentials need it, or Supabase Vault';
  end;`),
  }
}

/** Keeps a timestamp column at the time of the last UPDATE, whatever the statement sets. */
export function touchTrigger(table: PgTable, column: string): Extra {
  const { path, quoted } = names(table)
  const trigger = name(`touch_${column}`)
  return {
    key: `trigger ${path} touch_${column}`,
    phase: 'after',
    on: path,
    create: block(`\
  execute (
    select format(
      'create or replace trigger %s before update on %s for each row execute function %I.moddatetime(%L)',
      ${literal(trigger)}, ${literal(quoted)}, nspname, ${literal(column)}
    )
    from pg_proc
    join pg_namespace on pg_namespace.oid = pronamespace
    left join pg_depend on classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'
    where proname = 'moddatetime' and pronargs = 0 and prorettype = 'trigger'::regtype
    -- The extension's own function first, wherever it lives; then the one that took its place.
    order by objid is null, nspname <> 'extensions', nspname
    limit 1
  );`),
    drop: `drop trigger if exists ${trigger} on ${quoted};`,
  }
}

/** Row-level security for the table's owner too. */
export function forcedRowSecurity(table: PgTable): Extra {
  const { path, quoted } = names(table)
  return {
    key: `force row security ${path}`,
    phase: 'after',
    on: path,
    create: `alter table ${quoted} force row level security;`,
    drop: `alter table ${quoted} no force row level security;`,
  }
}

/**
 * Exactly these privileges and no others. Hosted Supabase grants everything on a new table to all three roles by
 * default privileges, so each is revoked by name first.
 */
export function tablePrivileges(table: PgTable, grants: Partial<Record<ApiRole, Verb[]>>): Extra {
  const { path, quoted } = names(table)
  const revoke = `revoke all on table ${quoted} from public, ${apiRoles.join(', ')};`
  const given = Object.entries(grants).map(
    ([role, verbs]) => `grant ${verbs.join(', ')} on table ${quoted} to ${role};`,
  )
  return { key: `privileges ${path}`, phase: 'after', on: path, create: [revoke, ...given].join('\n'), drop: revoke }
}

/** Who may look a schema's functions up by name; nobody, where no role is given. */
export function schemaUsage(schema: string, roles: ApiRole[]): Extra {
  const revoke = `revoke all on schema ${name(schema)} from public, ${apiRoles.join(', ')};`
  return {
    key: `privileges schema ${schema}`,
    phase: 'before',
    on: schema,
    create: roles.length === 0 ? revoke : `${revoke}\ngrant usage on schema ${name(schema)} to ${roles.join(', ')};`,
    drop: revoke,
  }
}

/** A comment on an enum type. */
export function typeComment(type: { schema: string | undefined; enumName: string }, comment: string): Extra {
  const path = `${type.schema ?? 'public'}.${type.enumName}`
  const target = `${name(type.schema ?? 'public')}.${name(type.enumName)}`
  return {
    key: `comment type ${path}`,
    phase: 'after',
    on: path,
    create: `comment on type ${target} is ${literal(comment)};`,
    drop: `comment on type ${target} is null;`,
  }
}

/** A table's name to look it up by, and to write into a statement. */
export function names(table: PgTable) {
  const { schema = 'public' } = getTableConfig(table)
  const tableName = getTableName(table)
  return { path: `${schema}.${tableName}`, quoted: `${name(schema)}.${name(tableName)}` }
}
