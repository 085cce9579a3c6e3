-- 20261127033907_fleet_validate
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 2/2 · source: 6751259d5cb744e91e863ca00f87fa52052ddabd472012f7f1bd73c6341f7cc3 · body: f16d1d3a50352e808eb03660d3dfc587b7d72108cd8f79b7231f4d126e3aa982
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

ALTER TABLE "organization_integration_events" VALIDATE CONSTRAINT "organization_integration_events_action_check";
