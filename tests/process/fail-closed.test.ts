import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pool } from '../../src/connection/pool.ts'
import { organizationScope } from '../../src/connection/scope.ts'
import { inTransaction, unitSession } from '../../src/connection/session.ts'
import { type Run, scopedQueries, statement } from '../../src/connection/statement.ts'
import { useDatabase } from '../support/database.ts'
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts'
import { addressOf } from '../support/proxy.ts'

/*
 * Something happens between two messages of a unit: each place is tried, with a login that could read everything, which
 * the package refuses. So whatever ran without its scope would show another organization's row.
 */

const t = useDatabase()
/** A caller's own query has more, each like one of these. */
const mostMessages = 18
const settingsLeft = statement(
  `select current_setting('role'), coalesce(current_setting('request.jwt.claims', true), '')`,
)
const everything = statement('select organization_id from organization_integrations')
let acme: string

/** Forwards what a client sends, and stops once in front of a message; what is behind it waits for `meanwhile`. */
type StoppingProxy = {
  url(url: string): string
  /** Whether the unit it should have been stopped in had that many messages. */
  wasStopped: boolean
  stopAt(message: number, meanwhile: (sockets: { client: Socket; server: Socket }) => Promise<void>): void
  close(): void
}

async function startStoppingProxy(target: { host: string; port: number }): Promise<StoppingProxy> {
  let stop: { at: number; meanwhile: Parameters<StoppingProxy['stopAt']>[1] } | undefined
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(target.port, target.host).setNoDelay(true)
    client.setNoDelay(true)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        server.destroy()
      })
    }
    server.pipe(client)
    client.on('data', async (chunk) => {
      const ends = messageEnds(chunk)
      const now = stop
      if (now === undefined || chunk[0] === 0 || ends.length < 3) return void server.write(chunk)
      stop = undefined
      const at = now.at === 0 ? 0 : (ends[now.at - 1] ?? chunk.length)
      proxy.wasStopped = at > 0 && at < chunk.length
      if (at > 0) server.write(chunk.subarray(0, at))
      await pause(1) // So that the server reads it alone.
      await now.meanwhile({ client, server })
      if (at < chunk.length && server.writable) server.write(chunk.subarray(at))
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as { port: number }
  const proxy: StoppingProxy = {
    wasStopped: false,
    url(url) {
      const proxied = new URL(url)
      proxied.host = `127.0.0.1:${port}`
      return proxied.href
    },
    stopAt(at, meanwhile) {
      stop = { at, meanwhile }
    },
    close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
    },
  }
  return proxy
}

function messageEnds(chunk: Buffer): number[] {
  const ends = []
  for (let at = 0; at + 5 <= chunk.length; ) {
    at += 1 + chunk.readUInt32BE(at + 1)
    ends.push(at)
  }
  return ends
}

const happenings: Record<string, (sockets: { client: Socket; server: Socket }, name: string) => Promise<unknown>> = {
  'the statement is cancelled': (_, name) => t.admin`select pg_cancel_backend(pid) from pg_stat_activity
    where application_name = ${name}`,
  'the backend is terminated': (_, name) => t.admin`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = ${name}`,
  'statement_timeout runs out': () => pause(45),
  'the client is cut off': async ({ client }) => client.resetAndDestroy(),
  'the server is cut off': async ({ server }) => server.resetAndDestroy(),
}

type Doors = { pool: Pool; run: Run }

const units: Record<
  string,
  (doors: Doors) => Promise<{ organizationId?: unknown; organization_id?: unknown }[] | unknown[][]>
> = {
  'a statement': async ({ pool }) => (await pool.run(scope().prelude, everything())).values,
  "a caller's own query": ({ run }) =>
    scopedQueries(run).execute(sql`select organization_id from organization_integrations`),
  'the first statement of a transaction': ({ pool }) =>
    inTransaction(pool, scope(), async ({ run }) => (await run(everything())).values),
  'the answer to a first step': async ({ pool }) => {
    const rows = await unitSession(async () => pool, scope()).inTwoSteps(async ({ query, commitWith }) => {
      await query(statement('select 1')())
      return commitWith(everything())
    })
    return rows[0]?.values ?? []
  },
}

/** On a busy machine the limit may end this too, and it is asked again. */
async function settingsOf(pool: Pool): Promise<unknown[][]> {
  for (;;) {
    const rows = await pool.run(undefined, settingsLeft(), { reads: true }).catch((error) => {
      if (error.sqlState !== '57014') throw error
    })
    if (rows) return rows.values
  }
}

const scope = () => organizationScope({ organizationId: acme, role: 'admin' })

beforeAll(async () => {
  acme = await t.organization()
  await t.admin`insert into organization_integrations (organization_id, integration_type)
    select unnest(${[acme, await t.organization()]}::uuid[]), 'xledger'`
  await t.admin.unsafe(`alter database ${t.name} set statement_timeout = '30ms'`)
  const bare = new Pool(t.adminUrl, { max: 1 })
  expect((await bare.run(undefined, everything())).values).toHaveLength(2)
  await bare.end()
})

const ways: [
  string,
  boolean,
  (url: string) => Promise<{ address: { host: string; port: number }; stop(): Promise<void> }>,
][] = [
  ['straight to PostgreSQL', true, async (url) => ({ address: addressOf(url), stop: async () => {} })],
  ['through PgBouncer in transaction mode', hasPgBouncer, startPgBouncer],
]

for (const [way, possible, reach] of ways) {
  describe.skipIf(!possible)(
    `${way}${possible ? '' : ' - skipped: pgbouncer is not installed'}, wherever in a unit`,
    () => {
      let proxy: StoppingProxy
      let stop: () => Promise<void>
      beforeAll(async () => {
        const reached = await reach(t.adminUrl)
        proxy = await startStoppingProxy(reached.address)
        stop = reached.stop
      })
      afterAll(async () => {
        proxy?.close()
        await stop?.()
      })

      test.each(
        Object.keys(happenings).flatMap((happening) => Object.keys(units).map((unit) => [happening, unit] as const)),
      )('%s, %s shows its own rows or fails, and the next call is as good as new', async (happening, unit) => {
        // Cold, with plans that are being made, and with plans that are there; a pooler is sent none.
        for (let warm = 0; warm < (way === ways[0]?.[0] ? 3 : 1); warm++) {
          for (let message = 1; message <= mostMessages; message++) {
            const applicationName = `fail-closed ${Math.random()}`
            const pool = new Pool(proxy.url(t.adminUrl), { max: 1, callTimeoutSeconds: 5, applicationName })
            const doors = { pool, run: unitSession(async () => pool, scope()).run }
            const call = () => units[unit]?.(doors) ?? expect.unreachable()
            for (let i = 0; i < warm; i++) await call().catch(() => {})
            proxy.stopAt(message, async (sockets) => {
              await happenings[happening]?.(sockets, applicationName)
            })
            const outcome = await call().catch((error) => {
              expect(error.cause ?? error).toMatchObject({ name: 'IntegrationsDbError' })
              return []
            })
            const shown = outcome.flatMap((row) => Object.values(row as object))
            expect(shown.filter((organization) => organization !== acme)).toEqual([])
            const left = await settingsOf(pool)
            expect(left).toEqual([['none', '']])
            await pool.end()
            if (!proxy.wasStopped) break // There is no message behind.
          }
        }
      })
    },
  )
}

test('a login that may not become the role gets an error, never a row', async () => {
  const name = `test_norole_${t.name.slice(-8)}`
  await t.admin.unsafe(`create role ${name} login password 'pw'; grant select on organization_integrations to ${name}`)
  const url = new URL(t.url)
  url.username = name
  url.password = 'pw'
  const pool = new Pool(url.href, { max: 1 })
  for (let i = 0; i < 3; i++) {
    await expect(pool.run(scope().prelude, everything())).rejects.toMatchObject({ code: 'permission_denied' })
  }
  await pool.end()
  await t.admin.unsafe(`drop owned by ${name}; drop role ${name}`)
})
