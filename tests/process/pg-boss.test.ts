import PgBoss from 'pg-boss'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ServiceScope } from '../../src/index.ts'
import { planSyncs, type SyncWorkers, type WorkSyncsOptions, workSyncs } from '../../src/pg-boss/index.ts'
import { beforeRules, useDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

/* What `@org/integrations-db/pg-boss` promises, in one process; fleet.test.ts kills many. */

const t = useDatabase()
let service: ServiceScope
let boss: PgBoss
let queue = ''
let organizationId = ''
const workers: SyncWorkers[] = []
const minute = 60_000

beforeAll(async () => {
  service = t.db.asService({ actor: 'nightly-sync' })
  boss = new PgBoss({ connectionString: t.adminUrl, schedule: false, maintenanceIntervalSeconds: 1 })
  boss.on('error', () => {})
  await boss.start()
})
beforeEach(async () => {
  await t.admin`update organization_integrations set status = 'inactive'`
  organizationId = await t.organization()
  queue = `q-${organizationId}`
  await boss.createQueue(queue, { name: queue, retryLimit: 2, retryDelay: 0, expireInSeconds: 5 })
})
afterEach(() => Promise.all(workers.splice(0).map((one) => one.stop())))
afterAll(async () => {
  await boss.stop({ graceful: false })
})

/** An active integration, due each minute and made `age` ago. */
async function integration(type: string, age: string): Promise<string> {
  await beforeRules(
    t.admin,
    `insert into organization_integrations (organization_id, integration_type, status, sync_schedule, created_at)
     values ($1::uuid, $2::text::integration_type_enum, 'active', '* * * * *', now() - $3::text::interval)`,
    [organizationId, type, age],
  )
  const [row] = await t.admin`select id from organization_integrations
    where organization_id = ${organizationId} and integration_type = ${type}`
  return row?.id
}
const jobs = () => t.admin`select id, state, data->>'integrationId' as integration, data->>'due' as due
  from pgboss.job where name = ${queue} order by due`
const givenUp = () => t.admin`select state from pgboss.job where name = ${`${queue}-given-up`}`
const runs = () => service.forOrganization(organizationId).runs.list()
const ago = (minutes: number) => new Date(Date.now() - minutes * minute)
async function work(work: WorkSyncsOptions['work'], more: Partial<WorkSyncsOptions> = {}): Promise<SyncWorkers> {
  const started = await workSyncs({ boss, service, queue, pollSeconds: 0.1, work, ...more })
  workers.push(started)
  return started
}

describe('planning', () => {
  test('of any number of planners at once each due time is enqueued once, and planning again adds nothing', async () => {
    const ids = await Promise.all(['xledger', 'consio', 'dynamics'].map((type) => integration(type, '1 day')))
    await service.runs.plannedThrough(queue, ago(180))
    const plans = await Promise.all(
      [1, 2, 3, 4].map(() => planSyncs({ boss, service, queue, missed: 'all', horizonSeconds: 1 })),
    )
    const enqueued = await jobs()
    expect(plans.reduce((sum, { planned }) => sum + planned, 0)).toBe(enqueued.length)
    expect(new Set(enqueued.map(({ integration, due }) => `${integration} ${due}`)).size).toBe(enqueued.length)
    expect([540, 543]).toContain(enqueued.length)
    // What was missed is kept as long as what is new: pg-boss throws away what waits for longer.
    const kept = t.admin`select from pgboss.job where name = ${queue} and keep_until > now() + interval '13 days 23 hours'`
    expect(await kept).toHaveLength(enqueued.length)
    expect(Number(await service.runs.plannedThrough(queue))).toBeGreaterThan(Date.now() - minute)
    for (const id of ids) expect(enqueued.filter(({ integration }) => integration === id).length).toBeGreaterThan(179)
    await planSyncs({ boss, service, queue, missed: 'all', horizonSeconds: 1 })
    expect(Math.abs((await jobs()).length - enqueued.length)).toBeLessThanOrEqual(3)
  })

  test('after an outage an integration runs once, for the newest time, and not for times before it was created', async () => {
    const old = await integration('xledger', '1 day')
    await integration('consio', '0 seconds')
    await service.runs.plannedThrough(queue, ago(600))
    await planSyncs({ boss, service, queue, horizonSeconds: 1 })
    const [newest, ...more] = await jobs()
    expect(newest?.integration).toBe(old)
    expect(Date.now() - Date.parse(newest?.due)).toBeLessThan(2 * minute)
    expect(more.length).toBeLessThanOrEqual(2)
  })

  test('the first call of a queue looks ahead, and a due time that is ahead is not worked on before it', async () => {
    await integration('xledger', '1 day')
    expect(await planSyncs({ boss, service, queue, horizonSeconds: 3600 })).toEqual({ planned: 60 })
    const [first] = await jobs()
    expect(Date.parse(first?.due)).toBeGreaterThan(Date.now() - 1000)
    await expect(planSyncs({ boss, service, queue, timeZone: 'Europe/Olso' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^timeZone: /),
    })
  })
})

describe('working', () => {
  const missed = async (type: string, minutes = 1) => {
    const id = await integration(type, '1 day')
    await service.runs.plannedThrough(queue, ago(minutes))
    await planSyncs({ boss, service, queue, missed: 'all', horizonSeconds: 1 })
    return id
  }

  test('hands over integration, due time and run, and what it did is in the run', async () => {
    const id = await missed('xledger')
    const seen: unknown[] = []
    await work(async ({ integration, due, run, retrieve, signal }) => {
      // It has no credential, so the event names a refusal.
      const refused = await retrieve().catch((error) => error.code)
      seen.push({ id: integration.id, due, run: run.id, refused, aborted: signal.aborted })
      return { counts: { invoices: 12 } }
    })
    await until(async () => (await jobs()).every(({ state }) => state === 'completed'))
    const [run] = await runs()
    expect(run).toMatchObject({ integrationId: id, outcome: 'succeeded', counts: { invoices: 12 }, attempt: 1 })
    expect(seen).toContainEqual({ id, due: run?.due, run: run?.id, refused: 'credential_missing', aborted: false })
    expect(
      await t.admin`select 1 from organization_integration_events where reason = ${`run ${run?.id}`}`,
    ).toHaveLength(1)
  })

  test('a work that throws is tried again as often as the queue says; then the integration is set to error, with one alert', async () => {
    await missed('xledger', 2)
    const attempts: number[] = []
    await work(
      async ({ run }) => {
        attempts.push(run.attempt)
        throw new Error('401 for api_key=sk_live_51HG7dKq0ZsecretA')
      },
      { errorAfter: 2 },
    )
    await until(async () => (await jobs()).every(({ state }) => state === 'failed' || state === 'completed'))
    const failed = (await runs()).filter(({ outcome }) => outcome === 'failed')
    expect(attempts.length).toBe(failed.length * 3)
    await until(
      async () => (await givenUp()).length > 0 && (await givenUp()).every(({ state }) => state === 'completed'),
    )
    expect(failed[0]).toMatchObject({ attempt: 3, message: 'the work failed; the worker says why' })
    expect(await runs()).toContainEqual(failed[0])
    const [row] = await t.admin`select status from organization_integrations where organization_id = ${organizationId}`
    expect(row?.status).toBe('error')
    const alerts = await service.forOrganization(organizationId).events.list({ action: 'alert' })
    expect(alerts).toHaveLength(1)
    const kept = await t.admin`select 1 from pgboss.job where name = ${queue} and output::text like '%sk_live%'`
    expect(kept).toHaveLength(0)
  })

  test('counts that are none are left out, and the run is still what it was', async () => {
    await missed('xledger')
    await work(async () => ({ counts: { 'no name': 1 } }))
    await until(async () => (await runs()).some(({ outcome }) => outcome !== null))
    expect((await runs())[0]).toMatchObject({
      outcome: 'succeeded',
      counts: null,
      message: expect.stringContaining('refused'),
    })
  })

  test('a work is aborted before its job expires and when its worker stops, and another worker takes the run on', async () => {
    await missed('xledger')
    const aborted: number[] = []
    const begun = performance.now()
    const stuck: WorkSyncsOptions['work'] = ({ signal, run }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted.push(run.attempt)
          reject(new Error('aborted'))
        }),
      )
    const first = await work(stuck)
    await until(async () => (await runs()).some(({ attempt }) => attempt === 2))
    expect(performance.now() - begun).toBeLessThan(5000)
    await first.stop()
    expect(aborted.slice(0, 2)).toEqual([1, 2])
    await work(async () => {})
    await until(async () => (await runs()).every(({ outcome }) => outcome === 'succeeded'))
    expect((await runs()).at(-1)).toMatchObject({ attempt: 3 })
  })

  describe('a worker that is killed on the last retry', () => {
    beforeEach(() => boss.updateQueue(queue, { name: queue, retryLimit: 0, expireInSeconds: 1 }))
    /** As a killed worker leaves them: jobs fetched, and what more it came to. */
    const killed = async (more: (job: PgBoss.Job<{ due: string }>) => Promise<unknown>) => {
      for (const job of await boss.fetch<{ due: string }>(queue, { batchSize: 10 })) await more(job)
    }
    const idle = () => Promise.reject(new Error('it was worked on'))

    test('leaves no run without an end: it failed, with a message, and counts like any other failure', async () => {
      await missed('xledger', 2)
      const due = (job: PgBoss.Job<{ due: string }>) => new Date(job.data.due)
      await killed((job) => service.runs.start({ organizationId, integrationType: 'xledger', due: due(job) }))
      const left = await runs()
      expect(left.map(({ outcome }) => outcome)).toEqual(left.map(() => null))
      expect(left.length).toBeGreaterThan(1)
      await Promise.all([work(idle, { errorAfter: 2 }), work(idle, { errorAfter: 2 })])
      await until(async () => (await runs()).every(({ outcome }) => outcome !== null))
      const message = 'given up: its worker died, or ran out of time, on the last retry'
      for (const run of await runs()) expect(run).toMatchObject({ outcome: 'failed', attempt: 1, message })
      const [row] =
        await t.admin`select status from organization_integrations where organization_id = ${organizationId}`
      expect(row?.status).toBe('error')
      const alerts = await service.forOrganization(organizationId).events.list({ action: 'alert' })
      expect(alerts).toMatchObject([{ reason: expect.stringContaining(message) }])
    })

    test('before it began leaves a failed run too, and none where the integration went meanwhile', async () => {
      await missed('xledger')
      await missed('consio')
      await killed(async () => {})
      await service.forOrganization(organizationId).integrations.delete('consio')
      await work(idle)
      await until(async () => (await jobs()).length > 0 && (await jobs()).every(({ state }) => state === 'failed'))
      await until(async () => (await givenUp()).every(({ state }) => state === 'completed'))
      const [run, ...more] = await runs()
      expect(run).toMatchObject({ integrationType: 'xledger', outcome: 'failed' })
      expect(more.filter(({ integrationType }) => integrationType !== 'xledger')).toEqual([])
    })

    test('leaves its job in the dead letter queue that the queue was made with, if it was', async () => {
      const dead = `dead-${organizationId}`
      await boss.createQueue(dead)
      await boss.updateQueue(queue, { name: queue, deadLetter: dead })
      const integrationId = await missed('xledger')
      await killed(async () => {})
      await work(idle)
      await until(async () => (await boss.getQueueSize(dead)) > 0)
      expect((await boss.fetch(dead))[0]?.data).toMatchObject({ integrationId })
    })
  })

  test('twenty syncs at a time are asked for together, and nobody is warned of a leak', async () => {
    for (const type of ['consio', 'dynamics']) await integration(type, '1 day')
    await missed('xledger', 10)
    const warned: string[] = []
    const warn = ({ message }: Error) => warned.push(message)
    process.on('warning', warn)
    let [atOnce, most] = [0, 0]
    await work(
      async () => {
        most = Math.max(most, ++atOnce)
        await until(() => most === 20)
        atOnce--
      },
      { concurrency: 20 },
    )
    await until(async () => (await jobs()).every(({ state }) => state === 'completed'))
    process.off('warning', warn)
    expect([most, warned]).toEqual([20, []])
  })

  test('an integration that is no longer active, or is gone, is not worked on, and its job is done with', async () => {
    await missed('xledger')
    await missed('consio')
    await t.admin`update organization_integrations set status = 'inactive'
      where organization_id = ${organizationId} and integration_type = 'xledger'`
    await service.forOrganization(organizationId).integrations.delete('consio')
    await work(() => Promise.reject(new Error('it was worked on')))
    await until(async () => (await jobs()).every(({ state }) => state === 'completed'))
    expect(await runs()).toEqual([])
  })
})
