-- 20261124060023_create_credentials
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/1 · source: 171e95f363986a9929b3fc4a2cfa8cadaab67c3f148c30a39e2147bdab7d3b3a · body: 9fe6e2c31c055b9d8e4a3d89a40ca33019097b9d100ffa0cf74ff9053ece2ae1
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DO $guard$
BEGIN
  if not exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)) then
    raise exception 'role % must be a superuser or have BYPASSRLS, found neither: it will own functions that read tables with forced row-level security', current_user
      using hint = 'on Supabase migrate as postgres; elsewhere as a superuser, or alter role … bypassrls';
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('vault.secrets') is not null or exists (select from pg_extension where extname = 'pgcrypto')
    or not exists (select from pg_available_extensions where name = 'pgcrypto') then
    return;
  end if;
  create schema if not exists extensions;
  begin
    create extension pgcrypto with schema extensions;
  exception when insufficient_privilege then
    raise notice 'extension pgcrypto may not be created here; credentials need it, or Supabase Vault';
  end;
END $guard$;

create or replace function integrations.refuse_change() returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $function$
begin
  raise exception '% is append-only: % is refused to everybody', tg_relid::regclass, lower(tg_op)
    using errcode = 'insufficient_privilege';
end
$function$;
revoke all on function integrations.refuse_change() from public, anon, authenticated, service_role;

create or replace function integrations.delete_secret() returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $function$
begin
  if old.secret_id is null or (tg_op = 'UPDATE' and new.secret_id is not distinct from old.secret_id) then
    return null;
  end if;
  if old.store = 'pgcrypto' then
    delete from integrations.encrypted_secrets as s where s.id = old.secret_id;
  elsif to_regclass('vault.secrets') is not null then
    execute 'delete from vault.secrets where id = $1' using old.secret_id;
  end if;
  return null;
end
$function$;
revoke all on function integrations.delete_secret() from public, anon, authenticated, service_role;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."encrypted_secrets"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('id', 'uuid', ''), ('key_id', 'text', ''), ('ciphertext', 'bytea', ''), ('created_at', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"integrations"."encrypted_secrets"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."encrypted_secrets"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."encrypted_secrets" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"key_id" text NOT NULL,
	"ciphertext" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE "integrations"."encrypted_secrets" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"organization_integration_credentials"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('integration_id', 'uuid', ''), ('version', 'int8', ''), ('store', 'text', ''), ('secret_id', 'uuid', ''), ('field_names', 'text[]', ''), ('created_at', 'timestamptz', ''), ('readable_until', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"organization_integration_credentials"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"organization_integration_credentials"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integration_credentials" (
	"integration_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"store" text NOT NULL,
	"secret_id" uuid,
	"field_names" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"readable_until" timestamp with time zone,
	CONSTRAINT "organization_integration_credentials_pkey" PRIMARY KEY("integration_id","version"),
	CONSTRAINT "organization_integration_credentials_store_check" CHECK (store in ('vault', 'pgcrypto')),
	CONSTRAINT "organization_integration_credentials_version_check" CHECK (version > 0)
);

ALTER TABLE "organization_integration_credentials" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"organization_integration_events"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('id', 'uuid', ''), ('created_at', 'timestamptz', ''), ('organization_id', 'uuid', ''), ('integration_id', 'uuid', ''), ('integration_type', 'text', ''), ('action', 'text', ''), ('outcome', 'text', ''), ('actor', 'text', ''), ('reason', 'text', ''), ('version', 'int8', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"organization_integration_events"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"organization_integration_events"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "organization_integration_events" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"organization_id" uuid,
	"integration_id" uuid,
	"integration_type" text,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"version" bigint,
	CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert'))
);

ALTER TABLE "organization_integration_events" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."retrieval_requests"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('event_id', 'uuid', ''), ('integration_id', 'uuid', ''), ('version', 'int8', ''), ('transaction_id', 'int8', ''), ('created_at', 'timestamptz', ''), ('used_at', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"integrations"."retrieval_requests"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."retrieval_requests"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."retrieval_requests" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"integration_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"transaction_id" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone
);

ALTER TABLE "integrations"."retrieval_requests" ENABLE ROW LEVEL SECURITY;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"integrations"."revoked_grants"') is not null then
    select string_agg(format('%I is %s instead of %s', column_name, coalesce(format_type(atttypid, atttypmod), 'missing'),
      coalesce(to_regtype(type_name)::text, type_name) || coalesce(modifier, '')), ', ') into differs
    from (values ('statement', 'text', ''), ('created_at', 'timestamptz', '')) as stated (column_name, type_name, modifier)
    left join pg_attribute on attrelid = to_regclass('"integrations"."revoked_grants"') and attname = column_name and not attisdropped
    where atttypid is distinct from to_regtype(type_name)
      or modifier <> coalesce(substring(format_type(atttypid, atttypmod) from '\(.*\)'), '');
    if differs is not null then
      raise exception '% exists, but %', '"integrations"."revoked_grants"', differs;
    end if;
  end if;
END $guard$;
CREATE TABLE IF NOT EXISTS "integrations"."revoked_grants" (
	"statement" text PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE "integrations"."revoked_grants" ENABLE ROW LEVEL SECURITY;

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_credentials_integration_id_fkey' and conrelid = to_regclass('"organization_integration_credentials"')) then
    ALTER TABLE "organization_integration_credentials" ADD CONSTRAINT "organization_integration_credentials_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action;
  elsif not exists (
    select from pg_constraint where conname = 'organization_integration_credentials_integration_id_fkey' and conrelid = to_regclass('"organization_integration_credentials"')
      and contype = 'f' and confrelid = to_regclass('"public"."organization_integrations"')
      and array(
        select coalesce(attname::text, '(expression)') from unnest(conkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = conrelid and attnum = number order by position) = array['integration_id']::text[] and array(
        select coalesce(attname::text, '(expression)') from unnest(confkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = confrelid and attnum = number order by position) = array['id']::text[]
      and confdeltype = 'c' and confupdtype = 'a'
  ) then
    raise exception '% has another constraint of this name: found %, expected %', '"organization_integration_credentials"',
      (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conname = 'organization_integration_credentials_integration_id_fkey' and conrelid = to_regclass('"organization_integration_credentials"')),
      'ALTER TABLE "organization_integration_credentials" ADD CONSTRAINT "organization_integration_credentials_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action';
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('"organization_integration_credentials_current_key"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_credentials_current_key"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_credentials"')
        and amname = 'btree'
        and indisunique = true
        and (indpred is not null) = true
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['integration_id']::text[]
        and array(select unnest(indoption)) = array[0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_credentials_current_key"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_credentials_current_key"')
      ), 'CREATE UNIQUE INDEX "organization_integration_credentials_current_key" ON "organization_integration_credentials" USING btree ("integration_id") WHERE secret_id is not null and readable_until is null' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE UNIQUE INDEX IF NOT EXISTS "organization_integration_credentials_current_key" ON "organization_integration_credentials" USING btree ("integration_id") WHERE secret_id is not null and readable_until is null;

DO $guard$
BEGIN
  if to_regclass('"organization_integration_events_organization_id_created_at_idx"') is not null then
    if not exists (
      select from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
      where indexrelid = to_regclass('"organization_integration_events_organization_id_created_at_idx"')
        and indisvalid
        and indrelid = to_regclass('"organization_integration_events"')
        and amname = 'btree'
        and indisunique = false
        and (indpred is not null) = false
        and array(
          select coalesce(attname::text, '(expression)') from unnest(indkey) with ordinality as key (number, position)
          left join pg_attribute on attrelid = indrelid and attnum = number order by position) = array['organization_id', 'created_at']::text[]
        and array(select unnest(indoption)) = array[0, 0]::int2[]
    ) then
      raise exception 'index % is another one: found %, expected %', '"organization_integration_events_organization_id_created_at_idx"', (
        select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end
        from pg_index where indexrelid = to_regclass('"organization_integration_events_organization_id_created_at_idx"')
      ), 'CREATE INDEX "organization_integration_events_organization_id_created_at_idx" ON "organization_integration_events" USING btree ("organization_id","created_at")' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_events_organization_id_created_at_idx" ON "organization_integration_events" USING btree ("organization_id","created_at");

DROP POLICY IF EXISTS "admins_can_read_own_events" ON "organization_integration_events";
CREATE POLICY "admins_can_read_own_events" ON "organization_integration_events" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');

alter table "public"."organization_integration_credentials" force row level security;

revoke all on table "public"."organization_integration_credentials" from public, anon, authenticated, service_role;

alter table "integrations"."encrypted_secrets" force row level security;

revoke all on table "integrations"."encrypted_secrets" from public, anon, authenticated, service_role;

alter table "integrations"."retrieval_requests" force row level security;

revoke all on table "integrations"."retrieval_requests" from public, anon, authenticated, service_role;

alter table "integrations"."revoked_grants" force row level security;

revoke all on table "integrations"."revoked_grants" from public, anon, authenticated, service_role;

alter table "public"."organization_integration_events" force row level security;

revoke all on table "public"."organization_integration_events" from public, anon, authenticated, service_role;
grant select on table "public"."organization_integration_events" to authenticated;
grant select on table "public"."organization_integration_events" to service_role;

drop function if exists integrations.refuse(code text, message text);
create function integrations.refuse(code text, message text) returns void
language plpgsql
volatile
security definer
set search_path = ''
as $function$
begin
  raise exception using errcode = 'IDB01', message = message, hint = code;
end
$function$;
revoke all on function integrations.refuse(code text, message text) from public, anon, authenticated, service_role;

drop function if exists integrations.caller();
create function integrations.caller() returns table (is_service boolean, organization_id uuid, organization_role text, actor text)
language plpgsql
stable
security definer
set search_path = ''
as $function$
declare
  claims jsonb;
begin
  begin
    claims := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
  exception when data_exception or statement_too_complex then
    claims := null;
  end;
  is_service := pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user), 'service_role', 'usage');
  if is_service then
    begin
      organization_id := (claims #>> '{app_metadata,organization_id}')::uuid;
    exception when data_exception then
      organization_id := null;
    end;
    actor := claims ->> 'actor';
  else
    organization_id := integrations.current_organization_id();
    organization_role := integrations.current_organization_role();
    actor := claims ->> 'sub';
  end if;
  actor := left(coalesce(actor, session_user), 255);
  return next;
end
$function$;
revoke all on function integrations.caller() from public, anon, authenticated, service_role;

drop function if exists integrations.own_integration(integration_type text);
create function integrations.own_integration(integration_type text) returns uuid
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  caller record;
  integration_id uuid;
begin
  select * into caller from integrations.caller();
  if integration_type is null or integration_type <> all (enum_range(null::public.integration_type_enum)::text[]) then
    perform integrations.refuse('invalid_input', format('integration_type: must be one of %s',
      array_to_string(enum_range(null::public.integration_type_enum), ', ')));
  elsif caller.organization_id is null then
    perform integrations.refuse('permission_denied', 'organization: the claims name none');
  elsif not caller.is_service and caller.organization_role is distinct from 'admin' then
    perform integrations.refuse('permission_denied', 'role: must be admin, the claims say otherwise');
  end if;
  select i.id into integration_id
  from public.organization_integrations as i
  where i.organization_id = caller.organization_id and i.integration_type::text = own_integration.integration_type
  for no key update;
  if integration_id is null then
    perform integrations.refuse('not_found',
      format('integration_type %s: the organization has no such integration; create it first', integration_type));
  end if;
  return integration_id;
end
$function$;
revoke all on function integrations.own_integration(integration_type text) from public, anon, authenticated, service_role;

drop function if exists integrations.record_event(action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text);
create function integrations.record_event(action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text) returns uuid
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  event_id uuid := gen_random_uuid();
begin
  insert into public.organization_integration_events
    (id, action, outcome, organization_id, integration_id, integration_type, version, reason, actor)
  select event_id, record_event.action, record_event.outcome, record_event.organization_id, record_event.integration_id,
    (select label from unnest(enum_range(null::public.integration_type_enum)::text[]) as label
     where label = record_event.integration_type),
    record_event.version, left(record_event.reason, 255), caller.actor
  from integrations.caller() as caller;
  perform pg_notify('integration_events', event_id::text);
  return event_id;
end
$function$;
revoke all on function integrations.record_event(action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text) from public, anon, authenticated, service_role;

create or replace trigger "append_only" before update or delete or truncate on "public"."organization_integration_events" for each statement execute function integrations.refuse_change();

drop function if exists integrations.credential_store();
create function integrations.credential_store() returns table (store text, logs_always text, logs_sometimes text)
language plpgsql
stable
security definer
set search_path = ''
as $function$
declare
  silent boolean := current_setting('log_parameter_max_length', true) = '0';
begin
  store := case when to_regclass('vault.secrets') is null then 'pgcrypto' else 'vault' end;
  select string_agg(s.name, ', ') filter (where s.always), string_agg(s.name, ', ') filter (where not s.always)
  into logs_always, logs_sometimes
  from (values
    ('log_statement = all', current_setting('log_statement') = 'all' and not silent, true),
    ('log_min_duration_statement = 0', current_setting('log_min_duration_statement') = '0' and not silent, true),
    ('pgaudit.log_parameter', current_setting('pgaudit.log_parameter', true) = 'on', true),
    ('log_min_duration_statement', current_setting('log_min_duration_statement') not in ('-1', '0') and not silent, false),
    ('log_min_duration_sample', current_setting('log_min_duration_sample', true) <> '-1'
      and current_setting('log_statement_sample_rate', true)::numeric > 0 and not silent, false),
    ('log_transaction_sample_rate', current_setting('log_transaction_sample_rate', true)::numeric > 0 and not silent, false),
    ('log_parameter_max_length_on_error', current_setting('log_parameter_max_length_on_error', true) <> '0', false),
    ('auto_explain.log_min_duration', current_setting('auto_explain.log_min_duration', true) <> '-1'
      and current_setting('auto_explain.log_parameter_max_length', true) is distinct from '0', false)
  ) as s (name, logs, always)
  where s.logs;
  return next;
end
$function$;
revoke all on function integrations.credential_store() from public, anon, authenticated, service_role;
grant execute on function integrations.credential_store() to authenticated, service_role;

drop function if exists integrations.encryption_key_id(key text);
create function integrations.encryption_key_id(key text) returns text
language plpgsql
stable
security definer
set search_path = ''
as $function$
begin
  return left(encode(sha256(convert_to('integrations-db key id ' || key, 'UTF8')), 'hex'), 16);
end
$function$;
revoke all on function integrations.encryption_key_id(key text) from public, anon, authenticated, service_role;

drop function if exists integrations.pgcrypto_schema();
create function integrations.pgcrypto_schema() returns text
language plpgsql
stable
security definer
set search_path = ''
as $function$
declare
  found_schema text := (select quote_ident(n.nspname) from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = 'pgcrypto');
begin
  if found_schema is null then
    perform integrations.refuse('unavailable',
      'there is neither Supabase Vault nor the extension pgcrypto to keep a credential in; create one of them');
  end if;
  return found_schema;
end
$function$;
revoke all on function integrations.pgcrypto_schema() from public, anon, authenticated, service_role;

drop function if exists integrations.encrypt_secret(value text);
create function integrations.encrypt_secret(value text) returns table (key_id text, ciphertext bytea)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  key text := current_setting('integrations.encryption_key', true);
  state text;
begin
  if key is null or key !~ '^[0-9a-f]{64}$' then
    perform integrations.refuse('invalid_input',
      'INTEGRATIONS_ENCRYPTION_KEY: must be 64 hexadecimal digits; there is no Vault here, and nothing is stored without a key');
  end if;
  begin
    -- The key is random, so stretching it, which is for passwords, would only cost time.
    execute format('select %s.pgp_sym_encrypt($1, $2, ''cipher-algo=aes256, compress-algo=0, s2k-count=1024'')',
      integrations.pgcrypto_schema()) into ciphertext using value, key;
  exception
    when sqlstate 'IDB01' then raise;
    when others then
      get stacked diagnostics state = returned_sqlstate;
      perform integrations.refuse('unavailable', format('pgcrypto refused to encrypt (SQLSTATE %s)', state));
  end;
  key_id := integrations.encryption_key_id(key);
  return next;
end
$function$;
revoke all on function integrations.encrypt_secret(value text) from public, anon, authenticated, service_role;

drop function if exists integrations.create_secret(store text, secret_name text, value text);
create function integrations.create_secret(store text, secret_name text, value text) returns uuid
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  secret_id uuid;
  state text;
begin
  if store = 'vault' then
    begin
      execute 'select vault.create_secret($1, $2, $3)' into secret_id using value, secret_name, '';
    exception
      when unique_violation then
        perform integrations.refuse('conflict', format(
          'Vault holds a secret named %s that nothing refers to; remove it with: integrations-db credentials audit --apply', secret_name));
      when others then
        get stacked diagnostics state = returned_sqlstate;
        perform integrations.refuse('unavailable', format('Vault refused to store the secret (SQLSTATE %s)', state));
    end;
  else
    insert into integrations.encrypted_secrets (key_id, ciphertext)
    select e.key_id, e.ciphertext from integrations.encrypt_secret(value) as e
    returning id into secret_id;
  end if;
  if secret_id is null then
    perform integrations.refuse('unavailable', 'the store gave no id for the secret');
  end if;
  return secret_id;
end
$function$;
revoke all on function integrations.create_secret(store text, secret_name text, value text) from public, anon, authenticated, service_role;

drop function if exists integrations.read_secret(store text, secret_id uuid);
create function integrations.read_secret(store text, secret_id uuid) returns text
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  value text;
  setting text;
  secret record;
  state text;
begin
  begin
    if store = 'vault' then
      if to_regclass('vault.secrets') is not null then
        execute 'select decrypted_secret from vault.decrypted_secrets where id = $1' into value using secret_id;
      end if;
    else
      select s.key_id, s.ciphertext into secret from integrations.encrypted_secrets as s where s.id = secret_id;
      if found then
        foreach setting in array array['integrations.encryption_key', 'integrations.previous_encryption_key'] loop
          if integrations.encryption_key_id(current_setting(setting, true)) = secret.key_id then
            execute format('select %s.pgp_sym_decrypt($1, $2)', integrations.pgcrypto_schema())
              into value using secret.ciphertext, current_setting(setting, true);
            return value;
          end if;
        end loop;
        perform integrations.refuse('invalid_input', format(
          'INTEGRATIONS_ENCRYPTION_KEY: the secret was encrypted with key %s, given was %s; pass the former', secret.key_id,
          coalesce(integrations.encryption_key_id(nullif(current_setting('integrations.encryption_key', true), '')), 'none')));
      end if;
    end if;
  exception
    when sqlstate 'IDB01' then raise;
    when others then
      get stacked diagnostics state = returned_sqlstate;
      perform integrations.refuse('unavailable', format(
        'the secret cannot be decrypted (SQLSTATE %s): it was damaged, or the store''s own key was replaced; rotate the credential', state));
  end;
  if value is null then
    perform integrations.refuse('credential_missing',
      'the secret is gone from its store; see: integrations-db credentials audit');
  end if;
  return value;
end
$function$;
revoke all on function integrations.read_secret(store text, secret_id uuid) from public, anon, authenticated, service_role;

create or replace trigger "delete_secret" after update or delete on "public"."organization_integration_credentials" for each row execute function integrations.delete_secret();

drop function if exists integrations.bundle_fields(bundle text);
create function integrations.bundle_fields(bundle text) returns text[]
language plpgsql
stable
security definer
set search_path = ''
as $function$
declare
  parsed jsonb;
  fields text[];
begin
  if octet_length(bundle) <= 65536 then
    begin
      parsed := bundle::jsonb;
    exception when others then
      parsed := null;
    end;
  end if;
  if jsonb_typeof(parsed) = 'object' then
    select array_agg(key order by key) into fields from jsonb_object_keys(parsed) as key;
  end if;
  if fields is null then
    perform integrations.refuse('invalid_input', 'bundle: must be a JSON object with at least one field, of at most 65,536 bytes');
  end if;
  return fields;
end
$function$;
revoke all on function integrations.bundle_fields(bundle text) from public, anon, authenticated, service_role;

drop function if exists integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text);
create function integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text) returns table (code text, message text, version bigint)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  caller record;
  integration uuid;
  fields text[];
  current_version bigint;
  next_version bigint;
  destination text;
  secret uuid;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if grace_seconds is null or grace_seconds not between 0 and 2592000 then
      perform integrations.refuse('invalid_input', 'grace_seconds: must be 0 to 2592000 (30 days)');
    end if;
    integration := integrations.own_integration(integration_type);
    fields := integrations.bundle_fields(bundle);
    select c.version into current_version
    from public.organization_integration_credentials as c
    where c.integration_id = integration and c.secret_id is not null and c.readable_until is null;
    if action = 'store' and current_version is not null then
      perform integrations.refuse('already_exists',
        format('integration_type %s: has a credential, version %s; use rotate', integration_type, current_version));
    elsif action = 'rotate' and current_version is null then
      perform integrations.refuse('credential_missing',
        format('integration_type %s: has no credential to rotate; use store', integration_type));
    end if;
    select coalesce(max(c.version), 0) + 1 into next_version
    from public.organization_integration_credentials as c
    where c.integration_id = integration;
    select s.store into destination from integrations.credential_store() as s;
    secret := integrations.create_secret(destination,
      format('integrations-db/%s/%s/%s', caller.organization_id, integration, next_version), bundle);
    -- The version so far may stay readable for a while; whatever is older goes. A trigger deletes the secrets.
    update public.organization_integration_credentials as c
    set secret_id = case when grace_seconds > 0 and c.readable_until is null then c.secret_id end,
      readable_until = coalesce(c.readable_until, clock_timestamp() + make_interval(secs => grace_seconds))
    where c.integration_id = integration and c.secret_id is not null;
    insert into public.organization_integration_credentials (integration_id, version, store, secret_id, field_names)
    values (integration, next_version, destination, secret, fields);
    version := next_version;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  perform integrations.record_event(action, code, caller.organization_id, integration, integration_type, version, reason);
  return next;
end
$function$;
revoke all on function integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text) from public, anon, authenticated, service_role;

drop function if exists integrations.store_credential(integration_type text, bundle text, reason text);
create function integrations.store_credential(integration_type text, bundle text, reason text) returns table (code text, message text, version bigint)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
begin
  return query select * from integrations.write_credential('store', integration_type, bundle, 0, reason);
end
$function$;
revoke all on function integrations.store_credential(integration_type text, bundle text, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations.store_credential(integration_type text, bundle text, reason text) to authenticated, service_role;

drop function if exists integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);
create function integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) returns table (code text, message text, version bigint)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
begin
  return query select * from integrations.write_credential('rotate', integration_type, bundle, grace_seconds, reason);
end
$function$;
revoke all on function integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) to authenticated, service_role;

drop function if exists integrations.end_credential(integration uuid, new_status text);
create function integrations.end_credential(integration uuid, new_status text) returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  current_version bigint;
begin
  select max(c.version) into current_version
  from public.organization_integration_credentials as c
  where c.integration_id = integration and c.secret_id is not null and c.readable_until is null;
  update public.organization_integration_credentials as c set secret_id = null
  where c.integration_id = integration and c.secret_id is not null;
  update public.organization_integrations as i set status = new_status::public.integration_status_enum
  where i.id = integration and (i.status = 'active' or (new_status = 'error' and i.status <> 'error'));
  return current_version;
end
$function$;
revoke all on function integrations.end_credential(integration uuid, new_status text) from public, anon, authenticated, service_role;

drop function if exists integrations.revoke_credential(integration_type text, reason text);
create function integrations.revoke_credential(integration_type text, reason text) returns table (code text, message text, version bigint)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  caller record;
  integration uuid;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    integration := integrations.own_integration(integration_type);
    version := integrations.end_credential(integration, 'pending_setup');
    if version is null then
      perform integrations.refuse('credential_missing',
        format('integration_type %s: has no credential to revoke', integration_type));
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  perform integrations.record_event('revoke', code, caller.organization_id, integration, integration_type, version, reason);
  return next;
end
$function$;
revoke all on function integrations.revoke_credential(integration_type text, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations.revoke_credential(integration_type text, reason text) to authenticated, service_role;

drop function if exists integrations.delete_credential(integration_id uuid, reason text);
create function integrations.delete_credential(integration_id uuid, reason text) returns table (code text, message text, version bigint)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  organization uuid;
  type text;
begin
  code := 'ok';
  begin
    if integration_id is null then
      perform integrations.refuse('invalid_input', 'integration_id: must not be null');
    end if;
    select i.organization_id, i.integration_type::text into organization, type
    from public.organization_integrations as i
    where i.id = integration_id
    for no key update;
    if not found then
      perform integrations.refuse('not_found', 'integration_id: there is no such integration');
    end if;
    version := integrations.end_credential(integration_id, 'pending_setup');
    if version is null then
      perform integrations.refuse('credential_missing',
        format('integration_id: the integration with %s has no credential to delete', type));
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  perform integrations.record_event('delete', code, organization, integration_id, type, version, reason);
  return next;
end
$function$;
revoke all on function integrations.delete_credential(integration_id uuid, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations.delete_credential(integration_id uuid, reason text) to service_role;

drop function if exists integrations.describe_credential(integration_type text);
create function integrations.describe_credential(integration_type text) returns table (version bigint, created_at timestamptz, field_names text[], previous_version bigint, previous_readable_until timestamptz)
language plpgsql
stable
security definer
set search_path = ''
as $function$
begin
  return query
  select c.version, c.created_at, c.field_names, p.version, p.readable_until
  from integrations.caller() as caller
  join public.organization_integrations as i
    on i.organization_id = caller.organization_id and i.integration_type::text = describe_credential.integration_type
  join public.organization_integration_credentials as c
    on c.integration_id = i.id and c.secret_id is not null and c.readable_until is null
  left join public.organization_integration_credentials as p
    on p.integration_id = i.id and p.secret_id is not null and p.readable_until > clock_timestamp()
  where caller.is_service or caller.organization_role in ('admin', 'coordinator');
end
$function$;
revoke all on function integrations.describe_credential(integration_type text) from public, anon, authenticated, service_role;
grant execute on function integrations.describe_credential(integration_type text) to authenticated, service_role;

drop function if exists integrations.has_credential(integration_id uuid);
create function integrations.has_credential(integration_id uuid) returns boolean
language plpgsql
volatile
security definer
set search_path = ''
as $function$
begin
  return exists (
    select from integrations.caller() as caller
    join public.organization_integrations as i
      on i.id = has_credential.integration_id and (caller.is_service or i.organization_id = caller.organization_id)
    join public.organization_integration_credentials as c
      on c.integration_id = i.id and c.secret_id is not null and c.readable_until is null
  );
end
$function$;
revoke all on function integrations.has_credential(integration_id uuid) from public, anon, authenticated, service_role;
grant execute on function integrations.has_credential(integration_id uuid) to authenticated, service_role;

drop function if exists integrations.request_retrieval(integration_type text, wanted_version bigint, reason text);
create function integrations.request_retrieval(integration_type text, wanted_version bigint, reason text) returns table (code text, message text, event_id uuid, store text, logs_always text, logs_sometimes text)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  caller record;
  integration uuid;
  found_version bigint;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if coalesce(btrim(reason), '') = '' then
      perform integrations.refuse('invalid_input', 'reason: must say what the secret is needed for');
    end if;
    integration := integrations.own_integration(integration_type);
    select c.version, c.store into found_version, store
    from public.organization_integration_credentials as c
    where c.integration_id = integration and c.secret_id is not null
      and (c.readable_until is null or (c.version = wanted_version and c.readable_until > clock_timestamp()))
      and c.version = coalesce(wanted_version, c.version);
    if found_version is null then
      perform integrations.refuse('credential_missing', format('integration_type %s: has no credential%s; store one first',
        integration_type, ' of version ' || wanted_version));
    end if;
    select s.logs_always, s.logs_sometimes into logs_always, logs_sometimes from integrations.credential_store() as s;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  -- What outlived its grace goes the next time somebody asks, also where the answer is no.
  update public.organization_integration_credentials as c set secret_id = null
  where c.integration_id = integration and c.secret_id is not null and c.readable_until <= clock_timestamp();
  event_id := integrations.record_event('retrieve', code, caller.organization_id, integration, integration_type,
    coalesce(found_version, wanted_version), reason);
  if code = 'ok' then
    insert into integrations.retrieval_requests (event_id, integration_id, version, transaction_id, created_at)
    values (request_retrieval.event_id, integration, found_version, pg_current_xact_id()::text::bigint, clock_timestamp());
    delete from integrations.retrieval_requests as r
    where r.event_id in (
      select stale.event_id from integrations.retrieval_requests as stale
      where stale.created_at < clock_timestamp() - interval '1 hour'
      limit 100 for update skip locked
    );
  end if;
  return next;
end
$function$;
revoke all on function integrations.request_retrieval(integration_type text, wanted_version bigint, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations.request_retrieval(integration_type text, wanted_version bigint, reason text) to service_role;

drop function if exists integrations.retrieve_credential(request_id uuid);
create function integrations.retrieve_credential(request_id uuid) returns table (code text, message text, integration_type text, version bigint, bundle text)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  request integrations.retrieval_requests;
  credential record;
  organization uuid;
  type text;
begin
  code := 'ok';
  begin
    if request_id is null then
      perform integrations.refuse('invalid_input', 'request_id: must not be null');
    end if;
    select r.* into request from integrations.retrieval_requests as r where r.event_id = request_id for update;
    if not found then
      perform integrations.refuse('not_found', 'request_id: there is no such request; make one with request_retrieval and commit it');
    end if;
    select i.organization_id, i.integration_type::text into organization, type
    from public.organization_integrations as i where i.id = request.integration_id;
    if request.transaction_id = pg_current_xact_id()::text::bigint then
      perform integrations.refuse('conflict', 'request_id: was made by this very transaction; commit it first, so that it is on record');
    elsif request.used_at is not null then
      perform integrations.refuse('conflict', 'request_id: was used; make another');
    elsif request.created_at < clock_timestamp() - interval '30 seconds' then
      perform integrations.refuse('conflict', 'request_id: is older than 30 s; make another');
    end if;
    select c.version, c.store, c.secret_id into credential
    from public.organization_integration_credentials as c
    where c.integration_id = request.integration_id and c.version = request.version and c.secret_id is not null
      and (c.readable_until is null or c.readable_until > clock_timestamp());
    if not found then
      perform integrations.refuse('credential_missing', 'the credential was revoked or replaced since it was requested');
    end if;
    bundle := integrations.read_secret(credential.store, credential.secret_id);
    update integrations.retrieval_requests as r set used_at = clock_timestamp() where r.event_id = request_id;
    integration_type := type;
    version := credential.version;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
    bundle := null;
  end;
  if code <> 'ok' then
    perform integrations.record_event('retrieve', code, organization, request.integration_id, type, request.version, null);
  end if;
  return next;
end
$function$;
revoke all on function integrations.retrieve_credential(request_id uuid) from public, anon, authenticated, service_role;
grant execute on function integrations.retrieve_credential(request_id uuid) to service_role;

drop function if exists integrations.move_to_vault(integration_id uuid, version bigint);
create function integrations.move_to_vault(integration_id uuid, version bigint) returns table (code text, message text)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  credential record;
  value text;
  moved uuid;
begin
  code := 'ok';
  begin
    select c.store, c.secret_id, i.organization_id into credential
    from public.organization_integrations as i
    join public.organization_integration_credentials as c on c.integration_id = i.id
    where i.id = move_to_vault.integration_id and c.version = move_to_vault.version and c.secret_id is not null
    for update;
    -- Revoked, rotated or moved by somebody else meanwhile: nothing is left to do.
    if not found or credential.store = 'vault' then
      return next;
      return;
    end if;
    value := integrations.read_secret('pgcrypto', credential.secret_id);
    moved := integrations.create_secret('vault',
      format('integrations-db/%s/%s/%s', credential.organization_id, integration_id, version), value);
    if integrations.read_secret('vault', moved) is distinct from value then
      perform integrations.refuse('conflict', 'what Vault gives back is not what was put in; the old copy stays');
    end if;
    update public.organization_integration_credentials as c set store = 'vault', secret_id = moved
    where c.integration_id = move_to_vault.integration_id and c.version = move_to_vault.version;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  return next;
end
$function$;
revoke all on function integrations.move_to_vault(integration_id uuid, version bigint) from public, anon, authenticated, service_role;

drop function if exists integrations.encrypt_anew(secret_id uuid);
create function integrations.encrypt_anew(secret_id uuid) returns table (code text, message text)
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  wanted text := integrations.encryption_key_id(current_setting('integrations.encryption_key', true));
  value text;
  kept record;
begin
  code := 'ok';
  begin
    perform from integrations.encrypted_secrets as s where s.id = secret_id and s.key_id is distinct from wanted for update;
    if found then
      value := integrations.read_secret('pgcrypto', secret_id);
      select * into kept from integrations.encrypt_secret(value);
      update integrations.encrypted_secrets as s set key_id = kept.key_id, ciphertext = kept.ciphertext where s.id = secret_id;
      if integrations.read_secret('pgcrypto', secret_id) is distinct from value then
        perform integrations.refuse('conflict', 'what the new key gives back is not what was put in; the old copy stays');
      end if;
    end if;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  return next;
end
$function$;
revoke all on function integrations.encrypt_anew(secret_id uuid) from public, anon, authenticated, service_role;

drop function if exists integrations.revoke_organization(organization_id uuid, reason text);
create function integrations.revoke_organization(organization_id uuid, reason text) returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  integration record;
  revoked integer := 0;
begin
  -- Two operators at once: the second waits, and finds nothing left.
  perform pg_advisory_xact_lock(hashtextextended('integrations-db breach ' || organization_id, 0));
  for integration in
    select i.id, i.integration_type::text as type
    from public.organization_integrations as i
    where i.organization_id = revoke_organization.organization_id
      and (i.status = 'active' or exists (
        select from public.organization_integration_credentials as c where c.integration_id = i.id and c.secret_id is not null))
    order by i.id
    for no key update
  loop
    perform integrations.record_event('revoke', 'ok', organization_id, integration.id, integration.type,
      integrations.end_credential(integration.id, 'error'), reason);
    revoked := revoked + 1;
  end loop;
  if revoked > 0 then
    perform integrations.record_event('alert', 'ok', organization_id, null, null, null, reason);
  end if;
  return revoked;
end
$function$;
revoke all on function integrations.revoke_organization(organization_id uuid, reason text) from public, anon, authenticated, service_role;
