-- 20261127031029_data_api_and_activation
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 1/1 · source: 1d00a60934a32cee39be1b09ecb311d41c4f43deb6aebc1078e6d5d63ab553ef · body: 2647af62226b0e0e2d09796e955131fef640340d31f2dad9be7cce027430b36f
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

CREATE SCHEMA IF NOT EXISTS "integrations_api";

revoke all on schema "integrations_api" from public, anon, authenticated, service_role;

create or replace function integrations.refuse_activation() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if new.status = 'active' and (tg_op = 'INSERT' or old.status <> 'active') then
    perform from public.organization_integration_credentials as c
    where c.integration_id = new.id and c.secret_id is not null and c.readable_until is null
    for share;
    if not found then
      raise exception using errcode = 'check_violation', constraint = 'active_needs_credential',
        message = 'status: cannot be active without a credential; store one first, then set it active';
    end if;
  end if;
  return null;
end
$function$;
revoke all on function integrations.refuse_activation() from public, anon, authenticated, service_role;

create or replace trigger "active_needs_credential" after insert or update on "public"."organization_integrations" for each row execute function integrations.refuse_activation();

drop function if exists integrations.api_answer(code text, message text, details jsonb);
create function integrations.api_answer(code text, message text, details jsonb) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb := jsonb_build_object('code', code, 'message', message) || details;
begin
  if code <> 'ok' then
    perform set_config('response.status', case code when 'invalid_input' then '400' when 'permission_denied' then '403' when 'not_found' then '404' when 'already_exists' then '409' when 'conflict' then '409' when 'credential_missing' then '422' when 'unavailable' then '503' else '500' end, true);
  end if;
  return answer;
end
$function$;
revoke all on function integrations.api_answer(code text, message text, details jsonb) from public, anon, authenticated, service_role;

drop function if exists integrations.check_bundle(integration_type text, bundle text);
create function integrations.check_bundle(integration_type text, bundle text) returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  rules jsonb := '{"xledger":{"api_key":{"type":"text","required":true,"pattern":"[^ ]"},"base_url":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"},"company_id":{"type":"text","required":true,"pattern":"^[^ ](.*[^ ])?$"}},"dynamics":{"client_secret":{"type":"text","required":true,"pattern":"[^ ]"},"tenant_id":{"type":"text","required":true,"pattern":"^[^ ](.*[^ ])?$"},"client_id":{"type":"text","required":true,"pattern":"^[^ ](.*[^ ])?$"},"resource_url":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"}},"cornerstone":{"api_key":{"type":"text","required":true,"pattern":"[^ ]"},"subdomain":{"type":"text","required":true,"pattern":"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"}},"consio":{"api_key":{"type":"text","required":true,"pattern":"[^ ]"},"base_url":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"}},"bufdir":{"org_id":{"type":"text","required":true,"pattern":"^[0-9]{9}$"},"report_year":{"type":"year","required":true,"pattern":"^[12][0-9]{3}$"},"api_endpoint":{"type":"url","required":true,"pattern":"^https?://[^ ]+$"}}}'::jsonb -> integration_type;
  given text[] := integrations.bundle_fields(bundle);
  problems text[];
begin
  select array_agg(p.problem order by p.place) into problems
  from (
    select 0 as place, 'bundle: has a field that the system does not take' as problem
    where exists (select from unnest(given) as field where not rules ? field)
    union all
    select row_number() over (order by rule.key), format('bundle.%s: %s', rule.key, case
        when value.kind is null then case when (rule.value ->> 'required')::boolean then 'is missing' end
        when value.kind <> 'string' and not (value.kind = 'number' and rule.value ->> 'type' = 'year') then 'must be a text'
        when value.content = '' then 'must not be empty'
        when length(value.content) > 16384 then 'must have at most 16,384 characters'
        when value.content ~ E'[\\u0001-\\u001f\\u007f-\\u009f]' then 'must not hold control characters'
        when value.content !~ (rule.value ->> 'pattern') then 'must match ' || (rule.value ->> 'pattern') end)
    from jsonb_each(rules) as rule
    cross join lateral (
      select jsonb_typeof(bundle::jsonb -> rule.key) as kind, bundle::jsonb ->> rule.key as content) as value
  ) as p
  where p.problem !~ ': $';
  if problems is not null then
    perform integrations.refuse('invalid_input', format('%s; %s takes %s', array_to_string(problems, '; '), integration_type,
      (select string_agg(field, ', ') from jsonb_object_keys(rules) as field)));
  end if;
end
$function$;
revoke all on function integrations.check_bundle(integration_type text, bundle text) from public, anon, authenticated, service_role;

drop function if exists integrations.check_silence();
create function integrations.check_silence() returns void
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  store record;
begin
  select * into store from integrations.credential_store();
  -- Two seconds at most go by in waiting for the row: what is logged sooner than after four is logged.
  if store.logs_always is not null or store.logs_sometimes is not null and (store.store <> 'vault'
    or store.logs_sometimes like '%on_error%' or coalesce(store.time_limit_ms, 0) < 2000) then
    perform integrations.refuse('unavailable', format(
      'the server logs parameters (%s), and a secret would stand in its log; set log_parameter_max_length = 0 there, and replace a value that was sent',
      concat_ws(', ', store.logs_always, store.logs_sometimes)));
  end if;
end
$function$;
revoke all on function integrations.check_silence() from public, anon, authenticated, service_role;

drop function if exists integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text);
create function integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  caller record;
  prepared record;
  written record;
  code text := 'ok';
  message text;
begin
  select * into prepared from integrations.prepare_credential(action, integration_type, reason);
  if prepared.code <> 'ok' then
    return integrations.api_answer(prepared.code, prepared.message, '{}');
  end if;
  begin
    perform integrations.check_silence();
    perform integrations.check_bundle(integration_type, bundle);
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  if code <> 'ok' then
    select * into caller from integrations.caller();
    perform integrations.record_event(action, code, caller.organization_id, null, integration_type, null, reason);
    return integrations.api_answer(code, message, '{}');
  end if;
  select * into written from integrations.write_credential(action, integration_type, bundle, grace_seconds, reason);
  return integrations.api_answer(written.code, written.message, jsonb_build_object('version', written.version));
end
$function$;
revoke all on function integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text) from public, anon, authenticated, service_role;

drop function if exists integrations_api.credential_store();
create function integrations_api.credential_store() returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  code text := 'ok';
  message text;
begin
  begin
    perform integrations.check_silence();
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
  end;
  return integrations.api_answer(code, message, '{}');
end
$function$;
revoke all on function integrations_api.credential_store() from public, anon, authenticated, service_role;
grant execute on function integrations_api.credential_store() to authenticated;

drop function if exists integrations_api.store_credential(integration_type text, bundle text, reason text);
create function integrations_api.store_credential(integration_type text, bundle text, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb := integrations.api_write('store', integration_type, bundle, 0, reason);
begin
  return answer;
end
$function$;
revoke all on function integrations_api.store_credential(integration_type text, bundle text, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.store_credential(integration_type text, bundle text, reason text) to authenticated;

drop function if exists integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);
create function integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer default 0, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb := integrations.api_write('rotate', integration_type, bundle, grace_seconds, reason);
begin
  return answer;
end
$function$;
revoke all on function integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text) to authenticated;

drop function if exists integrations_api.revoke_credential(integration_type text, reason text);
create function integrations_api.revoke_credential(integration_type text, reason text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  answer jsonb;
begin
  select integrations.api_answer(r.code, r.message, jsonb_build_object('version', r.version)) into answer
  from integrations.revoke_credential(integration_type, reason) as r;
  return answer;
end
$function$;
revoke all on function integrations_api.revoke_credential(integration_type text, reason text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.revoke_credential(integration_type text, reason text) to authenticated;

drop function if exists integrations_api.describe_credential(integration_type text);
create function integrations_api.describe_credential(integration_type text) returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  credential jsonb;
begin
  select jsonb_build_object('version', d.version, 'created_at', d.created_at, 'field_names', d.field_names,
    'previous', case when d.previous_version is not null
      then jsonb_build_object('version', d.previous_version, 'readable_until', d.previous_readable_until) end)
  into credential
  from integrations.describe_credential(integration_type) as d;
  return integrations.api_answer('ok', null, jsonb_build_object('credential', credential));
end
$function$;
revoke all on function integrations_api.describe_credential(integration_type text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.describe_credential(integration_type text) to authenticated;

drop function if exists integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text);
create function integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text default null) returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  integration uuid;
  stored record;
  merged jsonb;
  broken text;
  code text := 'ok';
  message text;
  details jsonb := '{}';
begin
  begin
    if jsonb_typeof(field_mappings) is distinct from 'object' then
      perform integrations.refuse('invalid_input', 'field_mappings: must be an object');
    end if;
    integration := integrations.own_integration(integration_type);
    select i.field_mappings as document, i.xmin::text as revision into stored
    from public.organization_integrations as i where i.id = integration;
    if expected_revision <> stored.revision then
      perform integrations.refuse('conflict', format(
        'expected revision %s, found %s; read the row again and repeat the change', left(expected_revision, 20), stored.revision));
    end if;
    if exists (
      select from (values (stored.document), (field_mappings)) as v (document)
      where jsonb_typeof(v.document) <> 'object'
        or coalesce(v.document -> '$version', '1') not in ('1', '2')
    ) then
      perform integrations.refuse('invalid_input', 'field_mappings: must be of a version that is known; save all of it');
    end if;
    select coalesce(jsonb_object_agg(e.key, e.value), '{}') into merged
    from jsonb_each(stored.document || field_mappings) as e
    where e.key <> '$version' and e.value <> 'null';
    if merged <> '{}' then
      merged := merged || '{"$version": 2}';
    end if;
    update public.organization_integrations as i set field_mappings = merged where i.id = integration
    returning jsonb_build_object('field_mappings', i.field_mappings, 'revision', i.xmin::text) into details;
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;
    when check_violation then
      get stacked diagnostics broken = constraint_name, message = message_text;
      if broken <> 'configuration_check' then
        raise;
      end if;
      code := 'invalid_input';
  end;
  return integrations.api_answer(code, message, details);
end
$function$;
revoke all on function integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text) from public, anon, authenticated, service_role;
grant execute on function integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text) to authenticated;
