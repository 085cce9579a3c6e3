-- 20261127073518_keep_credentials_with_their_system: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: 4c099cb0daf67f6fbb12f2aba700d82d0be38299c370ecab7815cba9869d70c1 · body: 8fa02366cce3cb3230df4a4558fa2f3e641c2502645edf53e5ff56eff45ba5e5
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop trigger if exists "credential_keeps_system" on "public"."organization_integrations";

drop function if exists integrations.refuse_rename();
