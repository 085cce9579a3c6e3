import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { runCli, startCli } from '../support/command-line.ts'
import { useDatabase } from '../support/database.ts'
import { startEmbedded } from '../support/embedded.ts'
import { until } from '../support/until.ts'

const t = useDatabase()
const alert = (reason: string) =>
  t.admin`insert into organization_integration_events (action, outcome, actor, reason) values ('alert', 'ok', 'x', ${reason})`

test('alerts lists what nobody acknowledged, as text and as JSON, and keeps control characters from the terminal', async () => {
  await alert('first\u001b[2J')
  const url = ['--url', t.adminUrl]
  const text = await runCli(['alerts', ...url])
  expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(/organization none: first .*\(x\)\n1 pending/) })
  expect(text.stdout).not.toContain('\u001b')
  const { code, stdout } = await runCli(['alerts', '--json', ...url])
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { alerts: [{ actor: 'x', organizationId: null }] }])
})

test('alerts --follow prints each once, those that come as well, one JSON document a line', async () => {
  const { process: child, ended } = startCli(['alerts', '--follow', '--json', '--url', t.adminUrl])
  let said = ''
  child.stdout?.on('data', (text) => {
    said += text
  })
  const reasons = () => said.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).reason]))
  await until(() => reasons().length === 1)
  await alert('second')
  await until(() => reasons().length === 2)
  await pause(2500)
  child.kill('SIGINT')
  expect((await ended).code).toBe(130)
  expect(reasons()).toEqual(['first\u001b[2J', 'second'])
})

test('alerts lists a thousand and says that there are more; --follow prints all of however many', async () => {
  await t.admin`insert into organization_integration_events (action, outcome, actor, reason)
    select 'alert', 'ok', 'x', 'many ' || n from generate_series(1, 2500) as n`
  const { stdout } = await runCli(['alerts', '--url', t.adminUrl])
  expect(stdout).toMatch(/\nmore than 1000 pending\s*$/)
  const { process: child, ended } = startCli(['alerts', '--follow', '--url', t.adminUrl])
  let said = ''
  child.stdout?.on('data', (text) => {
    said += text
  })
  const told = () => said.match(/: many \d+ /g) ?? []
  await until(() => told().length >= 2500)
  child.kill('SIGINT')
  await ended
  expect(new Set(told()).size).toBe(2500)
  expect(told()).toHaveLength(2500)
  await t.admin`insert into integrations.alert_acknowledgements (event_id, actor)
    select id, 'x' from organization_integration_events where action = 'alert' on conflict do nothing`
})

test('of two that follow, each prints every alert once and in order, while the server is killed and comes back', async () => {
  const server = await startEmbedded()
  const followers = [1, 2].map(() => '')
  const children: ReturnType<typeof startCli>[] = []
  try {
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key)`)
    await migrate({ url: server.adminUrl })
    const write = (reason: string) =>
      admin`insert into organization_integration_events (action, outcome, actor, reason) values ('alert', 'ok', 'x', ${reason})`
    const reasons = () =>
      followers.map((said) => said.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).reason])))
    await write('a')
    for (const i of followers.keys()) {
      const child = startCli(['alerts', '--follow', '--json', '--url', server.adminUrl])
      child.process.stdout?.on('data', (text) => {
        followers[i] += text
      })
      children.push(child)
    }
    await until(() => reasons().every((all) => all.length === 1))
    for (const reason of ['b', 'c']) await write(reason)
    await server.kill()
    // Long enough for both to find nobody there.
    await pause(2500)
    await server.start()
    await until(() =>
      write('d').then(
        () => true,
        () => false,
      ),
    )
    await write('e')
    await until(() => reasons().every((all) => all.includes('e')))
    expect(reasons()).toEqual([1, 2].map(() => ['a', 'b', 'c', 'd', 'e']))
    await admin.end()
  } finally {
    for (const child of children) child.process.kill('SIGINT')
    await Promise.all(children.map(({ ended }) => ended))
    await server.stop()
  }
})

test('events prune and runs prune plan, and delete with --apply alone', async () => {
  await t.admin`insert into organization_integration_changes (created_at, action, actor) values ('2026-01-01', 'update', 'x')`
  const prune = (...words: string[]) =>
    runCli(['events', 'prune', '--before', '2026-02-01', '--url', t.adminUrl, ...words])
  expect(await prune()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1 events from before .*\ndry run/) })
  const { code, stdout } = await prune('--apply', '--json')
  expect([code, JSON.parse(stdout)]).toEqual([0, { applied: true, before: '2026-02-01T00:00:00.000Z', rows: 1 }])
  const runs = await runCli(['runs', 'prune', '--before', '2026-02-01', '--apply', '--url', t.adminUrl])
  expect(runs).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 runs from before .*\ndeleted/) })
  expect(await runCli(['events', 'prune', '--url', t.adminUrl])).toMatchObject({ code: 2 })
})
