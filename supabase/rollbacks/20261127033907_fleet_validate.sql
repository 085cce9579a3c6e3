-- 20261127033907_fleet_validate: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 2/2 · source: 0f26213e3fbc4a5db10048d763306bc53faa71f2c4d0ab64f6744542e3a3308e · body: 01065143188c5f18dcec06c417982e45da2fa8efe5a4dc5683924af619bd850f
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP CONSTRAINT IF EXISTS "organization_integration_events_action_check";

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"public"."organization_integration_events"')) then
    ALTER TABLE "public"."organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore', 'create', 'update', 'remove', 'prune')) NOT VALID;
  elsif not exists (
    select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"public"."organization_integration_events"')
      and contype = 'c' and array(
        select coalesce(attname::text, '(expression)') from unnest(conkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = conrelid and attnum = number order by attname::text collate "C") = array['action']::text[]
  ) then
    raise exception '% has another constraint of this name: found %, expected %', '"public"."organization_integration_events"',
      (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"public"."organization_integration_events"')),
      'ALTER TABLE "public"."organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in (''store'', ''rotate'', ''retrieve'', ''revoke'', ''delete'', ''alert'', ''quarantine'', ''restore'', ''create'', ''update'', ''remove'', ''prune'')) NOT VALID';
  end if;
END $guard$;
