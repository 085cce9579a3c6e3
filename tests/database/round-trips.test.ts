import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Integrations } from '../../src/client/integrations.ts'
import { Pool } from '../../src/connection/pool.ts'
import { organizationScope } from '../../src/connection/scope.ts'
import { unitSession } from '../../src/connection/session.ts'
import { statement } from '../../src/connection/statement.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { rollback } from '../../src/deployment/rollback.ts'
import { status } from '../../src/deployment/status.ts'
import type { IntegrationsDb, OrganizationScope } from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'
import { frontendMessages, typesOf } from '../support/frontend-messages.ts'
import { hasPgBouncer, preparesStatements, startPgBouncer } from '../support/pgbouncer.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'

const t = useDatabase()
const host = useDatabase('host')

/** Every call that is one statement. Each leaves the row as the next one needs it. */
const calls: [string, (scope: OrganizationScope) => Promise<unknown>][] = [
  [
    'create',
    (scope) => scope.integrations.create({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } }),
  ],
  ['list', (scope) => scope.integrations.list()],
  ['list by status', (scope) => scope.integrations.list({ status: 'inactive' })],
  ['get', (scope) => scope.integrations.get('xledger')],
  ['getById', (scope) => scope.integrations.getById('00000000-0000-4000-8000-000000000000')],
  ['findByMappedField', (scope) => scope.integrations.findByMappedField('amount')],
  ['upsert', (scope) => scope.integrations.upsert({ integrationType: 'xledger', status: 'error' })],
  ['update', (scope) => scope.integrations.update('xledger', { status: 'inactive' })],
  ['setFieldMappings', (scope) => scope.integrations.setFieldMappings('xledger', { account: 'a', amount: null })],
  ['excludeFeatures', (scope) => scope.integrations.excludeFeatures('xledger', ['payroll_sync'])],
  ['includeFeatures', (scope) => scope.integrations.includeFeatures('xledger', ['payroll_sync'])],
  ['query', (scope) => scope.query((q) => q.select().from(organizationIntegrations))],
  ['delete', (scope) => scope.integrations.delete('xledger')],
]

describe('straight to PostgreSQL', () => {
  let proxy: TcpProxy
  let db: IntegrationsDb
  let acme: OrganizationScope

  beforeAll(async () => {
    proxy = await startProxy(addressOf(t.adminUrl))
    db = t.connect({ url: proxy.through(t.url), serviceUrl: proxy.through(t.serviceUrl), max: 1 })
    acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.list() // The first call connects and has its login checked.
  })
  beforeEach(() => proxy.reset())
  afterAll(() => proxy.stop())

  test.each(calls)('%s is one round trip', async (_name, call) => {
    await call(acme)
    expect(proxy.roundTrips).toBe(1)
  })

  test('a call of another organization over the same connection is one round trip too, the first time', async () => {
    const other = db.forOrganization({ organizationId: await t.organization(), role: 'coordinator' })
    await other.integrations.get('dynamics')
    expect(proxy.roundTrips).toBe(1)
  })

  test('a service call is one round trip', async () => {
    const service = db.asService({ actor: 'test' })
    await service.integrations.listScheduled() // Connects and has its login checked.
    proxy.reset()
    await service.integrations.listScheduled()
    await service.forOrganization(await t.organization()).integrations.list()
    expect(proxy.roundTrips).toBe(2)
  })

  test('a transaction sends nothing before its first statement, and costs one round trip to commit', async () => {
    await acme.transaction(async () => {})
    expect(proxy.roundTrips).toBe(0)
    await acme.transaction(async (tx) => {
      expect(proxy.roundTrips).toBe(0)
      await tx.integrations.list()
      expect(proxy.roundTrips).toBe(1)
      await tx.integrations.get('xledger')
      expect(proxy.roundTrips).toBe(2)
    })
    expect(proxy.roundTrips).toBe(3)
  })

  test('making a scope sends nothing', () => {
    db.forClaims({ app_metadata: { organization_id: '00000000-0000-4000-8000-000000000000', role: 'admin' } })
    expect(proxy.roundTrips).toBe(0)
  })

  test('no value or claim from a caller is in the text of a statement: each is bound', async () => {
    const canary = `canary'"\\;--`
    await acme.integrations.upsert({ integrationType: 'consio', fieldMappings: { canary_field: canary } })
    await acme.integrations.findByMappedField(canary)
    await acme.query((q) => q.select({ x: organizationIntegrations.id }).from(organizationIntegrations).limit(41_421))
    await acme.transaction((tx) => tx.integrations.findByMappedField(canary))
    const messages = frontendMessages(proxy.sent)
    const bodies = (type: string) => messages.flatMap((message) => (message.type === type ? message.body : [])).join()
    expect(new Set(messages.map(({ type }) => type))).toEqual(new Set('CPBDES'))
    for (const plain of ['canary', 'consio', 'app_metadata', '41421']) {
      expect(bodies('P')).not.toContain(plain)
      expect(bodies('B')).toContain(plain)
    }
    await acme.integrations.delete('consio')
  })

  test('every call is one unit: settings, statement, and one Sync behind both', async () => {
    for (const [_name, call] of calls) {
      proxy.reset()
      await call(acme)
      const sent = Buffer.concat(proxy.sent)
      expect(proxy.sent).toHaveLength(1)
      expect(frontendMessages([sent]).filter(({ type }) => type === 'S')).toHaveLength(1)
      expect(frontendMessages([sent]).at(-1)?.type).toBe('S')
      const bound = frontendMessages([sent]).filter(({ type }) => type === 'B')
      expect(bound.findIndex(({ body }) => body.includes('app_metadata'))).toBe(_name === 'query' ? 1 : 0)
    }
  })

  describe('the server keeps the plan of a repeated call', () => {
    const sentBy = async (call: () => Promise<unknown>) => {
      proxy.reset()
      await call()
      return proxy.sent
    }

    test('and the call then only names it and binds its values', async () => {
      await acme.integrations.get('bufdir')
      const again = await sentBy(() => acme.integrations.get('bufdir'))
      expect(typesOf(again)).toBe('BEBES')
      expect(Buffer.concat(again).toString('latin1')).toMatch(/integrations_db_[0-9a-f]{32}/)
    })

    test('unless told otherwise', async () => {
      const plain = t.connect({ url: proxy.through(t.url), max: 1, keepPlans: false })
      const scope = plain.forOrganization({ organizationId: await t.organization(), role: 'admin' })
      for (let i = 0; i < 3; i++) await scope.integrations.get('bufdir')
      const again = await sentBy(() => scope.integrations.get('bufdir'))
      expect(typesOf(again)).toBe('PBDEPBDES')
      expect(Buffer.concat(again).toString('latin1')).not.toContain('integrations_db_')
    })

    test('and a call whose plan is gone, or no longer fits the table, works all the same', async () => {
      const organizationId = await t.organization()
      const pool = new Pool(t.url, { max: 1 })
      const scope = organizationScope({ organizationId, role: 'admin' })
      const integrations = new Integrations(unitSession(async () => pool, scope).run, scope)
      for (let i = 0; i < 3; i++) await integrations.upsert({ integrationType: 'xledger', status: 'error' })
      await pool.run(undefined, statement('deallocate all')())
      expect(await integrations.upsert({ integrationType: 'xledger', status: 'inactive' })).toMatchObject({
        status: 'inactive',
      })
      for (let i = 0; i < 3; i++) await integrations.list()
      await t.admin`alter table organization_integrations alter column sync_schedule type varchar(200)`
      expect(await integrations.list()).toHaveLength(1)
      await t.admin`alter table organization_integrations alter column sync_schedule type text`
      expect(await integrations.list()).toHaveLength(1)
      await pool.end()
    })

    test('also after a call that the server refused', async () => {
      const scope = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
      await scope.integrations.create({ integrationType: 'dynamics' })
      const connections = proxy.connections
      for (let i = 0; i < 3; i++) {
        await expect(scope.integrations.create({ integrationType: 'dynamics' })).rejects.toMatchObject({
          code: 'already_exists',
        })
      }
      expect(proxy.connections).toBe(connections)
    })
  })
})

describe.skipIf(!hasPgBouncer)(
  `through PgBouncer in transaction mode${hasPgBouncer ? '' : ' - skipped: pgbouncer is not installed'}`,
  () => {
    let stop: () => Promise<void>
    let pooled: (url: string) => string
    let front: TcpProxy
    let back: TcpProxy

    beforeAll(async () => {
      back = await startProxy(addressOf(t.adminUrl))
      const bouncer = await startPgBouncer(back.through(t.url))
      front = await startProxy(bouncer.address)
      pooled = (url) => front.through(url)
      stop = bouncer.stop
    })
    afterAll(async () => {
      await front.stop()
      await stop()
      await back.stop()
    })

    test.each(calls)('%s is one round trip to the pooler and one to the server behind it', async (_name, call) => {
      // Warm on both sides, and the calls of `calls` in their order.
      acme ??= t
        .connect({ url: pooled(t.url), max: 1 })
        .forOrganization({ organizationId: await t.organization(), role: 'admin' })
      await acme.integrations.list()
      front.reset()
      back.reset()
      await call(acme)
      expect([front.roundTrips, back.roundTrips]).toEqual([1, 1])
    })
    let acme: OrganizationScope | undefined

    test('a new connection works with its first call, and every call once it has connected is one message', async () => {
      for (let i = 0; i < 5; i++) {
        const db = t.connect({ url: pooled(t.url), max: 1 })
        const scope = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
        front.reset()
        await scope.integrations.create({ integrationType: 'xledger' })
        expect(typesOf(front.sent)).toBe('PBDEPBDESPBDEPBDES') // The check of the login, and the call.
        await db.end()
      }
    })

    test('nothing is ever prepared, however often a call is repeated', async () => {
      const scope = t
        .connect({ url: pooled(t.url), max: 1 })
        .forOrganization({ organizationId: await t.organization(), role: 'admin' })
      back.reset()
      for (let i = 0; i < 5; i++) await scope.integrations.list()
      expect(Buffer.concat(back.sent).toString('latin1')).not.toContain('integrations_db_')
    })

    test.each(['transaction', 'session'] as const)(
      "with keepPlans: 'pooled' plans are kept by name, and a pooler in %s mode that mixes them up costs no answer",
      async (mode) => {
        const bouncer = await startPgBouncer(back.through(t.url), mode)
        const inFront = await startProxy(bouncer.address)
        const db = t.connect({ url: inFront.through(t.url), max: 2, keepPlans: 'pooled' })
        const ids = await Promise.all(Array.from({ length: 10 }, () => t.organization()))
        await Promise.all(
          ids.map(async (organizationId) => {
            const scope = db.forOrganization({ organizationId, role: 'admin' })
            await scope.integrations.create({ integrationType: 'xledger' })
            for (let i = 0; i < 5; i++) {
              expect((await scope.integrations.list()).map((row) => row.organizationId)).toEqual([organizationId])
            }
          }),
        )
        if (mode === 'session') {
          const scope = db.forOrganization({ organizationId: ids[0] ?? '', role: 'admin' })
          for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 4 }, () => scope.integrations.list()))
          inFront.reset()
          await scope.integrations.list()
          expect(typesOf(inFront.sent)).toBe('BEBES')
        }
        await db.end()
        await inFront.stop()
        await bouncer.stop()
      },
    )

    test.skipIf(!preparesStatements)(
      `with max_prepared_statements and keepPlans: 'pooled' every call names its plans, whichever server connection it gets${preparesStatements ? '' : ' - skipped: PgBouncer keeps track of them since 1.21'}`,
      async () => {
        // Fewer than there are statements: it forgets some and prepares them again.
        const bouncer = await startPgBouncer(back.through(t.url), 'transaction', 2, 3)
        const inFront = await startProxy(bouncer.address)
        const db = t.connect({ url: inFront.through(t.url), max: 1, keepPlans: 'pooled' })
        const ids = await Promise.all(Array.from({ length: 10 }, () => t.organization()))
        const scopes = ids.map((organizationId) => db.forOrganization({ organizationId, role: 'admin' }))
        for (const scope of scopes) await scope.integrations.create({ integrationType: 'xledger' })
        // Others of the same login take turns on the two server connections.
        const others = t.connect({ url: inFront.through(t.url), max: 4, keepPlans: 'pooled' })
        const noise = Promise.all(
          ids.map(async (organizationId) => {
            const scope = others.forOrganization({ organizationId, role: 'admin' })
            for (let i = 0; i < 20; i++)
              expect((await scope.integrations.list()).map((row) => row.organizationId)).toEqual([organizationId])
          }),
        )
        for (const [i, scope] of [...scopes, ...scopes].entries()) {
          const organizationId = ids[i % ids.length]
          expect((await scope.integrations.get('xledger'))?.organizationId).toBe(organizationId)
          expect((await scope.integrations.list()).map((row) => row.organizationId)).toEqual([organizationId])
          expect(await scope.integrations.getById(randomUUID())).toBeNull()
        }
        await noise
        inFront.reset()
        back.reset()
        await scopes[0]?.integrations.list()
        expect(typesOf(inFront.sent)).toBe('BEBES')
        expect(inFront.roundTrips).toBe(1)
        await Promise.all([db.end(), others.end()])
        await inFront.stop()
        await bouncer.stop()
      },
    )

    test('an administrator migrates and rolls back, three at once, and no lock stays behind', async () => {
      const url = pooled(host.adminUrl)
      const reports = await Promise.all([migrate({ url }), migrate({ url }), migrate({ url })])
      expect(reports.filter(({ applied }) => applied.length > 0)).toHaveLength(1)
      await rollback({ url, steps: 99, acceptDataLoss: true })
      expect((await status({ url })).applied).toEqual([])
      expect(
        await host.admin`select from pg_locks join pg_database on pg_database.oid = database
        where locktype = 'advisory' and datname = current_database()`,
      ).toHaveLength(0)
    })

    test('transactions keep to one server connection, and forty callers on two never see each other', async () => {
      const ids = await Promise.all(Array.from({ length: 40 }, () => t.organization()))
      const db = t.connect({ url: pooled(t.url), max: 20 })
      await Promise.all(
        ids.map(async (organizationId, i) => {
          const scope = db.forOrganization({ organizationId, role: 'admin' })
          if (i % 2) {
            await scope.transaction(async (tx) => {
              await tx.integrations.create({ integrationType: 'xledger' })
              await tx.integrations.create({ integrationType: 'dynamics' })
            })
          } else await scope.integrations.create({ integrationType: 'xledger' })
          for (const row of await scope.integrations.list()) expect(row.organizationId).toBe(organizationId)
          expect(await scope.integrations.list()).toHaveLength(i % 2 ? 2 : 1)
        }),
      )
    })
  },
)
