import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBackend, syncDue } from '../../examples/backend.ts'
import type { Integration } from '../../src/index.ts'
import { startTestDatabase, type TestDatabase, type TokenOptions } from '../../src/testing/index.ts'

let t: TestDatabase
let lions: string
let scouts: string
/** Whatever a caller or an operator of the backend could have read. */
let seen: string

beforeAll(async () => {
  t = await startTestDatabase()
})
afterAll(() => t.stop())
beforeEach(async () => {
  seen = ''
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...words) => {
      seen += words.join(' ')
    })
  }
  await t.reset()
  lions = await t.organization({ name: 'Lions Bergen' })
  scouts = await t.organization({ name: 'Speiderne i Tromsø' })
})
afterEach(() => {
  vi.restoreAllMocks()
})

type Answer = { status: number; headers: Headers; body: unknown }

/** One request with a really signed token, or with whatever else is given for one. */
async function call(who: TokenOptions | string, method: string, path: string, body?: unknown): Promise<Answer> {
  const token = typeof who === 'string' ? who : t.token(who)
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await createBackend(t).request(path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: text }),
  })
  const answer = await response.text()
  seen += answer + JSON.stringify([...response.headers])
  return { status: response.status, headers: response.headers, body: JSON.parse(answer) }
}

const lionsAdmin = () => ({ organizationId: lions })
const scoutsAdmin = () => ({ organizationId: scouts })
const bundleOf = (apiKey: string) => ({ api_key: apiKey, base_url: 'https://api.xledger.net', company_id: '4711' })

describe('what a caller may', () => {
  test('each organization lists what it saved, and nothing of the other', async () => {
    const saved = await call(lionsAdmin(), 'PUT', '/integrations/xledger', {
      fieldMappings: { amount: 'invoiceAmount' },
    })
    expect(saved).toMatchObject({ status: 200, body: { integrationType: 'xledger', organizationId: lions } })
    await call(scoutsAdmin(), 'PUT', '/integrations/dynamics', {})

    expect(await call(lionsAdmin(), 'GET', '/integrations')).toMatchObject({
      status: 200,
      body: [{ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } }],
    })
    expect((await call(scoutsAdmin(), 'GET', '/integrations')).body).toEqual([
      expect.objectContaining({ integrationType: 'dynamics', organizationId: scouts }),
    ])
  })

  test("no body names another organization's row: the field is refused and nothing is saved", async () => {
    const answer = await call(scoutsAdmin(), 'PUT', '/integrations/xledger', { organizationId: lions })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_input' } })
    expect((await call(lionsAdmin(), 'GET', '/integrations')).body).toEqual([])
    expect((await call(scoutsAdmin(), 'GET', '/integrations')).body).toEqual([])
  })

  test('a coordinator lists, and cannot save, store or rotate', async () => {
    await call(lionsAdmin(), 'PUT', '/integrations/xledger', {})
    const coordinator = { organizationId: lions, role: 'coordinator' }
    expect((await call(coordinator, 'GET', '/integrations')).body).toHaveLength(1)
    const refused = { status: 403, body: { code: 'permission_denied' } }
    expect(await call(coordinator, 'PUT', '/integrations/xledger', { syncSchedule: '0 2 * * *' })).toMatchObject(
      refused,
    )
    const credentials = '/integrations/xledger/credentials'
    expect(await call(coordinator, 'POST', credentials, bundleOf('k-1'))).toMatchObject(refused)
    expect(await call(coordinator, 'PUT', credentials, bundleOf('k-1'))).toMatchObject(refused)
    expect(await t.forOrganization({ organizationId: lions }).integrations.get('xledger')).toMatchObject({
      syncSchedule: null,
    })
  })

  test.each([
    ['a role without rights', () => ({ organizationId: lions, role: 'treasurer' })],
    ['no organization', () => ({})],
  ])('a valid token of %s is 403', async (_, who) => {
    expect(await call(who(), 'GET', '/integrations')).toMatchObject({
      status: 403,
      body: { code: 'permission_denied' },
    })
  })
})

describe('a token that is none is 401, whatever it claims', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const withPayload = (token: string, payload: object) => token.split('.').with(1, part(payload)).join('.')

  test.each<[string, () => string]>([
    ['expired', () => t.token({ organizationId: lions, expiresInSeconds: -1 })],
    [
      'forged: another payload under a signature that was given out',
      () => withPayload(t.token(scoutsAdmin()), t.claims(lionsAdmin())),
    ],
    ['unsigned', () => `${part({ alg: 'none', typ: 'JWT' })}.${part(t.claims(lionsAdmin()))}.`],
    ['no token', () => 'x'],
    ['empty', () => ''],
  ])('%s', async (_, token) => {
    const answer = await call(token(), 'GET', '/integrations')
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('signed with another secret', async () => {
    const elsewhere = createBackend({ db: t.db, jwtSecret: `${t.jwtSecret}x` })
    const headers = { authorization: `Bearer ${t.token(lionsAdmin())}` }
    expect((await elsewhere.request('/integrations', { headers })).status).toBe(401)
    expect((await createBackend(t).request('/integrations', { headers })).status).toBe(200)
  })

  test('without an expiry', async () => {
    const { exp: _, ...claims } = t.claims(lionsAdmin())
    const { SignJWT } = await import('jose')
    const sign = (payload: object) =>
      new SignJWT({ ...payload }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(t.jwtSecret))
    expect((await call(await sign(claims), 'GET', '/integrations')).status).toBe(401)
    expect((await call(await sign(t.claims(lionsAdmin())), 'GET', '/integrations')).status).toBe(200)
  })
})

describe('errors', () => {
  test('a bad document is 400 with path and rule, and nothing is saved', async () => {
    const fieldMappings = { amount: { path: '' }, 'not a field': 'x' }
    const { status, body } = await call(lionsAdmin(), 'PUT', '/integrations/xledger', { fieldMappings })
    expect(status).toBe(400)
    expect(body).toEqual({ code: 'invalid_input', message: expect.any(String) })
    expect((body as { message: string }).message).toContain('fieldMappings.amount.path: must have 1 to 255 characters')
    expect((await call(lionsAdmin(), 'GET', '/integrations')).body).toEqual([])
  })

  test.each([
    ['not JSON', '{'],
    ['a list', []],
    ['null', 'null'],
  ])('a body that is %s is 400', async (_, body) => {
    expect(await call(lionsAdmin(), 'PUT', '/integrations/xledger', body)).toMatchObject({ status: 400 })
  })

  test('a body of more than 256 KB is 413', async () => {
    const response = await createBackend(t).request('/integrations/xledger', {
      method: 'PUT',
      body: 'x'.repeat(256 * 1024 + 1),
      headers: { authorization: `Bearer ${t.token(lionsAdmin())}` },
    })
    expect(response.status).toBe(413)
  })

  test('what is wrong is told by its status: unknown system, missing row, second store, active without a credential', async () => {
    const credentials = '/integrations/xledger/credentials'
    expect(await call(lionsAdmin(), 'PUT', '/integrations/sap', {})).toMatchObject({ status: 400 })
    expect(await call(lionsAdmin(), 'POST', credentials, bundleOf('k-1'))).toMatchObject({ status: 404 })
    await call(lionsAdmin(), 'PUT', '/integrations/xledger', {})
    expect(await call(lionsAdmin(), 'PUT', '/integrations/xledger', { status: 'active' })).toMatchObject({
      status: 422,
    })
    expect(await call(lionsAdmin(), 'PUT', credentials, bundleOf('k-1'))).toMatchObject({ status: 422 })
    expect(await call(lionsAdmin(), 'POST', credentials, bundleOf('k-1'))).toMatchObject({ status: 201 })
    expect(await call(lionsAdmin(), 'POST', credentials, bundleOf('k-2'))).toMatchObject({ status: 409 })
  })

  test('a database that is gone is 503', async () => {
    const gone = new URL(t.url)
    gone.port = '1'
    const { createIntegrationsDb } = await import('../../src/index.ts')
    const db = createIntegrationsDb({ url: gone.href })
    const headers = { authorization: `Bearer ${t.token(lionsAdmin())}` }
    const response = await createBackend({ db, jwtSecret: t.jwtSecret }).request('/integrations', { headers })
    expect(response.status).toBe(503)
    await db.end()
  })
})

describe('the sync worker', () => {
  const anHourAgo = () => new Date(Date.now() - 3_600_000)

  async function connected(organizationId: string, apiKey: string): Promise<void> {
    const admin = { organizationId }
    await call(admin, 'PUT', '/integrations/xledger', { syncSchedule: '*/5 * * * *' })
    await call(admin, 'POST', '/integrations/xledger/credentials', bundleOf(apiKey))
    expect((await call(admin, 'PUT', '/integrations/xledger', { status: 'active' })).status).toBe(200)
  }

  const retrievals = async (organizationId: string) =>
    (await t.forOrganization({ organizationId }).events.list()).filter(({ action }) => action === 'retrieve')

  test('retrieves the credential of each integration that is due, rotated ones too, and records why', async () => {
    await connected(lions, 'lions-old')
    await connected(scouts, 'scouts-1')
    await call(lionsAdmin(), 'PUT', '/integrations/xledger/credentials', bundleOf('lions-new'))
    const handed: [string, unknown][] = []
    await syncDue(t.db, anHourAgo(), async (integration: Integration, bundle) => {
      handed.push([integration.organizationId, 'api_key' in bundle && bundle.api_key])
    })
    expect(new Map(handed)).toEqual(
      new Map([
        [lions, 'lions-new'],
        [scouts, 'scouts-1'],
      ]),
    )
    for (const organizationId of [lions, scouts]) {
      expect(await retrievals(organizationId)).toEqual([
        expect.objectContaining({
          actor: 'sync-worker',
          outcome: 'ok',
          reason: expect.stringMatching(/^sync run \S{36}$/),
        }),
      ])
    }
  })

  test('leaves alone what is not due', async () => {
    await connected(lions, 'k-1')
    await syncDue(t.db, new Date(), async () => expect.unreachable())
    expect(await retrievals(lions)).toEqual([])
  })

  test("one organization's failure is its own: marked as error, while the other is synced", async () => {
    await connected(lions, 'k-1')
    await connected(scouts, 'k-2')
    const synced: string[] = []
    await syncDue(t.db, anHourAgo(), async ({ organizationId }) => {
      if (organizationId === lions) throw new Error('401 from Xledger')
      synced.push(organizationId)
    })
    expect(synced).toEqual([scouts])
    expect((await call(lionsAdmin(), 'GET', '/integrations')).body).toMatchObject([{ status: 'error' }])
    expect((await call(scoutsAdmin(), 'GET', '/integrations')).body).toMatchObject([{ status: 'active' }])
  })

  test('no secret is in an answer, in what the backend prints or in the log of the server, whatever fails', async () => {
    const canary = 'canary-8d1f2b'
    await connected(lions, `${canary}-stored`)
    const credentials = '/integrations/xledger/credentials'
    await call(lionsAdmin(), 'PUT', credentials, bundleOf(`${canary}-rotated`))
    await call(lionsAdmin(), 'POST', credentials, bundleOf(`${canary}-twice`))
    await call(lionsAdmin(), 'PUT', credentials, { ...bundleOf(`${canary}-surplus`), [canary]: canary })
    await call(lionsAdmin(), 'PUT', credentials, `{"api_key":"${canary}`)
    await call(scoutsAdmin(), 'PUT', credentials, bundleOf(`${canary}-elsewhere`))
    await call(lionsAdmin(), 'PUT', '/integrations/xledger', { fieldMappings: { api_key: `Bearer ${canary}` } })
    await syncDue(t.db, anHourAgo(), async (_, bundle) => {
      throw new Error(`refused ${'api_key' in bundle && bundle.api_key}`)
    })
    await call(lionsAdmin(), 'GET', '/integrations')
    expect(seen).toContain('xledger of ') // The worker did fail, and said so.
    expect(seen).not.toContain(canary)
    expect(t.serverLog()).not.toContain(canary)
  })
})

test('one command starts it on an embedded server and prints a request that works; Ctrl-C ends it and all it started', async () => {
  const backend = spawn(process.execPath, ['--import', 'tsx', 'examples/backend.ts'], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(backend, 'exit')
  const requests: RegExpExecArray[] = []
  for await (const line of createInterface(backend.stdout)) {
    const request = /'authorization: (Bearer \S+)' (http:\S+)/.exec(line)
    if (request !== null && requests.push(request) === 2) break
  }
  for (const [, authorization = '', url = ''] of requests) {
    const response = await fetch(url, { headers: { authorization } })
    expect(await response.json()).toEqual([])
    expect((await fetch(url)).status).toBe(401)
  }
  backend.kill('SIGINT')
  expect(await ended).toEqual([0, null])
}, 120_000)
