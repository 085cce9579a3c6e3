import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Admin, withAdminConnection } from '../../src/admin/connection.ts'
import type { IntegrationsDb, OrganizationScope, ServiceScope } from '../../src/index.ts'
import { runCli, startCli } from '../support/command-line.ts'
import { onServer, useDatabase } from '../support/database.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'

/* A network that goes silent without closing: what a firewall that forgets, a cable or a frozen host looks like. */

const t = useDatabase()
const callTimeoutSeconds = 0.6
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const bundle = { api_key: 'key', base_url: 'https://api.xledger.net', company_id: '4711' }

let proxy: TcpProxy
beforeAll(async () => {
  proxy = await startProxy(addressOf(t.adminUrl))
})
afterEach(() => {
  proxy.onSent = undefined
  proxy.speak()
})
afterAll(() => proxy.stop())

const connect = (options = {}): IntegrationsDb =>
  t.connect({
    url: proxy.through(t.url),
    serviceUrl: proxy.through(t.serviceUrl),
    max: 1,
    callTimeoutSeconds,
    encryptionKey: randomBytes(32).toString('hex'),
    ...options,
  })

/** Goes silent right behind the message that has these words. */
function silenceBehind(words: string, ...how: Parameters<TcpProxy['silence']>): void {
  proxy.reset()
  proxy.onSent = () => {
    if (!Buffer.concat(proxy.sent).includes(words)) return
    proxy.onSent = undefined
    proxy.silence(...how)
  }
}

/** What a call failed with, which it did in time. */
async function failure(call: () => Promise<unknown>): Promise<string> {
  const startedAt = performance.now()
  const error = await call().then(
    () => expect.unreachable('the call should have failed'),
    (reason) => reason,
  )
  expect(error).toMatchObject({ name: 'IntegrationsDbError', code: 'unavailable' })
  const seconds = (performance.now() - startedAt) / 1000
  expect(seconds).toBeGreaterThan(callTimeoutSeconds * 0.8)
  expect(seconds).toBeLessThan(callTimeoutSeconds * 2 + 0.3)
  return error.message
}

const nothing = /nothing was written/
const perhaps = /may have happened/

type Doors = { acme: OrganizationScope; service: ServiceScope; organizationId: string }

async function open(options = {}): Promise<Doors> {
  const db = connect(options)
  const organizationId = await t.organization()
  const acme = db.forOrganization({ organizationId, role: 'admin' })
  const service = db.asService({ actor: 'test' })
  await acme.integrations.create({ integrationType: 'xledger' })
  await acme.credentials.store('xledger', bundle)
  await service.integrations.listScheduled()
  return { acme, service, organizationId }
}

const calls: [string, 'acme' | 'service', RegExp, (doors: Doors) => Promise<unknown>][] = [
  ['a read', 'acme', nothing, ({ acme }) => acme.integrations.list()],
  ['a list of events', 'acme', nothing, ({ acme }) => acme.events.list()],
  ['a description of a credential', 'acme', nothing, ({ acme }) => acme.credentials.describe('xledger')],
  ['a write', 'acme', perhaps, ({ acme }) => acme.integrations.update('xledger', { syncSchedule: '0 2 * * *' })],
  ['a query of your own', 'acme', perhaps, ({ acme }) => acme.query((q) => q.execute(sql`select 1`))],
  ['what stores a credential', 'acme', nothing, ({ acme }) => acme.credentials.rotate('xledger', bundle)],
  ['what revokes a credential', 'acme', perhaps, ({ acme }) => acme.credentials.revoke('xledger')],
  [
    'what retrieves a credential',
    'service',
    perhaps,
    ({ service, organizationId }) =>
      service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'test' }),
  ],
  ['a read across organizations', 'service', nothing, ({ service }) => service.integrations.listScheduled()],
  [
    "the service's write",
    'service',
    perhaps,
    ({ service, organizationId }) => service.forOrganization(organizationId).integrations.delete('xledger'),
  ],
  [
    'a transaction of one statement',
    'acme',
    nothing,
    ({ acme }) => acme.transaction((tx) => tx.integrations.delete('xledger')),
  ],
]

describe('over a network that goes silent', () => {
  test.each(calls)(
    '%s fails in time, says what may have been written, and the next call works',
    async (_, door, says, call) => {
      for (const what of ['requests', 'answers'] as const) {
        const doors = await open()
        proxy.silence(what)
        expect(await failure(() => call(doors))).toMatch(says)
        // Of the two logins the other one's connection is silent too, which its own next call finds out.
        const next = {
          acme: () => doors.acme.integrations.list(),
          service: () => doors.service.integrations.listScheduled(),
        }
        expect(await next[door]()).toBeDefined()
      }
    },
  )

  test('in the middle of an answer, a call fails in time', async () => {
    const { acme } = await open()
    proxy.silence('answers', { after: 40 })
    expect(await failure(() => acme.integrations.list())).toMatch(nothing)
    expect(await acme.integrations.list()).toHaveLength(1)
  })

  test('a write says that it may have happened, whether or not it has', async () => {
    for (const [what, status] of [
      ['requests', 'inactive'],
      ['answers', 'error'],
    ] as const) {
      const { acme } = await open()
      proxy.silence(what)
      expect(await failure(() => acme.integrations.update('xledger', { status: 'error' }))).toMatch(perhaps)
      expect(await acme.integrations.get('xledger')).toMatchObject({ status })
    }
  })

  test('a transaction stops at a later statement with nothing written, also where it catches the failure', async () => {
    for (const what of ['requests', 'answers'] as const) {
      const { acme } = await open()
      const message = await failure(() =>
        acme.transaction(async (tx) => {
          await tx.integrations.update('xledger', { status: 'error' })
          proxy.silence(what)
          await tx.integrations.create({ integrationType: 'consio' }).catch(() => {})
        }),
      )
      expect(message).toMatch(nothing)
      expect(await acme.integrations.list()).toMatchObject([{ integrationType: 'xledger', status: 'inactive' }])
    }
  })

  test('a commit says that it may have happened, whether or not it has', async () => {
    for (const [what, rows] of [
      ['requests', 1],
      ['answers', 2],
    ] as const) {
      const { acme } = await open()
      const message = await failure(() =>
        acme.transaction(async (tx) => {
          await tx.integrations.create({ integrationType: 'consio' })
          proxy.silence(what)
        }),
      )
      expect(message).toMatch(perhaps)
      expect(await acme.integrations.list()).toHaveLength(rows)
    }
  })

  test('a transaction may last longer than a call, as long as each of its statements is answered', async () => {
    const { acme } = await open()
    await acme.transaction(async (tx) => {
      for (let i = 0; i < 3; i++) {
        await pause(callTimeoutSeconds * 600)
        await tx.query((q) => q.execute(sql`select 1`))
      }
    })
  })

  test('the second round trip of a credential says that it may have happened', async () => {
    const { acme } = await open()
    silenceBehind('rotate_credential', 'answers')
    expect(await failure(() => acme.credentials.rotate('xledger', bundle))).toMatch(perhaps)
    expect(await acme.credentials.describe('xledger')).toMatchObject({ version: 2 })
  })

  test('connecting fails in time, and so does the check of the login behind it', async () => {
    for (const options of [{}, { connectTimeoutSeconds: callTimeoutSeconds, callTimeoutSeconds: 30 }]) {
      const acme = connect(options).forOrganization({ organizationId: await t.organization(), role: 'admin' })
      proxy.silence('answers', { later: true })
      await failure(() => acme.integrations.create({ integrationType: 'xledger' }))
      proxy.speak()
      silenceBehind('rolsuper', 'answers')
      if (options.callTimeoutSeconds === undefined) {
        expect(await failure(() => acme.integrations.create({ integrationType: 'xledger' }))).toMatch(nothing)
      }
      proxy.onSent = undefined
      expect(await acme.integrations.list()).toEqual([])
    }
  })

  test('a call that waits for a connection fails in time, and gets a sound one where there is one in time', async () => {
    const { acme } = await open({ acquireTimeoutSeconds: 30 })
    const held = acme.transaction(async (tx) => {
      await tx.integrations.list()
      await pause(callTimeoutSeconds * 3000)
    })
    await failure(() => acme.integrations.update('xledger', { status: 'error' }))
    await held
    proxy.silence('answers')
    const silent = failure(() => acme.integrations.list())
    await pause(callTimeoutSeconds * 500)
    expect(await acme.integrations.update('xledger', { syncSchedule: null })).toMatchObject({ status: 'inactive' })
    await silent
  })

  test('one call finds out for the connections that lie idle', async () => {
    const { acme } = await open({ max: 5 })
    await Promise.all(Array.from({ length: 5 }, () => acme.query((q) => q.execute(sql`select pg_sleep(0.05)`))))
    proxy.silence('answers')
    await failure(() => acme.integrations.list())
    await Promise.all(Array.from({ length: 5 }, () => acme.integrations.list()))
  })

  test('the statement is cancelled on the server, and only that one', async () => {
    const { acme } = await open()
    const running = () =>
      t.admin`select state from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60%' and pid <> pg_backend_pid() and state = 'active'`
    for (const call of [
      () => acme.query((q) => q.execute(sql`select pg_sleep(60)`)),
      () => acme.transaction((tx) => tx.query((q) => q.execute(sql`select pg_sleep(60)`))),
    ]) {
      silenceBehind('pg_sleep(60', 'answers')
      await failure(call)
      for (let tries = 0; (await running()).length > 0; tries++) {
        expect(tries).toBeLessThan(20)
        await pause(50)
      }
    }
  })

  test('a client ends, and its process too, while a call waits and when nothing can be reached any more', async () => {
    const { acme } = await open()
    const db = connect({ callTimeoutSeconds: 60 })
    const waiting = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await waiting.integrations.list()
    proxy.silence('requests', { later: true })
    const call = expect(waiting.integrations.list()).rejects.toMatchObject({ code: 'unavailable' })
    await pause(50)
    await Promise.all([db.end(), call])
    await failure(() => acme.integrations.list())

    proxy.speak()
    const program = `
      import { createIntegrationsDb } from ${JSON.stringify(pathToFileURL(join(inject('dist'), 'index.js')).href)}
      const [url, organizationId] = process.argv.slice(1)
      const db = createIntegrationsDb({ url, max: 2, callTimeoutSeconds: 1 })
      const acme = db.forOrganization({ organizationId, role: 'admin' })
      await Promise.all([acme.integrations.list(), acme.integrations.list()])
      console.log('open')
      process.stdin.once('data', async () => {
        process.stdin.destroy()
        await acme.integrations.list().catch((error) => console.log(error.code))
        await db.end()
        console.log('ended')
      })`
    const organizationId = await t.organization()
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, proxy.through(t.url), organizationId])
    let said = ''
    child.stdout.on('data', (text) => {
      said += text
      if (said !== 'open\n') return
      proxy.silence('requests', { later: true })
      child.stdin.write('now')
    })
    const [code] = await once(child, 'exit')
    expect([code, said]).toEqual([0, 'open\nunavailable\nended\n'])
  }, 20_000)

  test('a slow statement over a sound network is cancelled as well', async () => {
    const { acme } = await open()
    expect(await failure(() => acme.query((q) => q.execute(sql`select pg_sleep(61)`)))).toMatch(perhaps)
    await pause(200)
    expect(
      await t.admin`select from pg_stat_activity where query like '%pg_sleep(61%' and pid <> pg_backend_pid() and state = 'active'`,
    ).toHaveLength(0)
  })
})

describe("an administrator's command over a network that goes silent", () => {
  const url = () => `${proxy.through(t.adminUrl)}?connect_timeout=1`

  test('fails in time where it cannot connect', async () => {
    proxy.silence('answers', { later: true })
    const startedAt = performance.now()
    expect(await runCli(['status', '--url', url()])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be reached'),
    })
    expect(performance.now() - startedAt).toBeLessThan(8000)
  })

  test('fails in time in the middle of a statement, of a transaction, and between two statements, and says so', async () => {
    for (const work of [
      (sql: Admin) => sql.unsafe('select pg_sleep(60)'),
      (sql: Admin) => sql.begin(async (tx) => tx.unsafe('select pg_sleep(60)')),
      (sql: Admin) => sql.unsafe('select 1').then(() => pause(60_000)),
    ]) {
      const startedAt = performance.now()
      const failed = withAdminConnection(url(), async (sql) => {
        await sql.unsafe('select 1')
        proxy.silence('answers', { later: true })
        return work(sql)
      })
      await expect(failed).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('unknown') })
      expect(performance.now() - startedAt).toBeLessThan(4000)
      proxy.speak()
    }
  }, 20_000)

  test('ends its process', async () => {
    const { process, ended } = startCli(['doctor', '--url', url()])
    proxy.reset()
    silenceBehind('pg_class', 'answers', { later: true })
    const startedAt = performance.now()
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('connection to PostgreSQL was lost') })
    expect(performance.now() - startedAt).toBeLessThan(12_000)
    expect(process.exitCode).toBe(1)
  }, 20_000)

  test('is left alone for as long as the server answers others, also where those are refused', async () => {
    await withAdminConnection(url(), (sql) => sql.unsafe('select pg_sleep(2.5)'))
    await withAdminConnection(url(), async (sql) => {
      await sql.unsafe('select 1')
      await onServer(`alter database ${t.name} allow_connections false`)
      try {
        await sql.unsafe('select pg_sleep(2.5)')
      } finally {
        await onServer(`alter database ${t.name} allow_connections true`)
      }
    })
  }, 20_000)
})
