-- 20261127035604_fleet_and_neighbours: rollback
-- data loss: every row of integrations.alert_acknowledgements
-- data loss: every row of public.organization_integration_runs
-- data loss: every row of integrations.sync_plans
-- data loss: the values of public.organization_integration_events.changes
-- data loss: the values of public.organization_integration_events.transaction_id
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/2 · source: 881025b990a22064b8ec6c069a5134c587a59aa68ea62338ffb5f8a1e4d84377 · body: 3930043500862b6ebd5f5458b53b0d2bd03a4c13d52cb324136873dd3c29aa8f
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text);

drop function if exists integrations_api.describe_credential(integration_type text);

drop function if exists integrations_api.revoke_credential(integration_type text, reason text);

drop function if exists integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations_api.store_credential(integration_type text, bundle text, reason text);

drop function if exists integrations_api.credential_store();

drop function if exists integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations.check_silence();

drop function if exists integrations.check_bundle(integration_type text, bundle text);

drop function if exists integrations.api_answer(code text, message text, details jsonb);

drop trigger if exists "active_needs_credential" on "public"."organization_integrations";

drop function if exists integrations.prune_events(before timestamptz, most integer);

drop function if exists integrations.acknowledge_alert(alert_id uuid);

drop function if exists integrations.pending_alerts(most integer);

drop function if exists integrations.prune_runs(before timestamptz, most integer);

drop function if exists integrations.planned_through(queue text, through timestamptz);

drop function if exists integrations.finish_run(run_id uuid, run_attempt integer, run_outcome text, run_message text, run_counts jsonb, error_after integer);

drop function if exists integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean);

drop trigger if exists "redact_changes" on "public"."organization_integration_events";

drop trigger if exists "record_truncate" on "public"."organization_integrations";

drop trigger if exists "record_remove" on "public"."organization_integrations";

drop trigger if exists "record_update" on "public"."organization_integrations";

drop trigger if exists "record_create" on "public"."organization_integrations";

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

create or replace function integrations.refuse_credentials() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  written jsonb := to_jsonb(new);
  kept jsonb := case tg_op when 'UPDATE' then to_jsonb(old) end;
  value jsonb;
  content text;
  rule text;
  violations text[] := '{}';
begin
  for i in 0 .. tg_nargs - 1 loop
    value := written -> tg_argv[i];
    continue when value = coalesce(kept -> tg_argv[i], 'null');
    content := case jsonb_typeof(value) when 'string' then value #>> '{}' end;
    rule := case
      when content is not null then case when (content collate "C" ~ E'(^|[:=])[ \\t\\r\\n\\u00a0]*[Bb][Ee][Aa][Rr][Ee][Rr][ \\t\\r\\n\\u00a0]+[^ \\t\\r\\n]|(^|[:=])[ \\t]*[Bb][Aa][Ss][Ii][Cc][ \\t]+[A-Za-z0-9+/]{8,}=*[ \\t]*$|eyJ[A-Za-z0-9_-]{5,}[.][A-Za-z0-9_-]{5,}[.]|-----BEGIN [A-Z0-9 ]+|(^|[^A-Za-z0-9])(sk|rk)_(live|test)_[A-Za-z0-9]|(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{6,}|(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9]|(^|[^A-Za-z0-9])glpat-[A-Za-z0-9]|(^|[^A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]|(^|[^A-Za-z0-9])A[KS]IA[0-9A-Z]{12,}|(^|[^A-Za-z0-9])AIza[A-Za-z0-9_-]{20,}' or lower(content collate "C") collate "C" ~ E'(password|passord|passwd|passphrase|passcode|hemmelighet|credential|authori[sz]ation|token|secret|pwd|jwt|api[ _-]?key|private[ _-]?key|(access|signing|encryption|auth|master|ssh|subscription|shared|consumer|secret)[ _-]?key|(^|[^a-z0-9])(pin|pincode|pinkode|kodeord|bearer|otp|cred|hemmelig))s?[0-9]*["'']?[ \\t]*(=[ \\t]*[^ \\t=]|:[^ \\t:]|:[ \\t]+(["''][^ "'']|[^ \\t]*[0-9]))') then 'must not look like a credential; store it with credentials.store' end
      -- Of a document and a list: what repair would hide.
      when integrations.redacted(value) is distinct from value then 'must not hold a credential; store it with credentials.store' end;
    if rule is not null then
      violations := violations || (tg_argv[i] || ': ' || rule);
    end if;
  end loop;
  if violations <> '{}' then
    -- The constraint's name tells the application that the message is this function's, and holds no value.
    raise exception using errcode = 'check_violation', message = array_to_string(violations, '; '), constraint = 'credential_check';
  end if;
  return new;
end
$function$;
revoke all on function integrations.refuse_credentials() from public, anon, authenticated, service_role;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.index public.organization_integrations_scheduled_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integrations_scheduled_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.index public.organization_integration_events_alerts_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integration_events_alerts_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.index public.organization_integration_events_position_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integration_events_position_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.column public.organization_integration_events.transaction_id') then
      execute $statement$ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP COLUMN IF EXISTS "transaction_id";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.column public.organization_integration_events.changes') then
      execute $statement$ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP COLUMN IF EXISTS "changes";$statement$;
    end if;
  end if;
END $guard$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.table integrations.sync_plans') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"integrations"."sync_plans"') and attnum > 0 and not attisdropped and attname <> all (array['queue', 'planned_through']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "integrations"."sync_plans";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"integrations"."sync_plans"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.table public.organization_integration_runs') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"public"."organization_integration_runs"') and attnum > 0 and not attisdropped and attname <> all (array['id', 'integration_id', 'organization_id', 'due', 'started_at', 'finished_at', 'outcome', 'message', 'counts', 'attempt']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "public"."organization_integration_runs";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"public"."organization_integration_runs"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

DO $guard1$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.table integrations.alert_acknowledgements') then
      execute $statement$DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"integrations"."alert_acknowledgements"') and attnum > 0 and not attisdropped and attname <> all (array['event_id', 'actor', 'created_at']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "integrations"."alert_acknowledgements";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"integrations"."alert_acknowledgements"', others;
  end if;
END $guard$;$statement$;
    end if;
  end if;
END $guard1$;

ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP CONSTRAINT IF EXISTS "organization_integration_events_action_check";

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"public"."organization_integration_events"')) then
    ALTER TABLE "public"."organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore'));
  end if;
END $guard$;

create or replace trigger "encrypted_secrets_credential_check" before insert or update on "integrations"."encrypted_secrets" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('key_id');

create or replace trigger "operator_turns_credential_check" before insert or update on "integrations"."operator_turns" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('name');

create or replace trigger "retrieval_requests_credential_check" before insert or update on "integrations"."retrieval_requests" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('actor', 'login');

create or replace trigger "revoked_grants_credential_check" before insert or update on "integrations"."revoked_grants" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('statement');

create or replace trigger "organization_integration_credentials_credential_check" before insert or update on "public"."organization_integration_credentials" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('store', 'field_names');

create or replace trigger "organization_integration_events_credential_check" before insert or update on "public"."organization_integration_events" for each row when (replace(lower((to_jsonb(new) - array['field_mappings', 'excluded_features', 'sync_schedule'])::text collate "C"), '_', '') like any (array['%pass%', '%hemmelig%', '%key%', '%secret%', '%cred%', '%authori%', '%token%', '%pwd%', '%jwt%', '%pin%', '%kodeord%', '%bearer%', '%otp%', '%kkel%', '%basic%', '%eyj%', '%---begin%', '%live%', '%test%', '%github%', '%ghp%', '%gho%', '%ghu%', '%ghs%', '%ghr%', '%glpat%', '%xox%', '%akia%', '%asia%', '%aiza%', '%proto%', '%construc%'])) execute function integrations.refuse_credentials('integration_type', 'action', 'outcome', 'actor', 'reason', 'quarantined');

drop function if exists integrations.refuse_activation();

drop function if exists integrations.redact_changes();

drop function if exists integrations.record_changes();

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127035604.schema integrations_api') then
      execute $statement$DROP SCHEMA IF EXISTS "integrations_api";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    delete from integrations_once.statements where id like '20261127035604.%';
    if not exists (select from integrations_once.statements) then
      drop table integrations_once.statements;
      drop schema integrations_once;
    end if;
  end if;
END $guard$;
