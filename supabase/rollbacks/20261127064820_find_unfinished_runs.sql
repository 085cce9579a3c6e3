-- 20261127064820_find_unfinished_runs: rollback
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: a5e25fcae992bb445e7d9e0832037d9e7ecad3fb0180f34661d48168f43fb4f3 · body: 117647f56ed46593a7bca1fa049736f3f9111961deed5cd7d1efc42e19262c09
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    if exists (select from integrations_once.statements where id = '20261127064820.index public.organization_integration_runs_unfinished_idx') then
      execute $statement$DROP INDEX IF EXISTS "public"."organization_integration_runs_unfinished_idx";$statement$;
    end if;
  end if;
END $guard$;

DO $guard$
BEGIN
  if to_regclass('integrations_once.statements') is not null then
    delete from integrations_once.statements where id like '20261127064820.%';
    if not exists (select from integrations_once.statements) then
      drop table integrations_once.statements;
      drop schema integrations_once;
    end if;
  end if;
END $guard$;
