import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { readFleet } from '../../src/admin/fleet.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import {
  type CallEvent,
  createIntegrationsDb,
  type IntegrationsDb,
  type IntegrationsDbOptions,
  type OrganizationScope,
  type ReplicaEvent,
} from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'
import { type Standby, startStandby } from '../support/standby.ts'

const password = 'a-long-enough-password'
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
let primary: EmbeddedServer
let standby: Standby
let admin: postgres.Sql
let onStandby: postgres.Sql
let toPrimary: TcpProxy
let toStandby: TcpProxy
/** Most tests share a client and an organization with one integration; it has connected before the first. */
let db: IntegrationsDb
let acme: OrganizationScope
const clients: IntegrationsDb[] = []
let calls: CallEvent[]
let changes: ReplicaEvent[]
const onCall = (event: unknown) => calls.push(event as CallEvent)
const onChange = (event: unknown) => changes.push(event as ReplicaEvent)

beforeAll(async () => {
  primary = await startEmbedded(undefined, ['-c', 'wal_keep_size=128MB'])
  admin = postgres(primary.adminUrl, { max: 2, onnotice: () => {} })
  await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key); create sequence tickets;
    grant usage on sequence tickets to authenticated`)
  await migrate({ url: primary.adminUrl })
  await createLogin({ url: primary.adminUrl, name: 'backend', password })
  // Queries that stand in the way of what the primary did are cancelled after a tenth of a second, not half a minute.
  standby = await startStandby(primary, ['-c', 'max_standby_streaming_delay=100ms'])
  onStandby = postgres(standby.adminUrl, { max: 1, onnotice: () => {} })
  toPrimary = await startProxy(addressOf(primary.adminUrl))
  toStandby = await startProxy(addressOf(standby.adminUrl))
  db = connect()
  clients.pop()
  acme = await someScope(db)
  await acme.integrations.list()
})
beforeEach(() => {
  calls = []
  changes = []
  subscribe('integrations-db:call', onCall)
  subscribe('integrations-db:replica', onChange)
})
afterEach(async () => {
  unsubscribe('integrations-db:call', onCall)
  unsubscribe('integrations-db:replica', onChange)
  await Promise.all(clients.splice(0).map((client) => client.end()))
})
afterAll(async () => {
  await db?.end()
  await toStandby?.stop()
  await toPrimary?.stop()
  await onStandby?.end()
  await admin?.end()
  await standby?.stop()
  await primary?.stop()
})

function as(login: string, url: string): string {
  const given = new URL(url)
  given.username = login
  given.password = login === 'postgres' ? 'postgres' : password
  return given.href
}

function connect(options: IntegrationsDbOptions = {}): IntegrationsDb {
  const url = as('backend', toPrimary.through(primary.adminUrl))
  const replicas = [as('backend', toStandby.through(standby.adminUrl))]
  const client = createIntegrationsDb({ url, replicas, ...options })
  clients.push(client)
  return client
}

/** Everything the primary has committed is on the standby. */
async function caughtUp(): Promise<void> {
  const [{ lsn } = {}] = await admin`select pg_current_wal_lsn()::text as lsn`
  for (;;) {
    const [row] = await onStandby`select pg_last_wal_replay_lsn() >= ${lsn}::text::pg_lsn as done`
    if (row?.done) return
    await pause(5)
  }
}

/** Organizations that have one integration, on both servers. */
async function organizations(count: number): Promise<string[]> {
  const rows = await admin<{ id: string }[]>`
    insert into organizations select gen_random_uuid() from generate_series(1, ${count}) returning id`
  const ids = rows.map(({ id }) => id)
  await admin`
    insert into organization_integrations (organization_id, integration_type, field_mappings)
    select id::uuid, 'xledger', '{"amount": "invoiceAmount"}' from unnest(${ids}::text[]) as id`
  await caughtUp()
  return ids
}

async function someScope(client: IntegrationsDb): Promise<OrganizationScope> {
  const [organizationId = ''] = await organizations(1)
  return client.forOrganization({ organizationId, role: 'admin' })
}

const answeredBy = () => calls.map(({ replica }) => (replica ? 'replica' : 'primary'))

const reads: [string, (scope: OrganizationScope) => Promise<unknown>][] = [
  ['list', ({ integrations }) => integrations.list()],
  ['list by status', ({ integrations }) => integrations.list({ status: 'inactive' })],
  ['get', ({ integrations }) => integrations.get('xledger')],
  ['getById', ({ integrations }) => integrations.getById('00000000-0000-4000-8000-000000000000')],
  ['findByMappedField', ({ integrations }) => integrations.findByMappedField('amount')],
  ['credentials.describe', ({ credentials }) => credentials.describe('xledger')],
  ['events.list', ({ events }) => events.list()],
  ['a typed select', (scope) => scope.query((q) => q.select().from(organizationIntegrations))],
  ['a typed select over a CTE', (scope) => scope.query(cte)],
]
const cte: Parameters<OrganizationScope['query']>[0] = (q) => {
  const own = q.$with('own').as(q.select().from(organizationIntegrations))
  return q.with(own).select().from(own)
}

describe('a scoped read', () => {
  test.each(reads)('is one round trip to a replica and none to the primary: %s', async (_name, read) => {
    toPrimary.reset()
    toStandby.reset()
    await read(acme)
    expect([toStandby.roundTrips, toPrimary.roundTrips]).toEqual([1, 0])
    expect(answeredBy()).toEqual(['replica'])
  })

  test('shows what the replica knows, and on the primary, or in a transaction, what was written a moment ago', async () => {
    const acme = await someScope(db)
    await onStandby`select pg_wal_replay_pause()`
    try {
      await acme.integrations.update('xledger', { status: 'error' })
      expect(await acme.integrations.get('xledger')).toMatchObject({ status: 'inactive' })
      expect(await acme.onPrimary().integrations.get('xledger')).toMatchObject({ status: 'error' })
      expect(await acme.transaction((tx) => tx.integrations.list())).toMatchObject([{ status: 'error' }])
    } finally {
      await onStandby`select pg_wal_replay_resume()`
    }
    await caughtUp()
    expect(await acme.integrations.get('xledger')).toMatchObject({ status: 'error' })
    expect(answeredBy()).toEqual(['primary', 'replica', 'primary', 'primary', 'primary', 'replica'])
  })

  test('takes a revision from a replica that an update on the primary knows, and refuses where it was changed since', async () => {
    const acme = await someScope(db)
    const row = await acme.integrations.get('xledger')
    const expectedRevision = row?.revision as string
    await acme.integrations.update('xledger', { status: 'error' }, { expectedRevision })
    await expect(
      acme.integrations.update('xledger', { status: 'inactive' }, { expectedRevision }),
    ).rejects.toMatchObject({ code: 'conflict' })
  })

  test('never shows another organization, whoever asks on the same connections', async () => {
    const ids = await organizations(20)
    const db = connect({ max: 2 })
    await Promise.all(
      ids.map(async (organizationId, i) => {
        const scope = db.forOrganization({ organizationId, role: i % 2 ? 'admin' : 'coordinator' })
        for (const rows of [
          await scope.integrations.list(),
          await scope.query((q) => q.select().from(organizationIntegrations)),
        ]) {
          expect(rows.map((row) => row.organizationId)).toEqual([organizationId])
        }
      }),
    )
    const nobody = db.forOrganization({ organizationId: '00000000-0000-4000-8000-000000000000', role: 'admin' })
    expect(await nobody.query((q) => q.select().from(organizationIntegrations))).toEqual([])
    expect(new Set(answeredBy())).toEqual(new Set(['replica']))
  })

  test('is counted by top, on the primary with how far it is behind and on the replica too', async () => {
    const { replicas, database } = await readFleet(primary.adminUrl, 'UTC')
    expect(replicas).toMatchObject([{ name: expect.any(String), state: 'streaming', lagBytes: expect.any(Number) }])
    expect(await readFleet(standby.adminUrl, 'UTC')).toMatchObject({ database, replicas: [], due: { count: 0 } })
  })

  test('is spread over all replicas', async () => {
    const second = await startProxy(addressOf(standby.adminUrl))
    const replicas = [toStandby, second].map((proxy) => as('backend', proxy.through(standby.adminUrl)))
    const acme = await someScope(connect({ replicas }))
    for (let i = 0; i < 4; i++) await acme.integrations.list()
    toStandby.reset()
    second.reset()
    for (let i = 0; i < 10; i++) await acme.integrations.list()
    expect([toStandby.roundTrips, second.roundTrips]).toEqual([5, 5])
    await second.stop()
    for (let i = 0; i < 10; i++) expect(await acme.integrations.list()).toHaveLength(1)
    expect(toStandby.roundTrips).toBeGreaterThanOrEqual(14)
  })
})

describe('what may write', () => {
  const writes: [string, (scope: OrganizationScope) => Promise<unknown>][] = [
    ['create', ({ integrations }) => integrations.create({ integrationType: 'consio' })],
    ['upsert', ({ integrations }) => integrations.upsert({ integrationType: 'consio' })],
    ['update', ({ integrations }) => integrations.update('xledger', { status: 'error' })],
    ['setFieldMappings', ({ integrations }) => integrations.setFieldMappings('xledger', { account: 'a' })],
    ['excludeFeatures', ({ integrations }) => integrations.excludeFeatures('xledger', ['payroll_sync'])],
    ['delete', ({ integrations }) => integrations.delete('xledger')],
    ['a typed update', (scope) => scope.query((q) => q.update(organizationIntegrations).set({ status: 'error' }))],
    ['a typed delete', (scope) => scope.query((q) => q.delete(organizationIntegrations).returning())],
    ['a select for update', (scope) => scope.query((q) => q.select().from(organizationIntegrations).for('update'))],
    ['a CTE that updates', (scope) => scope.query(updatingCte)],
    ['SQL by hand', (scope) => scope.query((q) => q.execute(sql`select 1`))],
    ['a transaction, reads too', (scope) => scope.transaction((tx) => tx.integrations.list())],
  ]
  const updatingCte: Parameters<OrganizationScope['query']>[0] = (q) => {
    const changed = q.$with('changed').as(q.update(organizationIntegrations).set({ status: 'error' }).returning())
    return q.with(changed).select().from(changed)
  }

  test.each(writes)('is never sent to a replica: %s', async (_name, write) => {
    const acme = await someScope(db)
    toStandby.reset()
    await write(acme)
    expect(toStandby.sent).toEqual([])
    expect(answeredBy().at(-1)).toBe('primary')
  })

  test('behind a select, a function for instance, does so once, on the primary, and the replica stays in use', async () => {
    const [{ next } = {}] = await acme.query((q) =>
      q.select({ next: sql<string>`nextval('public.tickets')` }).from(organizationIntegrations),
    )
    const [{ last } = {}] = await admin`select last_value as last from tickets`
    expect([next, last]).toEqual(['1', '1'])
    await acme.integrations.list()
    expect(answeredBy()).toEqual(['primary', 'replica'])
    expect(changes).toEqual([])
  })
})

describe('a replica that cannot be trusted', () => {
  const firstRead = async (replica: string) => {
    const acme = await someScope(connect({ replicas: [replica], replicaRetrySeconds: 0.05 }))
    return acme.integrations.list().catch((error) => error)
  }

  test('because its login could read without a scope, is refused as the primary is', async () => {
    const error = await firstRead(as('postgres', standby.adminUrl))
    expect(error).toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(/^replicas\.0: login postgres is a superuser/),
    })
  })

  test('because it is another database, is refused with both', async () => {
    await admin`create database another`
    await caughtUp()
    const url = new URL(as('backend', standby.adminUrl))
    url.pathname = '/another'
    const error = await firstRead(url.href)
    expect(error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^replicas\.0: is database \d+\/\d+ .*url is \d+\/\d+; pass a physical replica/),
    })
    expect(String(error)).not.toContain(password)
  })

  test('because it follows no primary, is left out, and the primary answers', async () => {
    expect(await firstRead(as('backend', primary.adminUrl))).toHaveLength(1)
    expect(answeredBy()).toEqual(['primary'])
    expect(changes).toMatchObject([{ replica: 0, available: false, message: expect.stringMatching(/follows no/) }])
  })

  test('because its URL is none, is refused when the client is made, and the password is not printed', () => {
    const make = () => createIntegrationsDb({ replicas: ['http://backend:canary@host/db'] })
    expect(make).toThrow(/^replicas\.0: must be a URL such as postgresql:/)
    expect(make).not.toThrow(/canary/)
    expect(() => createIntegrationsDb({ replicas: [7 as never] })).toThrow(/^replicas\.0: /)
    expect(() => createIntegrationsDb({ replicaRetrySeconds: 0 })).toThrow(/^replicaRetrySeconds: /)
  })
})

describe('a replica that fails costs its callers time and nothing else', () => {
  const untilBack = async (acme: OrganizationScope) => {
    do {
      await pause(20)
      calls = []
      await acme.integrations.list()
    } while (!calls[0]?.replica)
  }

  test('when it shuts down and comes back under 12 callers', async () => {
    const acme = await someScope(connect({ max: 4, replicaRetrySeconds: 0.1 }))
    await acme.integrations.list()
    let done = false
    const callers = Array.from({ length: 12 }, async () => {
      while (!done) {
        expect(await acme.integrations.list()).toHaveLength(1)
        await pause(5)
      }
    })
    await pause(100)
    await onStandby.end()
    await standby.shutDown()
    await acme.integrations.update('xledger', { status: 'error' })
    await standby.start()
    onStandby = postgres(standby.adminUrl, { max: 1, onnotice: () => {} })
    await untilBack(acme)
    done = true
    await Promise.all(callers)
    expect(changes.at(0)).toMatchObject({ replica: 0, available: false, errorCode: 'unavailable' })
    expect(changes.at(-1), JSON.stringify(changes)).toMatchObject({ replica: 0, available: true, message: null })
    expect(JSON.stringify(changes)).not.toMatch(/a-long-enough-password|127\.0\.0\.1|postgresql:/)
  })

  test('when it stands still with its connections open: no call waits longer than connecting may take', async () => {
    const acme = await someScope(connect({ connectTimeoutSeconds: 1, replicaRetrySeconds: 0.1, max: 2 }))
    await acme.integrations.list()
    const unchecked = await someScope(connect({ connectTimeoutSeconds: 1 }))
    await standby.freeze()
    try {
      calls = []
      const answers = await Promise.all([acme, acme, acme, acme, unchecked].map((scope) => scope.integrations.list()))
      for (const rows of answers) expect(rows).toHaveLength(1)
      for (const { milliseconds } of calls) expect(milliseconds).toBeLessThan(1500) // 1000 for the replica, then the primary's answer.
      expect(new Set(answeredBy())).toEqual(new Set(['primary']))
    } finally {
      standby.thaw()
    }
    await untilBack(acme)
  })

  test('when a connection to it goes silent though others are answered: the primary answers within the time of a call', async () => {
    const acme = await someScope(connect({ callTimeoutSeconds: 1, connectTimeoutSeconds: 30, max: 1 }))
    await acme.integrations.list()
    try {
      calls = []
      toStandby.silence('answers')
      expect(await acme.integrations.list()).toHaveLength(1)
      expect(calls[0]?.milliseconds).toBeLessThan(1000)
      expect(answeredBy()).toEqual(['primary'])
    } finally {
      toStandby.cut()
    }
    await untilBack(acme)
  })

  test('when it cancels a query that stands in the way of what the primary did', async () => {
    const acme = await someScope(connect({ replicaRetrySeconds: 0.1 }))
    await acme.integrations.list()
    calls = []
    const slow = acme.query((q) =>
      q.select({ id: organizationIntegrations.id, slept: sql`pg_sleep(0.5)` }).from(organizationIntegrations),
    )
    await pause(50)
    await admin.begin((tx) => tx`lock table organization_integrations in access exclusive mode`)
    expect(await slow).toHaveLength(1)
    expect(answeredBy()).toEqual(['primary'])
    expect(changes).toMatchObject([{ available: false, errorCode: 'conflict' }])
    await untilBack(acme)
  })

  test('but a statement that somebody cancels there is cancelled, and not begun anew on the primary', async () => {
    const slow = acme.query((q) => q.select({ slept: sql`pg_sleep(5)` }).from(organizationIntegrations))
    const cancelled = expect(slow).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('57014'),
    })
    const cancel = () => onStandby`
      select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep(5)%' and pid <> pg_backend_pid()`
    await expect.poll(cancel).toHaveLength(1)
    await cancelled
    expect(changes).toEqual([])
  })

  test('and when the primary is away, a replica that was in use still answers', async () => {
    const proxy = await startProxy(addressOf(primary.adminUrl))
    const acme = await someScope(connect({ url: as('backend', proxy.through(primary.adminUrl)) }))
    await acme.integrations.list()
    await proxy.stop()
    expect(await acme.integrations.list()).toHaveLength(1)
    await expect(acme.integrations.update('xledger', { status: 'error' })).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})

test('end() closes the connections to the replicas too', async () => {
  // By process: those of clients that were ended before may still be closing.
  const processes = async () =>
    (await onStandby`select pid from pg_stat_activity where application_name = 'integrations-db'`).map(({ pid }) => pid)
  const before = await processes()
  const opened = async () => (await processes()).filter((pid) => !before.includes(pid)).length
  const db = connect()
  await (await someScope(db)).integrations.list()
  await expect.poll(opened).toBe(1)
  await db.end()
  await expect.poll(opened).toBe(0)
})

describe('docs/poolers-and-replicas.md', () => {
  const page = readFileSync('docs/poolers-and-replicas.md', 'utf8')
  const blocks = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')
  /** Runs a block with what it takes for granted. */
  const run = (code: string, given: Record<string, unknown>) =>
    new Function(...Object.keys(given), `return (async () => {${code}})()`)(...Object.values(given))

  test('says truly which call is answered where', async () => {
    const [organizationId] = await organizations(1)
    const url = as('backend', primary.adminUrl)
    const replicaUrl = as('backend', standby.adminUrl)
    const make = (options: IntegrationsDbOptions) => {
      const client = createIntegrationsDb(options)
      clients.push(client)
      return client
    }
    await run(blocks[0] ?? '', { createIntegrationsDb: make, url, replicaUrl, organizationId })
    expect(answeredBy()).toEqual(['replica', 'primary', 'primary'])
  })

  test('says truly how to hear of a replica that is left out', async () => {
    const heard: string[] = []
    let listener = (_event: unknown) => {}
    const given = {
      log: (line: string) => heard.push(line),
      subscribe(channel: string, onEvent: typeof listener) {
        listener = onEvent
        subscribe(channel, onEvent)
      },
    }
    await run(blocks[1] ?? '', given)
    await (await someScope(connect({ replicas: [as('backend', primary.adminUrl)] }))).integrations.list()
    unsubscribe('integrations-db:replica', listener)
    expect(heard).toEqual([expect.stringMatching(/^replica 0 is left out: replicas\.0: follows no primary/)])
    expect(blocks).toHaveLength(2)
  })
})

// Last: there is no way back.
test('a replica that is promoted under a client writes nothing for it', async () => {
  const drawn = async (server: postgres.Sql) => Number((await server`select last_value from tickets`)[0]?.last_value)
  await onStandby`select pg_promote()`
  const [there, here] = [await drawn(onStandby), await drawn(admin)]
  await acme.integrations.list()
  await acme.query((q) => q.select({ next: sql`nextval('public.tickets')` }).from(organizationIntegrations))
  expect(answeredBy()).toEqual(['replica', 'primary'])
  expect([await drawn(onStandby), await drawn(admin)]).toEqual([there, here + 1])
})
