import type postgres from 'postgres'

/*
 * A stand-in for the extension supabase_vault 0.3.1 where it is not installed: the same names, signatures, grants and
 * quirks, with pgcrypto in the place of libsodium. Not a vault: its key stands below.
 */

const standIn = `
  create extension if not exists pgcrypto with schema extensions;
  create schema vault;
  create table vault.secrets (
    id uuid primary key default gen_random_uuid(),
    name text,
    -- A null raises 23502, whose DETAIL prints the row, and with it the secret that is not encrypted yet.
    description text not null default '',
    secret text not null,
    key_id uuid,
    nonce bytea default extensions.gen_random_bytes(16),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  -- '' counts as a name; null does not.
  create unique index secrets_name_idx on vault.secrets (name) where name is not null;

  create function vault.stand_in_key(id uuid) returns text language sql immutable as $$ select 'stand-in ' || id $$;
  create function vault.stand_in_encrypt(value text, id uuid) returns text language sql set search_path = '' as
    $$ select encode(extensions.pgp_sym_encrypt(value, vault.stand_in_key(id)), 'base64') $$;
  create function vault.stand_in_decrypt(value text, id uuid) returns text language sql set search_path = '' as
    $$ select extensions.pgp_sym_decrypt(decode(value, 'base64'), vault.stand_in_key(id)) $$;

  create view vault.decrypted_secrets as
    select id, name, description, secret, vault.stand_in_decrypt(secret, id) as decrypted_secret, key_id, nonce, created_at, updated_at
    from vault.secrets;

  create function vault.create_secret(new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null)
  returns uuid language plpgsql security definer set search_path = '' as $$
  declare
    rec record;
  begin
    insert into vault.secrets (secret, name, description) values (new_secret, new_name, new_description) returning * into rec;
    update vault.secrets set secret = vault.stand_in_encrypt(secret, id) where id = rec.id;
    return rec.id;
  end $$;

  create function vault.update_secret(secret_id uuid, new_secret text default null, new_name text default null, new_description text default null, new_key_id uuid default null)
  returns void language plpgsql security definer set search_path = '' as $$
  declare
    old_secret text := (select decrypted_secret from vault.decrypted_secrets where id = secret_id);
  begin
    update vault.secrets set
      secret = vault.stand_in_encrypt(coalesce(new_secret, old_secret), id),
      name = coalesce(new_name, name),
      description = coalesce(new_description, description),
      updated_at = now()
    where id = secret_id;
  end $$;

  revoke all on schema vault from public, anon, authenticated;
  revoke all on all tables in schema vault from public, anon, authenticated;
  revoke all on all functions in schema vault from public, anon, authenticated;
  grant usage on schema vault to service_role;
  grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
  grant execute on function vault.create_secret, vault.update_secret, vault.stand_in_decrypt, vault.stand_in_key to service_role;`

/** Gives a database Vault: the real extension where the server has it, the stand-in elsewhere. Tells which. */
export async function installVault(sql: postgres.Sql): Promise<'supabase_vault' | 'stand-in'> {
  const real = await sql`select from pg_available_extensions where name = 'supabase_vault'`
  if (real.length > 0) {
    await sql.unsafe('create extension if not exists supabase_vault cascade')
    return 'supabase_vault'
  }
  await sql.unsafe(standIn)
  return 'stand-in'
}
