-- 20261123195735_create_integrations_schema
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/1 · source: 322e7e847802bf5f473c33d9298a3e8c51f59123e6efa6fa05616d11936a4dd6 · body: 0247c57f5076a7d75cb8f24fa5c0b3ec216c2427e7ff6f01f639009d585cda4e
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DO $guard$
BEGIN
  if exists (select from unnest(array['anon', 'authenticated', 'service_role']) as role where to_regrole(role) is null) then
    raise exception 'the roles anon, authenticated, service_role must exist, missing: %',
      (select string_agg(role, ', ') from unnest(array['anon', 'authenticated', 'service_role']) as role where to_regrole(role) is null)
      using hint = 'Supabase has them; on plain PostgreSQL run integrations-db bootstrap first';
  end if;
END $guard$;

CREATE SCHEMA IF NOT EXISTS "integrations";

DO $guard$
BEGIN
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
  create function extensions.moddatetime() returns trigger
  language plpgsql
  set search_path = ''
  as $function$
  begin
    if not to_jsonb(new) ? tg_argv[0] then
      raise exception 'moddatetime: % has no column %', tg_relid::regclass, tg_argv[0];
    end if;
    new := jsonb_populate_record(new, jsonb_build_object(tg_argv[0], now()));
    return new;
  end
  $function$;
END $guard$;

revoke all on schema "integrations" from public, anon, authenticated, service_role;
grant usage on schema "integrations" to authenticated, service_role;

DO $guard$
BEGIN
  if obj_description(to_regprocedure('integrations.current_organization_id()'), 'pg_proc') = 'integrations-db: host' then
    raise notice 'integrations.current_organization_id() is the host''s own, left alone';
    return;
  end if;
  create or replace function integrations.current_organization_id() returns uuid
  language plpgsql
  stable
  set search_path = ''
  as $function$
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,organization_id}')::uuid;
  exception when data_exception or statement_too_complex then
    return null;
  end
  $function$;
  comment on function integrations.current_organization_id() is 'The organization of the caller, from request.jwt.claims; null where there is none. Policies depend on it.';
  revoke all on function integrations.current_organization_id() from public, anon, authenticated, service_role;
  grant execute on function integrations.current_organization_id() to authenticated, service_role;
END $guard$;

DO $guard$
BEGIN
  if obj_description(to_regprocedure('integrations.current_organization_role()'), 'pg_proc') = 'integrations-db: host' then
    raise notice 'integrations.current_organization_role() is the host''s own, left alone';
    return;
  end if;
  create or replace function integrations.current_organization_role() returns text
  language plpgsql
  stable
  set search_path = ''
  as $function$
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,role}')::text;
  exception when data_exception or statement_too_complex then
    return null;
  end
  $function$;
  comment on function integrations.current_organization_role() is 'The role of the caller in that organization, from request.jwt.claims; null where there is none. Policies depend on it.';
  revoke all on function integrations.current_organization_role() from public, anon, authenticated, service_role;
  grant execute on function integrations.current_organization_role() to authenticated, service_role;
END $guard$;
