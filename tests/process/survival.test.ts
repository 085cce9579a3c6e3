import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { withAdminConnection } from '../../src/admin/connection.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { createIntegrationsDb, type OrganizationScope } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'

const t = useDatabase()
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const terminateAll = () => t.admin`
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'integrations-db'`

describe('a lost connection', () => {
  test('between two calls goes unnoticed, by reads and by writes', async () => {
    const acme = t.connect({ max: 1 }).forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })
    for (let i = 0; i < 3; i++) {
      await terminateAll()
      await pause(50)
      expect(await acme.integrations.update('xledger', { status: 'error' })).toMatchObject({ status: 'error' })
      await terminateAll()
      await pause(50)
      expect(await acme.integrations.list()).toHaveLength(1)
    }
  })

  describe('under a call', () => {
    let proxy: TcpProxy
    let acme: OrganizationScope

    beforeAll(async () => {
      proxy = await startProxy(addressOf(t.adminUrl), 30)
      acme = t
        .connect({ url: proxy.through(t.url), max: 1 })
        .forOrganization({ organizationId: await t.organization(), role: 'admin' })
      await acme.integrations.create({ integrationType: 'xledger' })
    })
    afterAll(() => proxy.stop())

    test('is made good for a read, once', async () => {
      const reading = acme.integrations.list()
      await pause(10)
      proxy.cut()
      expect(await reading).toHaveLength(1)
      const unlucky = acme.integrations.get('xledger')
      await pause(10)
      proxy.cut()
      const cutting = setInterval(() => proxy.cut(), 20)
      await expect(unlucky).rejects.toMatchObject({ code: 'unavailable' })
      clearInterval(cutting)
    })

    test('is unavailable for a write and for a query of your own: they are never sent twice', async () => {
      for (const attempt of [
        () => acme.integrations.update('xledger', { status: 'error' }),
        () => acme.query((q) => q.execute(sql`select 1`)),
      ]) {
        await acme.integrations.list()
        proxy.reset()
        const sent = new Promise<void>((resolve) => {
          proxy.onSent = resolve
        })
        const call = attempt()
        await sent
        proxy.cut()
        await expect(call).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('unknown') })
        expect(proxy.sent).toHaveLength(1)
      }
      expect(await acme.integrations.list()).toHaveLength(1)
    })

    test('loses the whole transaction, whose later statements are not sent on another, and the next one works', async () => {
      for (const milliseconds of [0, 1, 10]) {
        const lost = acme.transaction(async (tx) => {
          await tx.integrations.create({ integrationType: 'dynamics' })
          proxy.cut()
          proxy.reset()
          await pause(milliseconds)
          await tx.integrations.create({ integrationType: 'consio' })
        })
        await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
        expect(proxy.sent).toEqual([])
      }
      expect((await acme.integrations.list()).map((row) => row.integrationType)).toEqual(['xledger'])
      await acme.transaction((tx) => tx.integrations.create({ integrationType: 'dynamics' }))
      expect(await acme.integrations.list()).toHaveLength(2)
    })
  })
})

describe("an administrator's connection that is lost", () => {
  let proxy: TcpProxy
  beforeAll(async () => {
    proxy = await startProxy(addressOf(t.adminUrl))
  })
  afterAll(() => proxy.stop())

  test.each([
    ['under a statement', 'select pg_sleep(0.2)'],
    ['between two statements', undefined],
  ])(
    '%s is unavailable, never a hang or a crash, and what would follow never runs without its transaction',
    async (_, statement) => {
      const lost = withAdminConnection(proxy.through(t.adminUrl), (sql) =>
        sql.begin(async (tx) => {
          await tx`insert into organizations (name) values ('before')`
          setTimeout(() => proxy.cut(), 20)
          await (statement ? tx.unsafe(statement) : pause(50))
          await tx`insert into organizations (name) values ('after')`
        }),
      )
      await expect(lost).rejects.toMatchObject({ code: 'unavailable' })
      await pause(100)
      expect(await t.admin`select name from organizations where name in ('before', 'after')`).toHaveLength(0)
    },
  )
})

describe('connections that are all in use', () => {
  test('by slow statements make a call unavailable after the set wait, never a hang, and come back', async () => {
    const db = t.connect({ max: 2, acquireTimeoutSeconds: 0.2 })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.list()
    const slow = [1, 2].map(() => acme.query((q) => q.execute(sql`select pg_sleep(0.6)`)))
    await pause(50)
    const startedAt = performance.now()
    await expect(acme.integrations.list()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/within 0\.2 s: all 2 are in use/),
    })
    expect(performance.now() - startedAt).toBeLessThan(500)
    await Promise.all(slow)
    expect(await acme.integrations.list()).toEqual([])
  })
})

describe('a server that restarts in the middle of calls', () => {
  let server: EmbeddedServer

  beforeAll(async () => {
    server = await startEmbedded()
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key)`)
    await admin.unsafe(`insert into organizations values ('00000000-0000-4000-8000-000000000001')`)
    await migrate({ url: server.adminUrl })
    await createLogin({ url: server.adminUrl, name: 'backend', password: 'a-long-enough-password' })
    await admin.end()
  })
  afterAll(() => server.stop())

  test('fails the calls it interrupts with unavailable, and serves the next ones', async () => {
    const url = new URL(server.adminUrl)
    url.username = 'backend'
    url.password = 'a-long-enough-password'
    const db = createIntegrationsDb({ url: url.href, max: 4 })
    const acme = db.forOrganization({ organizationId: '00000000-0000-4000-8000-000000000001', role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })

    const codes = new Map<string, number>()
    let restarted = false
    const callers = Array.from({ length: 12 }, async () => {
      while (!restarted) {
        const code = await acme.integrations.list().then(
          () => 'ok',
          (error) => error.code,
        )
        codes.set(code, (codes.get(code) ?? 0) + 1)
        await pause(5)
      }
    })
    await pause(100)
    await server.restart()
    restarted = true
    await Promise.all(callers)
    expect([...codes.keys()].sort()).toEqual(['ok', 'unavailable'])
    expect(await acme.integrations.list()).toHaveLength(1)
    await db.end()
  })
})
