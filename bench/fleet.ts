import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import PgBoss from 'pg-boss'
import postgres from 'postgres'
import { createLogin } from '../src/admin/logins.ts'
import { migrate } from '../src/deployment/migrate.ts'
import type * as Package from '../src/index.ts'
import type * as Syncs from '../src/pg-boss/index.ts'
import { addressOf, startProxy, type TcpProxy } from '../tests/support/proxy.ts'
import { until } from '../tests/support/until.ts'

const built = (name: string) => import(new URL(`../dist/${name}`, import.meta.url).href)
const { createIntegrationsDb } = (await built('index.js')) as typeof Package
const { planSyncs, workSyncs } = (await built('pg-boss/index.js')) as typeof Syncs

/** What it takes one process to run so many integrations that are due at once. */
export type FleetCost = {
  integrations: number
  concurrency: number
  planSeconds: number
  planRoundTrips: number
  /** From when they were due to when their runs started. */
  delaySeconds: { median: number; p99: number }
  perSecond: number
  /** Of fetching, starting, finishing and completing one, on all connections. */
  roundTripsPerSync: number
}

const minute = 60_000
const concurrency = 50

/** Plans what is due when the next minute begins, and works on all of it; the work itself takes no time. */
export async function measureFleet(adminUrl: string, hostSql: string): Promise<FleetCost> {
  const proxy = await startProxy(addressOf(adminUrl))
  const counted = await prepare(adminUrl, hostSql, 1_000)
  await planMissed(counted)
  const { roundTrips } = await work(counted.through(proxy), 1_000, proxy)

  const integrations = 10_000
  const fleet = await prepare(adminUrl, hostSql, integrations)
  const planned = await plan(fleet.through(proxy), proxy)
  await proxy.stop()
  const { delaySeconds, perSecond } = await work(fleet, integrations)
  return { integrations, concurrency, ...planned, delaySeconds, perSecond, roundTripsPerSync: roundTrips / 1_000 }
}

type Urls = { url: string; serviceUrl: string }

async function connect({ url, serviceUrl }: Urls) {
  const boss = new PgBoss({ connectionString: url, schedule: false, max: 4 })
  boss.on('error', () => {})
  await boss.start()
  const db = createIntegrationsDb({ url: serviceUrl, serviceUrl, max: 10 })
  const end = () => Promise.all([boss.stop({ graceful: false }), db.end()])
  return { boss, service: db.asService({ actor: 'bench' }), end }
}

/** What was due a minute ago, so that nothing is waited for. */
async function planMissed(urls: Urls) {
  const { end, ...fleet } = await connect(urls)
  await fleet.service.runs.plannedThrough('integration-syncs', new Date(Date.now() - minute))
  await planSyncs({ ...fleet, horizonSeconds: 1 })
  await end()
}

async function plan(urls: Urls, proxy?: TcpProxy) {
  const { end, ...fleet } = await connect(urls)
  const toGo = () => minute - (Date.now() % minute)
  // Time enough to plan in.
  if (toGo() < 20_000) await pause(toGo())
  proxy?.reset()
  const began = performance.now()
  await planSyncs({ ...fleet, horizonSeconds: Math.ceil(toGo() / 1000) })
  const planned = { planSeconds: (performance.now() - began) / 1000, planRoundTrips: proxy?.roundTrips ?? 0 }
  await end()
  return planned
}

async function work(urls: Urls, integrations: number, proxy?: TcpProxy) {
  const { end, ...fleet } = await connect(urls)
  const admin = postgres(urls.url, { max: 1 })
  const done = async () => {
    const [row] = await admin`select count(*)::int as runs from organization_integration_runs where outcome is not null`
    return row?.runs >= integrations
  }
  proxy?.reset()
  const workers = await workSyncs({ ...fleet, concurrency, pollSeconds: 0.5, work: async () => {} })
  await until(done, 300, 500)
  const roundTrips = proxy?.roundTrips ?? 0
  await workers.stop()
  const [row] = await admin`
    select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from started_at - due)) as delays,
      (count(*) / extract(epoch from max(finished_at) - min(due)))::float8 as rate
    from organization_integration_runs`
  await Promise.all([end(), admin.end()])
  const [median = 0, p99 = 0] = row?.delays ?? []
  return { roundTrips, delaySeconds: { median, p99 }, perSecond: Number(row?.rate) }
}

/** The rows of docs/bench.md. */
export function fleetTable(cost: FleetCost): string[] {
  const [count, seconds] = [cost.integrations.toLocaleString('en'), (value: number) => `${value.toFixed(1)} s`]
  return [
    `\n| ${count} integrations due at once, one process, ${cost.concurrency} syncs at a time | |`,
    '|---|---|',
    `| planning them | ${seconds(cost.planSeconds)}, ${cost.planRoundTrips} round trips |`,
    `| from due to started, median | ${seconds(cost.delaySeconds.median)} |`,
    `| from due to started, 99 of 100 | ${seconds(cost.delaySeconds.p99)} |`,
    `| syncs a second | ${cost.perSecond.toFixed(0)} |`,
    `| round trips of one sync | ${cost.roundTripsPerSync.toFixed(1)} |`,
  ]
}

/** A database of its own with so many active integrations, due each minute. */
async function prepare(adminUrl: string, hostSql: string, integrations: number) {
  const name = `bench_fleet_${integrations}`
  const server = postgres(adminUrl, { max: 1, onnotice: () => {} })
  await server.unsafe(`create database ${name}`)
  await server.end()
  const url = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  await admin.unsafe(hostSql)
  await migrate({ url })
  await admin`insert into organizations select gen_random_uuid() from generate_series(1, ${integrations})`
  await admin.begin(async (tx) => {
    // Active without a credential, which no sync here asks for.
    await tx`set local session_replication_role = replica`
    await tx`insert into organization_integrations (organization_id, integration_type, status, sync_schedule, created_at)
      select id, 'xledger', 'active', '* * * * *', now() - interval '1 day' from organizations`
  })
  await admin`analyze`
  await admin.end()
  const password = randomBytes(16).toString('hex')
  await createLogin({ url, name: `${name}_worker`, password, service: true })
  const serviceUrl = Object.assign(new URL(url), { username: `${name}_worker`, password }).href
  const through = (proxy: TcpProxy) => ({ url: proxy.through(url), serviceUrl: proxy.through(serviceUrl) })
  return { url, serviceUrl, through }
}
