import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bootstrap } from '../../src/admin/bootstrap.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { createIntegrationsDb } from '../../src/index.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { installVault } from '../support/vault-stand-in.ts'

/* On a server of its own: roles belong to a server, and on this one each test starts without any. */

let server: EmbeddedServer
let onServer: postgres.Sql
let url: string
let sql: postgres.Sql
const opened: postgres.Sql[] = []

beforeAll(async () => {
  server = await startEmbedded()
  onServer = connect(server.adminUrl)
})
beforeEach(async () => {
  url = await database('plain')
  sql = connect(url)
})
afterEach(async () => {
  await Promise.all(opened.splice(1).map((connection) => connection.end()))
  const databases = await onServer`select datname from pg_database where not datistemplate and datname <> 'postgres'`
  for (const { datname } of databases) await onServer`drop database ${onServer(datname)} with (force)`
  const roles = await onServer`select rolname from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'`
  for (const { rolname } of roles) await onServer`drop role ${onServer(rolname)}`
})
afterAll(async () => {
  await onServer.end()
  await server.stop()
})

function connect(to: string): postgres.Sql {
  const connection = postgres(to, { max: 1, onnotice: () => {} })
  opened.push(connection)
  return connection
}

async function database(name: string): Promise<string> {
  await onServer`create database ${onServer(name)}`
  return databaseUrl(server, name)
}

/** Who may be what, and what is where, with the transaction that wrote each row: a row written again shows. */
async function everything(): Promise<unknown> {
  const catalogs = [
    'pg_authid',
    'pg_auth_members',
    'pg_namespace',
    'pg_proc where oid >= 16384',
    'pg_class where oid >= 16384',
    'pg_description where objoid >= 16384',
  ]
  return Promise.all(
    catalogs.map(async (catalog) => [...(await sql.unsafe(`select xmin, * from ${catalog} order by ctid`))]),
  )
}

const all = [
  'role anon',
  'role authenticated',
  'role service_role',
  'schema auth',
  'schema extensions',
  'function auth.jwt()',
  'usage of schema auth',
  'usage of schema extensions',
  'usage of schema public',
]

describe('bootstrap', () => {
  test('makes of plain PostgreSQL what the migrations need, with a login that is all a backend needs', async () => {
    const { created, login } = await bootstrap({ url })
    expect(created).toEqual(all)
    await sql`create table organizations (id uuid primary key)`
    await migrate({ url })
    const [organizationId, stranger] = [randomUUID(), randomUUID()]
    await sql`insert into organizations values (${organizationId}), (${stranger})`
    const name = login?.name ?? ''
    const db = createIntegrationsDb(databaseUrl({ adminUrl: url }, 'plain', { name, password: login?.password ?? '' }))
    const acme = db.forOrganization({ organizationId, role: 'admin' })
    expect(await acme.integrations.create({ integrationType: 'xledger' })).toMatchObject({ organizationId })
    expect(await db.forOrganization({ organizationId: stranger, role: 'admin' }).integrations.list()).toEqual([])
    await db.end()
  })

  test('changes nothing when run again, also after the migrations, and shows no password a second time', async () => {
    const first = await bootstrap({ url })
    await sql`create table organizations (id uuid primary key)`
    await migrate({ url })
    const before = await everything()
    expect(await bootstrap({ url })).toEqual({ created: [], login: { name: 'integrations_backend', password: null } })
    expect(await everything()).toEqual(before)
    const password = first.login?.password ?? ''
    const login = connect(databaseUrl({ adminUrl: url }, 'plain', { name: 'integrations_backend', password }))
    expect(await login`select 1 as alive`).toEqual([{ alive: 1 }])
  })

  test('works once when ten start at the same moment: one of them shows the password', async () => {
    const reports = await Promise.all(Array.from({ length: 10 }, () => bootstrap({ url })))
    expect(reports.filter(({ created }) => created.length > 0)).toHaveLength(1)
    expect(reports.filter(({ login }) => login?.password)).toHaveLength(1)
  })

  test('says what it created to one of ten that start at the same moment, also without a login', async () => {
    const reports = await Promise.all(Array.from({ length: 10 }, () => bootstrap({ url, login: false })))
    expect(reports.map(({ created }) => created).filter((created) => created.length > 0)).toEqual([all])
  })

  test('serves a second database of the server with the roles and the login that are there', async () => {
    await bootstrap({ url })
    const second = await bootstrap({ url: await database('second') })
    expect(second.created).toEqual(all.filter((what) => !what.startsWith('role ')))
    expect(second.login?.password).toBeNull()
  })

  test('makes the login it is told to, or none', async () => {
    expect(await bootstrap({ url, login: false })).toEqual({ created: all, login: null })
    expect(await bootstrap({ url, login: 'billing' })).toMatchObject({ created: [], login: { name: 'billing' } })
    const logins = await sql`select rolname from pg_roles where rolcanlogin and rolname <> 'postgres'`
    expect([...logins]).toEqual([{ rolname: 'billing' }])
  })

  test('gives auth.jwt() to callers as Supabase has it: their claims, and null where there are none', async () => {
    await bootstrap({ url })
    const claims = { sub: 'kari', app_metadata: { role: 'admin' } }
    for (const [setting, expected] of [
      [JSON.stringify(claims), claims],
      ['', null],
    ] as const) {
      for (const role of ['anon', 'authenticated', 'service_role']) {
        const [row] = await sql.begin(async (tx) => {
          await tx`select set_config('request.jwt.claims', ${setting}, true), set_config('role', ${role}, true)`
          return tx`select auth.jwt() as jwt`
        })
        expect(row?.jwt).toEqual(expected)
      }
    }
  })

  test('needs no superuser: on PostgreSQL 16 and newer CREATEROLE, BYPASSRLS and CREATE on the database will do', async () => {
    const password = randomBytes(8).toString('hex')
    await sql.unsafe(`create role deployer login createrole bypassrls password '${password}'`)
    const as = databaseUrl({ adminUrl: url }, 'plain', { name: 'deployer', password })
    const before = await everything()
    await expect(bootstrap({ url: as })).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(
        /^url: deployer may not create role anon, .*found CREATEROLE, BYPASSRLS, PostgreSQL 17.*expected .*CREATE on the database/,
      ),
    })
    expect(await everything()).toEqual(before)
    await sql`grant create on database plain to deployer`
    expect(await bootstrap({ url: as })).toMatchObject({
      created: all,
      hint: 'everybody may create temporary objects in plain; its owner postgres should run: revoke temporary on database plain from public, anon, authenticated, service_role',
    })
    await sql.unsafe('drop owned by deployer cascade')
  })

  test.each([
    ['to everybody, as by default', ''],
    ['to roles by name', 'revoke temporary on database plain from public; grant temporary on database plain to anon'],
  ])('takes the right to create temporary objects away, where it was granted %s', async (_what, statement) => {
    await bootstrap({ url, login: false })
    await sql.unsafe(`grant temporary on database plain to public; create role clerk login; ${statement}`)
    await sql`grant temporary on database plain to clerk`
    const mayCreate = async (role: string) =>
      (await sql`select has_database_privilege(${role}, 'plain', 'temporary') as may`)[0]?.may
    expect(await mayCreate('anon')).toBe(true)
    const { created, login, revoked } = await bootstrap({ url })
    expect([created, revoked]).toEqual([[], 'creating temporary objects'])
    for (const role of ['anon', 'authenticated', 'service_role', login?.name ?? '']) {
      expect(await mayCreate(role), role).toBe(false)
    }
    expect(await mayCreate('clerk')).toBe(true)
    const as = { name: 'integrations_backend', password: login?.password ?? '' }
    const backend = connect(databaseUrl({ adminUrl: url }, 'plain', as))
    for (const statement of [
      'create temp table t (id int)',
      'select 1 as a into temp "uuid"',
      'create domain pg_temp.jsonb as pg_catalog.jsonb',
      `create function pg_temp.f() returns int language sql as 'select 1'`,
      'set role authenticated',
      'create temp table t (id int)',
      'create type pg_temp.text as (a pg_catalog.int4)',
    ]) {
      const attempt = backend.unsafe(statement)
      await (statement.startsWith('set')
        ? attempt
        : expect(attempt, statement).rejects.toMatchObject({ code: '42501' }))
    }
  })
})

/** Databases that look like Supabase's: its owners of its schemas, and nothing of what those schemas hold. */
const lookAlikes = {
  'a hosted project': 'create schema auth authorization supabase_admin',
  'a local or self-hosted one': 'create schema auth authorization supabase_auth_admin',
  'one with a table of users and an owner of its own for the schema': `
    create schema auth; create table auth.users (id uuid primary key); alter table auth.users owner to supabase_auth_admin`,
  'one that keeps only files': 'create schema storage authorization supabase_storage_admin',
}
const supabaseRoles = `
  create role supabase_admin superuser; create role supabase_auth_admin createrole; create role supabase_storage_admin createrole;`

describe('on a Supabase project', () => {
  test.each(Object.entries(lookAlikes))(
    'is refused with what was found, and nothing is changed: %s',
    async (_, look) => {
      await sql.unsafe(supabaseRoles + look)
      const before = await everything()
      await expect(bootstrap({ url })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(
          /^url: is the database of a Supabase project: found (schema|table) [a-z.]+ of supabase_[a-z_]+, expected none.*integrations-db migrate; it lacks role anon, /,
        ),
      })
      expect(await everything()).toEqual(before)
      await sql.unsafe('drop schema if exists auth, storage cascade')
    },
  )

  test('is not suspected where only its roles, its Vault or a copy without its owners are', async () => {
    await sql.unsafe(supabaseRoles)
    expect((await bootstrap({ url })).created).toEqual(all)
    await installVault(sql)
    expect((await bootstrap({ url })).created).toEqual([])
    await sql.unsafe('drop schema auth cascade')
    await sql.unsafe(`create schema auth; create table auth.users (id uuid primary key);
      create function auth.jwt() returns jsonb language sql as $$ select '{}'::jsonb $$;
      grant usage on schema auth to anon, authenticated, service_role`)
    expect((await bootstrap({ url })).created).toEqual([])
  })

  test('is not suspected where its superuser bootstrapped a database of his own', async () => {
    const password = randomBytes(8).toString('hex')
    await sql.unsafe(`create role supabase_admin superuser login password '${password}'`)
    const as = databaseUrl({ adminUrl: url }, 'plain', { name: 'supabase_admin', password })
    expect((await bootstrap({ url: as })).created).toEqual(all)
    expect((await bootstrap({ url: as })).created).toEqual([])
  })
})

describe('a name of ours that stands for something else', () => {
  test.each([
    [
      'create role authenticated bypassrls',
      /role authenticated .*found BYPASSRLS, expected neither; run: alter role authenticated nosuperuser nobypassrls/,
    ],
    ['create role anon superuser', /role anon .*found superuser, expected neither/],
    [
      'create role service_role',
      /role service_role .*found neither, expected BYPASSRLS.*run: alter role service_role nosuperuser bypassrls/,
    ],
    [
      'create schema auth; create function auth.jwt() returns text language sql return null',
      /auth\.jwt\(\) exists: found one that returns text, expected jsonb/,
    ],
    [
      'create schema auth',
      /schema auth .*not bootstrap's: found it without function auth\.jwt\(\) and usage.*run: comment on schema auth/,
    ],
    [
      'create role integrations_backend superuser login',
      /login: role integrations_backend exists: found that it is a superuser.*choose another name/,
    ],
    ['create role integrations_backend', /found that it may not log in, may not become authenticated; expected/],
    [
      'create role service_role bypassrls; create role integrations_backend login; grant service_role to integrations_backend',
      /may become service_role/,
    ],
  ])('is refused with both values and the hint: %s', async (statements, message) => {
    await sql.unsafe(statements)
    const before = await everything()
    await expect(bootstrap({ url })).rejects.toMatchObject({ message: expect.stringMatching(message) })
    expect(await everything()).toEqual(before)
  })

  test('may be put right as the refusal says', async () => {
    await sql.unsafe('create schema auth; create role service_role')
    const hints: string[] = []
    for (let refused = true; refused; ) {
      const message = await bootstrap({ url }).then(
        () => '',
        (error: Error) => error.message,
      )
      const hint = /run: (.*)$/.exec(message)?.[1]
      refused = hint !== undefined
      if (hint !== undefined) hints.push(hint)
      if (hint !== undefined) await sql.unsafe(hint)
    }
    expect(hints).toHaveLength(2)
    expect((await bootstrap({ url })).created).toEqual([])
  })

  test.each(['Robert"; drop role x', '', 'x'.repeat(64)])(
    'a login named %j is refused before anything is sent',
    async (login) => {
      await expect(bootstrap({ url: 'postgresql://nobody@127.0.0.1:1/x', login })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(/^login: /),
      })
    },
  )
})
