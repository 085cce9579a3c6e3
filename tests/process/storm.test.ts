import { randomInt } from 'node:crypto'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { describe, expect, inject, test } from 'vitest'
import { Integrations } from '../../src/client/integrations.ts'
import { Pool } from '../../src/connection/pool.ts'
import { organizationScope } from '../../src/connection/scope.ts'
import { inTransaction, unitSession } from '../../src/connection/session.ts'
import { scopedQueries, statement } from '../../src/connection/statement.ts'
import { IntegrationsDbError } from '../../src/index.ts'
import { organizationIntegrations as table } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'

/*
 * Calls of many organizations over few connections while statements fail, time out, are cancelled, and backends are
 * terminated under them. `npm run test:all` makes 200,000 calls; `npm test` a hundredth of that.
 */

const t = useDatabase()
const callsWanted = Number(process.env.STORM_CALLS)
const organizations = 20
const connections = 5

type Tally = {
  calls: number
  rows: number
  foreign: number
  failed: Record<string, number>
  cancelled: number
  terminated: number
}

/** Lets the storm loose on a login; nobody checks here whether that login is a safe one. */
async function storm(url: string): Promise<Tally> {
  const pool = new Pool(url, {
    max: connections,
    acquireTimeoutSeconds: 20,
  })
  const ids = await Promise.all(Array.from({ length: organizations }, () => t.organization()))
  const tally: Tally = { calls: 0, rows: 0, foreign: 0, failed: {}, cancelled: 0, terminated: 0 }
  for (const organizationId of ids) {
    await t.admin`insert into organization_integrations (organization_id, integration_type) values (${organizationId}, 'bufdir')`
  }

  const callOnce = async (organizationId: string): Promise<void> => {
    const scope = organizationScope({ organizationId, role: 'admin' })
    const { run } = unitSession(async () => pool, scope)
    const integrations = new Integrations(run, scope)
    const see = (rows: { organizationId: string }[]) => {
      tally.rows += rows.length
      tally.foreign += rows.filter((row) => row.organizationId !== organizationId).length
    }
    // Without a filter of its own: only the scope stands between it and every row.
    const everything = scopedQueries(run).select({ organizationId: table.organizationId }).from(table)
    const actions: (() => Promise<unknown>)[] = [
      async () => see(await everything),
      async () => see(await everything),
      async () => see(await integrations.list()),
      async () =>
        see([await integrations.upsert({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } })]),
      async () => see([await integrations.delete('xledger')]),
      () => scopedQueries(run).execute(sql`select 1 / 0`),
      () =>
        scopedQueries(run).execute(sql`select pg_sleep(${randomInt(3) === 0 ? 1 : 0}) from organization_integrations`),
      () =>
        inTransaction(pool, scope, async ({ run: tx }) => {
          see(await new Integrations(tx, scope).list())
          if (randomInt(3) === 0) throw new IntegrationsDbError('invalid_input', 'changed my mind')
          see(await scopedQueries(tx).select({ organizationId: table.organizationId }).from(table))
        }),
    ]
    try {
      await actions[randomInt(actions.length)]?.()
    } catch (error) {
      const cause = error instanceof IntegrationsDbError ? error : (error as Error).cause
      if (!(cause instanceof IntegrationsDbError)) throw error
      tally.failed[cause.code] = (tally.failed[cause.code] ?? 0) + 1
    }
  }

  // Paced by the calls, not by the clock: a slow machine gets the same storm, and as many calls come through it.
  let calm = false
  const disturb = async () => {
    for (let due = 0; !calm; ) {
      if (tally.calls < due) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        continue
      }
      due = tally.calls + randomInt(1, 8)
      const terminate = randomInt(8) === 0
      const [hit] = await t.admin<{ done: boolean }[]>`
        select case when ${terminate} then pg_terminate_backend(pid) else pg_cancel_backend(pid) end as done
        from pg_stat_activity
        where datname = current_database() and application_name = 'integrations-db' and state = 'active'
        order by random() limit 1`
      if (hit?.done) tally[terminate ? 'terminated' : 'cancelled']++
    }
  }
  const disturbers = [disturb(), disturb()]
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (tally.calls < callsWanted) {
        tally.calls++
        await callOnce(ids[randomInt(ids.length)] ?? '')
      }
    }),
  )
  calm = true
  await Promise.all(disturbers)

  await leftovers(pool)
  await pool.end()
  return tally
}

/** Every connection must be back where a new one starts, and none may be in a transaction. */
async function leftovers(pool: Pool): Promise<void> {
  const states = await Promise.all(
    Array.from({ length: connections * 4 }, () =>
      pool.run(
        // The storm's own limit would end this on a busy machine.
        statement(`select set_config('statement_timeout', '10s', true)`)(),
        statement(
          `select current_setting('role'), coalesce(current_setting('request.jwt.claims', true), ''), current_user = session_user, pg_sleep(0.01)`,
        )(),
        { reads: true }, // A backend terminated last may be noticed only now.
      ),
    ),
  )
  for (const { values } of states) expect(values[0]?.slice(0, 3)).toEqual(['none', '', true])
  const open = await t.admin`select pid from pg_stat_activity
    where datname = current_database() and application_name = 'integrations-db' and state like 'idle in transaction%'`
  expect([...open]).toEqual([])
}

describe(`${callsWanted.toLocaleString('en')} calls of ${organizations} organizations over ${connections} connections, with errors, timeouts, cancellations and terminated backends`, () => {
  const minutes = 60_000 * Math.max(4, callsWanted / 10_000)

  test(
    'never show a foreign row, all settle, and leave no role, claims or transaction on any connection',
    async () => {
      const { scoped } = inject('server').logins
      await t.admin.unsafe(`alter role ${scoped} in database ${t.name} set statement_timeout = '200ms'`)
      const tally = await storm(t.url)
      console.log(JSON.stringify(tally))
      expect(tally.foreign).toBe(0)
      expect(tally.rows).toBeGreaterThan(tally.calls / 10)
      expect(Math.min(tally.cancelled, tally.terminated)).toBeGreaterThan(callsWanted / 2000)
    },
    minutes,
  )

  test(
    'never show a foreign row either where the login could read everything by itself, which the package refuses',
    async () => {
      await expect(
        t
          .connect({ url: t.adminUrl })
          .forOrganization({ organizationId: await t.organization(), role: 'admin' })
          .integrations.list(),
      ).rejects.toMatchObject({
        code: 'permission_denied',
      })
      const admin = postgres(t.adminUrl, { max: 1 })
      await admin.unsafe(`alter database ${t.name} set statement_timeout = '200ms'`)
      await admin.end()
      const tally = await storm(t.adminUrl)
      console.log(JSON.stringify(tally))
      expect(tally.foreign).toBe(0)
      expect(tally.rows).toBeGreaterThan(tally.calls / 10)
    },
    minutes,
  )
})
