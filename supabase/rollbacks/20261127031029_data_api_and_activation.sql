-- 20261127031029_data_api_and_activation: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 2 · part: 1/1 · source: 1d00a60934a32cee39be1b09ecb311d41c4f43deb6aebc1078e6d5d63ab553ef · body: 656e9bd227641ddd6ee310dadd04fe2220a3156666528bfa833576fbe82d11b6
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations_api.merge_field_mappings(integration_type text, field_mappings jsonb, expected_revision text);

drop function if exists integrations_api.describe_credential(integration_type text);

drop function if exists integrations_api.revoke_credential(integration_type text, reason text);

drop function if exists integrations_api.rotate_credential(integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations_api.store_credential(integration_type text, bundle text, reason text);

drop function if exists integrations_api.credential_store();

drop function if exists integrations.api_write(action text, integration_type text, bundle text, grace_seconds integer, reason text);

drop function if exists integrations.check_silence();

drop function if exists integrations.check_bundle(integration_type text, bundle text);

drop function if exists integrations.api_answer(code text, message text, details jsonb);

drop trigger if exists "active_needs_credential" on "public"."organization_integrations";

drop function if exists integrations.refuse_activation();

DROP SCHEMA IF EXISTS "integrations_api";
