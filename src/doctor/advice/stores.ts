import { type Advice, advise, counted, credentials, look, number } from './advice.ts'

/* Where secrets lie, and who else could see them. */

const createSecret = 'function integrations.create_secret(text,text,text)'
const vaultTable = (table: string) => `(select c.oid from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'vault' and c.relname = '${table}')`
const creator = `(select p.oid from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = 'vault' and p.proname = 'create_secret' limit 1)`
const may = (role: string) => `coalesce(
    has_schema_privilege(${role}, (select oid from pg_namespace where nspname = 'vault'), 'usage')
    and has_table_privilege(${role}, ${vaultTable('secrets')}, 'select')
    and has_table_privilege(${role}, ${vaultTable('secrets')}, 'delete')
    and has_table_privilege(${role}, ${vaultTable('decrypted_secrets')}, 'select')
    and has_function_privilege(${role}, ${creator}, 'execute'), false)`

const reachable = look<{ owner: string; vault: boolean; reachable: boolean; pgcrypto: boolean }>({
  needs: [createSecret, 'extension pgcrypto'],
  text: `
select quote_ident(pg_get_userbyid(p.proowner)) as owner, ${vaultTable('secrets')} is not null as vault,
  ${may('p.proowner')} as reachable,
  exists (select from pg_extension where extname = 'pgcrypto') as pgcrypto
from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
where n.nspname = 'integrations' and p.proname = 'create_secret'`,
  findings: (rows) =>
    rows.flatMap(({ owner, vault, reachable, pgcrypto }) => {
      if (vault ? reachable : pgcrypto) return []
      const where = vault ? 'schema vault' : 'credentials'
      return [
        vault
          ? advise({
              what: 'Vault out of reach',
              where,
              expected: `${owner}, who owns our functions, may create, read and delete secrets`,
              found: `${owner} may not`,
              fix: `grant usage on schema vault to ${owner};\ngrant select, delete on vault.secrets, vault.decrypted_secrets to ${owner};\ngrant execute on function vault.create_secret to ${owner};`,
            })
          : advise({
              what: 'no store for credentials',
              where,
              expected: 'Supabase Vault, or the extension pgcrypto',
              found: 'neither',
              fix: 'create extension if not exists pgcrypto with schema extensions;',
            }),
      ]
    }),
})

const direct = look<{ direct: boolean }>({
  needs: [],
  text: `
select coalesce(has_schema_privilege(r.oid, (select oid from pg_namespace where nspname = 'vault'), 'usage')
  and has_table_privilege(r.oid, ${vaultTable('decrypted_secrets')}, 'select'), false) as direct
from pg_roles as r
where r.rolname = 'service_role'`,
  findings: ([row]) =>
    row?.direct
      ? [
          advise({
            // Supabase grants it, and would again.
            severity: 'information',
            what: 'secrets can be read unrecorded',
            where: 'vault.decrypted_secrets',
            expected: 'every reading of a secret is recorded',
            found: 'service_role may read them directly, which nothing records',
            hint: 'give the service login to the processes that need it, and to nobody else',
          }),
        ]
      : [],
})

const logging = look<{ database: string; always: string | null; sometimes: string | null; unexplained: string }>({
  needs: ['function integrations.credential_store()'],
  // A hosted project's postgres, no superuser, may set auto_explain's duration for roles, and nothing of it for a database.
  // It may alter itself, and others where it made them (or, before PostgreSQL 16, may make roles).
  text: `
select quote_ident(current_database()) as database, s.logs_always as always, s.logs_sometimes as sometimes,
  (select string_agg(format('alter role %I set auto_explain.log_min_duration = -1;', r.rolname), e'\\n' order by r.rolname)
    from pg_roles as r cross join pg_roles as me
    where me.rolname = current_user and (r.oid = me.oid
      or r.rolcanlogin and not r.rolsuper
        and (pg_has_role(r.oid, 'authenticated', 'member') or pg_has_role(r.oid, 'service_role', 'member'))
        and (pg_has_role(me.oid, r.oid, 'member with admin option')
          or me.rolcreaterole and current_setting('server_version_num')::integer < 160000))) as unexplained
from integrations.credential_store() as s`,
  findings: (rows) =>
    rows.flatMap(({ database, always, sometimes, unexplained }) => {
      const settings = [always, sometimes].flatMap((list) => list?.split(', ') ?? [])
      return settings.length === 0
        ? []
        : [
            advise({
              what: 'server logs parameters',
              where: `database ${database}`,
              expected: 'no setting that logs bound values, among them credentials',
              found: settings.join(', '),
              fix: settings
                .map((setting) =>
                  setting.startsWith('auto_explain')
                    ? unexplained
                    : `alter database ${database} set ${silencing(setting)};`,
                )
                .filter(isFirst)
                .join('\n'),
              hint: 'for new sessions; what alters the database takes a superuser',
            }),
          ]
    }),
})

function silencing(setting: string): string {
  if (setting.startsWith('pgaudit')) return 'pgaudit.log_parameter = off'
  return setting.endsWith('_on_error') ? 'log_parameter_max_length_on_error = 0' : 'log_parameter_max_length = 0'
}

function isFirst<T>(one: T, i: number, all: T[]): boolean {
  return all.indexOf(one) === i
}

const orphaned = (store: 'vault.secrets' | 'integrations.encrypted_secrets') => {
  const condition = `${store === 'vault.secrets' ? "s.name like 'integrations-db/%' and " : ''}not exists (
  select from public.organization_integration_credentials as c where c.secret_id = s.id)`
  return look<{ count: number }>({
    needs: [credentials, `table ${store}`],
    through: 'secrets',
    text: counted(`select from ${store} as s where ${condition}`),
    findings: ([row]) =>
      row === undefined || row.count === 0
        ? []
        : [
            advise({
              what: 'orphaned secrets',
              where: store,
              expected: 'a reference to each secret',
              found: `${number(row.count)} without one`,
              fix: `delete from ${store} as s\nwhere ${condition};`,
              hint: 'integrations-db credentials audit lists them',
            }),
          ],
  })
}

const dangling = (vault: boolean) =>
  look<{ count: number }>({
    needs: [credentials, 'table integrations.encrypted_secrets', ...(vault ? ['table vault.secrets'] : ['no vault'])],
    through: 'secrets',
    // Joined, and not looked up in a set of them all, which would have to fit into memory.
    text: counted(`select from public.organization_integration_credentials as c
left join integrations.encrypted_secrets as e on c.store = 'pgcrypto' and e.id = c.secret_id
${vault ? `left join vault.secrets as v on c.store = 'vault' and v.id = c.secret_id` : ''}
where c.secret_id is not null and e.id is null ${vault ? 'and v.id is null' : ''}`),
    findings: ([row]) =>
      row === undefined || row.count === 0
        ? []
        : [
            advise({
              what: 'references without a secret',
              where: 'public.organization_integration_credentials',
              expected: 'the secret of each reference',
              found: `${number(row.count)} whose secret is gone`,
              // It also records the event and sets the integration to error.
              hint: 'integrations-db credentials audit --apply',
            }),
          ],
  })

export const storeAdvice: Advice[] = [
  reachable,
  direct,
  logging,
  orphaned('vault.secrets'),
  orphaned('integrations.encrypted_secrets'),
  dangling(true),
  dangling(false),
]
