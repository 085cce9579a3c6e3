-- 20261124144227_validate_configuration: rollback
-- data loss: the values of public.organization_integration_events.quarantined
-- data loss: the rows that go with DELETE FROM "organization_integration_events" WHERE action IN ('quarantine', 'restore')
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/2 · source: f9968c8bf3911accc657953095dfc26bedeab1af19e68a5757a7ea290f26720f · body: f85a06a90921b9c8c3171f978de556f1ae43639651e59875b4abb36010a44a40
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

drop function if exists integrations.repair_organization(organization_id uuid);

drop function if exists integrations.redacted(document jsonb);

drop trigger if exists "configuration_check" on "public"."organization_integrations";

drop function if exists integrations.config_violations(field_mappings jsonb, excluded_features jsonb);

-- What the earlier table cannot say must go with the column that holds it; the events are append-only otherwise.
ALTER TABLE "organization_integration_events" DISABLE TRIGGER "append_only";

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261124144227.0') then
      execute $statement$DELETE FROM "organization_integration_events" WHERE action IN ('quarantine', 'restore')$statement$;
    end if;
  end if;
END $guard$;

ALTER TABLE "organization_integration_events" ENABLE TRIGGER "append_only";

ALTER TABLE IF EXISTS "organization_integration_events" DROP CONSTRAINT IF EXISTS "organization_integration_events_action_check";

ALTER TABLE IF EXISTS "organization_integration_events" DROP COLUMN IF EXISTS "quarantined";

ALTER TABLE "organization_integrations" ALTER COLUMN "field_mappings" DROP NOT NULL;

ALTER TABLE "organization_integrations" ALTER COLUMN "excluded_features" DROP NOT NULL;

DO $guard$
BEGIN
  if not exists (select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"organization_integration_events"')) then
    ALTER TABLE "organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert'));
  elsif not exists (
    select from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"organization_integration_events"')
      and contype = 'c' and array(
        select coalesce(attname::text, '(expression)') from unnest(conkey) with ordinality as key (number, position)
        left join pg_attribute on attrelid = conrelid and attnum = number order by attname::text collate "C") = array['action']::text[]
  ) then
    raise exception '% has another constraint of this name: found %, expected %', '"organization_integration_events"',
      (select format('%I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conname = 'organization_integration_events_action_check' and conrelid = to_regclass('"organization_integration_events"')),
      'ALTER TABLE "organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in (''store'', ''rotate'', ''retrieve'', ''revoke'', ''delete'', ''alert''))';
  end if;
END $guard$;

ALTER TABLE "organization_integration_events" VALIDATE CONSTRAINT "organization_integration_events_action_check";

drop function if exists integrations.refuse_bad_configuration();

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    delete from integrations_once.statements where id like '20261124144227.%';
    if not exists (select from integrations_once.statements) then
      drop table integrations_once.statements;
      drop schema integrations_once;
    end if;
  end if;
END $guard$;
