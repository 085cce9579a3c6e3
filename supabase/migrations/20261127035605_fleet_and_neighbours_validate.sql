-- 20261127035605_fleet_and_neighbours_validate
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 2/2 · source: 881025b990a22064b8ec6c069a5134c587a59aa68ea62338ffb5f8a1e4d84377 · body: f16d1d3a50352e808eb03660d3dfc587b7d72108cd8f79b7231f4d126e3aa982
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

ALTER TABLE "organization_integration_events" VALIDATE CONSTRAINT "organization_integration_events_action_check";
