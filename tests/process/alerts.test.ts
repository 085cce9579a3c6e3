import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tellPending } from '../../examples/alerts.ts'
import { revokeCredentials } from '../../src/admin/credentials.ts'
import { useDatabase } from '../support/database.ts'

/* The example that tells people, against a mail server and a web server of the test's own. */

const t = useDatabase()
const mails: { to: string[]; id: string; text: string }[] = []
const posts: { id: string; organizationId: string; reason: string }[] = []
let smtp: SMTPServer
let web: Server
let environment: NodeJS.ProcessEnv
/** Whether the web server is out of order. */
let broken = false
const children: ChildProcess[] = []

beforeAll(async () => {
  await t.admin`create table members (organization_id uuid, email text, role text)`
  smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      let text = ''
      stream.on('data', (chunk) => {
        text += chunk
      })
      stream.on('end', () => {
        const id = /^message-id: <([^@]+)@/im.exec(text)?.[1] ?? ''
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), id, text })
        done()
      })
    },
  })
  web = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      if (!broken) posts.push(JSON.parse(text))
      response.writeHead(broken ? 503 : 204).end()
    })
  })
  await new Promise<void>((resolve) => void smtp.listen(0, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => void web.listen(0, '127.0.0.1', resolve))
  const port = (server: { address(): unknown }) => (server.address() as AddressInfo).port
  environment = {
    ...process.env,
    INTEGRATIONS_DATABASE_URL: t.url,
    INTEGRATIONS_SERVICE_URL: t.serviceUrl,
    HOST_DATABASE_URL: t.adminUrl,
    SMTP_URL: `smtp://127.0.0.1:${port(smtp.server)}`,
    WEBHOOK_URL: `http://127.0.0.1:${port(web)}/alerts`,
  }
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await new Promise<void>((resolve) => smtp.close(() => resolve()))
  await new Promise((resolve) => web.close(resolve))
})

function start(): ChildProcess {
  // One process and no launcher, so that a kill is a kill.
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/alerts.ts'], {
    ...{ env: environment, stdio: ['ignore', 'ignore', 'pipe'] },
  })
  children.push(child)
  return child
}
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 40_000
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('it did not happen within 40 s')
    await pause(20)
  }
}
const pending = async () => (await t.db.asService({ actor: 'test' }).alerts.pending({ limit: 1000 })).length

test('after a breach each organization’s admins are told, at least once, in order, through kills and an outage', async () => {
  const organizations = await Promise.all(Array.from({ length: 4 }, (_, i) => t.organization(`o${i}`)))
  for (const id of organizations) {
    await t.admin`insert into members values (${id}, ${`admin@${id}.example`}, 'admin'), (${id}, ${`other@${id}.example`}, 'coordinator')`
    await t.admin`insert into organization_integrations (organization_id, integration_type, status) values (${id}, 'xledger', 'inactive')`
    await t.admin`insert into organization_integration_credentials (integration_id, version, store, secret_id, field_names)
      select id, 1, 'pgcrypto', gen_random_uuid(), '{api_key}' from organization_integrations where organization_id = ${id}`
    for (let i = 0; i < 8; i++)
      await t.admin`insert into organization_integration_events (organization_id, action, outcome, actor, reason) values (${id}, 'alert', 'ok', 'test', ${`number ${i}`})`
  }
  await revokeCredentials({ url: t.adminUrl, organizationId: 'all', apply: true })
  expect(await pending()).toBe(36)

  for (const enough of [5, 14]) {
    const child = start()
    await until(() => posts.length >= enough)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  broken = true
  start()
  const before = mails.length
  await until(() => mails.length >= before + 3)
  broken = false
  await until(async () => (await pending()) === 0)

  for (const id of organizations) {
    const told = [...new Set(posts.filter(({ organizationId }) => organizationId === id).map(({ reason }) => reason))]
    expect(told.slice(0, 8)).toEqual(Array.from({ length: 8 }, (_, i) => `number ${i}`))
    expect(told).toHaveLength(9)
    const letters = mails.filter(({ to }) => to.includes(`admin@${id}.example`))
    expect(new Set(letters.map(({ id }) => id)).size).toBe(9)
    expect(letters.every(({ to }) => to.length === 1)).toBe(true)
  }
  expect(mails.some(({ to }) => to.some((address) => address.startsWith('other@')))).toBe(false)
})

test('a thousand alerts of one organization that cannot be told keep nobody else waiting', async () => {
  const [stuck, other] = [await t.organization('stuck'), await t.organization('other')]
  await t.admin`insert into organization_integration_events (organization_id, action, outcome, actor, reason)
    select ${stuck}, 'alert', 'ok', 'test', 'number ' || n from generate_series(1, 1000) as n`
  await t.admin`insert into organization_integration_events (organization_id, action, outcome, actor, reason)
    values (${other}, 'alert', 'ok', 'test', 'behind them')`
  const told: (string | null)[] = []
  const service = t.db.asService({ actor: 'alerts' })
  const count = await tellPending(service, async ({ organizationId, reason }) => {
    if (organizationId === stuck) throw new Error('no address')
    told.push(reason)
  })
  expect([count, told]).toEqual([1, ['behind them']])
  for (const { id } of await service.alerts.pending({ limit: 1000 })) await service.alerts.acknowledge(id)
})
