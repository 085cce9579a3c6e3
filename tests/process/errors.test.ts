import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  configViolations,
  createIntegrationsDb,
  ExcludedFeatures,
  FieldMappings,
  IntegrationsDbError,
  migrate,
  nextRuns,
  resolveFieldMappings,
  rollback,
  status,
  systemOf,
  transforms,
  unmappedRequiredTargets,
} from '../../src/index.ts'
import { assertStrongKey } from '../../src/util/checks.ts'
import { runCli } from '../support/command-line.ts'
import { useDatabase } from '../support/database.ts'

/* What an error may say, whatever was handed in. */

const t = useDatabase()
const organizationId = randomUUID()
const acme = () => t.db.forOrganization({ organizationId, role: 'admin' })
const service = () => t.db.asService({ actor: 'test' })
const bundle = { api_key: 'key', base_url: 'https://api.xledger.net', company_id: '4711' }

/** The error a call ends with, if any, whether it throws or rejects. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what a caller without a type checker may send
type Anything = any

const throws = () => {
  throw new TypeError('postgresql://login:canary@host/db')
}
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const traps = [
  'get',
  'has',
  'ownKeys',
  'getOwnPropertyDescriptor',
  'getPrototypeOf',
] as const satisfies (keyof ProxyHandler<object>)[]
/** Every property there is has a getter that throws. */
const everyGetterThrows = () =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      [
        ...['organizationId', 'role', 'userId', 'actor', 'integrationType', 'status', 'fieldMappings', 'url', 'sub'],
        ...['app_metadata', 'reason', 'limit', 'api_key', 'expectedRevision', 'to', 'count', 'transforms', 'amount'],
        ...['toString', 'length', 'after', 'graceSeconds', 'supabase', 'then'],
      ].map((name) => [name, { enumerable: true, configurable: true, get: throws }]),
    ),
  )
const cycle = () => {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}
const hostile: [string, () => Anything][] = [
  ['getters that throw', everyGetterThrows],
  ...traps.map((trap): [string, () => Anything] => [
    `a Proxy whose ${trap} throws`,
    () => new Proxy({}, { [trap]: throws }),
  ]),
  ['a revoked Proxy', revoked],
  ['an object without a prototype', () => Object.create(null)],
  ['an object that refers to itself', cycle],
  ['an array of Proxies', () => [revoked()]],
  ['a symbol', () => Symbol('canary')],
  ['a bigint', () => 1n],
  ['null', () => null],
  ['a function', () => throws],
  ['a Map', () => new Map()],
  ['what cannot be put into words', () => ({ toString: throws, toJSON: throws, [Symbol.toPrimitive]: throws })],
]

const doors: [string, (value: Anything) => unknown][] = [
  ['createIntegrationsDb', (value) => createIntegrationsDb(value)],
  ['createIntegrationsDb url', (value) => createIntegrationsDb({ url: value })],
  ['createIntegrationsDb replicas', (value) => createIntegrationsDb({ url: t.url, replicas: value })],
  ['createIntegrationsDb encryptionKey', (value) => createIntegrationsDb({ url: t.url, encryptionKey: value })],
  [
    'createIntegrationsDb callTimeoutSeconds',
    (value) => createIntegrationsDb({ url: t.url, callTimeoutSeconds: value }),
  ],
  ['forOrganization', (value) => t.db.forOrganization(value)],
  ['forOrganization organizationId', (value) => t.db.forOrganization({ organizationId: value, role: 'admin' })],
  ['forOrganization role', (value) => t.db.forOrganization({ organizationId, role: value })],
  ['forOrganization userId', (value) => t.db.forOrganization({ organizationId, role: 'admin', userId: value })],
  ['forClaims', (value) => t.db.forClaims(value)],
  ['forClaims app_metadata', (value) => t.db.forClaims({ app_metadata: value })],
  ['forClaims organization_id', (value) => t.db.forClaims({ app_metadata: { organization_id: value, role: 'admin' } })],
  ['forClaims role', (value) => t.db.forClaims({ app_metadata: { organization_id: organizationId, role: value } })],
  [
    'forClaims sub',
    (value) => t.db.forClaims({ sub: value, app_metadata: { organization_id: organizationId, role: 'admin' } }),
  ],
  ['asService', (value) => t.db.asService(value)],
  ['asService actor', (value) => t.db.asService({ actor: value })],
  ['asService forOrganization', (value) => service().forOrganization(value)],
  ['list', (value) => acme().integrations.list(value)],
  ['get', (value) => acme().integrations.get(value)],
  ['getById', (value) => acme().integrations.getById(value)],
  ['findByMappedField', (value) => acme().integrations.findByMappedField(value)],
  ['create', (value) => acme().integrations.create(value)],
  ['create fieldMappings', (value) => acme().integrations.create({ integrationType: 'xledger', fieldMappings: value })],
  [
    'create mapping',
    (value) => acme().integrations.create({ integrationType: 'xledger', fieldMappings: { a: value } }),
  ],
  [
    'create excludedFeatures',
    (value) => acme().integrations.create({ integrationType: 'xledger', excludedFeatures: value }),
  ],
  ['create syncSchedule', (value) => acme().integrations.create({ integrationType: 'xledger', syncSchedule: value })],
  ['upsert', (value) => acme().integrations.upsert(value)],
  ['update', (value) => acme().integrations.update('xledger', value)],
  ['update type', (value) => acme().integrations.update(value, { status: 'error' })],
  ['update options', (value) => acme().integrations.update('xledger', { status: 'error' }, value)],
  ['setFieldMappings', (value) => acme().integrations.setFieldMappings('xledger', value)],
  ['setFieldMappings mapping', (value) => acme().integrations.setFieldMappings('xledger', { a: value })],
  ['excludeFeatures', (value) => acme().integrations.excludeFeatures('xledger', value)],
  ['includeFeatures', (value) => acme().integrations.includeFeatures('xledger', value)],
  ['delete', (value) => acme().integrations.delete('xledger', value)],
  // A callback's own failure is its caller's.
  ['query', (value) => typeof value !== 'function' && acme().query(value)],
  ['transaction', (value) => typeof value !== 'function' && acme().transaction(value)],
  ['store', (value) => acme().credentials.store('xledger', value)],
  ['store field', (value) => acme().credentials.store('xledger', { ...bundle, api_key: value })],
  ['store options', (value) => acme().credentials.store('xledger', bundle, value)],
  ['rotate options', (value) => acme().credentials.rotate('xledger', bundle, value)],
  ['describe', (value) => acme().credentials.describe(value)],
  ['revoke', (value) => acme().credentials.revoke('xledger', value)],
  ['events.list', (value) => acme().events.list(value)],
  ['retrieve', (value) => service().credentials.retrieve(value)],
  [
    'retrieve type',
    (value) => service().credentials.retrieve({ organizationId, integrationType: value, reason: 'test' }),
  ],
  [
    'retrieve reason',
    (value) => service().credentials.retrieve({ organizationId, integrationType: 'xledger', reason: value }),
  ],
  ['listScheduled', (value) => service().integrations.listScheduled(value)],
  ['listScheduled after', (value) => service().integrations.listScheduled({ after: value })],
  ['listScheduled since', (value) => service().integrations.listScheduled({ since: value })],
  ['findByMappedField anywhere', (value) => service().integrations.findByMappedField(value as never)],
  ['findByMappedField page', (value) => service().integrations.findByMappedField('amount', value as never)],
  ['resolveFieldMappings mappings', (value) => resolveFieldMappings(value, {})],
  ['resolveFieldMappings record', (value) => resolveFieldMappings({ amount: 'amount' }, value)],
  ['resolveFieldMappings value', (value) => resolveFieldMappings({ amount: 'amount' }, { amount: value })],
  ['resolveFieldMappings options', (value) => resolveFieldMappings({ amount: 'amount' }, {}, value)],
  [
    'resolveFieldMappings transforms',
    (value) => resolveFieldMappings({ amount: { path: 'a', transform: 'trim' } }, { a: 'b' }, { transforms: value }),
  ],
  [
    'resolveFieldMappings transform',
    (value) =>
      resolveFieldMappings({ amount: { path: 'a', transform: 'trim' } }, { a: 'b' }, { transforms: { trim: value } }),
  ],
  ['nextRuns', (value) => nextRuns(value)],
  ['nextRuns options', (value) => nextRuns('0 2 * * *', value)],
  ['nextRuns after', (value) => nextRuns('0 2 * * *', { after: value })],
  ['systemOf', (value) => systemOf(value)],
  ['unmappedRequiredTargets', (value) => unmappedRequiredTargets(value, {})],
  ['unmappedRequiredTargets mappings', (value) => unmappedRequiredTargets('xledger', value)],
  ['configViolations', (value) => configViolations(value, value)],
  ['configViolations mapping', (value) => configViolations({ a: value }, [value])],
  ['FieldMappings', (value) => FieldMappings.safeParse(value)],
  ['ExcludedFeatures', (value) => ExcludedFeatures.safeParse(value)],
  ...Object.entries(transforms).map(([name, transform]): [string, (value: Anything) => unknown] => [
    `transforms.${name}`,
    (value) => transform.apply(value),
  ]),
  ['migrate', (value) => migrate(value)],
  ['migrate url', (value) => migrate({ url: value })],
  ['migrate to', (value) => migrate({ url: t.adminUrl, to: value, dryRun: true })],
  ['migrate supabase', (value) => migrate({ url: t.adminUrl, supabase: value, dryRun: true })],
  ['migrate projectRef', (value) => migrate({ projectRef: value })],
  ['rollback', (value) => rollback(value)],
  ['rollback steps', (value) => rollback({ url: t.adminUrl, steps: value })],
  ['status', (value) => status(value)],
  ['status supabase', (value) => status({ url: t.adminUrl, supabase: value })],
]

describe('whatever is handed in', () => {
  test.each(doors)('%s fails with an IntegrationsDbError or not at all, and quotes nothing', async (_, door) => {
    for (const [what, make] of hostile) {
      const error = await failureOf(() => door(make()))
      if (error === undefined) continue
      expect(error, what).toBeInstanceOf(IntegrationsDbError)
      expect((error as Error).stack, what).not.toContain('canary')
    }
  })
})

test('a rollback that is told no number, or one below 1, takes nothing back', async () => {
  for (const steps of [undefined, 0, -1, 1.5, Number.NaN, '1'] as never[]) {
    await expect(rollback({ url: t.adminUrl, steps, acceptDataLoss: true })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^steps: /),
    })
  }
  expect(await status({ url: t.adminUrl })).toMatchObject({ pending: [], problems: [] })
})

describe('a message', () => {
  const long = 'x'.repeat(100_000)
  const many = Array.from({ length: 100_000 }, (_, i) => `Bad ${i}`)
  test.each<[string, () => unknown]>([
    [
      'of 100,000 bad features',
      () => acme().integrations.create({ integrationType: 'xledger', excludedFeatures: many }),
    ],
    [
      'of 1,000 bad mappings',
      () =>
        acme().integrations.create({
          integrationType: 'xledger',
          fieldMappings: Object.fromEntries(many.slice(0, 1000).map((name) => [name, ''])),
        }),
    ],
    [
      'of 100,000 unknown fields',
      () => acme().integrations.update('xledger', Object.fromEntries(many.map((name) => [name, 1]))),
    ],
    ['of 100,000 unknown options', () => createIntegrationsDb(Object.fromEntries(many.map((name) => [name, 1])))],
    ['of an option with a long name', () => createIntegrationsDb({ [long]: 1 } as object)],
    [
      'of 100,000 unknown fields of a bundle',
      () => acme().credentials.store('xledger', { ...bundle, ...Object.fromEntries(many.map((name) => [name, 1])) }),
    ],
    ['of a long version', () => migrate({ url: t.adminUrl, to: long, dryRun: true })],
    ['of a long folder', () => migrate({ url: t.adminUrl, supabase: long, dryRun: true })],
    ['of a long system', () => systemOf(long)],
    ['of a long schedule', () => nextRuns(long)],
    [
      'of any length',
      () => Promise.reject(new IntegrationsDbError('conflict', `field: ${'😀'.repeat(100_000)}; hint`)),
    ],
  ])('%s has at most 2,000 characters and is well formed', async (_, call) => {
    const error = (await failureOf(call)) as Error
    expect(error).toBeInstanceOf(IntegrationsDbError)
    expect(error.message.length).toBeLessThanOrEqual(2000)
    expect(error.message.isWellFormed()).toBe(true)
    expect(error.stack?.length).toBeLessThan(4000)
  })

  test('that is cut keeps its beginning, which names the field, and its end, which says what to do', () => {
    const { message } = new IntegrationsDbError('conflict', `field: ${'word '.repeat(10_000)}; call the office`)
    expect(message).toMatch(/^field: word .* … \(50024 characters in all\) … .*; call the office$/)
    const short = `field: ${'x'.repeat(1993)}`
    expect(new IntegrationsDbError('conflict', short).message).toBe(short)
  })

  test.each([
    'postgresql://login:canary@host:5432/database',
    'postgres://login:can%20ary@host',
    'postgresql://login:p@ss canary/?#@host/db',
    'postgresql:/login:canary@host/migrations',
    'https://login:canary@proxy.example.com',
    'postgresql://canary@host/db',
    'postgresql://host/db?user=login&password=canary',
    'host=localhost user=login password=canary',
    "host=localhost password = 'canary of two words'",
    'jdbc:postgresql://host/db?user=login&password=canary&ssl=true',
    `${'x'.repeat(5000)} postgresql://login:canary${'y'.repeat(5000)}@host`,
    `${'x '.repeat(450)}postgresql://login:my ${'canary '.repeat(1000)}@host`,
    `${'x '.repeat(400)}postgresql://login:${'canary'.repeat(1000)}@host and ${'x '.repeat(2000)}`,
  ])('never holds the password of %s', (text) => {
    const { message, stack } = new IntegrationsDbError('not_found', `to: ${text}: there is no such version`)
    expect(`${message}${stack}`).not.toMatch(/canary|ss can/)
    expect(message).toMatch(/^to: .*there is no such version$|^to: .* x $/)
  })
})

describe('the command line', () => {
  const url = 'postgresql://login:canary@127.0.0.1:1/database'
  test.each([
    [['migrate', '--to', url]],
    [['migrate', `--to=${url}`]],
    [['migrate', `--to${url}`]],
    [['migrate', `--ulr=${url}`]],
    [['migrate', `--ulr${url}`]],
    [['migrate', `-u${url}`]],
    [['migrate', '-u', url]],
    [['migrate', `--url${url}`]],
    [['migrate', `--url:${url}`]],
    [['migrate', '--url', url, url]],
    [['migrate', url]],
    [[url]],
    [[`--url=${url}`]],
    [['help', url]],
    [['migrate', '--supabase', url, '--url', 'postgresql://127.0.0.1:1/x']],
    [['build', '--drizzle', url]],
    [['build', '--supabase', url]],
    [['export', url]],
    [['registry', '--check', url]],
    [['registry', '--dart', url]],
    [['rollback', '--to', url]],
    [['rollback', '--steps', url]],
    [['login', 'create', url]],
    [['credentials', 'revoke', '--organization', url]],
    [['credentials', 'move', '--to', url]],
    [['migrate', '--project-ref', url]],
    [['status', '--url', url]],
    [['status', '--url', url.replace('postgresql', 'postgre')]],
    [['status', '--url', url.replace('//', '')]],
    [['migrate', '--to', 'host=h password=canary']],
    [['migrate', '--tohost=h password=canary']],
    [['build', '--drizzle', 'mysql://login:canary@host/db']],
    [['migrate', '--frommysql://login:canary@host/db']],
  ])(
    '%j prints no password',
    async (words) => {
      for (const more of ['--json', '--debug']) {
        const { code, stdout, stderr } = await runCli([...words, more])
        expect(`${stdout}${stderr}`).not.toContain('canary')
        expect(code).toBe(words[0] === 'help' ? 0 : stderr.includes('--help') || stdout.includes('"usage"') ? 2 : code)
        expect(code === 0).toBe(words[0] === 'help')
      }
    },
    30_000,
  )

  test('prints no password of a URL that stands in its environment', async () => {
    for (const value of [url, url.replace('postgresql', 'postgre'), `"${url}"`, ` ${url}`]) {
      const environment = {
        INTEGRATIONS_ADMIN_URL: value,
        INTEGRATIONS_ENCRYPTION_KEY: value,
        SUPABASE_ACCESS_TOKEN: value,
        SUPABASE_API_BASE_URL: value,
      }
      for (const words of [['status'], ['credentials', 'rotate-key'], ['doctor', '--debug']]) {
        const { code, stdout, stderr } = await runCli(words, environment)
        expect(`${stdout}${stderr}`).not.toContain('canary')
        expect(code).toBe(1)
      }
    }
  }, 30_000)
})

describe('a token whose sub', () => {
  const claims = (sub: unknown) => ({ sub, app_metadata: { organization_id: organizationId, role: 'admin' } })
  test.each([
    ['holds NUL', 'a\0b'],
    ['holds half a surrogate pair', 'a\ud800'],
    ['holds the other half', '\udc00a'],
    ['is empty', ''],
    ['is too long', 'x'.repeat(256)],
    ['is a number', 42],
    ['is an object', { toString: () => 'a' }],
  ])('%s is refused before anything is sent', (_, sub) => {
    expect(() => t.db.forClaims(claims(sub))).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(/^claims\.sub: /) }),
    )
  })

  test.each([
    ['a name', 'auth0|x y'],
    ['emoji', '😀'.repeat(127)],
    ['missing', undefined],
    ['null', null],
  ])('is %s can be used', async (_, sub) => {
    expect(await t.db.forClaims(claims(sub)).integrations.list()).toEqual([])
  })

  test.each([
    ['userId', (value: string) => t.db.forOrganization({ organizationId, role: 'admin', userId: value })],
    ['actor', (value: string) => t.db.asService({ actor: value })],
    ['reason', (value: string) => acme().credentials.store('xledger', bundle, { reason: value })],
    ['reason', (value: string) => acme().credentials.revoke('xledger', { reason: value })],
    [
      'reason',
      (value: string) => service().credentials.retrieve({ organizationId, integrationType: 'xledger', reason: value }),
    ],
    ['bundle.api_key', (value: string) => acme().credentials.store('xledger', { ...bundle, api_key: value })],
    [
      'bundle.base_url',
      (value: string) => acme().credentials.store('xledger', { ...bundle, base_url: `https://example.com/${value}` }),
    ],
  ])('nor may %s be such a text', async (field, call) => {
    for (const text of ['a\0b', 'a\ud800', '\udc00a']) {
      expect(await failureOf(() => call(text))).toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(new RegExp(`^${field}: `)),
      })
    }
  })
})

describe('an encryption key', () => {
  const hex = (bytes: number[]) => Buffer.from(bytes).toString('hex')
  const repeated = (...bytes: number[]) => hex(Array.from({ length: 32 }, (_, i) => bytes[i % bytes.length] ?? 0))
  const weak: [string, string][] = [
    ['of zeros', '0'.repeat(64)],
    ['of one repeated byte', repeated(0xab)],
    ['of two repeated bytes', repeated(0xde, 0xad)],
    ['that counts up', hex(Array.from({ length: 32 }, (_, i) => i))],
    ['that counts down from 255', hex(Array.from({ length: 32 }, (_, i) => 255 - i))],
  ]
  test.each(weak)('%s is refused with the way to a better one, and may be the key before', async (_, key) => {
    const refused = {
      code: 'invalid_input',
      message: expect.stringMatching(/^INTEGRATIONS_ENCRYPTION_KEY: .*openssl rand -hex 32.*rotate-key/),
    }
    const error = (await failureOf(() => createIntegrationsDb({ url: t.url, encryptionKey: key }))) as Error
    expect(error).toMatchObject(refused)
    expect(error.message.toLowerCase()).not.toContain(key.toLowerCase())
    const encryptionKey = randomBytes(32).toString('hex')
    await createIntegrationsDb({ url: t.url, encryptionKey, previousEncryptionKey: key }).end()
  })

  test('is refused by the command line too, and a random one by nobody', async () => {
    const [, [, key] = ['', '']] = weak
    const run = (environment: NodeJS.ProcessEnv) =>
      runCli(['credentials', 'rotate-key', '--url', t.adminUrl], environment)
    expect(await run({ INTEGRATIONS_ENCRYPTION_KEY: key })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: INTEGRATIONS_ENCRYPTION_KEY: /),
    })
    const random = randomBytes(32).toString('hex')
    expect(await run({ INTEGRATIONS_ENCRYPTION_KEY: random, INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY: key })).toMatchObject(
      { code: 0 },
    )
    for (let i = 0; i < 10_000; i++) {
      expect(() => assertStrongKey('key', randomBytes(32).toString('hex'))).not.toThrow()
    }
  })
})
