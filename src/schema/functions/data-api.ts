import { currentVersion } from '../../config/versions.ts'
import { definerFunction } from '../../extras/functions.ts'
import { literal } from '../../util/quote.ts'
import { systems } from '../systems.ts'
import { onRefusal } from './credentials.ts'

/*
 * For clients that reach the database through the Data API alone: what the repository does to credentials and mappings,
 * with its checks and its events, in a schema of their own. Nobody may use that schema until it is switched on:
 * `migrate --data-api on`, or `grant usage on schema integrations_api to authenticated`.
 *
 * Each answers with one JSON object that has `code` and `message`: an error would undo its own event. PostgREST makes
 * the setting `response.status` the answer's HTTP status.
 */

/** As docs/errors.md has it. */
const statuses = {
  invalid_input: 400,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  credential_missing: 422,
  unavailable: 503,
}

/** What each system's bundle holds, as the function below reads it. */
const bundleRules = literal(
  JSON.stringify(
    Object.fromEntries(
      Object.entries(systems).map(([type, { fields }]) => [
        type,
        Object.fromEntries(
          Object.entries(fields).map(([name, { type, required, pattern }]) => [name, { type, required, pattern }]),
        ),
      ]),
    ),
  ),
)

/** Of a key and a value that are none of the repository's: what a header of a request must not hold. */
const unsendable = literal('[\\u0001-\\u001f\\u007f-\\u009f]')

export const dataApiFunctions = [
  definerFunction({
    name: 'integrations.api_answer',
    parameters: 'code text, message text, details jsonb',
    returns: 'jsonb',
    body: `\
declare
  answer jsonb := jsonb_build_object('code', code, 'message', message) || details;
begin
  if code <> 'ok' then
    perform set_config('response.status', case code ${Object.entries(statuses)
      .map(([code, status]) => `when '${code}' then '${status}'`)
      .join(' ')} else '500' end, true);
  end if;
  return answer;
end`,
  }),

  // What the application's own check of a bundle says, which a client of the Data API has not gone through.
  definerFunction({
    name: 'integrations.check_bundle',
    parameters: 'integration_type text, bundle text',
    returns: 'void',
    stable: true,
    body: `\
declare
  rules jsonb := ${bundleRules}::jsonb -> integration_type;
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
        when value.content ~ ${unsendable} then 'must not hold control characters'
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
end`,
  }),

  // The server has logged a value by the time that this runs, so a client asks credential_store first; but one that did
  // not is told, and the value is not kept.
  definerFunction({
    name: 'integrations.check_silence',
    returns: 'void',
    stable: true,
    body: `\
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
end`,
  }),

  definerFunction({
    name: 'integrations.api_write',
    parameters: 'action text, integration_type text, bundle text, grace_seconds integer, reason text',
    returns: 'jsonb',
    body: `\
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
${onRefusal}
  end;
  if code <> 'ok' then
    select * into caller from integrations.caller();
    perform integrations.record_event(action, code, caller.organization_id, null, integration_type, null, reason);
    return integrations.api_answer(code, message, '{}');
  end if;
  select * into written from integrations.write_credential(action, integration_type, bundle, grace_seconds, reason);
  return integrations.api_answer(written.code, written.message, jsonb_build_object('version', written.version));
end`,
  }),

  definerFunction({
    name: 'integrations_api.credential_store',
    returns: 'jsonb',
    executors: ['authenticated'],
    body: `\
declare
  code text := 'ok';
  message text;
begin
  begin
    perform integrations.check_silence();
${onRefusal}
  end;
  return integrations.api_answer(code, message, '{}');
end`,
  }),

  definerFunction({
    name: 'integrations_api.store_credential',
    parameters: 'integration_type text, bundle text, reason text default null',
    returns: 'jsonb',
    executors: ['authenticated'],
    body: `\
declare
  answer jsonb := integrations.api_write('store', integration_type, bundle, 0, reason);
begin
  return answer;
end`,
  }),

  definerFunction({
    name: 'integrations_api.rotate_credential',
    parameters: 'integration_type text, bundle text, grace_seconds integer default 0, reason text default null',
    returns: 'jsonb',
    executors: ['authenticated'],
    body: `\
declare
  answer jsonb := integrations.api_write('rotate', integration_type, bundle, grace_seconds, reason);
begin
  return answer;
end`,
  }),

  definerFunction({
    name: 'integrations_api.revoke_credential',
    parameters: 'integration_type text, reason text default null',
    returns: 'jsonb',
    executors: ['authenticated'],
    body: `\
declare
  answer jsonb;
begin
  select integrations.api_answer(r.code, r.message, jsonb_build_object('version', r.version)) into answer
  from integrations.revoke_credential(integration_type, reason) as r;
  return answer;
end`,
  }),

  // For whoever may read the integration: what is there, never a value. Null where there is nothing to tell.
  definerFunction({
    name: 'integrations_api.describe_credential',
    parameters: 'integration_type text',
    returns: 'jsonb',
    stable: true,
    executors: ['authenticated'],
    body: `\
declare
  credential jsonb;
begin
  select jsonb_build_object('version', d.version, 'created_at', d.created_at, 'field_names', d.field_names,
    'previous', case when d.previous_version is not null
      then jsonb_build_object('version', d.previous_version, 'readable_until', d.previous_readable_until) end)
  into credential
  from integrations.describe_credential(integration_type) as d;
  return integrations.api_answer('ok', null, jsonb_build_object('credential', credential));
end`,
  }),

  // Where the row is locked, so that two who edit different keys both keep their work. Null takes a key away. What
  // version 1 says version 2 says in the same words.
  definerFunction({
    name: 'integrations_api.merge_field_mappings',
    parameters: 'integration_type text, field_mappings jsonb, expected_revision text default null',
    returns: 'jsonb',
    executors: ['authenticated'],
    body: `\
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
        or coalesce(v.document -> '$version', '1') not in (${Array.from({ length: currentVersion() }, (_, i) => `'${i + 1}'`).join(', ')})
    ) then
      perform integrations.refuse('invalid_input', 'field_mappings: must be of a version that is known; save all of it');
    end if;
    select coalesce(jsonb_object_agg(e.key, e.value), '{}') into merged
    from jsonb_each(stored.document || field_mappings) as e
    where e.key <> '$version' and e.value <> 'null';
    if merged <> '{}' then
      merged := merged || '{"$version": ${currentVersion()}}';
    end if;
    update public.organization_integrations as i set field_mappings = merged where i.id = integration
    returning jsonb_build_object('field_mappings', i.field_mappings, 'revision', i.xmin::text) into details;
${onRefusal}
    when check_violation then
      get stacked diagnostics broken = constraint_name, message = message_text;
      if broken <> 'configuration_check' then
        raise;
      end if;
      code := 'invalid_input';
  end;
  return integrations.api_answer(code, message, details);
end`,
  }),
]
