-- 20261124144228_validate_configuration_validate: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 2/2 · source: f9968c8bf3911accc657953095dfc26bedeab1af19e68a5757a7ea290f26720f · body: 0ffd74123c26ff60aa0af7d0bd80e3c94d3a3ed7f1bd9918136cfc0c8ae67402
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DO $guard$
BEGIN
  if exists (select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"organization_integration_events"') and convalidated) then
    ALTER TABLE "organization_integration_events" DROP CONSTRAINT "organization_integration_events_action_check";
    ALTER TABLE "organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore')) NOT VALID;
  end if;
END $guard$;
