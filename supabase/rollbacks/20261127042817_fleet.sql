-- 20261127042817_fleet: rollback
-- data loss: every row of integrations.alert_acknowledgements
-- data loss: every row of public.organization_integration_changes
-- data loss: every row of public.organization_integration_runs
-- data loss: every row of integrations.sync_plans
-- data loss: the values of public.organization_integration_events.transaction_id
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 1/1 · source: 8b8e0964662fbafdeff751a2e6aa7db4449308681a65cdd2fe47ec0baaa346bc · body: 2fe71e1191ee66f873d41133a582977d100347cdd09fa5eb146eb425d92d4219
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations.prune_events(before timestamptz, most integer);

drop function if exists integrations.acknowledge_alert(alert_id uuid);

drop function if exists integrations.pending_alerts(most integer);

drop function if exists integrations.prune_runs(before timestamptz, most integer);

drop function if exists integrations.planned_through(queue text, through timestamptz);

drop function if exists integrations.finish_run(run_id uuid, run_attempt bigint, run_outcome text, run_message text, run_counts jsonb, error_after integer);

drop function if exists integrations.start_run(organization_id uuid, integration_type text, due timestamptz, retries boolean);

drop trigger if exists "record_truncate" on "public"."organization_integrations";

drop trigger if exists "record_remove" on "public"."organization_integrations";

drop trigger if exists "record_update" on "public"."organization_integrations";

drop trigger if exists "record_create" on "public"."organization_integrations";

drop function if exists integrations.redacted_changes(changes jsonb);

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

DROP INDEX IF EXISTS "public"."organization_integrations_scheduled_idx";

DROP INDEX IF EXISTS "public"."organization_integration_events_alerts_idx";

DROP INDEX IF EXISTS "public"."organization_integration_events_position_idx";

ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP COLUMN IF EXISTS "transaction_id";

DO $guard$
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
END $guard$;

DO $guard$
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
END $guard$;

DO $guard$
DECLARE
  others text;
BEGIN
  select string_agg(quote_ident(attname), ', ') into others from pg_attribute
  where attrelid = to_regclass('"public"."organization_integration_changes"') and attnum > 0 and not attisdropped and attname <> all (array['id', 'created_at', 'transaction_id', 'organization_id', 'integration_id', 'integration_type', 'action', 'actor', 'reason', 'changes']::text[]);
  if others is null then
    DROP TABLE IF EXISTS "public"."organization_integration_changes";
  else
    raise warning '% has columns that no migration made, so it stays: %', '"public"."organization_integration_changes"', others;
  end if;
END $guard$;

DO $guard$
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
END $guard$;

drop function if exists integrations.record_changes();
