-- 20261127013137_search_path_of_functions
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 1/1 · source: 5fee725e5364c940bb8ef81212ff96aa15816136ed9c860fcf31acc398277f50 · body: bbcf9bb4ce5dbd4120d90a47a11cda8b0ae88055b76dd52ff7ec5c68d05e3fa2
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

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
  set search_path = pg_catalog, pg_temp
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

DO $guard$
BEGIN
  if obj_description(to_regprocedure('integrations.current_organization_id()'), 'pg_proc') = 'integrations-db: host' then
    raise notice 'integrations.current_organization_id() is the host''s own, left alone';
    return;
  end if;
  create or replace function integrations.current_organization_id() returns uuid
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
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
  set search_path = pg_catalog, pg_temp
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

create or replace function integrations.refuse_change() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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

create or replace function integrations.refuse_bad_configuration() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  unchanged boolean := tg_op = 'UPDATE';
  violations text;
begin
  select string_agg(path || ': ' || rule, '; ' order by path collate "C", rule collate "C") into violations
  from (
    select * from integrations.config_violations(
      case when unchanged and new.field_mappings is not distinct from old.field_mappings then '{}' else new.field_mappings end,
      case when unchanged and new.excluded_features is not distinct from old.excluded_features then '[]' else new.excluded_features end
    ) limit 20
  ) as v;
  if violations is not null then
    -- The constraint's name tells the application that the message is this function's, and holds no value.
    raise exception using errcode = 'check_violation', message = violations, constraint = 'configuration_check';
  end if;
  return new;
end
$function$;
revoke all on function integrations.refuse_bad_configuration() from public, anon, authenticated, service_role;

drop function if exists integrations.refuse(code text, message text);
create function integrations.refuse(code text, message text) returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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

drop function if exists integrations.credential_store();
create function integrations.credential_store() returns table (store text, logs_always text, logs_sometimes text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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

drop function if exists integrations.bundle_fields(bundle text);
create function integrations.bundle_fields(bundle text) returns text[]
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
as $function$
begin
  return exists (
    select from integrations.caller() as caller
    join public.organization_integrations as i
      on i.id = has_credential.integration_id and (caller.is_service
        or i.organization_id = caller.organization_id and caller.organization_role in ('admin', 'coordinator'))
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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

drop function if exists integrations.config_violations(field_mappings jsonb, excluded_features jsonb);
create function integrations.config_violations(field_mappings jsonb, excluded_features jsonb) returns table (path text, rule text)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  version jsonb := coalesce(field_mappings -> '$version', '1');
  known text[] := case version when '1' then array['path', 'transform', 'default'] when '2' then array['path', 'transform', 'default', 'map', 'required', 'const'] end;
begin
  if field_mappings is null or jsonb_typeof(field_mappings) <> 'object' then
    return query select 'field_mappings', 'must be an object';
  elsif known is null then
    return query select 'field_mappings.$version', 'must be a version that this package knows';
  elsif field_mappings <> '{}' then
    return query
    with mappings as materialized (
      select m.key, m.value, jsonb_typeof(m.value) as type, 'field_mappings.' || case when length(m.key) <= 63 and m.key collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not m.key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then m.key else '*' end as path
      from jsonb_each(field_mappings) as m where m.key <> '$version'
    ), fields as materialized (
      select f.key, f.value, jsonb_typeof(f.value) as type, m.path || '.' || case when length(f.key) <= 63 and f.key collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not f.key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then f.key else '*' end as path, m.path as mapping
      from mappings as m cross join lateral jsonb_each(case jsonb_typeof(m.value) when 'object' then m.value else '{}' end) as f
    ), lookups as materialized (
      select l.key, l.value, jsonb_typeof(l.value) as type, f.path || '.' || case when length(l.key) <= 63 and l.key collate "C" ~ '^[A-Za-z_]{1,63}$|^[A-Za-z_]*([0-9]+[A-Za-z_]+){0,3}[0-9]{0,4}$' and not l.key collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then l.key else '*' end as path
      from fields as f cross join lateral jsonb_each(case jsonb_typeof(f.value) when 'object' then f.value else '{}' end) as l where f.key = 'map' and f.key = any (known)
    ), keys as materialized (
      select k.key, k.path, '_' || regexp_replace(lower(regexp_replace(regexp_replace(k.key collate "C",
      '([a-z0-9])([A-Z])', '\1_\2', 'g'), '([A-Z])([A-Z][a-z])', '\1_\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_' as name
      from (select m.key, m.path from mappings as m union all select f.key, f.path from fields as f union all select l.key, l.path from lookups as l) as k
    ), paths as (
      select m.value #>> '{}' as text, m.type, m.path from mappings as m where m.type = 'string'
      union all select f.value #>> '{}', f.type, f.path from fields as f where f.key = 'path'
    ), scalars as (
      select f.value, f.type, f.path from fields as f
      where f.key = any (known) and (f.key = 'const' or f.key = 'default' and f.type <> 'null')
    ), texts as materialized (
      select p.text, p.path from paths as p where p.type = 'string'
      union all select s.value #>> '{}', s.path from scalars as s where s.type = 'string'
      union all select f.value #>> '{}', f.path from fields as f where f.key = 'transform' and f.type = 'string'
      union all select l.value #>> '{}', l.path from lookups as l where l.type = 'string'
      union all select k.key, k.path from keys as k
    )
    select 'field_mappings', 'must have at most 200 keys' from mappings having count(*) > 200
    union select 'field_mappings', 'must have at most 65,536 bytes of keys and texts' from texts
      having sum(octet_length(text)) > 65536 - case when field_mappings ? '$version' then 8 else 0 end
    union select m.path, 'must be a letter or _, then letters, digits or _, at most 63 of them' from mappings as m where not m.key collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]{0,62}$'
    union select m.path, 'must be a path, or an object with one' from mappings as m where m.type not in ('string', 'object')
    union select f.path, 'is no part of a mapping in this version' from fields as f where f.key <> all (known)
    union select m.path || '.path', 'is missing' from mappings as m
      where m.type = 'object' and not m.value ? 'path' and not ('const' = any (known) and m.value ? 'const')
    union select m.path || '.const', 'must stand in place of a path, not beside one' from mappings as m
      where m.type = 'object' and 'const' = any (known) and m.value ?& '{path,const}'
    union select p.path, 'must be a text' from paths as p where p.type <> 'string'
    union select p.path, 'must have 1 to 255 characters' from paths as p
      where p.type = 'string' and length(p.text) not between 1 and 255
    union select s.path, 'must be a text, a number, true or false' from scalars as s where s.type not in ('string', 'number', 'boolean')
    union select s.path, 'must be within ±1e308' from scalars as s
      where case s.type when 'number' then abs(s.value::numeric) > 1e+308 end
    union select f.path, 'must be the name of a transform, such as decimal_2' from fields as f
      where f.key = 'transform' and f.key = any (known) and not (f.type = 'string' and (f.value #>> '{}') collate "C" ~ '^[a-z][a-z0-9_]{0,62}$')
    union select f.path, 'must be true or false' from fields as f
      where f.key = 'required' and f.key = any (known) and f.type <> 'boolean'
    union select f.path, 'must be an object' from fields as f
      where f.key = 'map' and f.key = any (known) and f.type <> 'object'
    union select f.path, 'must have at most 200 entries' from fields as f cross join lateral jsonb_each(case jsonb_typeof(f.value) when 'object' then f.value else '{}' end)
      where f.key = 'map' and f.key = any (known) group by f.path, f.value having count(*) > 200
    union select l.path, 'must be a text' from lookups as l where l.type <> 'string'
    union select k.path, 'must not be a name that JavaScript reserves' from keys as k where k.key in ('__proto__', 'prototype', 'constructor')
    union select k.path, 'must not name a credential; store it with credentials.store' from keys as k where k.name collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l'
    union select t.path, 'must not look like a credential; store it with credentials.store' from texts as t where t.text collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}';
  end if;
  if excluded_features is null or jsonb_typeof(excluded_features) <> 'array' then
    return query select 'excluded_features', 'must be an array';
  elsif excluded_features <> '[]' then
    return query
    with features as materialized (
      select f.value #>> '{}' as text, jsonb_typeof(f.value) as type, 'excluded_features.' || f.position - 1 as path, f.position
      from jsonb_array_elements(excluded_features) with ordinality as f (value, position)
    )
    select 'excluded_features', 'must have at most 64 entries' from features having count(*) > 64
    union select f.path, 'must be a lower-case letter, then lower-case letters, digits, _, . or -, at most 64 of them' from features as f
      where not (f.type = 'string' and f.text collate "C" ~ '^[a-z][a-z0-9_.-]{0,63}$')
    union select f.path, 'must not look like a credential; store it with credentials.store' from features as f where f.type = 'string' and f.text collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}'
    union select f.path, 'must not repeat an earlier one' from (
      select e.path, row_number() over (partition by e.text collate "C" order by e.position) as time from features as e where e.type = 'string'
    ) as f where f.time > 1;
  end if;
end
$function$;
revoke all on function integrations.config_violations(field_mappings jsonb, excluded_features jsonb) from public, anon, authenticated, service_role;
grant execute on function integrations.config_violations(field_mappings jsonb, excluded_features jsonb) to authenticated, service_role;

drop function if exists integrations.redacted(document jsonb);
create function integrations.redacted(document jsonb) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  token text;
  label text;
  kept text[] := '{}';
  depth integer := 0;
  hidden_at integer;
  is_credential boolean := false;
  renamed integer := 0;
begin
  for token in select t[1] from regexp_matches(document::text, '("(?:[^"\\]|\\.)*"(?:: )?|[{}\[\]]|, |[^"{}\[\], ]+)', 'g') as t loop
    if hidden_at is not null then
      depth := depth + case when token in ('{', '[') then 1 when token in ('}', ']') then -1 else 0 end;
      if depth = hidden_at then
        hidden_at := null;
      end if;
      continue;
    end if;
    if is_credential then
      is_credential := false;
      if token in ('{', '[') then
        hidden_at := depth;
        depth := depth + 1;
      end if;
      token := '"[redacted]"';
    elsif token in ('{', '[') then
      depth := depth + 1;
    elsif token in ('}', ']') then
      depth := depth - 1;
    elsif token like '"%' then
      label := rtrim(token, ': ')::jsonb #>> '{}';
      if right(token, 2) = ': ' then
        is_credential := ('_' || regexp_replace(lower(regexp_replace(regexp_replace(label collate "C",
      '([a-z0-9])([A-Z])', '\1_\2', 'g'), '([A-Z])([A-Z][a-z])', '\1_\2', 'g')), '[^a-z0-9]+', '_', 'g') || '_') collate "C" ~ 'p_?a_?s_?s_?w_?o_?r_?d|p_?a_?s_?s_?w_?d|p_?a_?s_?s_?p_?h_?r_?a_?s_?e|h_?e_?m_?m_?e_?l_?i_?g_?h_?e_?t|a_?p_?i_?k_?e_?y|p_?r_?i_?v_?a_?t_?e_?k_?e_?y|c_?l_?i_?e_?n_?t_?s_?e_?c_?r_?e_?t|c_?r_?e_?d_?e_?n_?t_?i_?a_?l|a_?u_?t_?h_?o_?r_?i_?[sz]_?a_?t_?i_?o_?n|passord($|[^e]|e[^r])|_p_?a_?s_?s_?o_?r_?d($|[^e]|e[^r])|(token|secret|pwd|jwt)s?[0-9]*_|_(t_?o_?k_?e_?n|s_?e_?c_?r_?e_?t|p_?w_?d|j_?w_?t|p_?i_?n|p_?i_?n_?c_?o_?d_?e|p_?i_?n_?k_?o_?d_?e|k_?o_?d_?e_?o_?r_?d|b_?e_?a_?r_?e_?r|p_?a_?s_?s_?c_?o_?d_?e|o_?t_?p|c_?r_?e_?d|h_?e_?m_?m_?e_?l_?i_?g)_?s?_?[0-9]*_|_(access|secret|signing|encryption|auth|master|ssh|subscription|shared|consumer)_?keys?_?[0-9]*_|_a_?p_?i_?n(o|oe)_?k_?k_?e_?l';
        if label collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then
          renamed := renamed + 1;
          token := format('"[redacted %s]": ', renamed);
        end if;
      elsif label collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' then
        token := '"[redacted]"';
      end if;
    end if;
    kept := kept || token;
  end loop;
  return array_to_string(kept, '')::jsonb;
end
$function$;
revoke all on function integrations.redacted(document jsonb) from public, anon, authenticated, service_role;

drop function if exists integrations.repair_organization(organization_id uuid);
create function integrations.repair_organization(organization_id uuid) returns table (event_id uuid, integration_type text, document text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  integration record;
  broken record;
  actor text := (select caller.actor from integrations.caller() as caller);
begin
  -- Two operators at once: the second waits, and finds nothing left.
  perform pg_advisory_xact_lock(hashtextextended('integrations-db repair ' || organization_id, 0));
  for integration in
    select i.id, i.integration_type::text as type, i.field_mappings, i.excluded_features
    from public.organization_integrations as i
    where i.organization_id = repair_organization.organization_id
      and exists (select from integrations.config_violations(i.field_mappings, i.excluded_features))
    order by i.id
    for no key update
  loop
    for broken in
      select d.name, d.value, v.problems
      from (values
        ('field_mappings', integration.field_mappings, integration.field_mappings, '[]'::jsonb),
        ('excluded_features', integration.excluded_features, '{}'::jsonb, integration.excluded_features)
      ) as d (name, value, field_mappings, excluded_features)
      -- Summed up before it meets the document, of which each problem would otherwise carry a copy.
      cross join lateral (
        select string_agg(path || ': ' || rule, '; ' order by path collate "C", rule collate "C") as problems
        from integrations.config_violations(d.field_mappings, d.excluded_features)
      ) as v
      where v.problems is not null
      order by d.name desc
    loop
      event_id := gen_random_uuid();
      integration_type := integration.type;
      document := broken.name;
      insert into public.organization_integration_events
        (id, action, outcome, organization_id, integration_id, integration_type, reason, actor, quarantined)
      values (event_id, 'quarantine', 'ok', organization_id, integration.id, integration.type, left(broken.problems, 255),
        actor, jsonb_build_object(broken.name, integrations.redacted(broken.value)));
      update public.organization_integrations as i
      set status = 'error',
        field_mappings = case broken.name when 'field_mappings' then '{}' else i.field_mappings end,
        excluded_features = case broken.name when 'excluded_features' then '[]' else i.excluded_features end
      where i.id = integration.id;
      return next;
    end loop;
  end loop;
  if event_id is not null then
    perform integrations.record_event('alert', 'ok', organization_id, null, null, null,
      'repair: documents that break a rule were reset; the quarantine events hold them');
  end if;
end
$function$;
revoke all on function integrations.repair_organization(organization_id uuid) from public, anon, authenticated, service_role;
