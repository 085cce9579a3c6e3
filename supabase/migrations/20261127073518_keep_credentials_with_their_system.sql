-- 20261127073518_keep_credentials_with_their_system
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: 4c099cb0daf67f6fbb12f2aba700d82d0be38299c370ecab7815cba9869d70c1 · body: 84aad5a93fd0ea8613558702cb0c882ec72157e2e7967116957ab7d17145cee9
-- project: 322e7e847802bf5f

-- A migration that cannot get its locks at once must fail and be tried again, not queue up in front of all traffic.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create or replace function integrations.refuse_rename() returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if new.integration_type <> old.integration_type then
    perform from public.organization_integration_credentials as c
    where c.integration_id = new.id and c.secret_id is not null;
    if found then
      raise exception using errcode = 'check_violation', constraint = 'credential_keeps_system',
        message = 'integration_type: cannot change while a credential is stored; revoke it first';
    end if;
  end if;
  return null;
end
$function$;
revoke all on function integrations.refuse_rename() from public, anon, authenticated, service_role;

create or replace trigger "credential_keeps_system" after update on "public"."organization_integrations" for each row execute function integrations.refuse_rename();
