-- 20261123195743_create_organization_integrations: rollback
-- data loss: every row of "organization_integrations"
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · source: 9c4b6aa6b8404179217c540bddc37d6ca90113f985a5f7a4cdee6c7cdcdd8a64 · body: cc2c24055ea79ccb0fae33bb08b91aa56dd29804c87ff0195aeb1ea6a967287e

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DROP POLICY IF EXISTS "org_members_can_read_own_integrations" ON "organization_integrations";

DROP POLICY IF EXISTS "admins_can_create_integrations" ON "organization_integrations";

DROP POLICY IF EXISTS "admins_can_update_integrations" ON "organization_integrations";

DROP POLICY IF EXISTS "admins_can_delete_integrations" ON "organization_integrations";

DROP TABLE IF EXISTS "organization_integrations";

DROP TYPE IF EXISTS "public"."integration_status_enum";

DROP TYPE IF EXISTS "public"."integration_type_enum";
