import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor } from '../../src/doctor/doctor.ts'
import { migrate } from '../../src/index.ts'
import { systems } from '../../src/schema/systems.ts'
import { signToken, tokenClaims } from '../../src/testing/tokens.ts'
import { type DataApi, startDataApi } from '../support/data-api.ts'
import { useDatabase } from '../support/database.ts'
import { withoutLogins } from '../support/diagnosis.ts'
import { installVault } from '../support/vault-stand-in.ts'

/* supabase-js with signed tokens against a Data API: what clients see who have nothing else. */

const t = useDatabase()
const jwtSecret = 'a secret of at least thirty-two characters'
let api: DataApi
let organizationId: string

beforeAll(async () => {
  await installVault(t.admin)
  await migrate({ url: t.adminUrl, dataApi: true })
  api = await startDataApi({ url: t.combinedUrl, jwtSecret, schemas: ['public', 'integrations_api'] })
})
afterAll(() => api.stop())

/** Supabase's key for those who have not signed in. */
const anonymous = () => client(signToken({ role: 'anon' }, jwtSecret))
const client = (token: string) => createClient(api.url, token, { accessToken: async () => token })
const as = (role: string, organization = organizationId, secret = jwtSecret) =>
  client(signToken(tokenClaims({ organizationId: organization, role, userId: crypto.randomUUID() }), secret))
const rpc = (who: SupabaseClient, name: string, given: object) => who.schema('integrations_api').rpc(name, given)
const xledger = { api_key: 'k-123', base_url: 'https://api.xledger.net', company_id: '4711' }
const events = () =>
  t.admin`select action, outcome, actor from organization_integration_events where organization_id = ${organizationId} order by created_at`
const stored = async () =>
  (await t.admin`select * from organization_integrations where organization_id = ${organizationId}`)[0]

async function fresh(): Promise<void> {
  organizationId = await t.organization()
  await t.admin`insert into organization_integrations (organization_id, integration_type) values (${organizationId}, 'xledger')`
}

describe('what may be selected and written', () => {
  beforeAll(fresh)

  test('an admin reads and writes the own rows, a coordinator reads them, others see none', async () => {
    const admin = as('admin')
    const created = await admin
      .from('organization_integrations')
      .insert({ organization_id: organizationId, integration_type: 'consio', sync_schedule: '0 2 * * *' })
      .select('id,status')
      .single()
    expect(created.data).toMatchObject({ status: 'inactive' })
    const changed = await admin
      .from('organization_integrations')
      .update({ field_mappings: { member_id: 'id' } })
      .eq('integration_type', 'consio')
      .select('field_mappings')
    expect(changed.data).toEqual([{ field_mappings: { member_id: 'id' } }])
    const read = (who: SupabaseClient) =>
      who.from('organization_integrations').select('integration_type').order('integration_type')
    for (const role of ['admin', 'coordinator'])
      expect((await read(as(role))).data).toEqual([{ integration_type: 'xledger' }, { integration_type: 'consio' }])
    expect((await read(as('member'))).data).toEqual([])
    expect((await read(as('admin', await t.organization()))).data).toEqual([])
    expect(await read(anonymous())).toMatchObject({ status: 401, error: { code: '42501' } })
    const removed = await admin.from('organization_integrations').delete().eq('integration_type', 'consio')
    expect(removed.error).toBeNull()
  })

  test('a coordinator writes nothing, and nobody writes a row of another organization', async () => {
    const before = await stored()
    const set = (who: SupabaseClient) =>
      who.from('organization_integrations').update({ status: 'error' }).eq('integration_type', 'xledger').select()
    expect((await set(as('coordinator'))).data).toEqual([])
    expect((await set(as('admin', await t.organization()))).data).toEqual([])
    const foreign = await as('admin')
      .from('organization_integrations')
      .insert({ organization_id: await t.organization(), integration_type: 'xledger' })
    expect(foreign).toMatchObject({ status: 403, error: { code: '42501' } })
    expect(await stored()).toEqual(before)
  })

  test('an expired token and one with another signature are refused', async () => {
    const expired = client(signToken(tokenClaims({ organizationId, expiresInSeconds: -10 }), jwtSecret))
    for (const who of [expired, as('admin', organizationId, 'another secret of thirty-two characters')])
      expect(await who.from('organization_integrations').select()).toMatchObject({ status: 401, data: null })
  })

  test('no credential fits a schedule or a document, and no integration is active without one', async () => {
    const before = await stored()
    const set = (fields: object) =>
      as('admin').from('organization_integrations').update(fields).eq('integration_type', 'xledger')
    for (const fields of [
      { sync_schedule: 'Bearer abcdefghijklmnop' },
      { field_mappings: { api_key: 'x' } },
      { excluded_features: ['sk_live_abcdefghijklmnop'] },
      { status: 'active' },
    ])
      expect(await set(fields)).toMatchObject({ status: 400, error: { code: '23514', details: null } })
    expect(await stored()).toEqual(before)
    expect(await set({ sync_schedule: '0 2 * * *', field_mappings: { amount: 'sum' } })).toMatchObject({ error: null })
  })

  test('references, secrets and the private schema cannot be reached, and events are the admins’', async () => {
    expect(await as('admin').from('organization_integration_credentials').select()).toMatchObject({ status: 403 })
    const inPrivate = await as('admin').schema('integrations').from('encrypted_secrets').select()
    expect(inPrivate).toMatchObject({ status: 406, error: { code: 'PGRST106' } })
    expect((await as('coordinator').from('organization_integration_events').select()).data).toEqual([])
  })
})

describe('the functions of integrations_api', () => {
  beforeAll(fresh)

  test('store, describe, rotate and revoke a bundle, each recorded under the user of the token', async () => {
    const admin = as('admin')
    expect(await rpc(admin, 'credential_store', {})).toMatchObject({ status: 200, data: { code: 'ok' } })
    const store = await rpc(admin, 'store_credential', { integration_type: 'xledger', bundle: xledger, reason: 'new' })
    expect(store).toMatchObject({ status: 200, data: { code: 'ok', version: 1 } })
    const again = await rpc(admin, 'store_credential', { integration_type: 'xledger', bundle: xledger })
    expect(again).toMatchObject({ status: 409, error: { code: 'already_exists' } })
    const activate = await admin
      .from('organization_integrations')
      .update({ status: 'active' })
      .eq('integration_type', 'xledger')
      .select('status')
    expect(activate.data).toEqual([{ status: 'active' }])
    const given = { integration_type: 'xledger', bundle: { ...xledger, api_key: 'k-124' }, grace_seconds: 60 }
    expect(await rpc(admin, 'rotate_credential', given)).toMatchObject({ data: { code: 'ok', version: 2 } })
    for (const who of [admin, as('coordinator')])
      expect((await rpc(who, 'describe_credential', { integration_type: 'xledger' })).data).toMatchObject({
        credential: { version: 2, field_names: ['api_key', 'base_url', 'company_id'], previous: { version: 1 } },
      })
    expect((await rpc(as('member'), 'describe_credential', { integration_type: 'xledger' })).data).toMatchObject({
      credential: null,
    })
    const revoked = await rpc(admin, 'revoke_credential', { integration_type: 'xledger', reason: 'gone' })
    expect(revoked).toMatchObject({ data: { code: 'ok', version: 2 } })
    expect((await stored())?.status).toBe('pending_setup')
    expect((await events()).map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'store ok',
      'store already_exists',
      'rotate ok',
      'revoke ok',
    ])
    for (const { actor } of await events()) expect(actor).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('hand what they stored to the service, as the repository would have stored it', async () => {
    await rpc(as('admin'), 'store_credential', { integration_type: 'xledger', bundle: xledger })
    const { credentials } = t.db.asService({ actor: 'sync' })
    const retrieved = await credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'run 1' })
    expect({ ...retrieved }).toEqual(xledger)
    await rpc(as('admin'), 'revoke_credential', { integration_type: 'xledger' })
  })

  test('refuse who may not, and record the attempt', async () => {
    const given = { integration_type: 'xledger', bundle: xledger }
    expect(await rpc(as('coordinator'), 'store_credential', given)).toMatchObject({
      status: 403,
      error: { code: 'permission_denied' },
    })
    expect((await events()).at(-1)).toMatchObject({ action: 'store', outcome: 'permission_denied' })
    expect(await rpc(as('admin', await t.organization()), 'store_credential', given)).toMatchObject({ status: 404 })
    expect(await rpc(anonymous(), 'store_credential', given)).toMatchObject({ status: 401, error: { code: '42501' } })
  })

  test.each([
    ['a field that is missing', { api_key: 'k', base_url: 'https://a.no' }, 'bundle.company_id: is missing'],
    ['a field too many', { ...xledger, other: 'x' }, 'bundle: has a field that the system does not take'],
    ['a text that is none', { ...xledger, company_id: 4711 }, 'bundle.company_id: must be a text'],
    ['an empty text', { ...xledger, api_key: '' }, 'bundle.api_key: must not be empty'],
    ['a line break', { ...xledger, api_key: 'a\nb' }, 'bundle.api_key: must not hold control characters'],
    // PostgreSQL itself, before any function of ours.
    ['a NUL', { ...xledger, api_key: 'a\u0000b' }, 'unsupported Unicode escape sequence'],
    ['no URL', { ...xledger, base_url: 'ftp://a.no' }, 'bundle.base_url: must match'],
    ['what is too long', { ...xledger, api_key: 'k'.repeat(16_385) }, 'bundle.api_key: must have at most 16,384'],
    ['a list', [xledger], 'bundle: must be a JSON object'],
    ['null', null, 'bundle: must be a JSON object'],
  ])('refuse %s, without repeating a value', async (_what, bundle, message) => {
    const answer = await rpc(as('admin'), 'store_credential', { integration_type: 'xledger', bundle })
    expect(answer).toMatchObject({ status: 400, data: null, error: { message: expect.stringContaining(message) } })
    expect(JSON.stringify(answer)).not.toContain('k-123')
    expect((await rpc(as('admin'), 'describe_credential', { integration_type: 'xledger' })).data).toMatchObject({
      credential: null,
    })
  })

  test('take a bundle of every system that the repository takes', async () => {
    const values: Record<string, string> = { text: 'a', url: 'https://example.no', year: '2026' }
    for (const [integration_type, { fields }] of Object.entries(systems)) {
      await t.admin`insert into organization_integrations (organization_id, integration_type)
        values (${organizationId}, ${integration_type}::text::integration_type_enum) on conflict do nothing`
      const bundle = Object.fromEntries(
        Object.entries(fields as Record<string, { type: string }>).map(([name, { type }]) => [
          name,
          name === 'org_id' ? '123456789' : values[type],
        ]),
      )
      const answer = await rpc(as('admin'), 'store_credential', { integration_type, bundle })
      expect(answer).toMatchObject({ status: 200, data: { code: 'ok' } })
    }
  })

  test('merge mappings where the row is locked: two editors of different keys both keep their work', async () => {
    const merge = (field_mappings: object, more = {}) =>
      rpc(as('admin'), 'merge_field_mappings', { integration_type: 'xledger', field_mappings, ...more })
    await merge({ amount: 'sum', account: 'code', date: 'day' })
    await Promise.all([merge({ amount: { path: 'total', default: null } }), merge({ account: null, reference: 'ref' })])
    const acme = t.db.forOrganization({ organizationId, role: 'admin' })
    const row = await acme.integrations.get('xledger')
    expect(row?.fieldMappings).toEqual({ amount: { path: 'total', default: null }, date: 'day', reference: 'ref' })
    expect(await merge({ date: null }, { expected_revision: '1' })).toMatchObject({ status: 409 })
    const merged = await merge({ date: null }, { expected_revision: row?.revision })
    expect(merged).toMatchObject({ data: { code: 'ok', revision: expect.any(String) } })
    const kept = await acme.integrations.get('xledger')
    expect(kept).toMatchObject({ fieldMappings: { reference: 'ref' }, revision: merged.data.revision })
    for (const wrong of [{ password: 'x' }, { a: { path: '' } }, { $version: 9 }, []])
      expect(await merge(wrong)).toMatchObject({ status: 400, error: { code: 'invalid_input' } })
    expect((await acme.integrations.get('xledger'))?.revision).toBe(kept?.revision)
    expect(await merge({ amount: null, reference: null })).toMatchObject({ data: { field_mappings: {} } })
  })

  test('keep nothing where the server logs parameters, and say so before a value is sent', async () => {
    const [who] = await t.admin`select current_database() as name`
    await t.admin.unsafe(`alter database ${who?.name} set log_min_duration_statement = '2s'`)
    const own = await startDataApi({ url: t.combinedUrl, jwtSecret, schemas: ['integrations_api'] })
    try {
      const token = signToken(tokenClaims({ organizationId, role: 'admin' }), jwtSecret)
      const admin = createClient(own.url, token, { accessToken: async () => token }).schema('integrations_api')
      expect(await admin.rpc('credential_store')).toMatchObject({ status: 503, error: { code: 'unavailable' } })
      const rotated = await admin.rpc('rotate_credential', { integration_type: 'xledger', bundle: xledger })
      expect(rotated).toMatchObject({
        status: 503,
        error: { message: expect.stringContaining('log_min_duration_statement = 2s') },
      })
      await t.admin.unsafe(`alter database ${who?.name} set log_min_duration_statement = '10s'`)
    } finally {
      await own.stop()
      await t.admin.unsafe(`alter database ${who?.name} reset log_min_duration_statement`)
    }
  })
})

describe('switching', () => {
  test('is off in a new database and off again with one option; doctor knows both, and nothing between', async () => {
    await fresh()
    const describeIt = () => rpc(as('admin'), 'describe_credential', { integration_type: 'xledger' })
    const drift = async () =>
      withoutLogins((await doctor({ url: t.adminUrl })).findings).filter(({ severity }) => severity === 'drift')
    expect([(await describeIt()).status, await drift()]).toEqual([200, []])
    await migrate({ url: t.adminUrl })
    expect((await describeIt()).status).toBe(200)
    await migrate({ url: t.adminUrl, dataApi: false })
    expect([(await describeIt()).status, await drift()]).toEqual([403, []])
    await t.admin`grant usage on schema integrations_api to anon, authenticated`
    const [finding, ...others] = await drift()
    expect([finding?.where, others]).toEqual(['integrations_api', []])
    await t.admin.unsafe(finding?.fix ?? '')
    expect([(await describeIt()).status, await drift()]).toEqual([200, []])
  })

  test('is refused to say that it is off while everybody may use the schema', async () => {
    await t.admin`grant usage on schema integrations_api to public`
    await expect(migrate({ url: t.adminUrl, dataApi: false })).rejects.toMatchObject({ code: 'permission_denied' })
    await t.admin`revoke usage on schema integrations_api from public`
    await migrate({ url: t.adminUrl, dataApi: false })
  })
})
