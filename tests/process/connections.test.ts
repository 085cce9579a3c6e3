import { execFile } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { createIntegrationsDb, type IntegrationsDb, type IntegrationsDbOptions } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { addressOf } from '../support/proxy.ts'

const t = useDatabase()
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const organizationId = '00000000-0000-4000-8000-000000000001'
const list = (db: IntegrationsDb) => db.forOrganization({ organizationId, role: 'admin' }).integrations.list()
const processId = async (db: IntegrationsDb) =>
  (
    await db
      .forOrganization({ organizationId, role: 'admin' })
      .query((q) => q.execute(sql`select pg_backend_pid() as pid`))
  )[0]?.pid
const open = (name = 'integrations-db') =>
  t.admin`select pid from pg_stat_activity where datname = current_database() and application_name = ${name}`

describe('a connection', () => {
  test('is closed once it has been idle for idleTimeoutSeconds, and not while it is used', async () => {
    const applicationName = 'idle test'
    const db = t.connect({ max: 3, idleTimeoutSeconds: 0.4, applicationName })
    await list(db)
    await Promise.all([1, 2, 3].map(() => list(db)))
    expect(await open(applicationName)).toHaveLength(3)
    for (let i = 0; i < 6; i++) {
      await pause(150)
      await list(db) // The one that was used last is used next.
    }
    expect(await open(applicationName)).toHaveLength(1)
    await pause(800)
    expect(await open(applicationName)).toHaveLength(0)
    expect(await list(db)).toEqual([])
  })

  test('does not keep a process alive whose calls are done', async () => {
    const script = `import { createIntegrationsDb } from './src/index.ts'
      const db = createIntegrationsDb(process.argv[1])
      console.log((await db.forOrganization({ organizationId: '${organizationId}', role: 'admin' }).integrations.list()).length)`
    const startedAt = performance.now()
    const { stdout } = await promisify(execFile)('npx', ['tsx', '--input-type=module', '--eval', script, t.url], {
      timeout: 25_000,
    })
    expect(stdout.trim()).toBe('0')
    expect(performance.now() - startedAt).toBeLessThan(25_000)
  })

  test('is replaced by a new one after maxLifetimeSeconds, between two calls', async () => {
    const db = t.connect({ max: 1, maxLifetimeSeconds: 0.5 })
    const first = await processId(db)
    expect(await processId(db)).toBe(first)
    await pause(600)
    expect(await processId(db)).not.toBe(first)
    const startedAt = await db.forOrganization({ organizationId, role: 'admin' }).transaction(async (tx) => {
      const before = await tx.query((q) => q.execute(sql`select pg_backend_pid() as pid`))
      await pause(600)
      expect(await tx.query((q) => q.execute(sql`select pg_backend_pid() as pid`))).toEqual(before)
      return before[0]?.pid
    })
    expect(await processId(db)).not.toBe(startedAt)
  })

  test('says its name to the server', async () => {
    const db = t.connect({ applicationName: 'nightly sync' })
    await list(db)
    expect(await open('nightly sync')).toHaveLength(1)
  })

  test("is one of so many as the URL's connection_limit says, which Supabase's dashboard hands out beside pgbouncer=true", async () => {
    const db = t.connect({ url: `${t.url}?pgbouncer=true&connection_limit=1`, applicationName: 'limited' })
    await Promise.all(Array.from({ length: 8 }, () => list(db)))
    expect(await open('limited')).toHaveLength(1)
    const told = t.connect({ url: `${t.url}?pgbouncer=true&connection_limit=1`, applicationName: 'told', max: 2 })
    await list(told)
    await Promise.all(Array.from({ length: 8 }, () => list(told)))
    expect(await open('told')).toHaveLength(2)
  })

  test('goes to [::1]', async () => {
    const { host, port } = addressOf(t.adminUrl)
    const server: Server = createServer((client) => client.pipe(connect(port, host)).pipe(client))
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
    const url = new URL(t.url)
    url.host = `[::1]:${(server.address() as { port: number }).port}`
    const db = t.connect({ url: url.href })
    expect(await list(db)).toEqual([])
    await db.end()
    server.close()
  })

  test('is refused, when the client is made, for a URL whose TLS is misspelled or whose files are not there, and the password is not printed', () => {
    for (const [parameters, message] of [
      ['sslmode=verify', /^url: sslmode must be one of disable/],
      ['sslmod=verify-full', /^url: has a parameter of TLS/],
      [
        'sslmode=verify-full&sslrootcert=/nowhere/ca.pem',
        /^url: sslrootcert \/nowhere\/ca.pem cannot be read \(ENOENT\)/,
      ],
    ] as const) {
      const make = () => createIntegrationsDb(`postgresql://backend:canary@localhost/db?${parameters}`)
      expect(make).toThrow(expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) }))
      expect(make).not.toThrow(/canary/)
    }
    expect(() => createIntegrationsDb('postgresql://backend:100%@localhost/db')).toThrow(/^url: has a % that begins no/)
    expect(() => createIntegrationsDb({ idleTimeoutSeconds: 0 })).toThrow(/^idleTimeoutSeconds: /)
    expect(() => createIntegrationsDb({ ssl: 'on' as never })).toThrow(/^ssl: /)
  })
})

describe('a server of its own', () => {
  const password = 'a-long-enough-password'
  const folder = mkdtempSync(join(tmpdir(), 'idb-'))
  const pem = (name: string) => join(import.meta.dirname, '..', 'tls', name)
  let server: EmbeddedServer
  let admin: postgres.Sql
  const clients: IntegrationsDb[] = []
  const through = (authority: string, parameters = '', options: IntegrationsDbOptions = {}) => {
    const url = `postgresql://backend:${password}@${authority}/postgres?${parameters}`
    const db = createIntegrationsDb({ url, ...options })
    clients.push(db)
    return list(db)
  }
  const port = () => new URL(server.adminUrl).port
  const encrypted = () =>
    admin`select ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'backend' order by backend_start desc limit 1`

  beforeAll(async () => {
    chmodSync(folder, 0o777)
    server = await startEmbedded(undefined, ['-c', `unix_socket_directories=${folder}`])
    admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key)`)
    await migrate({ url: server.adminUrl })
    await createLogin({ url: server.adminUrl, name: 'backend', password })
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await admin?.end()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('is reached over a Unix socket, however the URL names its folder', async () => {
    const socket = encodeURIComponent(folder)
    for (const authority of [`${socket}:${port()}`, '']) {
      const parameters = authority === '' ? `host=${socket}&port=${port()}` : ''
      expect(await through(authority, parameters)).toEqual([])
    }
    const [row] =
      await admin`select count(*)::int as n from pg_stat_activity where usename = 'backend' and client_addr is null`
    expect(row?.n).toBe(2)
  })

  test('that offers no TLS is refused where TLS is asked for, with words and no SQLSTATE, and taken with sslmode=prefer', async () => {
    for (const parameters of ['sslmode=require', `sslmode=verify-full&sslrootcert=${pem('ca.pem')}`]) {
      const error = await through(`localhost:${port()}`, parameters).catch((reason) => reason)
      expect(error).toMatchObject({
        code: 'unavailable',
        sqlState: undefined,
        message: expect.stringMatching(/^ssl: the server offers no TLS/),
      })
    }
    expect(await through(`localhost:${port()}`, 'sslmode=prefer')).toEqual([])
  })

  describe('with TLS', () => {
    beforeAll(async () => {
      const { uid, gid } = statSync(server.folder)
      for (const [from, to] of [
        ['server.pem', 'server.crt'],
        ['server.key', 'server.key'],
      ] as const) {
        const path = join(server.folder, to)
        copyFileSync(pem(from), path)
        chmodSync(path, 0o600)
        chownSync(path, uid, gid)
      }
      await admin.unsafe('alter system set ssl = on')
      await admin`select pg_reload_conf()`
      for (let on = 'off'; on !== 'on'; ) on = (await admin`show ssl`)[0]?.ssl
    })

    test.each([
      ['sslmode=require, unproven', 'localhost', 'sslmode=require', {}],
      ['sslmode=prefer', 'localhost', 'sslmode=prefer', {}],
      ['verify-full with its authority', 'localhost', `sslmode=verify-full&sslrootcert=${pem('ca.pem')}`, {}],
      ['verify-ca under another name', '127.0.0.1', `sslmode=verify-ca&sslrootcert=${pem('ca.pem')}`, {}],
      ['the option ssl', 'localhost', '', { ssl: { rejectUnauthorized: false } }],
    ])('is reached with %s, encrypted', async (_how, host, parameters, options) => {
      expect(await through(`${host}:${port()}`, parameters, options)).toEqual([])
      expect(await encrypted()).toEqual([{ ssl: true }])
    })

    test.each([
      ['another authority', 'localhost', `sslmode=verify-full&sslrootcert=${pem('other-ca.pem')}`, {}],
      ['another name', '127.0.0.1', `sslmode=verify-full&sslrootcert=${pem('ca.pem')}`, {}],
      ["no authority but the system's", 'localhost', 'sslmode=verify-full', {}],
      ['another authority and sslmode=require', 'localhost', `sslmode=require&sslrootcert=${pem('other-ca.pem')}`, {}],
      ['ssl: true in place of sslmode=disable', 'localhost', 'sslmode=disable', { ssl: true }],
    ])(
      'is refused with %s, before anything is sent, as TLS and with no SQLSTATE',
      async (_how, host, parameters, options) => {
        const error = await through(`${host}:${port()}`, parameters, options).catch((reason) => reason)
        expect(error).toMatchObject({
          code: 'unavailable',
          sqlState: undefined,
          message: expect.stringMatching(/^TLS: the server does not prove who it is.*\([A-Z_]+\)$/),
        })
      },
    )

    test('has a call that takes too long cancelled, over TLS as well', async () => {
      const url = `postgresql://backend:${password}@localhost:${port()}/postgres?sslmode=verify-full&sslrootcert=${pem('ca.pem')}`
      const db = createIntegrationsDb({ url, callTimeoutSeconds: 0.5 })
      clients.push(db)
      const acme = db.forOrganization({ organizationId, role: 'admin' })
      await acme.integrations.list()
      await expect(acme.query((q) => q.execute(sql`select pg_sleep(62)`))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('a write may have happened'),
      })
      await expect
        .poll(
          () =>
            admin`select from pg_stat_activity where query like '%pg_sleep(62)%' and state = 'active' and pid <> pg_backend_pid()`,
        )
        .toHaveLength(0)
    })
  })
})
