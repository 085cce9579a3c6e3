import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ExcludedFeatures, FieldMappings, type IntegrationsDbError } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'

/* The one list of rules where callers meet it: zod, the repository, the trigger, and reads of rows that are bad already. */

const t = useDatabase()
const canary = 'sk_live_4242424242424242'

async function admin() {
  const id = await t.organization()
  return { id, ...t.db.forOrganization({ organizationId: id, role: 'admin', userId: randomUUID() }) }
}

/** A row as it lies in a database from before the rules. */
async function oldRow(
  organizationId: string,
  row: { mappings?: string; features?: string; schedule?: string; type?: string },
) {
  const { mappings = '{}', features = '[]', schedule = '0 2 * * *', type = 'xledger' } = row
  const [inserted] = await t.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    return tx`insert into organization_integrations (organization_id, integration_type, status, sync_schedule, field_mappings, excluded_features)
      values (${organizationId}, ${type}, 'active', ${schedule}, ${mappings}::text::jsonb, ${features}::text::jsonb) returning id`
  })
  return inserted?.id as string
}

const failure = async (statement: PromiseLike<unknown>) =>
  Promise.resolve(statement).then(
    () => ({ code: 'nothing was refused', message: '', detail: undefined }),
    (error: { code: string; message: string; detail?: string }) => error,
  )

describe('the schemas', () => {
  test('give sound documents of either version back as they are', () => {
    const mappings = { amount: 'invoiceAmount', date: { path: 'invoiceDate', transform: 'iso_date', default: null } }
    expect(FieldMappings.parse(mappings)).toEqual(mappings)
    const second = {
      $version: 2,
      tax: { path: 'taxRule.code', map: { MVA: '3' }, required: true },
      source: { const: 'app' },
    }
    expect(FieldMappings.parse(second)).toEqual(second)
    expect(ExcludedFeatures.parse(['payroll_sync', 'leave_tracking'])).toEqual(['payroll_sync', 'leave_tracking'])
  })

  test.each([
    [{ 'not a field': 'x' }, '*', 'must be a letter or _'],
    [{ amount: { transform: 'trim' } }, 'amount.path', 'is missing'],
    [{ amount: 7 }, 'amount', 'must be a path, or an object with one'],
    [{ amount: '' }, 'amount', 'must have 1 to 255 characters'],
    [{ amount: { path: 'a', map: {} } }, 'amount.map', 'is no part of a mapping in this version'],
    [{ amount: { path: 'a', transform: 'process.exit()' } }, 'amount.transform', 'must be the name of a transform'],
    [{ apiKey: 'x' }, 'apiKey', 'must not name a credential'],
    [{ amount: canary }, 'amount', 'must not look like a credential'],
    [{ $version: 3 }, '$version', 'must be a version that this package knows'],
    [JSON.parse('{"__proto__": "x"}'), '__proto__', 'must not be a name that JavaScript reserves'],
    [new Map([['amount', 'x']]), '', 'must be an object'],
  ])('refuse %j at its path, without the value', (document, path, rule) => {
    const { error } = FieldMappings.safeParse(document)
    expect(error?.issues[0]).toMatchObject({ message: expect.stringContaining(rule) })
    expect(error?.issues[0]?.path.join('.')).toBe(path)
    expect(JSON.stringify(error?.issues)).not.toContain(canary)
  })

  test.each([
    ...['password', 'passord', 'passwd', 'pwd', 'secret', 'hemmelighet', 'hemmelig', 'token', 'api_key', 'apiKey'],
    ...['private_key', 'client_secret', 'credentials', 'creds', 'authorization', 'pin', 'jwt', 'otp', 'passcode'],
    ...['api_nokkel', 'apiNoekkel', 'apinøkkel', 'API-NØKKEL', 'apiNøkkel2', 'subscription_key', 'API-KEY'],
    ...['x.accessToken2', 'PassWord'],
  ])('refuse %s as a name, at any depth', (name) => {
    for (const document of [{ [name]: 'x' }, { amount: { path: 'x', map: { [name]: 'y' } }, $version: 2 }]) {
      const rules = FieldMappings.safeParse(document).error?.issues.map(({ message }) => message)
      expect(rules).toContain('must not name a credential; store it with credentials.store')
    }
  })

  test.each([
    ...['secretary_name', 'passport_number', 'tokenizer', 'pinned', 'compass', 'compass_order', 'accountKey'],
    ...['subscription', 'shared', 'accredited', 'credit_note', 'option', 'laptop', 'key', 'keys'],
  ])('take %s as a name', (name) => {
    expect(FieldMappings.safeParse({ [name]: 'x' }).success).toBe(true)
  })

  test.each([
    ...[
      'token_count',
      'tokenCount',
      'tokens_used',
      'token_limit_2',
      'max_tokens',
      'maxOutputTokens',
      'number_of_secrets',
    ],
    ...['password_length', 'api_key_expires_at', 'pin_length', 'token_antall', 'antallPassord', 'passord_lengde'],
  ])('take %s as a name: a measure of credentials is none', (name) => {
    expect(FieldMappings.safeParse({ [name]: 'x' }).success).toBe(true)
  })

  test.each([
    ...['token_account', 'count_token', 'token_count_token', 'min_passord', 'max_token', 'limit_password', 'tokens'],
    ...['token_discount', 'token_counter', 'type_secret', 'used_api_key', 'pris_token', 'password_at'],
  ])('refuse %s, which only sounds like a measure', (name) => {
    expect(FieldMappings.safeParse({ [name]: 'x' }).success).toBe(false)
  })

  test.each(['Bearer abc', ' bearer\u00a0abc', 'Authorization: Bearer abc', 'auth=Basic dXNlcjpwYXNz', 'Bearer\nabc'])(
    'refuse %j as a value, and take %j-like words that are none',
    (value) => {
      expect(FieldMappings.safeParse({ amount: value }).error?.issues[0]?.message).toContain('look like a credential')
      expect(FieldMappings.safeParse({ amount: 'standard bearer name', account: 'basic fields' }).success).toBe(true)
    },
  )

  test('read a document once, so that a getter cannot answer differently the second time', () => {
    let asked = 0
    const tricky = {
      get amount() {
        asked += 1
        return asked === 1 ? 'invoiceAmount' : canary
      },
    }
    expect(FieldMappings.parse(tricky)).toEqual({ amount: 'invoiceAmount' })
  })
})

describe('the database', () => {
  test('refuses with 23514, path and rule and never the value, whoever writes', async () => {
    const organizationId = await t.organization()
    const documents = [
      [`{"amount": "${canary}"}`, '[]', 'field_mappings.amount: must not look like a credential'],
      [`{"api_key": "x${canary}"}`, '[]', 'field_mappings.api_key: must not name a credential'],
      [`{"amount": {"path": "a", "${canary}": 1}}`, '[]', 'field_mappings.amount.*: is no part of a mapping'],
      ['{}', `["${canary}"]`, 'excluded_features.0: must not look like a credential'],
      ['[]', '{}', 'excluded_features: must be an array; field_mappings: must be an object'],
      ['{"$version": 3}', '[]', 'field_mappings.$version: must be a version'],
    ] as const
    for (const role of ['authenticated', 'service_role', null]) {
      for (const [mappings, features, message] of documents) {
        const refused = await failure(
          t.admin.begin(async (tx) => {
            const claims = { sub: randomUUID(), app_metadata: { organization_id: organizationId, role: 'admin' } }
            await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true), set_config('role', ${role ?? 'none'}, true)`
            await tx`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features)
              values (${organizationId}, 'xledger', ${mappings}::text::jsonb, ${features}::text::jsonb)`
          }),
        )
        expect(refused).toMatchObject({ code: '23514', message: expect.stringContaining(message) })
        expect(JSON.stringify([refused, refused.message, refused.detail])).not.toContain(canary)
      }
    }
    expect(await t.admin`select from organization_integrations where organization_id = ${organizationId}`).toHaveLength(
      0,
    )
  })

  test('refuses a change of one document, and says nothing of the other one, which was bad before', async () => {
    const organizationId = await t.organization()
    const id = await oldRow(organizationId, { mappings: '{"amount": 1}' })
    const { code, message } = await failure(
      t.admin`update organization_integrations set excluded_features = '["A"]' where id = ${id}`,
    )
    expect([code, message]).toEqual(['23514', expect.stringMatching(/^excluded_features\.0: must be [^;]*$/)])
    await t.admin`update organization_integrations set excluded_features = '["a"]' where id = ${id}`
  })

  test('lets an old bad row change everything but what is bad', async () => {
    const organizationId = await t.organization()
    const id = await oldRow(organizationId, { mappings: '{"amount": 1}', features: '{}' })
    await t.admin`update organization_integrations set status = 'error', sync_schedule = null where id = ${id}`
    await t.admin`update organization_integrations set field_mappings = '{"amount": 1}', status = 'inactive' where id = ${id}`
    expect(
      (await failure(t.admin`update organization_integrations set field_mappings = '{"amount": 2}' where id = ${id}`))
        .code,
    ).toBe('23514')
    await t.admin`update organization_integrations set field_mappings = '{"amount": "a"}' where id = ${id}`
  })

  test('takes no NULL document any more', async () => {
    const organizationId = await t.organization()
    for (const column of ['field_mappings', 'excluded_features']) {
      const { code } = await failure(t.admin`
        insert into organization_integrations ${t.admin({ organization_id: organizationId, integration_type: 'xledger', [column]: null })}`)
      expect(['23502', '23514']).toContain(code)
    }
  })
})

describe('a bad row', () => {
  test('is read as it is, with its problems, beside sound ones: list, get, getById and listScheduled', async () => {
    const acme = await admin()
    const [other, third] = [await admin(), await admin()]
    const id = await oldRow(acme.id, { mappings: '{"amount": 1, "x": {"path": "", "default": []}}', features: '"all"' })
    await oldRow(other.id, { schedule: '0 0 30 2 *' })
    await oldRow(third.id, {})
    await acme.integrations.create({ integrationType: 'consio', fieldMappings: { amount: 'invoiceAmount' } })
    const problems = [
      { path: 'field_mappings.x.path', rule: 'must have 1 to 255 characters' },
      { path: 'field_mappings.x.default', rule: 'must be a text, a number, true or false' },
      { path: 'field_mappings.amount', rule: 'must be a path, or an object with one' },
      { path: 'excluded_features', rule: 'must be an array' },
    ]
    const raw = { fieldMappings: { amount: 1, x: { path: '', default: [] } }, excludedFeatures: 'all', problems }
    expect(await acme.integrations.get('xledger')).toMatchObject(raw)
    expect(await acme.integrations.getById(id)).toMatchObject(raw)
    expect(await acme.integrations.list()).toMatchObject([
      raw,
      { fieldMappings: { amount: 'invoiceAmount' }, problems: [] },
    ])

    const service = t.db.asService({ actor: 'nightly-sync' })
    const since = new Date('2026-03-28T12:00:00Z')
    const { rows } = await service.integrations.listScheduled({ timeZone: 'Europe/Oslo', since })
    const of = (organizationId: string) => rows.find((row) => row.organizationId === organizationId)
    expect(of(acme.id)).toMatchObject({ ...raw, due: null })
    expect(of(other.id)).toMatchObject({
      due: null,
      problems: [{ path: 'sync_schedule', rule: expect.stringContaining('day of month never comes') }],
    })
    expect(of(third.id)).toMatchObject({ due: new Date('2026-03-29T01:00:00Z'), problems: [] })
    const [soon] = (await service.integrations.listScheduled()).rows.filter((row) => row.organizationId === third.id)
    expect(soon?.due?.toISOString()).toMatch(/T02:00:00\.000Z$/)
    expect(soon?.due?.getTime()).toBeGreaterThan(Date.now())
    await expect(service.integrations.listScheduled({ timeZone: 'Oslo' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'timeZone: must be an IANA name such as Europe/Oslo',
    })
  })

  test('can be switched off, and saved again once it is sound', async () => {
    const acme = await admin()
    await oldRow(acme.id, { mappings: '{"amount": 1}' })
    expect(await acme.integrations.update('xledger', { status: 'inactive' })).toMatchObject({ problems: [{}] })
    const saved = await acme.integrations.update('xledger', { fieldMappings: { amount: 'invoiceAmount' } })
    expect(saved).toMatchObject({ fieldMappings: { amount: 'invoiceAmount' }, problems: [] })
  })
})

test('the repository refuses a bad document or schedule before anything is sent, by field, rule and hint', async () => {
  const acme = await admin()
  const refused = async (patch: object) =>
    acme.integrations.update('xledger', patch).then(
      () => expect.unreachable(),
      (error: IntegrationsDbError) => [error.code, error.message],
    )
  expect(await refused({ fieldMappings: { api_key: canary } })).toEqual([
    'invalid_input',
    'patch.fieldMappings.api_key: must not name a credential; store it with credentials.store; ' +
      'patch.fieldMappings.api_key: must not look like a credential; store it with credentials.store',
  ])
  expect(await refused({ excludedFeatures: ['Payroll'] })).toEqual([
    'invalid_input',
    expect.stringMatching(/^patch\.excludedFeatures\.0: must be a lower-case letter/),
  ])
  expect(await refused({ syncSchedule: '0 22-2 * * *' })).toEqual([
    'invalid_input',
    'patch.syncSchedule: hour "22-2" must be ascending; write 22-23,0-2',
  ])
})
