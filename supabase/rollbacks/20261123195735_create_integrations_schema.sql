-- 20261123195735_create_integrations_schema: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 1 · part: 1/1 · source: 322e7e847802bf5f473c33d9298a3e8c51f59123e6efa6fa05616d11936a4dd6 · body: f4c25818e8c17e64d62d1324e9dc5c04fd6d2650434b435493282194d77fc17a
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DO $guard$
BEGIN
  if obj_description(to_regprocedure('integrations.current_organization_role()'), 'pg_proc') = 'integrations-db: host' then
    raise notice 'integrations.current_organization_role() is the host''s own, left alone';
    return;
  end if;
  drop function if exists integrations.current_organization_role();
END $guard$;

DO $guard$
BEGIN
  if obj_description(to_regprocedure('integrations.current_organization_id()'), 'pg_proc') = 'integrations-db: host' then
    raise notice 'integrations.current_organization_id() is the host''s own, left alone';
    return;
  end if;
  drop function if exists integrations.current_organization_id();
END $guard$;

DROP SCHEMA IF EXISTS "integrations";
