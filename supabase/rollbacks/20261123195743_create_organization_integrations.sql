-- 20261123195743_create_organization_integrations: rollback
-- data loss: every row of public.organization_integrations
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/1 · source: e0de41317cd3ba55b1753cc6290c334b7c11d8b0156f283871a77de21dee59de · body: 1834bfbb40d46b87aef83fa7272253ffdb175bc1bb38de2dc84d4cc1932ad483
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DROP POLICY IF EXISTS "org_members_can_read_own_integrations" ON "organization_integrations";

DROP POLICY IF EXISTS "admins_can_create_integrations" ON "organization_integrations";

DROP POLICY IF EXISTS "admins_can_update_integrations" ON "organization_integrations";

DROP POLICY IF EXISTS "admins_can_delete_integrations" ON "organization_integrations";

ALTER TABLE IF EXISTS "organization_integrations" DROP CONSTRAINT IF EXISTS "organization_integrations_organization_id_fkey";

DROP TABLE IF EXISTS "organization_integrations";

DROP TYPE IF EXISTS "public"."integration_status_enum";

DROP TYPE IF EXISTS "public"."integration_type_enum";
