import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { assertSafeLogin } from '../../src/connection/login-check.ts'
import type { Statement } from '../../src/connection/statement.ts'
import { createIntegrationsDb } from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'
import { undone } from '../support/diagnosis.ts'

const t = useDatabase()
const bare = useDatabase('host')
const organizationId = randomUUID()
const admin = () => t.db.forOrganization({ organizationId, role: 'admin' })
// What a caller without a type checker may send.
const untyped = <T>(value: unknown) => value as T

describe('bad input is refused with a message that names field and rule', () => {
  test.each([
    ['an unknown system', () => admin().integrations.get(untyped('sap')), /^integrationType: .*"xledger"/],
    ['an unknown status', () => admin().integrations.list({ status: untyped('paused') }), /^status: .*"active"/],
    ['an id that is no uuid', () => admin().integrations.getById('42'), /^id: must be a uuid/],
    ['an empty patch', () => admin().integrations.update('xledger', {}), /^patch: must set at least one field/],
    [
      'a field that is not there',
      () => admin().integrations.update('xledger', untyped({ organizationId })),
      /^patch: .*"organizationId"/,
    ],
    [
      'a schedule of six fields',
      () => admin().integrations.update('xledger', { syncSchedule: '0 0 2 * * *' }),
      /^patch\.syncSchedule: must have five fields/,
    ],
    [
      'mappings that are no object',
      () => admin().integrations.create({ integrationType: 'xledger', fieldMappings: untyped([]) }),
      /^fieldMappings: /,
    ],
    [
      'mappings that are no JSON',
      () => admin().integrations.create({ integrationType: 'xledger', fieldMappings: untyped({ a: 1n }) }),
      /^fieldMappings\.a: /,
    ],
    [
      'a repeated feature',
      () => admin().integrations.create({ integrationType: 'xledger', excludedFeatures: ['a', 'a'] }),
      /^excludedFeatures\.1: must not repeat/,
    ],
    [
      'a revision that is none',
      () => admin().integrations.delete('xledger', { expectedRevision: 'x' }),
      /^expectedRevision: must be the revision/,
    ],
    [
      'a cursor that is none',
      () => t.db.asService({ actor: 'a' }).integrations.listScheduled({ after: 'x' }),
      /^after: must be the next/,
    ],
    ['a limit out of range', () => t.db.asService({ actor: 'a' }).integrations.listScheduled({ limit: 0 }), /^limit: /],
    [
      'a service without its URL',
      () => createIntegrationsDb({ url: t.url }).asService({ actor: 'a' }).integrations.listScheduled(),
      /^serviceUrl: is missing; pass it or set INTEGRATIONS_SERVICE_URL$/,
    ],
    ['no actor', async () => t.db.asService(untyped(undefined)), /^actor: /],
    ['no scope', async () => t.db.forOrganization(untyped(undefined)), /^scope: must be an object/],
    [
      'no retrieval',
      () => t.db.asService({ actor: 'a' }).credentials.retrieve(untyped<never>(undefined)),
      /^organizationId: must be a uuid/,
    ],
    ['no query', () => admin().query(untyped(undefined)), /^query: takes a function/],
    ['no transaction', () => admin().transaction(untyped(undefined)), /^transaction: takes a function/],
    ['an empty actor', async () => t.db.asService({ actor: '' }), /^actor: /],
    ['a text with NUL', () => admin().integrations.findByMappedField('a\0b'), /NUL character/],
    ['half a surrogate pair', () => admin().integrations.findByMappedField('a\ud800'), /surrogate/],
  ])('%s', async (_what, attempt, message) => {
    await expect(attempt()).rejects.toMatchObject({
      name: 'IntegrationsDbError',
      code: 'invalid_input',
      message: expect.stringMatching(message),
    })
  })

  test.each([
    [
      'a role outside the list',
      () => t.db.forOrganization({ organizationId, role: untyped('owner') }),
      /^role: must be one of admin, coordinator/,
    ],
    [
      'an organization that is no uuid',
      () => t.db.forOrganization({ organizationId: 'acme', role: 'admin' }),
      /^organizationId: must be a uuid/,
    ],
    ['a URL that is none', () => createIntegrationsDb('nonsense'), /^url: must be a URL such as postgresql:/],
    ['a service URL that is none', () => createIntegrationsDb({ serviceUrl: 'x' }), /^serviceUrl: must be a URL/],
    ['an option that is not there', () => createIntegrationsDb(untyped({ pool: 3 })), /"pool"/],
    ['claims that are no object', () => t.db.forClaims(untyped('eyJ')), /^claims: must be the payload/],
  ])('%s', (_what, attempt, message) => {
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) }))
  })

  test('never prints the value it refuses', async () => {
    const secret = 'sk_live_canary'
    for (const attempt of [
      () => admin().integrations.get(untyped(secret)),
      () => admin().integrations.getById(secret),
      () => admin().integrations.update('xledger', { syncSchedule: secret }),
      () => admin().query((q) => q.select({ a: sql`${secret}::int` }).from(organizationIntegrations)),
      () => admin().query((q) => q.execute(sql`select ${secret}::uuid`)),
    ]) {
      const error = await attempt().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(error).toMatchObject({ code: 'invalid_input' })
      const everything =
        JSON.stringify(Object.getOwnPropertyDescriptors(error)) +
        String((error as Error).stack) +
        String((error as Error).cause)
      expect(everything).not.toContain(secret)
    }
  })
})

describe('claims of a verified token', () => {
  const metadata = { organization_id: organizationId, role: 'admin' }

  test('give the same scope as their values would', async () => {
    const id = await t.organization()
    await t.db
      .forOrganization({ organizationId: id, role: 'admin' })
      .integrations.create({ integrationType: 'xledger' })
    const caller = t.db.forClaims({
      sub: randomUUID(),
      role: 'authenticated',
      app_metadata: { organization_id: id, role: 'coordinator' },
    })
    expect(await caller.integrations.list()).toHaveLength(1)
    await expect(caller.integrations.delete('xledger')).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test.each([
    ['without app_metadata', {}],
    ['with its organization in user_metadata, which users can edit', { user_metadata: metadata }],
    ['with a malformed organization', { app_metadata: { ...metadata, organization_id: 'acme' } }],
    ['with an empty organization', { app_metadata: { ...metadata, organization_id: '' } }],
    ['with an organization that is no text', { app_metadata: { ...metadata, organization_id: [organizationId] } }],
    ['with another role', { app_metadata: { ...metadata, role: 'member' } }],
    ['of anon', { role: 'anon', app_metadata: metadata }],
    ['of service_role', { role: 'service_role', app_metadata: metadata }],
  ])('%s are refused', (_what, payload) => {
    expect(() => t.db.forClaims(payload)).toThrow(expect.objectContaining({ code: 'permission_denied' }))
  })
})

describe('a claims setting that is', () => {
  const ids = { organization_id: organizationId, role: 'admin' }
  test.each([
    ['missing', undefined],
    ['empty', ''],
    ['no JSON', 'not json'],
    ['half a JSON', '{"app_metadata":'],
    ['a scalar', '42'],
    ['null', 'null'],
    ['an array', JSON.stringify([{ app_metadata: ids }])],
    ['without app_metadata', '{}'],
    ['with a scalar app_metadata', '{"app_metadata": 7}'],
    ['with user_metadata only', JSON.stringify({ user_metadata: ids })],
    ['with an organization that is no uuid', JSON.stringify({ app_metadata: { ...ids, organization_id: 'acme' } })],
    ['with an organization in a list', JSON.stringify({ app_metadata: { ...ids, organization_id: [organizationId] } })],
    ['with a NUL in it', '{"app_metadata":{"organization_id":"\\u0000","role":"admin"}}'],
    ['nested a hundred thousand deep', '['.repeat(100_000)],
    ['with another role', JSON.stringify({ app_metadata: { ...ids, role: 'member' } })],
    ['without a role', JSON.stringify({ app_metadata: { organization_id: organizationId } })],
  ])('%s shows no row and raises nothing', async (_what, claims) => {
    await t.admin`insert into organizations (id, name) values (${organizationId}, 'x') on conflict do nothing`
    await t.admin`insert into organization_integrations (organization_id, integration_type) values (${organizationId}, 'xledger') on conflict do nothing`
    const rows = await t.admin.begin(async (tx) => {
      if (claims !== undefined) await tx`select set_config('request.jwt.claims', ${claims}, true)`
      await tx`set local role authenticated`
      return tx`select * from organization_integrations`
    })
    expect([...rows]).toEqual([])
  })
})

describe('a scoped query', () => {
  test('of more than one statement is refused, and none of them is run', async () => {
    const id = await t.organization()
    const acme = t.db.forOrganization({ organizationId: id, role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })
    for (const text of [
      'select 1; delete from organization_integrations',
      'delete from organization_integrations; select 1',
      'select 1; commit; select 2',
    ]) {
      await expect(acme.query((q) => q.execute(sql.raw(text)))).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(/^query: .*more than one/),
      })
    }
    expect(await acme.integrations.list()).toHaveLength(1)
  })

  test('may hold a semicolon where it ends no statement, as Drizzle itself writes one behind $count', async () => {
    const id = await t.organization()
    const acme = t.db.forOrganization({ organizationId: id, role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger' })
    expect(await acme.query((q) => q.$count(organizationIntegrations))).toBe(1)
    expect(await acme.query((q) => q.execute(sql`select ';' as "a;b" /* ; */`))).toEqual([{ 'a;b': ';' }])
    expect(await acme.transaction((tx) => tx.query((q) => q.$count(organizationIntegrations)))).toBe(1)
  })

  test('takes what Drizzle has a place for: prepared placeholders, arrays, dates, bytes, null', async () => {
    const prepared = await admin().query((q) =>
      q
        .select({ x: sql<number>`${sql.placeholder('x')}::int` })
        .from(sql`(select 1) as one`)
        .prepare('x')
        .execute({ x: 41 }),
    )
    expect(prepared).toEqual([{ x: 41 }])
    const when = new Date('2026-11-26T12:00:00.123Z')
    const [row] = await admin().query((q) =>
      q.execute(sql`select ${when}::timestamptz = '2026-11-26 12:00:00.123+00' as date, ${Buffer.from('é\0')}::bytea as bytes,
        ${null}::text as nothing, ${sql.param([1, 2])}::text::jsonb as list, ${true}::boolean as yes, ${1.5}::float8 as number`),
    )
    expect(row).toEqual({
      date: true,
      bytes: Buffer.from('é\0'),
      nothing: null,
      list: '[1, 2]',
      yes: true,
      number: 1.5,
    })
  })

  test('spells columns as the host says with casing', async () => {
    const things = pgTable('organization_integrations', { syncSchedule: text() })
    const id = await t.organization()
    const open = (casing?: 'snake_case') =>
      t.connect(casing === undefined ? {} : { casing }).forOrganization({ organizationId: id, role: 'admin' })
    await open().integrations.create({ integrationType: 'xledger', syncSchedule: '0 2 * * *' })
    expect(await open('snake_case').query((q) => q.select().from(things))).toEqual([{ syncSchedule: '0 2 * * *' }])
    await expect(open().query((q) => q.select().from(things))).rejects.toMatchObject({ sqlState: '42703' })
  })

  test('with a NUL or half a surrogate pair in its text is refused: it would end the text in the middle', async () => {
    for (const text of ['select 1\0', "select '\ud800'"]) {
      await expect(admin().query((q) => q.execute(sql.raw(text)))).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringMatching(/^query: the SQL text holds a NUL/),
      })
    }
  })

  test('carries a semicolon in a value without harm', async () => {
    const rows = await admin().query((q) => q.execute(sql`select ${"a;b'c"} as value`))
    expect(rows).toEqual([{ value: "a;b'c" }])
  })

  test('that does not fit the schema is invalid_input with its SQLSTATE', async () => {
    await expect(
      admin().query((q) => q.execute(sql`select nothing from organization_integrations`)),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      sqlState: '42703',
    })
  })
})

describe('a server that is', () => {
  test('unreachable answers unavailable and names what to check', async () => {
    const db = createIntegrationsDb({ url: 'postgresql://nobody:canary@127.0.0.1:1/none', connectTimeoutSeconds: 2 })
    await expect(db.forOrganization({ organizationId, role: 'admin' }).integrations.list()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/cannot be reached.*host, port/),
    })
    await db.end()
  })

  test('not migrated answers unavailable and says: run the migrations', async () => {
    await expect(bare.db.forOrganization({ organizationId, role: 'admin' }).integrations.list()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('run the migrations'),
    })
  })

  test('asked in the name of an organization that does not exist answers not_found, and no row is written', async () => {
    await expect(
      t.db
        .forOrganization({ organizationId: randomUUID(), role: 'admin' })
        .integrations.create({ integrationType: 'xledger' }),
    ).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('organizationId'),
    })
  })

  test('gone because the client was ended answers unavailable', async () => {
    const db = t.connect()
    const acme = db.forOrganization({ organizationId, role: 'admin' })
    await acme.integrations.list()
    await db.end()
    await expect(acme.integrations.list()).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a login that could read without a scope', () => {
  const list = (url: string, options = {}) =>
    t
      .connect({ url, ...options })
      .forOrganization({ organizationId, role: 'admin' })
      .integrations.list()

  test('is refused when it is a superuser, with the hint', async () => {
    await expect(list(t.adminUrl)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(/^url: .*superuser.*login create/),
    })
  })

  test.each([
    ['BYPASSRLS', 'bypassrls', 'noop'],
    ['a grant on the table', 'nobypassrls', 'grant select on organization_integrations to'],
    ['a grant on one column', 'nobypassrls', 'grant select (field_mappings) on organization_integrations to'],
    ['an inherited grant', 'nobypassrls inherit', 'inherit'],
  ])('is refused when it has %s', async (_what, attributes, grant) => {
    const name = `test_unsafe_${randomUUID().slice(0, 8)}`
    await t.admin.unsafe(`create role ${name} login ${attributes} password 'pw'; grant authenticated to ${name}`)
    if (grant.startsWith('grant')) await t.admin.unsafe(`${grant} ${name}`)
    const url = new URL(t.url)
    url.username = name
    url.password = 'pw'
    await expect(list(url.href)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(/^url: .*login create/),
    })
    await t.admin.unsafe(`drop owned by ${name}; drop role ${name}`)
  })

  test.each([
    ['that passes every policy', 'bypassrls', 'grant authenticated to', /may become \S+, which has BYPASSRLS/],
    ['that may do everything', 'superuser', 'grant authenticated to', /may become \S+, which is a superuser/],
    [
      'with a grant on the table',
      'nologin',
      'grant select on organization_integrations to',
      /may become \S+, which has rights on organization_integrations/,
    ],
    ['that may read all there is', 'nologin', 'grant pg_read_all_data to', /may become .*which has rights on/],
  ])('is refused when it may become a role %s, inherited or not', async (_what, attributes, grant, message) => {
    const [name, other] = [`test_unsafe_${randomUUID().slice(0, 8)}`, `test_other_${randomUUID().slice(0, 8)}`]
    await t.admin.unsafe(`
      create role ${other} ${attributes}; ${grant} ${other};
      create role ${name} login noinherit password 'pw'; grant authenticated, ${other} to ${name}`)
    const url = new URL(t.url)
    url.username = name
    url.password = 'pw'
    await expect(list(url.href)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(message),
    })
    await t.admin.unsafe(`drop owned by ${other}; drop role ${name}; drop role ${other}`)
  })

  test.each([
    ['authenticated', 'bypassrls', /^url: .*may become authenticated, which has BYPASSRLS.*doctor/],
    ['authenticated', 'superuser', /^url: .*may become authenticated, which is a superuser.*doctor/],
    ['service_role', 'superuser', /^serviceUrl: .*may become service_role, which is a superuser.*doctor/],
  ] as const)('is refused while %s itself is %s', async (role, attribute, message) => {
    // Others use the server meanwhile, so the role is altered where nobody else sees it.
    await undone(t.admin, async (tx) => {
      const login = new URL(role === 'authenticated' ? t.url : t.serviceUrl).username
      await tx.unsafe(`alter role ${role} ${attribute}; set local session authorization ${login}`)
      const asLogin = {
        async run(_prelude: undefined | Statement, { text }: Statement) {
          const rows = await tx.unsafe(text).values()
          return { names: rows.columns.map(({ name }) => name), values: rows }
        },
      }
      await expect(assertSafeLogin(asLogin, role, false)).rejects.toMatchObject({
        code: 'permission_denied',
        message: expect.stringMatching(message),
      })
    })
  })

  test('is refused when it may become both roles, unless told otherwise', async () => {
    await expect(list(t.combinedUrl)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('allowCombinedLogin'),
    })
    expect(await list(t.combinedUrl, { allowCombinedLogin: true })).toEqual(expect.any(Array))
  })

  test('is refused as service login when it is the scoped one, and the other way round', async () => {
    await expect(list(t.serviceUrl)).rejects.toMatchObject({ code: 'permission_denied' })
    const service = t.connect({ serviceUrl: t.url }).asService({ actor: 'a' })
    await expect(service.integrations.listScheduled()).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(/^serviceUrl: .*--service/),
    })
  })
})
