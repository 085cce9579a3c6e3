import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrations } from '../organization-integrations.ts'

/*
 * No integration becomes active without a credential, whoever writes: the application asks in the same statement, the
 * Data API, the service role and an administrator's SQL come here. One that is active already stays so: what was there
 * before this trigger can still be changed.
 */
export const activationChecks = [
  // The lock: whoever ends the credential meanwhile waits, or has come first and is seen, at any isolation level.
  definerFunction({
    name: 'integrations.refuse_activation',
    returns: 'trigger',
    body: `\
begin
  if new.status = 'active' and (tg_op = 'INSERT' or old.status <> 'active') then
    perform from public.organization_integration_credentials as c
    where c.integration_id = new.id and c.secret_id is not null and c.readable_until is null
    for share;
    if not found then
      raise exception using errcode = 'check_violation', constraint = 'active_needs_credential',
        message = 'status: cannot be active without a credential; store one first, then set it active';
    end if;
  end if;
  return null;
end`,
  }),
  // After the row: what INSERT … ON CONFLICT proposes and does not write is no activation. The condition is in the body: a
  // trigger whose WHEN names a column keeps that column's type from being altered, which doctor's fixes do.
  trigger(organizationIntegrations, {
    name: 'active_needs_credential',
    when: 'after insert or update on {table} for each row',
    function: 'integrations.refuse_activation',
  }),
]
