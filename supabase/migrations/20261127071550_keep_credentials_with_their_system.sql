-- 20261127071550_keep_credentials_with_their_system
-- Written by `integrations-db build`; frozen. Change the Drizzle definition and generate the next one instead.
-- generator: 3 · part: 1/1 · source: fbb126261523b4c593e7804e8b9dcf7c6130c33ee1bef901ebd25e071492637e · body: d2dd24c5d09034578749abdac01567f279cc6e976113e6659ce2524035390cc2
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
  perform from public.organization_integration_credentials as c
  where c.integration_id = new.id and c.secret_id is not null;
  if found then
    raise exception using errcode = 'check_violation', constraint = 'credential_keeps_system',
      message = 'integration_type: cannot change while a credential is stored; revoke it first';
  end if;
  return null;
end
$function$;
revoke all on function integrations.refuse_rename() from public, anon, authenticated, service_role;

create or replace trigger "credential_keeps_system" after update on "public"."organization_integrations" for each row when (old.integration_type <> new.integration_type) execute function integrations.refuse_rename();
