import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { SignJWT } from 'jose'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAdmin } from '../../examples/admin/app.ts'
import { startTestDatabase, type TestDatabase, type TokenOptions } from '../../src/testing/index.ts'

/* Requests that no browser of ours would send. tests/process/example-admin.test.ts looks at the pages in one. */

const origin = 'https://admin.example.no'
const canary = 'canary-8d1f2b'
const bundle = { api_key: `${canary}-key`, base_url: `https://${canary}.no`, company_id: canary }
let t: TestDatabase
let app: ReturnType<typeof createAdmin>
let lions: string
let scouts: string

beforeAll(async () => {
  t = await startTestDatabase()
  app = createAdmin({ ...t, origin, organizationName: async (id) => (id === lions ? 'Lions Bergen' : 'Speiderne') })
})
afterAll(() => t.stop())
beforeEach(async () => {
  lions = await t.organization({ name: 'Lions Bergen' })
  scouts = await t.organization({ name: 'Speiderne' })
})
afterEach(() => {
  vi.restoreAllMocks()
})

type Fields = Record<string, string>
const bySameOrigin = { origin }

async function request(who: TokenOptions | string, path: string, form?: Fields, headers: Fields = bySameOrigin) {
  const cookie = `__Host-session=${typeof who === 'string' ? who : t.token(who)}`
  const body = form && { method: 'POST', body: new URLSearchParams(form) }
  const response = await app.request(`${origin}${path}`, { ...body, headers: { ...(form && headers), cookie } })
  return {
    status: response.status,
    to: response.headers.get('location'),
    headers: response.headers,
    text: await response.text(),
  }
}

const of = (organizationId: string) => t.forOrganization({ organizationId })
async function connected(organizationId: string) {
  const { integrations, credentials } = of(organizationId)
  await integrations.create({ integrationType: 'xledger', fieldMappings: { amount: `${organizationId}-amount` } })
  await credentials.store('xledger', bundle, { reason: `reason of ${organizationId}` })
  await integrations.update('xledger', { status: 'active', syncSchedule: '0 2 * * *' })
  const { runs } = t.db.asService({ actor: 'nightly-sync' })
  const run = await runs.start({ organizationId, integrationType: 'xledger', due: new Date('2026-11-27T02:00:00Z') })
  await runs.finish(run?.id ?? '', { outcome: 'failed', message: `run of ${organizationId}`, errorAfter: 1 })
  return integrations.update('xledger', { status: 'active' })
}
const posts: [string, Fields][] = [
  ['create', {}],
  ['settings', { status: 'inactive', syncSchedule: '', excludedFeatures: 'payroll_sync' }],
  ['mappings', { 'fieldMappings.amount.path': 'changed' }],
  ['credential', { api_key: 'k', base_url: 'https://x.no', company_id: '1' }],
  ['credential/revoke', { confirmed: 'yes' }],
  ['delete', { confirmed: 'yes' }],
]
const stateOf = async (organizationId: string) => ({
  rows: await of(organizationId).integrations.list(),
  credential: await of(organizationId).credentials.describe('xledger'),
})

describe('a coordinator reads only', () => {
  test.each(posts)('%s is 403 and changes nothing', async (path, form) => {
    const { revision } = await connected(lions)
    const before = await stateOf(lions)
    const coordinator = { organizationId: lions, role: 'coordinator' }
    const { text } = await request(coordinator, '/integrations/xledger')
    expect(text).toContain(`${lions}-amount`)
    expect(text).toContain(`run of ${lions}`)
    expect((await request(coordinator, `/integrations/xledger/${path}`, { ...form, revision })).status).toBe(403)
    expect(await stateOf(lions)).toEqual(before)
  })

  test('is shown no event, by no path', async () => {
    await connected(lions)
    const coordinator = { organizationId: lions, role: 'coordinator' }
    for (const path of ['/', '/integrations/xledger', '/events', '/events?action=alert'])
      expect((await request(coordinator, path)).text, path).not.toContain(`reason of ${lions}`)
    expect((await request(coordinator, '/events')).status).toBe(403)
    expect((await request({ organizationId: lions }, '/events')).text).toContain(`reason of ${lions}`)
  })
})

describe("nothing of another organization's is reached", () => {
  const scoutsAdmin = () => ({ organizationId: scouts })

  test('by a path, a row or an event', async () => {
    const row = await connected(lions)
    await connected(scouts)
    const [event] = await of(lions).events.list({ limit: 1 })
    const paths = [
      '/',
      '/events',
      '/integrations/xledger',
      `/integrations/${row.id}`,
      `/integrations/xledger?organization_id=${lions}`,
    ]
    for (const path of [...paths, `/events?before=${event?.id}`, `/events?after=${event?.id}`, `/${lions}`]) {
      const { text } = await request(scoutsAdmin(), path)
      for (const theirs of ['Lions', `${lions}-amount`, `reason of ${lions}`, `run of ${lions}`, row.id])
        expect(text, path).not.toContain(theirs)
    }
    expect((await request(scoutsAdmin(), '/')).text).toContain('Xledger')
  })

  test.each(posts)('by the form %s: names and revisions of theirs in it lead nowhere', async (path, form) => {
    const { id, revision } = await connected(lions)
    await connected(scouts)
    const before = await stateOf(lions)
    const theirs = { organizationId: lions, organization_id: lions, id, integrationId: id, revision }
    await request(scoutsAdmin(), `/integrations/xledger/${path}`, { ...form, ...theirs })
    await request(scoutsAdmin(), `/integrations/${id}/${path}`, { ...form, ...theirs })
    expect(await stateOf(lions)).toEqual(before)
  })

  test('by a cookie: another payload under a signature that was given out, or a second cookie', async () => {
    await connected(lions)
    const part = Buffer.from(JSON.stringify(t.claims({ organizationId: lions }))).toString('base64url')
    const forged = t.token(scoutsAdmin()).split('.').with(1, part).join('.')
    expect(await request(forged, '/')).toMatchObject({ status: 303, to: '/sign-in' })
    const mixed = `${t.token(scoutsAdmin())}; session=${t.token({ organizationId: lions })}; organization_id=${lions}`
    expect((await request(mixed, '/')).text).not.toContain('Xledger</a></h2>')
  })
})

describe('a form of another site changes nothing', () => {
  test.each<[string, Fields]>([
    ['its origin', { origin: 'https://evil.example' }],
    ['a sister site', { origin: 'https://other.example.no', 'sec-fetch-site': 'same-site' }],
    ['an origin that is hidden', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['neither header', {}],
    ['the same host without TLS', { origin: 'http://admin.example.no' }],
  ])('%s', async (_, headers) => {
    const { revision } = await connected(lions)
    const before = await stateOf(lions)
    for (const [path, form] of posts)
      expect(
        (await request({ organizationId: lions }, `/integrations/xledger/${path}`, { ...form, revision }, headers))
          .status,
      ).toBe(403)
    expect(await stateOf(lions)).toEqual(before)
    const signIn = await request('', '/sign-in', { token: t.token({ organizationId: lions }) }, headers)
    expect([signIn.status, signIn.headers.get('set-cookie')]).toEqual([403, null])
  })

  test('nor does one that sends no form', async () => {
    const { revision } = await connected(lions)
    const before = await stateOf(lions)
    for (const type of [
      'text/plain',
      'application/json',
      'application/x-www-form-urlencoded; charset=x',
      'multipart/form-data',
    ]) {
      const headers = { origin: 'https://evil.example', 'content-type': type }
      for (const [path, form] of posts) {
        const forged = await request(
          { organizationId: lions },
          `/integrations/xledger/${path}`,
          { ...form, revision },
          headers,
        )
        expect(forged.status, `${type} ${path}`).toBe(403)
      }
    }
    expect(await stateOf(lions)).toEqual(before)
  })
})

describe('the session', () => {
  const signIn = (token: string) => request('', '/sign-in', { token })

  test('is a cookie that no script, no other site and no unencrypted page gets, and ends with its token', async () => {
    const cookie = (await signIn(t.token({ organizationId: lions }))).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^__Host-session=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    expect(Number(/Max-Age=(\d+)/.exec(cookie)?.[1])).toBeLessThanOrEqual(3600)
    expect((await request('', '/sign-out', {})).headers.get('set-cookie')).toMatch(/^__Host-session=; Max-Age=0; /)
  })

  test.each<[string, () => string | Promise<string>]>([
    ['expired', () => t.token({ organizationId: lions, expiresInSeconds: -1 })],
    ['empty', () => ''],
    ['no token', () => 'x'],
    ['unsigned', () => `${t.token({ organizationId: lions }).split('.').slice(0, 2).join('.')}.`],
    [
      'without an expiry',
      () => {
        const { exp: _, ...claims } = t.claims({ organizationId: lions })
        return new SignJWT({ ...claims })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode(t.jwtSecret))
      },
    ],
    ['longer than a cookie', () => t.token({ organizationId: lions, userId: 'x'.repeat(4000) })],
  ])('begins with no token that is %s, and does not go on with one', async (_, token) => {
    const { status, headers, text } = await signIn(await token())
    expect([status, headers.get('set-cookie')]).toEqual([401, null])
    expect(text).toContain('This token is not valid')
    expect(await request(await token(), '/events')).toMatchObject({ status: 303, to: '/sign-in' })
    expect(await request(await token(), '/integrations/xledger/create', {})).toMatchObject({
      status: 303,
      to: '/sign-in',
    })
  })

  test.each([
    ['a role without rights', () => ({ organizationId: lions, role: 'treasurer' })],
    ['no organization', () => ({})],
  ])('begins with no valid token of %s', async (_, who) => {
    const { status, headers } = await signIn(t.token(who()))
    expect([status, headers.get('set-cookie')]).toEqual([403, null])
    expect((await request(who(), '/')).status).toBe(403)
  })
})

test.each(['credential/revoke', 'delete'])('%s changes nothing until it is confirmed', async (path) => {
  const { revision } = await connected(lions)
  const before = await stateOf(lions)
  expect((await request({ organizationId: lions }, `/integrations/xledger/${path}`, { revision })).status).toBe(400)
  expect(await stateOf(lions)).toEqual(before)
  const confirmed = { revision, confirmed: 'yes' }
  expect((await request({ organizationId: lions }, `/integrations/xledger/${path}`, confirmed)).status).toBe(303)
  expect(
    await of(lions)
      .credentials.describe('xledger')
      .catch(() => null),
  ).toBeNull()
})

test('no answer holds any part of a credential, whatever became of it, and none is kept by a cache', async () => {
  const admin = { organizationId: lions }
  const said: string[] = []
  for (const method of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((...words) => void said.push(words.join(' ')))
  const { revision } = await connected(lions)
  const answers = [
    await request(admin, '/integrations/xledger/credential', bundle),
    await request(admin, '/integrations/xledger/credential', { ...bundle, base_url: `${canary}` }),
    await request(admin, '/integrations/xledger/mappings', {
      'fieldMappings.amount.path': `Bearer ${canary}`,
      'fieldMappings.date.path': canary,
      revision,
    }),
    await request(admin, '/integrations/xledger/settings', {
      status: 'active',
      syncSchedule: `Bearer ${canary}`,
      revision,
    }),
    await request(admin, '/integrations/sap/credential', bundle),
    await request({ organizationId: lions, role: 'coordinator' }, '/integrations/xledger/credential', bundle),
    await request(admin, '/sign-in', { token: canary }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([303, 400, 400, 400, 404, 403, 401])
  for (const path of ['/', '/integrations/xledger', '/events']) answers.push(await request(admin, path))
  for (const { text, headers } of answers) {
    said.push(text, JSON.stringify([...headers]))
    expect(headers.get('cache-control')).toBe('no-store')
  }
  expect(said.join('\n')).not.toContain(canary)
  expect(t.serverLog()).not.toContain(canary)
})

describe('events', () => {
  const admin = () => ({ organizationId: lions })

  test('are listed page by page, each once', async () => {
    await of(lions).integrations.create({ integrationType: 'consio' })
    for (let i = 0; i < 110; i++) await of(lions).integrations.setFieldMappings('consio', { email: `path-${i}-` })
    const pages: string[] = []
    for (let path: string | undefined = '/events?system=consio'; path !== undefined; ) {
      const { text } = await request(admin(), path)
      pages.push(text)
      path = /href="(\/events\?[^"]*after=[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(pages).toHaveLength(3)
    const newest = [...pages.join('').matchAll(/→ .*?path-(\d+)-/g)].map(([, i]) => Number(i))
    expect(newest).toEqual([...Array(110).keys()].reverse())
  })

  test('are filtered by what was done and by system; a filter that is none is refused', async () => {
    await connected(lions)
    await of(lions).integrations.create({ integrationType: 'consio' })
    const count = async (query: string) => (await request(admin(), `/events?${query}`)).text.split('<li>').length - 1
    expect(await count('action=alert')).toBe(1)
    expect(await count('action=create')).toBe(2)
    expect(await count('action=create&system=consio')).toBe(1)
    expect(await count('action=&system=')).toBe((await of(lions).events.list()).length)
    for (const query of ['action=x', 'system=sap', 'after=x'])
      expect((await request(admin(), `/events?${query}`)).status, query).toBe(400)
  })

  test('an alert and the last run are on the first page', async () => {
    await connected(lions)
    const { text } = await request(admin(), '/')
    expect(text).toContain('Latest alerts')
    expect(text).toMatch(/Last run<\/dt><dd><time datetime="2026-11-27T02:00:00.000Z">27 Nov 2026, 03:00<\/time>/)
    expect(text).toContain(`run of ${lions}`)
  })
})

test('each answer forbids scripts, frames and forms that lead elsewhere, also one that refuses', async () => {
  const answers = [
    await request({ organizationId: lions }, '/'),
    await request({ organizationId: lions }, '/nowhere'),
    await request('', '/sign-in'),
    await request({ organizationId: lions }, '/integrations/xledger/create', {}, {}),
    await request({ organizationId: lions }, '/style.css'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 403, 200])
  for (const { headers, text } of answers) {
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(text).not.toMatch(/<script|\son\w+=|style=/i)
  }
})

test.each<[string, unknown, unknown, string]>([
  ['no object', ['x'], { a: 1 }, '0 2 * * *'],
  ['null', null, null, 'every Tuesday'],
  ['a text', 'x', 'x', '* * * * * *'],
  ['mappings that are none', { amount: 5, account: null, date: { path: {}, transform: [] }, $version: 9 }, [5], ''],
])(
  'a row whose documents are %s is shown with what is wrong, and its settings can be saved',
  async (_, mappings, features, schedule) => {
    const admin = postgres(t.adminUrl, { max: 1 })
    await admin.begin(async (sql) => {
      await sql`set local session_replication_role = replica` // As it may have come before there were rules.
      await sql`insert into organization_integrations (organization_id, integration_type, status, field_mappings, excluded_features, sync_schedule)
      values (${lions}, 'consio', 'active', ${JSON.stringify(mappings)}::text::jsonb, ${JSON.stringify(features)}::text::jsonb, ${schedule})`
    })
    await admin.end()
    for (const role of ['admin', 'coordinator'])
      for (const path of ['/', '/integrations/consio']) {
        const { status, text } = await request({ organizationId: lions, role }, path)
        expect(status, `${role} ${path}`).toBe(200)
        expect(text).toContain('Stored documents break a rule')
      }
    const { revision = '' } = (await of(lions).integrations.get('consio')) ?? {}
    const settings = { status: 'inactive', syncSchedule: '', excludedFeatures: '', revision }
    expect((await request({ organizationId: lions }, '/integrations/consio/settings', settings)).status).toBe(303)
  },
)

test('a body of more than 256 KB is 413, one that is no form 400, and a database that is gone 503', async () => {
  expect(
    (await request({ organizationId: lions }, '/integrations/xledger/settings', { x: 'x'.repeat(256 * 1024) })).status,
  ).toBe(413)
  for (const path of ['/sign-in', '/integrations/xledger/settings']) {
    const cookie = `__Host-session=${t.token({ organizationId: lions })}`
    const headers = { ...bySameOrigin, cookie, 'content-type': 'multipart/form-data' }
    expect((await app.request(`${origin}${path}`, { method: 'POST', body: 'x', headers })).status, path).toBe(400)
  }
  const { createIntegrationsDb } = await import('../../src/index.ts')
  const gone = createIntegrationsDb({ url: t.url.replace(/:\d+\//, ':1/') })
  const elsewhere = createAdmin({ ...t, db: gone, origin, organizationName: async () => 'Lions' })
  const cookie = `__Host-session=${t.token({ organizationId: lions })}`
  expect((await elsewhere.request(`${origin}/`, { headers: { cookie } })).status).toBe(503)
  await gone.end()
})

test('one command starts it on an embedded server and prints tokens that sign in; Ctrl-C ends it and all it started', async () => {
  const example = spawn(process.execPath, ['--import', 'tsx', 'examples/admin/index.ts'], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(example, 'exit')
  let url = ''
  const tokens: string[] = []
  for await (const line of createInterface(example.stdout)) {
    url = /sign in at (http:\S+)/.exec(line)?.[1] ?? url
    if (line.startsWith('eyJ') && tokens.push(line) === 4) break
  }
  for (const token of tokens) {
    const body = new URLSearchParams({ token })
    const signedIn = await fetch(`${url}sign-in`, {
      method: 'POST',
      body,
      headers: { origin: new URL(url).origin },
      redirect: 'manual',
    })
    const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';')
    expect(await (await fetch(url, { headers: { cookie } })).text()).toContain('Xledger')
  }
  example.kill('SIGINT')
  expect(await ended).toEqual([0, null])
}, 120_000)
