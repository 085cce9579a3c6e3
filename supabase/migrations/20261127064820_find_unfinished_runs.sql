-- 20261127064820_find_unfinished_runs
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: a5e25fcae992bb445e7d9e0832037d9e7ecad3fb0180f34661d48168f43fb4f3 · body: b3d0f56c6d2eb4e2462191ecf23cf49052f7b55bbb4e2df4f74781f07d4f2400
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

CREATE SCHEMA IF NOT EXISTS integrations_once;
CREATE TABLE IF NOT EXISTS integrations_once.statements (id text PRIMARY KEY);

-- What is there already was not made here, and a rollback leaves it.
INSERT INTO integrations_once.statements (id)
SELECT '20261127064820.' || made FROM (VALUES
  ('index public.organization_integration_runs_unfinished_idx', to_regclass('"public"."organization_integration_runs_unfinished_idx"') is not null)
) AS stated (made, is_there) WHERE NOT is_there
ON CONFLICT DO NOTHING;

DO $guard$
DECLARE
  differs text;
BEGIN
  if to_regclass('"public"."organization_integration_runs_unfinished_idx"') is not null and not exists (select from integrations_once.statements where id = '20261127064820.index public.organization_integration_runs_unfinished_idx') then
    create schema integrations_stated;
    create table integrations_stated."organization_integration_runs" (like "public"."organization_integration_runs");
    CREATE INDEX "organization_integration_runs_unfinished_idx" ON integrations_stated."organization_integration_runs" USING btree ("started_at") WHERE outcome is null;
    select 'differs' into differs where not exists (select from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_unfinished_idx"') and indisvalid and indrelid = to_regclass('"public"."organization_integration_runs"'))
        or (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('integrations_stated."organization_integration_runs_unfinished_idx"')) is distinct from (select concat_ws(' ', case when indisunique then 'unique' end, substring(pg_get_indexdef(indexrelid) from ' USING .*$')) from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_unfinished_idx"'));
    drop schema integrations_stated cascade;
    if differs is not null then
      raise exception '% is another one: found %, expected %', 'index "public"."organization_integration_runs_unfinished_idx"', (select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (INVALID)' end from pg_index where indexrelid = to_regclass('"public"."organization_integration_runs_unfinished_idx"')),
        'CREATE INDEX "organization_integration_runs_unfinished_idx" ON "organization_integration_runs" USING btree ("started_at") WHERE outcome is null' using hint = 'drop it, then run this again';
    end if;
  end if;
END $guard$;
CREATE INDEX IF NOT EXISTS "organization_integration_runs_unfinished_idx" ON "organization_integration_runs" USING btree ("started_at") WHERE outcome is null;
