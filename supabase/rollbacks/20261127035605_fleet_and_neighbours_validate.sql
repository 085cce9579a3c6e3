-- 20261127035605_fleet_and_neighbours_validate: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 2/2 · source: 881025b990a22064b8ec6c069a5134c587a59aa68ea62338ffb5f8a1e4d84377 · body: ed55e3ccc5244b2e5e759d5a4c7216c64fe8f2897fc7f7f2cfe94cf51a145d3d
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

ALTER TABLE IF EXISTS "public"."organization_integration_events" DROP CONSTRAINT IF EXISTS "organization_integration_events_action_check";

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"public"."organization_integration_events"')) then
    ALTER TABLE "public"."organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore', 'create', 'update', 'remove', 'prune')) NOT VALID;
  end if;
END $guard$;
