import { definerFunction, trigger } from '../../extras/functions.ts'
import { organizationIntegrationCredentials } from '../organization-integration-credentials.ts'

/*
 * Where the values are: Vault, or where there is none a table encrypted with pgcrypto. Nothing else knows of either.
 *
 * Both are reached through EXECUTE: the functions exist where neither does, and a store that comes later is used at once.
 * Whatever a store raises is replaced by its SQLSTATE alone, because details and messages may quote what was to be stored.
 */
export const secretFunctions = [
  // Asked before a value is sent, because by the time a function runs the server has logged its parameters.
  // "always": every call's parameters are certain to be logged; "sometimes": those of slow, sampled or failing calls.
  definerFunction({
    name: 'integrations.credential_store',
    returns: 'table (store text, logs_always text, logs_sometimes text)',
    stable: true,
    executors: ['authenticated', 'service_role'],
    body: `\
declare
  silent boolean := current_setting('log_parameter_max_length', true) = '0';
begin
  store := case when to_regclass('vault.secrets') is null then 'pgcrypto' else 'vault' end;
  select string_agg(s.name, ', ') filter (where s.always), string_agg(s.name, ', ') filter (where not s.always)
  into logs_always, logs_sometimes
  from (values
    ('log_statement = all', current_setting('log_statement') = 'all' and not silent, true),
    ('log_min_duration_statement = 0', current_setting('log_min_duration_statement') = '0' and not silent, true),
    ('pgaudit.log_parameter', current_setting('pgaudit.log_parameter', true) = 'on', true),
    ('log_min_duration_statement', current_setting('log_min_duration_statement') not in ('-1', '0') and not silent, false),
    ('log_min_duration_sample', current_setting('log_min_duration_sample', true) <> '-1'
      and current_setting('log_statement_sample_rate', true)::numeric > 0 and not silent, false),
    ('log_transaction_sample_rate', current_setting('log_transaction_sample_rate', true)::numeric > 0 and not silent, false),
    ('log_parameter_max_length_on_error', current_setting('log_parameter_max_length_on_error', true) <> '0', false),
    ('auto_explain.log_min_duration', current_setting('auto_explain.log_min_duration', true) <> '-1'
      and current_setting('auto_explain.log_parameter_max_length', true) is distinct from '0', false)
  ) as s (name, logs, always)
  where s.logs;
  return next;
end`,
  }),

  definerFunction({
    name: 'integrations.encryption_key_id',
    parameters: 'key text',
    returns: 'text',
    stable: true,
    body: `\
begin
  return left(encode(sha256(convert_to('integrations-db key id ' || key, 'UTF8')), 'hex'), 16);
end`,
  }),

  definerFunction({
    name: 'integrations.pgcrypto_schema',
    returns: 'text',
    stable: true,
    body: `\
declare
  found_schema text := (select quote_ident(n.nspname) from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = 'pgcrypto');
begin
  if found_schema is null then
    perform integrations.refuse('unavailable',
      'there is neither Supabase Vault nor the extension pgcrypto to keep a credential in; create one of them');
  end if;
  return found_schema;
end`,
  }),

  definerFunction({
    name: 'integrations.encrypt_secret',
    parameters: 'value text',
    returns: 'table (key_id text, ciphertext bytea)',
    body: `\
declare
  key text := current_setting('integrations.encryption_key', true);
  state text;
begin
  if key is null or key !~ '^[0-9a-f]{64}$' then
    perform integrations.refuse('invalid_input',
      'INTEGRATIONS_ENCRYPTION_KEY: must be 64 hexadecimal digits; there is no Vault here, and nothing is stored without a key');
  end if;
  begin
    -- The key is random, so stretching it, which is for passwords, would only cost time.
    execute format('select %s.pgp_sym_encrypt($1, $2, ''cipher-algo=aes256, compress-algo=0, s2k-count=1024'')',
      integrations.pgcrypto_schema()) into ciphertext using value, key;
  exception
    when sqlstate 'IDB01' then raise;
    when others then
      get stacked diagnostics state = returned_sqlstate;
      perform integrations.refuse('unavailable', format('pgcrypto refused to encrypt (SQLSTATE %s)', state));
  end;
  key_id := integrations.encryption_key_id(key);
  return next;
end`,
  }),

  // Returns the new secret's id. The description is '': Vault's own error for a null one prints the secret.
  definerFunction({
    name: 'integrations.create_secret',
    parameters: 'store text, secret_name text, value text',
    returns: 'uuid',
    body: `\
declare
  secret_id uuid;
  state text;
begin
  if store = 'vault' then
    begin
      execute 'select vault.create_secret($1, $2, $3)' into secret_id using value, secret_name, '';
    exception
      when unique_violation then
        perform integrations.refuse('conflict', format(
          'Vault holds a secret named %s that nothing refers to; remove it with: integrations-db credentials audit --apply', secret_name));
      when others then
        get stacked diagnostics state = returned_sqlstate;
        perform integrations.refuse('unavailable', format('Vault refused to store the secret (SQLSTATE %s)', state));
    end;
  else
    insert into integrations.encrypted_secrets (key_id, ciphertext)
    select e.key_id, e.ciphertext from integrations.encrypt_secret(value) as e
    returning id into secret_id;
  end if;
  if secret_id is null then
    perform integrations.refuse('unavailable', 'the store gave no id for the secret');
  end if;
  return secret_id;
end`,
  }),

  definerFunction({
    name: 'integrations.read_secret',
    parameters: 'store text, secret_id uuid',
    returns: 'text',
    body: `\
declare
  value text;
  setting text;
  secret record;
  state text;
begin
  begin
    if store = 'vault' then
      if to_regclass('vault.secrets') is not null then
        execute 'select decrypted_secret from vault.decrypted_secrets where id = $1' into value using secret_id;
      end if;
    else
      select s.key_id, s.ciphertext into secret from integrations.encrypted_secrets as s where s.id = secret_id;
      if found then
        foreach setting in array array['integrations.encryption_key', 'integrations.previous_encryption_key'] loop
          if integrations.encryption_key_id(current_setting(setting, true)) = secret.key_id then
            execute format('select %s.pgp_sym_decrypt($1, $2)', integrations.pgcrypto_schema())
              into value using secret.ciphertext, current_setting(setting, true);
            return value;
          end if;
        end loop;
        perform integrations.refuse('invalid_input', format(
          'INTEGRATIONS_ENCRYPTION_KEY: the secret was encrypted with key %s, given was %s; pass the former', secret.key_id,
          coalesce(integrations.encryption_key_id(nullif(current_setting('integrations.encryption_key', true), '')), 'none')));
      end if;
    end if;
  exception
    when sqlstate 'IDB01' then raise;
    when others then
      get stacked diagnostics state = returned_sqlstate;
      perform integrations.refuse('unavailable', format(
        'the secret cannot be decrypted (SQLSTATE %s): it was damaged, or the store''s own key was replaced; rotate the credential', state));
  end;
  if value is null then
    perform integrations.refuse('credential_missing',
      'the secret is gone from its store; see: integrations-db credentials audit');
  end if;
  return value;
end`,
  }),

  // A secret goes when nothing refers to it any more, whatever took the reference away: a rotation, a revocation, a
  // cascade from the integration or its organization.
  definerFunction({
    name: 'integrations.delete_secret',
    returns: 'trigger',
    body: `\
begin
  if old.secret_id is null or (tg_op = 'UPDATE' and new.secret_id is not distinct from old.secret_id) then
    return null;
  end if;
  if old.store = 'pgcrypto' then
    delete from integrations.encrypted_secrets as s where s.id = old.secret_id;
  elsif to_regclass('vault.secrets') is not null then
    execute 'delete from vault.secrets where id = $1' using old.secret_id;
  end if;
  return null;
end`,
  }),
  trigger(organizationIntegrationCredentials, {
    name: 'delete_secret',
    when: 'after update or delete on {table} for each row',
    function: 'integrations.delete_secret',
  }),
]
