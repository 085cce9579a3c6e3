import { setTimeout as pause } from 'node:timers/promises'
import { IntegrationsDbError } from '../errors.ts'
import { type Admin, withAdmin } from './connection.ts'
import { assertScopedLogin, checkLogin, newPassword, writeLogin } from './logins.ts'

/*
 * Creates on plain PostgreSQL: three roles, `auth.jwt()`, schema `extensions`, and a backend login. Revokes
 * from everybody the right to create temporary objects, which may be called like real ones.
 */

/** Stands as a comment on schema `auth`: this one is ours to add to, a host's own is not. */
const marker = 'integrations-db: bootstrap'

const revokeTemporary = `\
do $revoke$
begin
  execute format('revoke temporary on database %I from public, anon, authenticated, service_role', current_database());
end $revoke$;`

/** What creates each thing, by the name it has in a report, in the order to create them in. */
const creations: Record<string, string> = {
  'role anon': 'create role anon nologin noinherit;',
  'role authenticated': 'create role authenticated nologin noinherit;',
  'role service_role': 'create role service_role nologin noinherit bypassrls;',
  'schema extensions': 'create schema extensions;',
  'schema auth': `create schema auth; comment on schema auth is '${marker}';`,
  // Supabase's, older name of the setting included.
  'function auth.jwt()': `\
create function auth.jwt() returns jsonb
    language sql
    stable
    as $jwt$
      select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
      )::jsonb
    $jwt$;`,
}

const grantUsage = 'grant usage on schema public, extensions, auth to anon, authenticated, service_role;'

const lookups: Record<string, string> = { role: 'to_regrole', schema: 'to_regnamespace', function: 'to_regprocedure' }

function unlessThere([what, create]: [string, string]): string {
  const [kind = '', called] = what.split(' ')
  return `  if ${lookups[kind]}('${called}') is null then ${create} end if;`
}

/** Creates what is missing and leaves the rest, in a database that is known to be nobody else's: a copy, a test's own. */
export const bootstrapSql = `\
do $bootstrap$
begin
${Object.entries(creations).map(unlessThere).join('\n')}
end $bootstrap$;
${grantUsage}
${revokeTemporary}`

export type BootstrapOptions = {
  /** An administrator's URL. */
  url: string
  /** The login for backends; `false` for none. */
  login?: string | false
}

/** What was not there before. A login's password is in its first report and nowhere else: null where it existed. */
export type BootstrapReport = {
  created: string[]
  login: { name: string; password: string | null } | null
  /** What everybody could do in a database that an older version bootstrapped, and no longer can. */
  revoked?: 'creating temporary objects'
  /** Where everybody still can, because the administrator does not own the database: what its owner should run. */
  hint?: string
}

/**
 * Gives plain PostgreSQL what Supabase would have, and a login that may become `authenticated` and nothing else.
 *
 * @example
 * const { login } = await bootstrap({ url: adminUrl }) // { name: 'integrations_backend', password: … }, shown once
 *
 * Temporary objects may be created only by whom the database's owner grants it (`grant temporary on database … to …`).
 * Run again, it changes nothing. One transaction: all of it, or nothing. Needs CREATE on the database, CREATEROLE, and
 * to make `service_role` BYPASSRLS, which only a superuser can hand on before PostgreSQL 16.
 *
 * @throws IntegrationsDbError `conflict` on a Supabase project, and where a role, a schema or a function has the name but
 * is something else; `already_exists` where the login can do more than it should; `permission_denied`.
 */
export async function bootstrap({ url, login = 'integrations_backend' }: BootstrapOptions): Promise<BootstrapReport> {
  const password = newPassword()
  if (login !== false) checkLogin({ name: login, password }, 'login')
  return withAdmin(url, (sql) => {
    const once = () => sql.begin((tx) => bootstrapOnce(tx as unknown as Admin, login, password))
    return unlessOvertaken(once) as Promise<BootstrapReport>
  })
}

async function bootstrapOnce(tx: Admin, login: string | false, password: string): Promise<BootstrapReport> {
  const state = await readState(tx, login || null)
  assertPlain(state)
  const { missing } = state
  await explained(state, async () => {
    // Whose usage is missing is granted it with all others.
    if (missing.length > 0) await tx.unsafe([...missing.map((what) => creations[what] ?? ''), grantUsage].join('\n'))
    if (state.temporary === 'open') await tx.unsafe(revokeTemporary)
    if (login !== false && !state.loginExists) await writeLogin(tx, { name: login, password })
  })
  const report = { created: missing, ...aboutTemporary(state) }
  if (login === false) return { ...report, login: null }
  if (state.loginExists) await assertScopedLogin(tx, login)
  return { ...report, login: { name: login, password: state.loginExists ? null : password } }
}

/**
 * Without a lock: there is none yet that not any login could hold. Whoever creates what somebody else has created since
 * the look is refused by the catalog, and looks again: what was missing is created without IF NOT EXISTS.
 */
async function unlessOvertaken<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const { code, sqlState = code } = error as { code?: string; sqlState?: string }
      if (!overtakings.includes(sqlState ?? '') || tries === 20) throw error
      await pause(20 + Math.random() * 30)
    }
  }
}

/** unique_violation, duplicate_object, _schema and _function, and `tuple concurrently updated`, which has no state of its own. */
const overtakings = ['23505', '42710', '42P06', '42723', 'XX000', '40001', '40P01']

type State = {
  administrator: string
  rights: string
  /** What of Supabase's is here: objects and who owns them. */
  supabase: string[]
  /** Roles that bypass what they should not, or do not bypass what they should. */
  unfit: { role: string; found: string; expected: string }[]
  foreignAuth: boolean
  jwtReturns: string | null
  missing: string[]
  loginExists: boolean
  /** Whether everybody may create temporary objects: taken away by now, or only to be taken away by the owner. */
  temporary: 'closed' | 'open' | "owner's"
  database: string
  owner: string
}

function aboutTemporary({ temporary, missing, database, owner }: State): Pick<BootstrapReport, 'revoked' | 'hint'> {
  if (temporary === 'open' && missing.length === 0) return { revoked: 'creating temporary objects' }
  if (temporary !== "owner's") return {}
  const revoke = `revoke temporary on database ${database} from public, anon, authenticated, service_role`
  return { hint: `everybody may create temporary objects in ${database}; its owner ${owner} should run: ${revoke}` }
}

/**
 * Only catalogs are read: a look at an object itself would need rights on its schema. And only as of one moment, so none
 * of the functions `to_reg…`, which also see what was committed since: a schema of somebody who bootstraps at the same
 * time, whose comment and function this statement does not see.
 */
async function readState(sql: Admin, login: string | null): Promise<State> {
  const [row] = await sql<[State]>`
    with api_roles (name, bypasses, id) as (
      select name, bypasses, oid from (values ('anon', false), ('authenticated', false), ('service_role', true)) as role (name, bypasses)
      left join pg_roles on rolname = name
    ),
    shared (name) as (values ('public'), ('extensions'), ('auth')),
    jwt as (
      select prorettype::regtype::text as returns from pg_proc
      join pg_namespace on pg_namespace.oid = pronamespace
      where nspname = 'auth' and proname = 'jwt' and pronargs = 0
    ),
    -- The extension supabase_vault is no sign of a project: it can be had anywhere. Nor is a role: roles are the server's,
    -- and one may hold many databases.
    signs as (
      select format('schema %s of %s', nspname, rolname) as sign from pg_namespace
      join pg_roles on pg_roles.oid = nspowner
      where rolname ~ '^supabase_(.+_)?admin$' and nspname !~ '^pg_' and nspname not in ('information_schema', 'extensions')
        and obj_description(pg_namespace.oid, 'pg_namespace') is distinct from ${marker}
      union all
      select format('table auth.users of %s', rolname) from pg_class
      join pg_roles on pg_roles.oid = relowner
      join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'auth' and relname = 'users' and rolname = 'supabase_auth_admin'
    ),
    missing (place, what) as (
      select 1, 'role ' || name from api_roles where id is null
      union all select 2, 'schema ' || name from shared where name not in (select nspname from pg_namespace)
      union all select 3, 'function auth.jwt()' where not exists (select from jwt)
      union all select 4, 'usage of schema ' || shared.name from shared
      where exists (
        select from api_roles where not exists (
          select from pg_namespace cross join lateral aclexplode(nspacl)
          where nspname = shared.name and grantee = api_roles.id and privilege_type = 'USAGE')
      )
    )
    select current_user as administrator,
      concat_ws(', ', case when rolsuper then 'superuser' end, case when rolcreaterole then 'CREATEROLE' end,
        case when rolbypassrls then 'BYPASSRLS' end,
        case when has_database_privilege(current_database(), 'create') then 'CREATE on the database' end,
        'PostgreSQL ' || current_setting('server_version')) as rights,
      to_jsonb(array(select sign from signs order by sign)) as supabase,
      (select coalesce(jsonb_agg(jsonb_build_object('role', name, 'expected', case when bypasses then 'BYPASSRLS and no superuser' else 'neither' end,
          'found', coalesce(nullif(concat_ws(' and ', case when r.rolsuper then 'superuser' end, case when r.rolbypassrls then 'BYPASSRLS' end), ''), 'neither')) order by name), '[]')
        from api_roles join pg_roles as r on r.rolname = name
        where r.rolsuper or r.rolbypassrls <> bypasses) as unfit,
      exists (select from pg_namespace where nspname = 'auth' and obj_description(oid, 'pg_namespace') is distinct from ${marker}) as "foreignAuth",
      (select returns from jwt) as "jwtReturns",
      to_jsonb(array(select what from missing order by place, what)) as missing,
      exists (select from pg_roles where rolname = ${login}) as "loginExists",
      (select case
          when not exists (
            select from aclexplode(coalesce(datacl, acldefault('d', datdba)))
            where privilege_type = 'TEMPORARY' and (grantee = 0 or grantee in (select id from api_roles)))
          then 'closed' when pg_has_role(datdba, 'usage') then 'open' else 'owner''s' end
        from pg_database where datname = current_database()) as temporary,
      quote_ident(current_database()) as database,
      (select quote_ident(pg_get_userbyid(datdba)) from pg_database where datname = current_database()) as owner
    from pg_roles where rolname = current_user`
  return row
}

/** Pure: refuses what is a Supabase project, or has one of our names for something else. */
function assertPlain({ supabase, unfit, foreignAuth, jwtReturns, missing }: State): void {
  const lacking = missing.length > 0 ? `; it lacks ${missing.join(', ')}, to be created by hand` : ''
  if (supabase.length > 0) {
    throw refuse(
      `is the database of a Supabase project: found ${supabase.join(', ')}, expected none of Supabase's; leave bootstrap out and run integrations-db migrate${lacking}`,
    )
  }
  for (const { role, found, expected } of unfit) {
    const hint = `alter role ${role} nosuperuser ${role === 'service_role' ? 'bypassrls' : 'nobypassrls'}`
    throw refuse(`role ${role} exists with the wrong rights: found ${found}, expected ${expected}; run: ${hint}`)
  }
  if (jwtReturns !== null && jwtReturns !== 'jsonb') {
    throw refuse(`function auth.jwt() exists: found one that returns ${jwtReturns}, expected jsonb; rename or drop it`)
  }
  const inAuth = missing.filter((what) => what.includes('auth.jwt') || what.endsWith(' auth'))
  if (foreignAuth && inAuth.length > 0) {
    throw refuse(
      `schema auth exists and is not bootstrap's: found it without ${inAuth.join(' and ')}; if they may be added, run: comment on schema auth is '${marker}'`,
    )
  }
}

/** Who may not create something is told what it takes. */
async function explained({ administrator, rights, missing }: State, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error
    throw new IntegrationsDbError(
      'permission_denied',
      `url: ${administrator} may not create ${[...missing, 'a login'].join(', ')}: found ${rights}, expected a superuser, or on PostgreSQL 16 and newer CREATEROLE, BYPASSRLS and CREATE on the database; connect as such a role`,
      { sqlState: '42501' },
    )
  }
}

function refuse(problem: string): IntegrationsDbError {
  return new IntegrationsDbError('conflict', `url: ${problem}`)
}
