import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { repair } from '../../src/admin/repair.ts'
import { brokenRows } from '../support/broken-rows.ts'
import { runCli, startCli } from '../support/command-line.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()
const row = brokenRows(t)
const canary = 'sk_live_4242424242424242'
const folder = mkdtempSync(join(tmpdir(), 'integrations-db-repair-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
// Repair looks at all rows, so each test has the table to itself.
afterEach(() => t.admin`delete from organization_integrations`)

const cli = (...words: string[]) => runCli([...words, '--url', t.adminUrl])

describe('on the command line', { timeout: 120_000 }, () => {
  test('exit 1 with the plan, 0 once it is applied; --json is one document; --restore takes a file', async () => {
    const id = await row('{"amount": 1}')
    const plan = await cli('repair')
    expect(plan).toMatchObject({ code: 1, stderr: '' })
    expect(plan.stdout).toContain(`${id} xledger field_mappings.amount: must be a path, or an object with one\n`)
    expect(plan.stdout).toMatch(
      /1 integrations, 1 with malformed documents, 0 of an earlier version\ndry run: pass --apply to make these changes\n$/,
    )
    const applied = await cli('repair', '--apply', '--json')
    expect(applied).toMatchObject({ code: 0, stderr: '' })
    const { event } = JSON.parse(applied.stdout).quarantined[0]
    expect(await cli('repair')).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing left to do') })

    const file = join(folder, 'corrected.json')
    writeFileSync(file, `{"amount": "${canary}`)
    const broken = await cli('repair', '--restore', event, '--document', file)
    expect(broken).toMatchObject({ code: 1, stderr: `error: ${file}: cannot be read as a document: is no JSON\n` })
    writeFileSync(file, '{"amount": "a"}')
    expect(await cli('repair', '--restore', event, '--document', file)).toMatchObject({
      code: 0,
      stdout: `field_mappings of xledger, organization ${id}, is back\n`,
    })
    expect(await cli('repair', '--document', file)).toMatchObject({ code: 2 })
  })
})

test('a document of a megabyte that breaks a rule forty thousand times is kept whole, in memory of its own size', async () => {
  const document = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, n) => [`not a field ${n}`, { path: '', x: n }]),
  )
  const id = await row(JSON.stringify(document))
  await t.admin.unsafe(`alter database ${t.name} set temp_file_limit = '64MB'`)
  try {
    expect(await repair({ url: t.adminUrl, apply: true })).toMatchObject({ failures: [], malformed: { rows: 1 } })
  } finally {
    await t.admin.unsafe(`alter database ${t.name} reset temp_file_limit`)
  }
  const [kept] = await t.admin`select status, field_mappings as mappings from organization_integrations
    where organization_id = ${id}`
  expect(kept).toMatchObject({ status: 'error', mappings: {} })
  const [quarantine] = await t.admin`select quarantined from organization_integration_events
    where organization_id = ${id} and action = 'quarantine'`
  expect(quarantine?.quarantined.field_mappings).toEqual(document)
}, 120_000)

describe('on a large table', () => {
  const rows = Number(process.env.REPAIR_ROWS)

  /** A tenth of the rows malformed, a tenth of version 1. */
  beforeAll(async () => {
    await t.admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`insert into organizations (id, name) select md5(n::text)::uuid, 'many' from generate_series(1, ${rows}::int) as n`
      await tx`insert into organization_integrations (organization_id, integration_type, field_mappings)
        select md5(n::text)::uuid, 'xledger', case n % 10 when 0 then '{"amount": 1}' when 1 then '{"amount": "a"}' else '{"$version": 2, "amount": "a"}' end::jsonb
        from generate_series(1, ${rows}::int) as n`
    })
    await t.admin`analyze organization_integrations`
  }, 300_000)

  test('memory stays under 200 MB, and a repair that is killed is finished by the next one: no second alert, no lost document', async () => {
    const repairing = () => startCli(['repair', '--apply', '--json', '--url', t.adminUrl])
    const killed = repairing()
    await expect
      .poll(
        async () =>
          (await t.admin`select count(*)::int as n from organization_integration_events where action = 'alert'`)[0]?.n,
        { timeout: 600_000, interval: 5 },
      )
      .toBeGreaterThan(rows / 100)
    killed.process.kill('SIGKILL')
    await killed.ended

    const child = repairing()
    let peak = 0
    const watching = setInterval(() => {
      try {
        peak = Math.max(
          peak,
          Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.process.pid}/status`, 'utf8'))?.[1] ?? 0),
        )
      } catch {}
    }, 20)
    const { stdout: output } = await child.ended
    clearInterval(watching)
    const report = JSON.parse(output)
    expect(report).toMatchObject({ rows, failures: [] })
    expect(report.malformed.rows).toBeGreaterThan(0)
    expect(report.malformed.rows).toBeLessThan(rows / 10)

    const [counts] = await t.admin`select
      (select count(*)::int from organization_integrations where status = 'error' and field_mappings = '{}') as reset,
      (select count(*)::int from organization_integrations where field_mappings = '{"$version": 2, "amount": "a"}') as sound,
      (select count(distinct organization_id)::int from organization_integration_events where action = 'quarantine' and quarantined = '{"field_mappings": {"amount": 1}}') as kept,
      (select count(*)::int from organization_integration_events where action = 'quarantine' and quarantined is not null and organization_id in (select id from organizations where name = 'many')) as quarantines,
      (select count(*)::int from organization_integration_events where action = 'alert' and organization_id in (select id from organizations where name = 'many')) as alerts`
    const tenth = rows / 10
    expect(counts).toMatchObject({ reset: tenth, sound: rows - tenth, quarantines: tenth, alerts: tenth })
    expect(counts?.kept).toBeGreaterThanOrEqual(tenth)
    if (process.platform === 'linux') {
      expect(peak).toBeGreaterThan(0)
      expect(peak / 1024).toBeLessThan(200)
      console.log(`${rows} rows: ${Math.round(peak / 1024)} MB at most`)
    }
  }, 1_200_000)
})
