import { definerFunction } from '../../extras/functions.ts'
import { onRefusal } from './credentials.ts'

/*
 * Retrieving takes two transactions, so that no secret leaves unrecorded: with one, `begin; select …; rollback` would
 * give the secret and undo its event. The second refuses what the first has not committed.
 */
export const retrievalFunctions = [
  definerFunction({
    name: 'integrations.request_retrieval',
    parameters: 'integration_type text, wanted_version bigint, reason text',
    returns: 'table (code text, message text, event_id uuid, store text, logs_always text, logs_sometimes text)',
    executors: ['service_role'],
    body: `\
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
${onRefusal}
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
end`,
  }),

  definerFunction({
    name: 'integrations.retrieve_credential',
    parameters: 'request_id uuid',
    returns: 'table (code text, message text, integration_type text, version bigint, bundle text)',
    executors: ['service_role'],
    body: `\
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
${onRefusal}
    bundle := null;
  end;
  if code <> 'ok' then
    perform integrations.record_event('retrieve', code, organization, request.integration_id, type, request.version, null);
  end if;
  return next;
end`,
  }),
]
