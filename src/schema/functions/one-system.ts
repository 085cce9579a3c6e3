import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrations } from '../organization-integrations.ts'

/*
 * A stored credential stays with the system that it was stored for: renamed, an integration would hand one system's key
 * to the worker of another, which sends it there. Who may move it to another organization, the service role alone, takes
 * the credential along.
 */
export const systemChecks = [
  definerFunction({
    name: 'integrations.refuse_rename',
    returns: 'trigger',
    body: `\
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
end`,
  }),
  // No WHEN: a column that a trigger's condition names cannot change its type, as a rollback of a label does.
  trigger(organizationIntegrations, {
    name: 'credential_keeps_system',
    when: 'after update on {table} for each row',
    function: 'integrations.refuse_rename',
  }),
]
