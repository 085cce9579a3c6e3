import { beforeAll, describe, expect, test } from 'vitest'
import type { OrganizationScope, ServiceScope } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
let organizationId: string
let acme: OrganizationScope
let service: ServiceScope
const due = (minute: number) => new Date(Date.UTC(2026, 0, 1, 2, minute))
const xledger = (minute: number) => ({ organizationId, integrationType: 'xledger' as const, due: due(minute) })

beforeAll(async () => {
  organizationId = await t.organization()
  acme = t.db.forOrganization({ organizationId, role: 'coordinator' })
  service = t.db.asService({ actor: 'nightly-sync' })
  await t.admin`insert into organization_integrations (organization_id, integration_type, status, sync_schedule)
    values (${organizationId}, 'xledger', 'inactive', '* * * * *'), (${organizationId}, 'consio', 'inactive', null)`
})

async function started(minute: number) {
  const run = await service.runs.start(xledger(minute))
  if (run === null) throw new Error('the due time has its run')
  return run
}

describe('a due time has one run', () => {
  test('of twenty workers that start it at once, one gets it', async () => {
    const runs = await Promise.all(Array.from({ length: 20 }, () => service.runs.start(xledger(0))))
    const [run, ...more] = runs.filter((one) => one !== null)
    expect(more).toEqual([])
    expect(run).toMatchObject({ organizationId, integrationType: 'xledger', due: due(0), attempt: 1, outcome: null })
    expect(run?.startedAt).toBeInstanceOf(Date)
  })

  test('is over with its outcome, and is neither finished nor started again', async () => {
    const { id } = await started(1)
    const run = await service.runs.finish(id, { outcome: 'succeeded', message: 'all sent', counts: { invoices: 12 } })
    expect(run).toMatchObject({ id, outcome: 'succeeded', message: 'all sent', counts: { invoices: 12 }, attempt: 1 })
    expect(run.finishedAt).toBeInstanceOf(Date)
    await expect(service.runs.finish(id, { outcome: 'failed' })).rejects.toMatchObject({ code: 'conflict' })
    expect(await service.runs.start({ ...xledger(1), retries: true })).toBeNull()
    expect((await acme.runs.list({ integrationType: 'xledger' })).find((one) => one.id === id)).toEqual(run)
  })

  test('is started again by a retry alone, as its next attempt, where it failed or was never finished', async () => {
    const { id } = await started(2)
    expect(await service.runs.start(xledger(2))).toBeNull()
    expect(await service.runs.start({ ...xledger(2), retries: true })).toMatchObject({ id, attempt: 2 })
    await service.runs.finish(id, { outcome: 'failed', message: 'HTTP 500', attempt: 2 })
    expect(await service.runs.start(xledger(2))).toBeNull()
    expect(await service.runs.start({ ...xledger(2), retries: true })).toMatchObject({
      ...{ id, attempt: 3, outcome: null, message: null, finishedAt: null },
    })
  })

  test('is not finished by an attempt that another has taken over from', async () => {
    const { id, attempt } = await started(3)
    await service.runs.start({ ...xledger(3), retries: true })
    await expect(service.runs.finish(id, { outcome: 'succeeded', attempt })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('attempt 2'),
    })
    expect(await service.runs.finish(id, { outcome: 'succeeded', attempt: 2 })).toMatchObject({ attempt: 2 })
  })

  test('is cancelled for good', async () => {
    const { id } = await started(4)
    await service.runs.finish(id, { outcome: 'cancelled' })
    expect(await service.runs.start({ ...xledger(4), retries: true })).toBeNull()
  })

  test('goes with its integration, and another organization sees none of it', async () => {
    const other = await t.organization()
    const stranger = t.db.forOrganization({ organizationId: other, role: 'admin' })
    expect(await stranger.runs.list()).toEqual([])
    await service.forOrganization(other).integrations.create({ integrationType: 'bufdir' })
    const run = await service.runs.start({ organizationId: other, integrationType: 'bufdir', due: due(0) })
    expect(await stranger.runs.list()).toEqual([run])
    await stranger.integrations.delete('bufdir')
    expect(await t.admin`select from organization_integration_runs where id = ${run?.id ?? ''}`).toHaveLength(0)
  })
})

describe('runs are listed', () => {
  test('the latest due first, page by page, of one system or of all', async () => {
    const consio = { organizationId, integrationType: 'consio' as const, due: due(59) }
    await service.runs.start(consio)
    const all = await acme.runs.list()
    expect(all[0]).toMatchObject({ integrationType: 'consio', due: due(59) })
    const dues = all.map((one) => one.due.getTime())
    expect(dues).toEqual(dues.toSorted((a, b) => b - a))
    expect(await acme.runs.list({ limit: 2, after: all[0]?.id })).toEqual(all.slice(1, 3))
    const own = await acme.runs.list({ integrationType: 'xledger', limit: 1000 })
    expect(own).toEqual(all.filter(({ integrationType }) => integrationType === 'xledger'))
    expect(await acme.runs.list({ integrationType: 'xledger', limit: 1, after: own[1]?.id })).toEqual([own[2]])
  })

  test('the last one beside its integration, and none beside one without', async () => {
    await service.forOrganization(organizationId).integrations.create({ integrationType: 'bufdir' })
    const rows = await acme.integrations.listWithLastRun()
    const [latest] = await acme.runs.list({ integrationType: 'xledger', limit: 1 })
    expect(Object.fromEntries(rows.map(({ integrationType, lastRun }) => [integrationType, lastRun]))).toMatchObject({
      ...{ xledger: latest, bufdir: null, consio: { due: due(59) } },
    })
    const plain = await acme.integrations.list()
    expect(rows.map(({ lastRun, ...row }) => row)).toEqual(plain)
    expect(await acme.integrations.listWithLastRun({ status: 'active' })).toEqual([])
  })
})

describe('what a run says', () => {
  test.each([
    ['a message that looks like a credential', { message: 'refused: Bearer abcdefghijklmnop' }, 'message'],
    ['an empty message', { message: '' }, 'message'],
    ['a message of 1,001 characters', { message: 'x'.repeat(1001) }, 'message'],
    ['a count that is a text', { counts: { invoices: '12' } }, 'counts'],
    ['a count that is endless', { counts: { invoices: Number.POSITIVE_INFINITY } }, 'counts'],
    ['counts in a list', { counts: [1] }, 'counts'],
    ['51 counts', { counts: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`n${i}`, i])) }, 'counts'],
    ['a count under a sentence', { counts: { 'how many': 1 } }, 'counts'],
    ['a count under a name that objects cannot have', { counts: JSON.parse('{"__proto__": 1}') }, 'counts'],
    ['an attempt before the first', { attempt: -1 }, 'attempt'],
    ['an outcome that is none', { outcome: 'done' }, 'outcome'],
  ])('is refused where it is %s, by the field, before anything is sent', async (_, end, field) => {
    const refused = service.runs.finish(organizationId, { outcome: 'failed', ...end } as never)
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining(field) })
    await expect(refused).rejects.not.toThrow(/abcdefghijklmnop/)
  })

  test.each([
    ["message = 'refused: Bearer abcdefghijklmnop'", /message: /],
    ["message = ''", /message_check/],
    ['counts = \'{"a": "1"}\'', /counts_check/],
    ['counts = \'{"a": [1]}\'', /counts_check/],
    ["counts = '[1]'", /counts_check/],
    ["counts = 'null'", /counts_check/],
    ['counts = \'{"clientSecret": 1}\'', /counts: /],
    ["outcome = 'failed', finished_at = null", /outcome_check/],
    ['outcome = null, finished_at = now()', /outcome_check/],
    ['attempt = 0', /attempt_check/],
  ])('is refused by the database as well: %s', async (set, message) => {
    const row = 'where id = (select id from organization_integration_runs limit 1)'
    await expect(t.admin.unsafe(`update organization_integration_runs set ${set} ${row}`)).rejects.toThrow(message)
  })

  test.each([
    ['the far future', new Date(Date.UTC(2058, 0))],
    ['in two years', new Date(Date.now() + 2 * 366 * 86_400_000)],
    ['longer ago than the server counts', new Date(-8.64e15)],
    ['before computers', new Date('0001-01-01T00:00:00Z')],
    ['no time', new Date(Number.NaN)],
    ['a text', '2026-01-01T02:00:00Z'],
  ])('is not begun for a due time that is %s, and a due time within a year is', async (_, due) => {
    const refused = service.runs.start({ ...xledger(0), due: due as Date })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(/^due: /) })
    const soon = new Date(Date.now() + 360 * 86_400_000)
    await service.forOrganization(organizationId).integrations.upsert({ integrationType: 'cornerstone' })
    await service.runs.start({ organizationId, integrationType: 'cornerstone', due: soon, retries: true })
    const [latest] = await acme.runs.list({ integrationType: 'cornerstone', limit: 1 })
    expect(latest?.due).toEqual(soon)
  })

  test('is refused for a run, or an integration, that does not exist', async () => {
    await expect(service.runs.finish(organizationId, { outcome: 'failed' })).rejects.toMatchObject({
      code: 'not_found',
    })
    const dynamics = { organizationId, integrationType: 'dynamics' as const, due: due(0) }
    await expect(service.runs.start(dynamics)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('so many failures in a row', () => {
  const fail = async (minute: number, outcome: 'failed' | 'succeeded' | 'cancelled' = 'failed') => {
    const { id } = await started(minute)
    return service.runs.finish(id, { outcome, message: 'HTTP 500', errorAfter: 3 })
  }
  const state = async () => (await acme.integrations.get('xledger'))?.status
  const alerts = async () => (await service.alerts.pending()).filter((alert) => alert.organizationId === organizationId)

  test('set an active integration to error, with one alert; a success in between begins anew', async () => {
    // Without a credential, as from before the rule.
    await t.admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`update organization_integrations set status = 'active' where organization_id = ${organizationId} and integration_type = 'xledger'`
    })
    await fail(10, 'succeeded')
    await fail(11)
    await fail(12)
    await fail(13, 'succeeded')
    await fail(14)
    await fail(15, 'cancelled')
    await fail(16)
    expect([await state(), await alerts()]).toEqual(['active', []])
    await fail(17)
    expect(await state()).toBe('error')
    await fail(18)
    expect(await alerts()).toMatchObject([
      { integrationType: 'xledger', actor: 'nightly-sync', reason: expect.stringContaining('HTTP 500') },
    ])
  })
})

test('how far planners have come is remembered for each queue, and never goes back', async () => {
  expect(await service.runs.plannedThrough('a')).toBeNull()
  expect(await service.runs.plannedThrough('a', due(5))).toEqual(due(5))
  expect(await service.runs.plannedThrough('a', due(4))).toEqual(due(5))
  const precise = new Date(due(6).getTime() + 789)
  expect(await service.runs.plannedThrough('a', precise)).toEqual(precise)
  expect(await service.runs.plannedThrough('a')).toEqual(precise)
  expect(await service.runs.plannedThrough('b')).toBeNull()
  await expect(service.runs.plannedThrough('')).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/^queue: /),
  })
  await expect(service.runs.plannedThrough('a', new Date('no'))).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/^through: /),
  })
})
