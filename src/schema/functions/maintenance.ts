import { definerFunction } from '../../extras/functions.ts'
import { onRefusal } from './credentials.ts'

/*
 * What the command line does for administrators, one secret or one organization per transaction. In the server, because
 * there a value moves from store to store without passing through a client. Nobody but the owner may execute them.
 */
export const maintenanceFunctions = [
  // Returns once nobody else has the same name's turn; it lasts until the transaction's end. Before anything is read: what
  // the other did is then seen. A row that somebody left there is taken along.
  definerFunction({
    name: 'integrations.take_turn',
    parameters: 'turn text',
    returns: 'void',
    body: `\
begin
  insert into integrations.operator_turns (name) values (turn) on conflict do nothing;
  delete from integrations.operator_turns as t where t.name = turn;
end`,
  }),

  definerFunction({
    name: 'integrations.move_to_vault',
    parameters: 'integration_id uuid, version bigint',
    returns: 'table (code text, message text)',
    body: `\
declare
  credential record;
  value text;
  moved uuid;
begin
  code := 'ok';
  begin
    select c.store, c.secret_id, i.organization_id into credential
    from public.organization_integrations as i
    join public.organization_integration_credentials as c on c.integration_id = i.id
    where i.id = move_to_vault.integration_id and c.version = move_to_vault.version and c.secret_id is not null
    for update;
    -- Revoked, rotated or moved by somebody else meanwhile: nothing is left to do.
    if not found or credential.store = 'vault' then
      return next;
      return;
    end if;
    value := integrations.read_secret('pgcrypto', credential.secret_id);
    moved := integrations.create_secret('vault',
      format('integrations-db/%s/%s/%s', credential.organization_id, integration_id, version), value);
    if integrations.read_secret('vault', moved) is distinct from value then
      perform integrations.refuse('conflict', 'what Vault gives back is not what was put in; the old copy stays');
    end if;
    update public.organization_integration_credentials as c set store = 'vault', secret_id = moved
    where c.integration_id = move_to_vault.integration_id and c.version = move_to_vault.version;
${onRefusal}
  end;
  return next;
end`,
  }),

  definerFunction({
    name: 'integrations.encrypt_anew',
    parameters: 'secret_id uuid',
    returns: 'table (code text, message text)',
    body: `\
declare
  wanted text := integrations.encryption_key_id(current_setting('integrations.encryption_key', true));
  value text;
  kept record;
begin
  code := 'ok';
  begin
    perform from integrations.encrypted_secrets as s where s.id = secret_id and s.key_id is distinct from wanted for update;
    if found then
      value := integrations.read_secret('pgcrypto', secret_id);
      select * into kept from integrations.encrypt_secret(value);
      update integrations.encrypted_secrets as s set key_id = kept.key_id, ciphertext = kept.ciphertext where s.id = secret_id;
      if integrations.read_secret('pgcrypto', secret_id) is distinct from value then
        perform integrations.refuse('conflict', 'what the new key gives back is not what was put in; the old copy stays');
      end if;
    end if;
${onRefusal}
  end;
  return next;
end`,
  }),

  // All of one organization's credentials, and one alert for all of them, or for none where nothing was left to revoke.
  definerFunction({
    name: 'integrations.revoke_organization',
    parameters: 'organization_id uuid, reason text',
    returns: 'integer',
    body: `\
declare
  integration record;
  revoked integer := 0;
begin
  -- Two operators at once: the second waits, and finds nothing left.
  perform integrations.take_turn('breach ' || organization_id);
  for integration in
    select i.id, i.integration_type::text as type
    from public.organization_integrations as i
    where i.organization_id = revoke_organization.organization_id
      and (i.status = 'active' or exists (
        select from public.organization_integration_credentials as c where c.integration_id = i.id and c.secret_id is not null))
    order by i.id
    for no key update
  loop
    perform integrations.record_event('revoke', 'ok', organization_id, integration.id, integration.type,
      integrations.end_credential(integration.id, 'error'), reason);
    revoked := revoked + 1;
  end loop;
  if revoked > 0 then
    perform integrations.record_event('alert', 'ok', organization_id, null, null, null, reason);
  end if;
  return revoked;
end`,
  }),
]
