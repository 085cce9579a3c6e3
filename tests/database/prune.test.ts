import { beforeAll, describe, expect, test } from 'vitest'
import { pruneEvents, pruneRuns } from '../../src/admin/prune.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
let organizationId: string
const before = '2026-02-01'
const prune = (apply: boolean) => pruneEvents({ url: t.adminUrl, before, apply })
const kept = async () =>
  (
    await t.admin`select reason from organization_integration_events where organization_id = ${organizationId}
    union all select reason from organization_integration_changes where organization_id = ${organizationId} order by 1`
  ).map(({ reason }) => reason)

beforeAll(async () => {
  organizationId = await t.organization()
  await t.admin`insert into organization_integration_events (organization_id, created_at, action, outcome, actor, reason)
    values (${organizationId}, '2026-01-01', 'retrieve', 'ok', 'x', 'old'),
      (${organizationId}, '2026-01-01', 'alert', 'ok', 'x', 'old and pending'),
      (${organizationId}, '2026-01-01', 'alert', 'ok', 'x', 'old and acknowledged'),
      (${organizationId}, '2026-02-01', 'retrieve', 'ok', 'x', 'young')`
  await t.admin`insert into organization_integration_changes (organization_id, created_at, action, actor, reason)
    values (${organizationId}, '2026-01-01', 'update', 'x', 'old change'), (${organizationId}, '2026-02-02', 'update', 'x', 'young change')`
  const service = t.db.asService({ actor: 'alerts' })
  const alert = (await service.alerts.pending()).find(({ reason }) => reason === 'old and acknowledged')
  await service.alerts.acknowledge(alert?.id ?? '')
})

describe('events prune', () => {
  test('says what would go, and changes nothing', async () => {
    expect(await prune(false)).toEqual({ applied: false, before: '2026-02-01T00:00:00.000Z', rows: 3 })
    expect(await kept()).toHaveLength(6)
  })

  test('deletes what is older, but no alert that nobody was told of, and is itself an event', async () => {
    expect(await prune(true)).toMatchObject({ applied: true, rows: 3 })
    expect(await kept()).toEqual(['old and pending', 'young', 'young change'])
    const [event] = await t.admin`select actor, reason from organization_integration_changes where action = 'prune'`
    expect(event).toEqual({
      actor: new URL(t.adminUrl).username,
      reason: expect.stringMatching(/^3 events before 2026-02-01/),
    })
    expect(await prune(true)).toMatchObject({ rows: 0 })
    expect(await t.admin`select from organization_integration_changes where action = 'prune'`).toHaveLength(1)
    expect(await t.admin`select from integrations.operator_turns`).toHaveLength(0)
  })

  test.each(['organization_integration_events', 'organization_integration_changes'])(
    'is the only way: %s is append-only before and after, and for everybody else meanwhile',
    async (table) => {
      const refused = { code: '42501' }
      await expect(t.admin.unsafe(`delete from ${table}`)).rejects.toMatchObject(refused)
      await expect(t.admin.unsafe(`update ${table} set actor = 'x'`)).rejects.toMatchObject(refused)
      await expect(t.admin.unsafe(`truncate ${table} cascade`)).rejects.toMatchObject(refused)
      await t.admin.begin(async (sql) => {
        await sql`insert into integrations.operator_turns (name) values ('prune events')`
        await expect(t.admin.unsafe(`delete from ${table}`)).rejects.toMatchObject(refused)
        await expect(sql.savepoint((s) => s.unsafe(`update ${table} set actor = 'x'`))).rejects.toMatchObject(refused)
        await sql`delete from integrations.operator_turns`
      })
    },
  )

  test.each(['tomorrow', '2026-13-01', '2999-01-01', '', '2026-01-01; drop'])('refuses the date %s', async (date) => {
    await expect(pruneEvents({ url: t.adminUrl, before: date, apply: true })).rejects.toMatchObject({
      ...{ code: 'invalid_input', message: expect.stringContaining('before: must be a date in the past') },
    })
  })

  test('is for administrators', async () => {
    for (const url of [t.url, t.serviceUrl])
      await expect(pruneEvents({ url, before, apply: true })).rejects.toMatchObject({ code: 'permission_denied' })
  })
})

test('runs prune deletes what is older, but the latest run of each integration', async () => {
  await t.admin`insert into organization_integrations (organization_id, integration_type)
    values (${organizationId}, 'xledger'), (${organizationId}, 'consio')`
  await t.admin`insert into organization_integration_runs (integration_id, organization_id, due)
    select i.id, organization_id, d::timestamptz from organization_integrations as i, unnest(case integration_type
      when 'xledger' then '{2026-01-01Z,2026-01-02Z}' else '{2026-01-01Z,2026-01-02Z,2026-02-02Z}' end::text[]) as d`
  const prune = (apply: boolean) => pruneRuns({ url: t.adminUrl, before, apply })
  expect(await prune(false)).toMatchObject({ applied: false, rows: 3 })
  expect(await prune(true)).toMatchObject({ applied: true, rows: 3 })
  const left = await t.admin`select integration_type::text as type, due from organization_integration_runs as r
    join organization_integrations as i on i.id = r.integration_id order by due`
  expect(left.map(({ type, due }) => [type, due.toISOString().slice(0, 10)])).toEqual([
    ['xledger', '2026-01-02'],
    ['consio', '2026-02-02'],
  ])
})
