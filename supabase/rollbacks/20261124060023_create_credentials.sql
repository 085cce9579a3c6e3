-- 20261124060023_create_credentials: rollback
-- data loss: every row of integrations.encrypted_secrets
-- data loss: every row of public.organization_integration_credentials
-- data loss: every row of public.organization_integration_events
-- data loss: every row of integrations.retrieval_requests
-- data loss: every row of integrations.revoked_grants
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/1 · source: 171e95f363986a9929b3fc4a2cfa8cadaab67c3f148c30a39e2147bdab7d3b3a · body: b58b590d04250f4f51bda6755b9b227e3069348665987fc01e166a67f1c2045d
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations.revoke_organization(organization_id uuid, reason text);

drop function if exists integrations.encrypt_anew(secret_id uuid);

drop function if exists integrations.move_to_vault(integration_id uuid, version bigint);

drop function if exists integrations.retrieve_credential(request_id uuid);

drop function if exists integrations.request_retrieval(integration_type text, wanted_version bigint, reason text);

drop function if exists integrations.has_credential(integration_id uuid);

drop function if exists integrations.describe_credential(integration_type text);

drop function if exists integrations.delete_credential(integration_id uuid, reason text);

drop function if exists integrations.revoke_credential(integration_type text, reason text);

drop function if exists integrations.end_credential(integration uuid, new_status text);

drop function if exists integrations.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations.store_credential(integration_type text, bundle text, reason text);

drop function if exists integrations.write_credential(action text, integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations.bundle_fields(bundle text);

drop function if exists integrations.read_secret(store text, secret_id uuid);

drop function if exists integrations.create_secret(store text, secret_name text, value text);

drop function if exists integrations.encrypt_secret(value text);

drop function if exists integrations.pgcrypto_schema();

drop function if exists integrations.encryption_key_id(key text);

drop function if exists integrations.credential_store();

drop function if exists integrations.record_event(action text, outcome text, organization_id uuid, integration_id uuid, integration_type text, version bigint, reason text);

drop function if exists integrations.own_integration(integration_type text);

drop function if exists integrations.caller();

drop function if exists integrations.refuse(code text, message text);

DROP POLICY IF EXISTS "admins_can_read_own_events" ON "organization_integration_events";

ALTER TABLE IF EXISTS "organization_integration_credentials" DROP CONSTRAINT IF EXISTS "organization_integration_credentials_integration_id_fkey";

DROP TABLE IF EXISTS "integrations"."encrypted_secrets";

DROP TABLE IF EXISTS "organization_integration_credentials";

DROP TABLE IF EXISTS "organization_integration_events";

DROP TABLE IF EXISTS "integrations"."retrieval_requests";

DROP TABLE IF EXISTS "integrations"."revoked_grants";

drop function if exists integrations.delete_secret();

drop function if exists integrations.refuse_change();
