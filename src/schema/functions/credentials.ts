import { definerFunction } from '../../extras/functions.ts'
import type { ApiRole } from '../../extras/kinds.ts'

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
  end if;
  return fields;
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
