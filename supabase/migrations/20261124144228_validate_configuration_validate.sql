-- 20261124144228_validate_configuration_validate
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 2/2 · source: 8231ad1df91654e7efa0ff3cc11ee6e677faa3981feeb415d4c8668bce7e956d · body: f16d1d3a50352e808eb03660d3dfc587b7d72108cd8f79b7231f4d126e3aa982

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

ALTER TABLE "organization_integration_events" VALIDATE CONSTRAINT "organization_integration_events_action_check";
