import { rules } from '../../config/rules.ts'
import { definerFunction, trigger } from '../../extras/functions.ts'
import type { ApiRole } from '../../extras/kinds.ts'
import { organizationIntegrations } from '../organization-integrations.ts'
import { looksLikeCredential } from './credential-rules.ts'

/*
 * Storing, rotating and revoking. Each answers with a code and a message instead of raising, and records the attempt
 * either way. Organization and role come from the claims, never from a parameter.
 */

const writers: ApiRole[] = ['authenticated', 'service_role']
const answer = 'table (code text, message text, version bigint)'

/** Ends a refused attempt: everything since `begin` is undone, and what is answered says why. */
export const onRefusal = `\
  exception when sqlstate 'IDB01' then
    get stacked diagnostics code = pg_exception_hint, message = message_text;`

export const credentialFunctions = [
  // The bundle comes as text: a cast in the caller's statement would quote what is no JSON in its error.
  definerFunction({
    name: 'integrations.bundle_fields',
    parameters: 'bundle text',
    returns: 'text[]',
    stable: true,
    body: `\
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
  elsif exists (select from unnest(fields) as field where ${looksLikeCredential('field')}) then
    perform integrations.refuse('invalid_input', 'bundle: a field''s name ${rules.credential}');
  end if;
  return fields;
end`,
  }),

  // Before the value is sent: takes the lock that a write waits for, and answers what the server would log. The value
  // then waits for nobody, and what takes longer than the time limit is cancelled, which logs no values.
  definerFunction({
    name: 'integrations.prepare_credential',
    parameters: 'action text, integration_type text, reason text',
    returns: 'table (code text, message text, store text, logs_always text, logs_sometimes text)',
    executors: writers,
    body: `\
declare
  caller record;
  own_wait text := current_setting('lock_timeout');
  own_limit text := current_setting('statement_timeout');
  time_limit_ms integer;
begin
  select * into caller from integrations.caller();
  code := 'ok';
  begin
    if action is null or action not in ('store', 'rotate') then
      action := 'store';
      perform integrations.refuse('invalid_input', 'action: must be store or rotate');
    end if;
    if integrations.duration_ms('lock_timeout') not between 1 and 2000 then
      perform set_config('lock_timeout', '2s', true);
    end if;
    perform integrations.own_integration(integration_type);
    perform set_config('lock_timeout', own_wait, true);
${onRefusal}
    when lock_not_available then
      code := 'conflict';
      message := format('integration_type %s: somebody else has held its row locked for 2 s; try again', integration_type);
  end;
  if code <> 'ok' then
    perform integrations.record_event(action, code, caller.organization_id, null, integration_type, null, reason);
    return next;
    return;
  end if;
  select s.store, s.logs_always, s.logs_sometimes, s.time_limit_ms into store, logs_always, logs_sometimes, time_limit_ms
  from integrations.credential_store() as s;
  -- Where a value will not be sent, nothing may be left behind in the caller's transaction.
  if store = 'vault' and logs_always is null and time_limit_ms is not null then
    perform set_config('integrations.statement_timeout', own_limit, true);
    if integrations.duration_ms('statement_timeout') not between 1 and time_limit_ms then
      perform set_config('statement_timeout', time_limit_ms::text, true);
    end if;
  end if;
  return next;
end`,
  }),

  definerFunction({
    name: 'integrations.write_credential',
    parameters: 'action text, integration_type text, bundle text, grace_seconds integer, reason text',
    returns: answer,
    body: `\
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
${onRefusal}
  end;
  perform integrations.record_event(action, code, caller.organization_id, integration, integration_type, version, reason);
  -- For what follows in the caller's transaction; this statement's own limit is running.
  if current_setting('integrations.statement_timeout', true) <> '' then
    perform set_config('statement_timeout', current_setting('integrations.statement_timeout'), true),
      set_config('integrations.statement_timeout', '', true);
  end if;
  return next;
end`,
  }),

  definerFunction({
    name: 'integrations.store_credential',
    parameters: 'integration_type text, bundle text, reason text',
    returns: answer,
    executors: writers,
    body: `\
begin
  return query select * from integrations.write_credential('store', integration_type, bundle, 0, reason);
end`,
  }),

  definerFunction({
    name: 'integrations.rotate_credential',
    parameters: 'integration_type text, bundle text, grace_seconds integer, reason text',
    returns: answer,
    executors: writers,
    body: `\
begin
  return query select * from integrations.write_credential('rotate', integration_type, bundle, grace_seconds, reason);
end`,
  }),

  // Answers with the version that was current, and null where the integration had none.
  definerFunction({
    name: 'integrations.end_credential',
    parameters: 'integration uuid, new_status text',
    returns: 'bigint',
    body: `\
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
end`,
  }),

  definerFunction({
    name: 'integrations.revoke_credential',
    parameters: 'integration_type text, reason text',
    returns: answer,
    executors: writers,
    body: `\
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
${onRefusal}
  end;
  perform integrations.record_event('revoke', code, caller.organization_id, integration, integration_type, version, reason);
  return next;
end`,
  }),

  // By id and across organizations: for repair, and for hosts that offboard an organization step by step.
  definerFunction({
    name: 'integrations.delete_credential',
    parameters: 'integration_id uuid, reason text',
    returns: answer,
    executors: ['service_role'],
    body: `\
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
${onRefusal}
  end;
  perform integrations.record_event('delete', code, organization, integration_id, type, version, reason);
  return next;
end`,
  }),

  // The last moment at which the integration that an event speaks of is there, cascades included.
  definerFunction({
    name: 'integrations.record_end',
    returns: 'trigger',
    body: `\
begin
  perform integrations.record_event('delete', 'ok', old.organization_id, old.id, old.integration_type::text, c.version,
    case when pg_trigger_depth() = 1 then 'the integration was deleted'
      else 'the integration was deleted along with what it belongs to' end)
  from public.organization_integration_credentials as c
  where c.integration_id = old.id and c.secret_id is not null
  order by c.version;
  return old;
end`,
  }),
  trigger(organizationIntegrations, {
    name: 'record_end',
    when: 'before delete on {table} for each row',
    function: 'integrations.record_end',
  }),

  // For whoever may read the integration: what is there, never a value.
  definerFunction({
    name: 'integrations.describe_credential',
    parameters: 'integration_type text',
    returns:
      'table (version bigint, created_at timestamptz, field_names text[], previous_version bigint, previous_readable_until timestamptz)',
    stable: true,
    executors: writers,
    body: `\
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
end`,
  }),

  // Volatile on purpose: an UPDATE that waited for a revocation checks its condition again, and must then see it.
  definerFunction({
    name: 'integrations.has_credential',
    parameters: 'integration_id uuid',
    returns: 'boolean',
    executors: writers,
    body: `\
begin
  return exists (
    select from integrations.caller() as caller
    join public.organization_integrations as i
      on i.id = has_credential.integration_id and (caller.is_service
        or i.organization_id = caller.organization_id and caller.organization_role in ('admin', 'coordinator'))
    join public.organization_integration_credentials as c
      on c.integration_id = i.id and c.secret_id is not null and c.readable_until is null
  );
end`,
  }),
]
