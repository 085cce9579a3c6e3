import { definerFunction } from '../../extras/functions.ts'

/*
 * Who calls, and how a definer function says no.
 *
 * A refusal raises SQLSTATE IDB01 with the code as its hint. The function that was called catches it, which undoes what
 * it did so far, records the attempt and answers with code and message: raised to the caller, the refusal would undo its
 * own event.
 */
export const callerFunctions = [
  definerFunction({
    name: 'integrations.refuse',
    parameters: 'code text, message text',
    returns: 'void',
    body: `\
begin
  raise exception using errcode = 'IDB01', message = message, hint = code;
end`,
  }),

  // The role is what was set, or else the login: inside a definer function current_user is the function's owner.
  // The service role names its organization in its own claims; a host's replacement of the claims functions looks
  // members up, and a worker is no member.
  definerFunction({
    name: 'integrations.caller',
    returns: 'table (is_service boolean, organization_id uuid, organization_role text, actor text)',
    stable: true,
    body: `\
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
end`,
  }),

  // Locks the integration's row, so that storing, rotating, revoking and retrieving come one after the other.
  definerFunction({
    name: 'integrations.own_integration',
    parameters: 'integration_type text',
    returns: 'uuid',
    body: `\
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
end`,
  }),
]
