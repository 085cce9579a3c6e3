import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import PgBoss from 'pg-boss'
import { createIntegrationsDb } from '../../src/index.ts'
import { planSyncs, workSyncs } from '../../src/pg-boss/index.ts'

/* One machine of a fleet, as tests/process/fleet.test.ts starts and kills it: a planner or a worker. */

const { ROLE, BOSS_URL = '', SERVICE_URL = '', LOG = '', PLANS = '', STALL = '' } = process.env

const db = createIntegrationsDb({ url: SERVICE_URL, serviceUrl: SERVICE_URL, max: 4, callTimeoutSeconds: 5 })
const service = db.asService({ actor: `fleet-${process.pid}` })
const boss = await started()

/** The server goes away and comes back, also while a machine starts. */
async function started(): Promise<PgBoss> {
  for (;;) {
    const boss = new PgBoss({ connectionString: BOSS_URL, schedule: false, max: 2, maintenanceIntervalSeconds: 1 })
    boss.on('error', () => {})
    try {
      await boss.start()
      await boss.getQueues()
      return boss
    } catch {
      await pause(200)
    }
  }
}

/** Where it is told to it goes no further, until it is killed. */
function stall(where: string): Promise<void> {
  if (STALL !== where) return Promise.resolve()
  appendFileSync(PLANS, `stalled ${process.pid}\n`)
  return new Promise(() => {})
}
const insert = async (...given: Parameters<typeof boss.insert>) => {
  await stall('before')
  await boss.insert(...given)
  await stall('after')
}

if (ROLE === 'planner') {
  const planning = Object.assign(Object.create(boss), { insert, getDb: () => boss.getDb() })
  for (;;) {
    appendFileSync(PLANS, `begin ${process.pid}\n`)
    await planSyncs({ boss: planning, service, missed: 'all' }).catch(() => {})
    appendFileSync(PLANS, `end ${process.pid}\n`)
    await pause(Math.random() * 500)
  }
}

const log = (what: string, run: string) => appendFileSync(LOG, `${what} ${run} ${process.pid} ${Date.now()}\n`)

await workSyncs({
  boss,
  service,
  concurrency: 3,
  pollSeconds: 0.3,
  async work({ run, signal }) {
    log('begin', run.id)
    try {
      await pause(5 + Math.random() * 40, undefined, { signal })
      if (Math.random() < 0.03) throw new Error('the other system is in a bad mood')
    } finally {
      log('end', run.id)
    }
  },
})
