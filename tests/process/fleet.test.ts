import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import PgBoss from 'pg-boss'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { createIntegrationsDb, type IntegrationsDb } from '../../src/index.ts'
import { beforeRules } from '../support/database.ts'
import { type EmbeddedServer, startEmbedded } from '../support/embedded.ts'
import { until } from '../support/until.ts'

/*
 * A fleet: planners and workers, each a process, which the test kills with SIGKILL, and the server too, while they plan and
 * work. Each writes into a file when it begins and ends, which survives all of them.
 */

const [integrations = 0, planners = 0, workers = 0, kills = 0] = (process.env.FLEET ?? '200 2 3 4')
  .split(' ')
  .map(Number)
const folder = mkdtempSync(join(tmpdir(), 'integrations-db-fleet-'))
const [file, plans] = [join(folder, 'works'), join(folder, 'plans')]
const queue = 'integration-syncs'
const minute = 60_000
let server: EmbeddedServer
let admin: postgres.Sql
let db: IntegrationsDb
let environment: NodeJS.ProcessEnv
const fleet = new Set<ChildProcess>()
/** When a process was known to be dead. */
const deaths = new Map<number, number>()

beforeAll(async () => {
  server = await startEmbedded()
  admin = postgres(server.adminUrl, { max: 2, onnotice: () => {} })
  await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key)`)
  await migrate({ url: server.adminUrl })
  const login = { name: 'worker', password: 'a-long-enough-password' }
  await createLogin({ url: server.adminUrl, ...login, service: true })
  const url = Object.assign(new URL(server.adminUrl), { username: login.name, password: login.password }).href
  db = createIntegrationsDb({ url, serviceUrl: url })
  environment = { ...process.env, BOSS_URL: server.adminUrl, SERVICE_URL: url, LOG: file, PLANS: plans }
  await admin`insert into organizations select gen_random_uuid() from generate_series(1, ${integrations})`
  await beforeRules(
    admin,
    `insert into organization_integrations (organization_id, integration_type, status, sync_schedule, created_at)
     select id, 'xledger', 'active', '* * * * *', now() - interval '1 day' from organizations`,
  )
  const boss = new PgBoss({ connectionString: server.adminUrl, schedule: false, supervise: false })
  await boss.start()
  await boss.createQueue(queue, { name: queue, retryLimit: 50, retryDelay: 1, expireInSeconds: 5 })
  await boss.stop({ graceful: false })
})
afterAll(async () => {
  for (const child of fleet) child.kill('SIGKILL')
  await db?.end()
  await admin?.end({ timeout: 1 })
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function start(ROLE: 'planner' | 'worker', more: { STALL?: string } = {}): ChildProcess {
  // One process and no launcher, so that a kill is a kill.
  const child = spawn(process.execPath, ['--import', 'tsx', 'tests/support/fleet.ts'], {
    ...{ env: { ...environment, ...more, ROLE }, stdio: 'inherit' },
  })
  fleet.add(child)
  child.once('exit', () => fleet.delete(child))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
  deaths.set(child.pid ?? 0, Date.now())
}

type Work = { run: string; pid: number; begun: number; ended: number }

/** What was worked on and how long; until its process was dead, where it did not come to an end. */
function works(): Work[] {
  const open = new Map<string, Work>()
  const all: Work[] = []
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const [what, run = '', pid, at] = line.split(' ')
    const key = `${run} ${pid}`
    if (what === 'begin') {
      const work = {
        run,
        pid: Number(pid),
        begun: Number(at),
        ended: deaths.get(Number(pid)) ?? Number.POSITIVE_INFINITY,
      }
      open.set(key, work)
      all.push(work)
    } else {
      const work = open.get(key)
      if (work) work.ended = Number(at)
    }
  }
  return all
}
/** How often planners, or one of them, wrote that they began a plan, stalled in it, or ended it. */
function wrote(what: 'begin' | 'stalled' | 'end', pid = String.raw`\d+`): number {
  const text = existsSync(plans) ? readFileSync(plans, 'utf8') : ''
  return text.match(new RegExp(`^${what} ${pid}$`, 'gm'))?.length ?? 0
}
/** Kills a planner in the middle of a plan: where it stalls, or soon after it begins its next one. */
async function killPlanning(child: ChildProcess, what: 'begin' | 'stalled' = 'begin'): Promise<void> {
  const before = what === 'begin' ? wrote(what, String(child.pid)) : 0
  await until(() => wrote(what, String(child.pid)) > before, 60, 1)
  await pause(what === 'begin' ? Math.random() * 30 : 0)
  await kill(child)
}
const begun = () => (existsSync(file) ? works().length : 0)

/** Those that began while another one of the same run had not ended. */
function twice(all: Work[]): Work[] {
  const byRun = new Map<string, Work[]>()
  return all
    .toSorted((a, b) => a.begun - b.begun)
    .filter((work) => {
      const before = byRun.get(work.run) ?? []
      byRun.set(work.run, [...before, work])
      return before.some(({ ended }) => ended > work.begun)
    })
}

const left = async (through: Date) => {
  const [row] = await admin`select count(*)::int as jobs from pgboss.job
    where name = ${queue} and state < 'completed' and (data->>'due')::timestamptz <= ${through}`
  return row?.jobs
}

test('each due time has one run that succeeded, and no work runs twice at a time, while planners, workers and the server are killed', async () => {
  const since = new Date(Math.floor(Date.now() / minute) * minute - 2 * minute)
  await db.asService({ actor: 'test' }).runs.plannedThrough(queue, since)
  for (const STALL of ['before', 'after']) await killPlanning(start('planner', { STALL }), 'stalled')
  const planning = Array.from({ length: planners }, () => start('planner'))
  const killable = Array.from({ length: workers }, () => start('worker'))
  await until(() => begun() > 20)

  for (let i = 0; i < kills; i++) {
    await pause(300 + Math.random() * 700)
    await kill(killable.shift() as ChildProcess)
    killable.push(start('worker'))
    await killPlanning(planning.shift() as ChildProcess)
    planning.push(start('planner'))
    if (i !== Math.floor(kills / 2)) continue
    await server.kill()
    await pause(300)
    await server.start()
  }
  const through = new Date(Math.floor((Date.now() - 1000) / minute) * minute)
  await until(async () => (await left(through)) === 0, 600)

  const expected = (integrations * (through.getTime() - since.getTime())) / minute
  const runs = await admin`select due, outcome, count(*)::int as of from organization_integration_runs
    where due <= ${through} group by due, outcome`
  expect(runs.map(({ outcome }) => outcome)).toEqual(runs.map(() => 'succeeded'))
  expect(runs.map(({ of }) => of)).toEqual(runs.map(() => integrations))
  expect(runs.reduce((sum, { of }) => sum + of, 0)).toBe(expected)
  const all = works()
  expect(twice(all)).toEqual([])
  // Some were killed in the middle, or nothing was proved.
  expect(wrote('begin') - wrote('end')).toBeGreaterThan(planners + 1)
  expect(all.filter(({ pid, ended }) => deaths.get(pid) === ended).length).toBeGreaterThan(0)
  expect(twice([...all.slice(0, 1), ...all.slice(0, 1)])).toHaveLength(1)
}, 900_000)
