import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IntegrationEvent, ServiceScope } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
let service: ServiceScope
const writers: postgres.Sql[] = []

beforeAll(() => {
  service = t.db.asService({ actor: 'reader' })
})
afterAll(() => Promise.all(writers.map((sql) => sql.end())))

function writer(): postgres.Sql {
  const sql = postgres(t.adminUrl, { max: 1, onnotice: () => {} })
  writers.push(sql)
  return sql
}
const write = (sql: postgres.Sql, reason: string, action = 'alert', organization: string | null = null) =>
  sql`insert into organization_integration_events (organization_id, action, outcome, actor, reason)
    values (${organization}, ${action}, 'ok', 'somebody', ${reason}) returning id`

/** What settles from a cursor on, page by page, until there are so many: whoever else has a transaction open holds it up. */
async function drain(after: string | null, wanted: number, limit = 3, action?: 'alert') {
  const rows: IntegrationEvent[] = []
  for (const deadline = Date.now() + 20_000; ; ) {
    const page = await service.events.list({ after, limit, action })
    rows.push(...page.rows)
    after = page.next
    if (page.rows.length === 0 && (rows.length >= wanted || Date.now() > deadline)) return { rows, after }
  }
}

/** Behind every event that there is. */
async function newest(): Promise<string | null> {
  const [row] = await t.admin`select (select count(*) from organization_integration_events)
    + (select count(*) from organization_integration_changes) as count`
  return (await drain(null, Number(row?.count), 1000)).after
}
const reasons = (rows: IntegrationEvent[]) => rows.map(({ reason }) => reason)

describe('the feed of all events', () => {
  test('lists each once and in order, whatever the size of a page, also those of one transaction', async () => {
    const start = await newest()
    const sql = writer()
    await sql.begin(async (tx) => {
      for (let i = 0; i < 7; i++) await write(tx as unknown as postgres.Sql, `feed ${i}`)
    })
    for (let i = 7; i < 10; i++) await write(sql, `feed ${i}`, i === 8 ? 'retrieve' : 'alert')
    for (const limit of [1, 3, 1000])
      expect(reasons((await drain(start, 10, limit)).rows)).toEqual(Array.from({ length: 10 }, (_, i) => `feed ${i}`))
    expect(reasons((await drain(start, 9, 4, 'alert')).rows)).not.toContain('feed 8')
    const end = await newest()
    expect(await service.events.list({ after: end })).toEqual({ rows: [], next: end })
  })

  test('waits for a transaction that began before, and then has what it wrote', async () => {
    const start = await newest()
    const [slow, quick] = [writer(), writer()]
    await slow`begin`
    await write(slow, 'slow')
    await write(quick, 'quick')
    const early = await drain(start, 0)
    expect(early.rows).toEqual([])
    await slow`commit`
    expect(reasons((await drain(early.after, 2)).rows)).toEqual(['slow', 'quick'])
  })

  test('skips none of any number of writers, some of which take their time and some of which give up', async () => {
    const start = await newest()
    const committed = new Set<string>()
    let writing = 6
    const work = Array.from({ length: writing }, async (_, n) => {
      const sql = writer()
      for (let i = 0; i < 25; i++) {
        const kept = (n + i) % 5 !== 0
        const ids: string[] = []
        await sql
          .begin(async (tx) => {
            for (let k = 0; k < 1 + (i % 3); k++) {
              const [row] = await write(tx as unknown as postgres.Sql, 'race')
              ids.push(row?.id)
              await pause(Math.random() * (n === 0 ? 30 : 4))
            }
            if (!kept) throw new Error('given up')
          })
          .catch(() => ids.splice(0))
        for (const id of ids) committed.add(id)
      }
      writing--
    })
    const seen: string[] = []
    let after = start
    while (writing > 0) {
      const page = await service.events.list({ after, limit: 7 })
      after = page.next
      seen.push(...page.rows.map(({ id }) => id))
    }
    await Promise.all(work)
    seen.push(...(await drain(after, committed.size - seen.length)).rows.map(({ id }) => id))
    expect(seen).toHaveLength(new Set(seen).size)
    expect(new Set(seen)).toEqual(committed)
  })

  test('refuses a cursor that was changed, and is for the service alone', async () => {
    for (const after of ['x', Buffer.from('["1","now()","x"]').toString('base64url')])
      await expect(service.events.list({ after })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(/^after: /),
      })
  })

  test('reads few rows for its page, whatever number of events there are', async () => {
    await t.admin`insert into organization_integration_events (action, outcome, actor)
      select case when i % 1000 = 0 then 'alert' else 'retrieve' end, 'ok', 'many' from generate_series(1, 20000) as i`
    await t.admin`analyze organization_integration_events`
    for (const [condition, index] of [
      ['true', 'position_idx'],
      ["action = 'alert'", 'alerts_idx'],
    ]) {
      const plan = await t.admin.unsafe(`explain (analyze, format json) select * from organization_integration_events
        where (transaction_id < pg_snapshot_xmin(pg_current_snapshot()) or transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
          and ${condition} and (transaction_id, created_at, id) > ('0'::xid8, '2020-01-01', '00000000-0000-0000-0000-000000000000')
        order by transaction_id, created_at, id limit 10`)
      const text = JSON.stringify(plan)
      expect(text).toContain(`organization_integration_events_${index}`)
      expect(text).not.toMatch(/Seq Scan|"Sort"/)
    }
  })
})

describe('an alert', () => {
  const pending = async (organization: string) =>
    (await service.alerts.pending({ limit: 1000 })).filter(({ organizationId }) => organizationId === organization)

  test('is pending until it is acknowledged, the oldest first, also while a transaction is open', async () => {
    const organization = await t.organization()
    const open = writer()
    await open`begin`
    await write(open, 'open')
    const sql = writer()
    for (const reason of ['first', 'second']) await write(sql, reason, 'alert', organization)
    await write(sql, 'no alert', 'retrieve', organization)
    const [first, second, ...more] = await pending(organization)
    expect([first?.reason, second?.reason, more]).toEqual(['first', 'second', []])
    await service.alerts.acknowledge(first?.id ?? '')
    await service.alerts.acknowledge(first?.id ?? '')
    expect((await pending(organization)).map(({ reason }) => reason)).toEqual(['second'])
    await open`rollback`
    const [row] =
      await t.admin`select actor from integrations.alert_acknowledgements where event_id = ${first?.id ?? ''}`
    expect(row).toEqual({ actor: 'reader' })
  })

  test('behind another one is a page away, acknowledged or not, and nothing is behind what is no event', async () => {
    const organization = await t.organization()
    const sql = writer()
    for (const reason of ['one', 'two', 'three']) await write(sql, reason, 'alert', organization)
    const [one, two] = await pending(organization)
    const behind = async (after = '', limit = 1000) =>
      (await service.alerts.pending({ after, limit })).filter(({ organizationId }) => organizationId === organization)
    const reasons = (alerts: { reason: string | null }[]) => alerts.map(({ reason }) => reason)
    expect(reasons(await behind(one?.id))).toEqual(['two', 'three'])
    expect(reasons(await behind(two?.id))).toEqual(['three'])
    await service.alerts.acknowledge(one?.id ?? '')
    expect(reasons(await behind(one?.id, 1))).toEqual(['two'])
    expect(await behind('00000000-0000-4000-8000-000000000000')).toEqual([])
    await expect(behind('x')).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('after'),
    })
  })

  test('that is none is not acknowledged', async () => {
    const [row] = await write(writer(), 'no alert', 'retrieve')
    for (const id of [row?.id, '00000000-0000-4000-8000-000000000000'])
      await expect(service.alerts.acknowledge(id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(service.alerts.acknowledge('x')).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

test('events of another server’s transactions are listed at once, and once they are settled as restore.md says, in front', async () => {
  const restored = ['organization_integration_events', 'organization_integration_changes']
  const withoutTriggers = (statement: string) =>
    t.admin.begin(async (sql) => {
      for (const table of restored) await sql.unsafe(`alter table ${table} disable trigger user`)
      await sql.unsafe(statement)
      for (const table of restored) await sql.unsafe(`alter table ${table} enable trigger user`)
    })
  const start = await newest()
  await withoutTriggers(`insert into organization_integration_events (action, outcome, actor, reason, transaction_id)
    values ('alert', 'ok', 'x', 'restored', '9000000000000')`)
  expect(reasons((await service.events.list({ after: start, action: 'alert' })).rows)).toContain('restored')
  await withoutTriggers(restored.map((table) => `update ${table} set transaction_id = '0'`).join(';'))
  await write(writer(), 'since then')
  const [count] = await t.admin`select count(*)::int as n from organization_integration_events where action = 'alert'`
  const all = await drain(null, count?.n, 1000, 'alert')
  expect(reasons(all.rows).slice(-2)).toEqual(['restored', 'since then'])
})
