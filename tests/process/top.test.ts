import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { Fleet } from '../../src/admin/fleet.ts'
import { fleetPage } from '../../src/commands/fleet-page.ts'
import { runCli } from '../support/command-line.ts'
import { beforeRules, useDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const t = useDatabase()
const [secret, password] = ['canary-7f1c0a9e', 'canary-b2d4e6f8']
/** A superuser whose password is no word of the page. */
const operator = `top_${randomBytes(4).toString('hex')}`
let url: string
const newYear = `${new Date().getUTCFullYear()}-01-01T00:00:00.000Z`
/** A sync that has gone on for three days. */
const longAgo = new Date(Date.now() - 72 * 3_600_000).toISOString()
const yearly = '0 0 1 1 *'

beforeAll(async () => {
  await t.admin.unsafe(`create role ${operator} superuser login password '${password}'`)
  url = Object.assign(new URL(t.adminUrl), { username: operator, password }).href
  const [a, b, c] = [await t.organization(), await t.organization(), await t.organization()]
  const integration = async (organizationId: string, type: string, ...rest: [string, string | null, string]) => {
    await beforeRules(
      t.admin,
      `insert into organization_integrations (organization_id, integration_type, status, sync_schedule, created_at)
        values ($1, $2, $3, $4, $5)`,
      [organizationId, type, ...rest] as string[],
    )
    const [row] = await t.admin`select id from organization_integrations
      where organization_id = ${organizationId} and integration_type = ${type}`
    return (due: string, outcome: string | null, finishedAt = outcome && new Date().toISOString()) =>
      t.admin`insert into organization_integration_runs (integration_id, organization_id, due, outcome, finished_at)
        values (${row?.id}, ${organizationId}, ${due}, ${outcome}, ${finishedAt})`
  }
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
  await integration(a, 'xledger', 'active', yearly, '2020-01-01')
  await (await integration(a, 'consio', 'active', yearly, '2020-01-01'))(newYear, 'succeeded')
  await integration(b, 'xledger', 'active', yearly, new Date().toISOString())
  await integration(b, 'consio', 'active', 'now and then', '2020-01-01')
  const run = await integration(c, 'xledger', 'error', null, '2020-01-01')
  await run(ago(1), 'failed')
  await run(ago(2), 'failed')
  await run(ago(3), 'succeeded')
  await run(ago(0.5), null)
  await run(ago(72), 'failed')
  await run(longAgo, null)
  await t.admin`update organization_integration_runs set started_at = due where due = ${longAgo}`

  for (const reason of ['told', 'first\u001b[2J', 'second'])
    await t.admin`insert into organization_integration_events (organization_id, action, outcome, actor, reason)
      values (${a}, 'alert', 'ok', 'x', ${reason})`
  await t.admin`insert into integrations.alert_acknowledgements (event_id, actor)
    select id, 'x' from organization_integration_events where reason = 'told'`
  await t
    .connect({ encryptionKey: randomBytes(32).toString('hex') })
    .asService({ actor: 'x' })
    .forOrganization(a)
    .credentials.store('xledger', { api_key: secret, base_url: 'https://api.example', company_id: '1' })
})

afterAll(() => t.admin.unsafe(`drop role ${operator}`))

const top = (...words: string[]) => runCli(['top', '--url', url, ...words])

test('top --json is one document: due, running, failed, the oldest alert, replicas and connections', async () => {
  const { code, stdout } = await top('--json')
  expect(code).toBe(0)
  const fleet: Fleet = JSON.parse(stdout)
  expect(fleet).toMatchObject({
    database: t.name,
    due: { count: 1, oldest: newYear, unreadable: 1 },
    running: { count: 2, oldest: longAgo },
    failed: [{ integrationType: 'xledger', count: 2 }],
    alerts: { pending: 2, oldest: { reason: 'first\u001b[2J', actor: 'x' } },
    replicas: [],
  })
  const [login] = [new URL(t.serviceUrl).username]
  const { max, logins } = fleet.connections
  expect(max).toBeGreaterThan(10)
  expect(logins).toContainEqual({ login, total: 1, active: 0, idle: 1, idleInTransaction: 0 })
  for (const word of [secret, password]) expect(stdout).not.toContain(word)
})

test('top finds the few runs that have not ended among however many that have', async () => {
  await beforeRules(
    t.admin,
    `insert into organization_integration_runs (integration_id, organization_id, due, outcome, finished_at)
      select id, organization_id, now() - n * interval '1 hour', 'succeeded', now()
      from organization_integrations, generate_series(100, 50000) as n where status = 'error'`,
  )
  await t.admin`analyze organization_integration_runs`
  const scans = async () => {
    const [row] = await t.admin`
      select t.seq_scan::int as whole, i.idx_scan::int as few from pg_stat_user_tables as t
      join pg_stat_user_indexes as i using (relid) where indexrelname = 'organization_integration_runs_unfinished_idx'`
    return row as unknown as { whole: number; few: number }
  }
  // What a session scanned is counted in one piece when it ends, so an earlier one may still be counted in between: once more.
  await until(async () => {
    const before = await scans()
    expect(JSON.parse((await top('--json')).stdout).running.count).toBe(2)
    await until(async () => (await scans()).few > before.few)
    return (await scans()).whole === before.whole
  })
})

test('top reads schedules by the clock it is told, and refuses one that there is not', async () => {
  const { stdout } = await top('--json', '--time-zone', 'Pacific/Kiritimati')
  expect(JSON.parse(stdout).due.oldest).toBe(new Date(Date.parse(newYear) - 14 * 3_600_000).toISOString())
  expect(await top('--time-zone', 'Mars/Olympus')).toMatchObject({ code: 2, stdout: '' })
})

test('top elsewhere than on a terminal prints its page once, within 80 columns and without what a terminal obeys', async () => {
  const { code, stdout } = await top()
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Due +1 +oldest since /m)
  expect(stdout).toMatch(/^Failed +2 .*\n {2}xledger +2$/m)
  expect(stdout).toMatch(/^Alerts +2 .*organization [0-9a-f]{8}/m)
  expect(stdout).toMatch(/^Replicas.*\n {2}none$/m)
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(stdout).not.toContain('\u001b')
  for (const word of [secret, password]) expect(stdout).not.toContain(word)
})

test('the page says how far each replica is behind, and cuts what is too long', () => {
  const replica = { name: `north\u001b${'x'.repeat(40)}`, state: 'streaming', lagBytes: 4096, lagSeconds: 0.5 }
  const page = fleetPage(
    {
      ...{ database: 'acme', at: newYear, due: { count: 0, oldest: null, unreadable: 0 }, failed: [] },
      ...{ running: { count: 0, oldest: null }, alerts: { pending: 0, oldest: null } },
      replicas: [replica, { ...replica, name: 'south', state: null, lagBytes: null, lagSeconds: null }],
      connections: { max: 100, logins: [] },
    },
    60,
  )
  expect(
    page.filter((line) => /^ {2}(north x{19}\.\.\. {2}streaming {2}4096 bytes {2}0\.5 s|south +hidden)$/.test(line)),
  ).toHaveLength(2)
})

test('top without a server says so, once, and nothing of the URL', async () => {
  const { code, stdout, stderr } = await runCli([
    'top',
    '--url',
    `postgresql://operator:${secret}@127.0.0.1:1/postgres`,
  ])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/cannot be reached/)
  expect(stderr).not.toContain(secret)
})

/** On a terminal of 70 columns and 20 rows, until it has shown `frames` pages and been told `keys`. */
async function onTerminal(frames: number, keys: string) {
  const words = [process.execPath, join(inject('dist'), 'cli.js'), 'top'].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qfec', `stty cols 70 rows 20; exec ${words}`, '/dev/null'], {
    env: { ...process.env, INTEGRATIONS_ADMIN_URL: url, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  const shown = () => said.split('\u001b[J').length - 1
  for (const deadline = Date.now() + 30_000; shown() < frames && Date.now() < deadline; ) await pause(20)
  const ended = new Promise<number | null>((done) => child.once('close', done))
  child.stdin.write(keys)
  return { code: await ended, said }
}

test.each([
  ['q', 0],
  ['\u0003', 130],
] as const)(
  'top on a terminal shows its page again, fits it, and gives the terminal back at key %j',
  async (key, code) => {
    const { said, ...ended } = await onTerminal(2, key)
    expect(ended).toEqual({ code })
    expect(said.startsWith('\u001b[?1049h\u001b[?25l')).toBe(true)
    expect(said.trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    const [frame = ''] = said.split('\u001b[J')
    const lines = frame.split('\r\n').map(stripVTControlCharacters)
    expect(lines.length).toBeLessThan(20)
    expect(lines.filter((line) => line.length > 70)).toEqual([])
    expect(lines).toContain('q ends')
  },
)
