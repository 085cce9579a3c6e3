import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { IntegrationsDb } from '../../src/index.ts'
import { useDatabase } from '../support/database.ts'

/* Editing one key at a time: what somebody else saves meanwhile stays. */

const t = useDatabase()
let db: IntegrationsDb
beforeAll(() => {
  db = t.connect({ max: 10 })
})

async function organization(mappings?: string, features = '[]') {
  const id = await t.organization()
  if (mappings !== undefined) {
    await t.admin.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features)
        values (${id}, 'xledger', ${mappings}::text::jsonb, ${features}::text::jsonb)`
    })
  }
  const scope = db.forOrganization({ organizationId: id, role: 'admin', userId: randomUUID() })
  const stored = async () =>
    (
      await t.admin`select field_mappings as mappings, excluded_features as features from organization_integrations where organization_id = ${id}`
    )[0]
  return { id, stored, ...scope }
}

const editors = Array.from({ length: 50 }, (_, i) => i)

describe.each([
  ['of the current version', '{"$version": 2, "old_field": "a", "kept": "b"}'],
  ['of version 1', '{"old_field": "a", "kept": "b"}'],
  ['that is empty', '{}'],
])('50 admins who edit different keys at once of a document %s', (_, mappings) => {
  test('all keep their work', async () => {
    const acme = await organization(mappings)
    await Promise.all(
      editors.map((i) =>
        acme.integrations.setFieldMappings('xledger', { [`field_${i}`]: `path.${i}`, old_field: null }),
      ),
    )
    const edited = Object.fromEntries(editors.map((i) => [`field_${i}`, `path.${i}`]))
    const kept = mappings === '{}' ? {} : { kept: 'b' }
    expect((await acme.stored())?.mappings).toEqual({ $version: 2, ...kept, ...edited })
    expect((await acme.integrations.get('xledger'))?.fieldMappings).toEqual({ ...kept, ...edited })
  })
})

test('50 admins who switch features off and on at once all keep their work', async () => {
  const acme = await organization('{}', JSON.stringify(editors.map((i) => `on_${i}`)))
  await Promise.all(
    editors.map((i) =>
      i % 2 === 0
        ? acme.integrations.includeFeatures('xledger', [`on_${i}`])
        : acme.integrations.excludeFeatures('xledger', [`off_${i}`, `on_${i}`]),
    ),
  )
  const odd = editors.filter((i) => i % 2 === 1)
  expect([...((await acme.stored())?.features ?? [])].sort()).toEqual(
    odd.flatMap((i) => [`off_${i}`, `on_${i}`]).sort(),
  )
})

describe('an edit', () => {
  test('gives the row back, and leaves every other column as it was', async () => {
    const acme = await organization('{"$version": 2, "amount": "a"}', '["payroll_sync"]')
    const before = await acme.integrations.get('xledger')
    const row = await acme.integrations.setFieldMappings('xledger', { account: { const: '4000' }, amount: null })
    expect(row).toEqual({
      ...before,
      fieldMappings: { account: { const: '4000' } },
      revision: row.revision,
      updatedAt: expect.any(Date),
    })
    expect(await acme.integrations.excludeFeatures('xledger', ['leave_tracking', 'payroll_sync'])).toMatchObject({
      excludedFeatures: ['leave_tracking', 'payroll_sync'],
    })
    expect(await acme.integrations.includeFeatures('xledger', ['payroll_sync', 'never_there'])).toMatchObject({
      excludedFeatures: ['leave_tracking'],
    })
  })

  test('that repeats what is stored changes nothing', async () => {
    const acme = await organization('{}')
    await acme.integrations.setFieldMappings('xledger', { amount: 'a', gone: null })
    await acme.integrations.setFieldMappings('xledger', { amount: 'a', gone: null })
    await acme.integrations.excludeFeatures('xledger', ['a'])
    await acme.integrations.excludeFeatures('xledger', ['a'])
    expect(await acme.stored()).toEqual({ mappings: { $version: 2, amount: 'a' }, features: ['a'] })
  })

  test('of an integration that is not there is not_found, and a coordinator may not make one', async () => {
    const acme = await organization()
    const coordinator = db.forOrganization({ organizationId: acme.id, role: 'coordinator' })
    for (const [scope, code] of [
      [acme, 'not_found'],
      [coordinator, 'permission_denied'],
    ] as const) {
      await expect(scope.integrations.setFieldMappings('xledger', { amount: 'a' })).rejects.toMatchObject({ code })
      await expect(scope.integrations.excludeFeatures('xledger', ['a'])).rejects.toMatchObject({ code })
      await expect(scope.integrations.includeFeatures('xledger', ['a'])).rejects.toMatchObject({ code })
    }
  })

  test('never reaches another organization’s row', async () => {
    const [acme, other] = [await organization(), await organization('{"$version": 2, "amount": "a"}')]
    await expect(acme.integrations.setFieldMappings('xledger', { amount: null })).rejects.toMatchObject({
      code: 'not_found',
    })
    expect((await other.stored())?.mappings).toEqual({ $version: 2, amount: 'a' })
  })

  test('takes away a key that should never have been there, whatever the version, and fixes the document so', async () => {
    for (const version of ['', '"$version": 2, ']) {
      const acme = await organization(`{${version}"api key": "x", "amount": "a"}`)
      const row = await acme.integrations.setFieldMappings('xledger', { 'api key': null })
      expect(row).toMatchObject({ fieldMappings: { amount: 'a' }, problems: [] })
    }
  })

  test.each([
    [{}, 'fieldMappings: must set or remove at least one field'],
    [{ $version: 2 }, 'fieldMappings.$version: cannot be set'],
    [{ amount: '' }, 'fieldMappings.amount: must have 1 to 255 characters'],
    [{ amount: null, api_key: 'a' }, 'fieldMappings.api_key: must not name a credential'],
    [null, 'fieldMappings: '],
    [['a'], 'fieldMappings: '],
  ])('%j is invalid_input, and nothing is written', async (edit, message) => {
    const acme = await organization('{"$version": 2, "amount": "a"}')
    await expect(acme.integrations.setFieldMappings('xledger', edit as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message),
    })
    expect((await acme.stored())?.mappings).toEqual({ $version: 2, amount: 'a' })
  })

  test('of a document that breaks a rule elsewhere is refused with that rule, and nothing is written', async () => {
    for (const [mappings, message] of [
      ['{"$version": 2, "amount": 1}', 'field_mappings.amount: must be a path'],
      ['{"amount": 1}', 'fieldMappings.amount: must be a path'],
      ['{"$version": 9, "amount": "a"}', 'fieldMappings.$version: must be a version'],
      ['[1]', 'field_mappings: must be an object'],
    ] as const) {
      const acme = await organization(mappings, '{}')
      await expect(acme.integrations.setFieldMappings('xledger', { account: 'b' })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining(message),
      })
      await expect(acme.integrations.excludeFeatures('xledger', ['a'])).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('excluded_features: must be an array'),
      })
      expect((await acme.stored())?.mappings).toEqual(JSON.parse(mappings))
    }
  })

  test('that would make the document larger than it may be is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 199 }, (_, i) => [`f${i}`, 'a']))
    const acme = await organization(JSON.stringify({ $version: 2, ...many }))
    await acme.integrations.setFieldMappings('xledger', { one_more: 'a' })
    await expect(acme.integrations.setFieldMappings('xledger', { too_many: 'a' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('field_mappings: must have at most 200 keys'),
    })
    const features = editors.map((i) => `f${i}`)
    await acme.integrations.excludeFeatures('xledger', features)
    await expect(
      acme.integrations.excludeFeatures(
        'xledger',
        editors.map((i) => `g${i}`),
      ),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('excluded_features: must have at most 64 entries'),
    })
  })
})
