import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { upcastMappings, versions } from '../../src/config/versions.ts'
import { fieldMappingsViolations } from '../../src/config/violations.ts'
import { configurationProblemsBody } from '../../src/schema/functions/configuration-walk.ts'
import { useDatabase } from '../support/database.ts'
import { version3 } from '../support/version-3.ts'

const t = useDatabase()

async function row() {
  const id = await t.organization()
  const acme = t.db.forOrganization({ organizationId: id, role: 'admin', userId: randomUUID() })
  const stored = async () =>
    (await t.admin`select field_mappings from organization_integrations where organization_id = ${id}`)[0]
      ?.field_mappings
  return { id, acme, stored }
}

describe('a document of version 1', () => {
  test('is read in the current version and rewritten by the next save, with the same meaning', async () => {
    const { id, acme, stored } = await row()
    const first = { amount: 'invoiceAmount', date: { path: 'invoiceDate', transform: 'iso_date', default: null } }
    await t.admin`insert into organization_integrations (organization_id, integration_type, field_mappings) values (${id}, 'xledger', ${t.admin.json(first)})`
    const read = (await acme.integrations.get('xledger'))?.fieldMappings
    expect(read).toEqual(first)
    expect((read as { $version?: unknown }).$version).toBe(2)
    expect(await stored()).toEqual(first)
    await acme.integrations.update('xledger', { fieldMappings: { ...read, currency: 'currency.code' } })
    expect(await stored()).toEqual({ $version: 2, ...first, currency: 'currency.code' })
  })

  test('may say so, and is saved in the current version all the same', async () => {
    const { acme, stored } = await row()
    await acme.integrations.create({ integrationType: 'xledger', fieldMappings: { $version: 1, amount: 'a' } as never })
    expect(await stored()).toEqual({ $version: 2, amount: 'a' })
    await expect(
      acme.integrations.update('xledger', { fieldMappings: { $version: 1, amount: { const: 1 } } as never }),
    ).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

test.each([0, 3, 1.5, '2', null, true, [2]])(
  'version %j is refused by the application and by the database',
  async (version) => {
    const { id, acme } = await row()
    const document = { $version: version, amount: 'invoiceAmount' }
    await expect(
      acme.integrations.create({ integrationType: 'xledger', fieldMappings: document as never }),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'fieldMappings.$version: must be a version that this package knows',
    })
    await expect(
      t.admin`insert into organization_integrations (organization_id, integration_type, field_mappings)
      values (${id}, 'xledger', ${JSON.stringify(document)}::text::jsonb)`,
    ).rejects.toMatchObject({
      code: '23514',
      message: 'field_mappings.$version: must be a version that this package knows',
    })
  },
)

describe('adding version 3, one file and one name in the list,', () => {
  const three = [...versions, version3]

  test('upcasts what versions 1 and 2 wrote', () => {
    expect(upcastMappings({ amount: 'a', date: { path: 'd', transform: 'iso_date' } }, three)).toEqual({
      amount: { path: 'a' },
      date: { path: 'd', transform: 'iso_date' },
    })
    expect(upcastMappings({ $version: 2, amount: 'a', source: { const: 1 } }, three)).toEqual({
      amount: { path: 'a' },
      source: { const: 1 },
    })
    expect(upcastMappings({ $version: 3, amount: 'a' }, three)).toEqual({ amount: 'a' })
  })

  test('is known to the application and to the function the database gets, alike', async () => {
    await t.admin.unsafe(`
      create function problems_3(field_mappings jsonb, excluded_features jsonb) returns text[]
        language plpgsql as $function$ ${configurationProblemsBody(three)} $function$`)
    const unit = { path: 'a', unit: 'NOK' }
    for (const [document, paths] of [
      [{ $version: 3, amount: unit }, []],
      [{ $version: 2, amount: unit }, ['field_mappings.amount.unit']],
      [{ $version: 1, amount: unit }, ['field_mappings.amount.unit']],
      [{ $version: 4, amount: unit }, ['field_mappings.$version']],
      [{ $version: 3, amount: 'a', api_key: 'b' }, ['field_mappings.api_key']],
    ] as const) {
      expect(fieldMappingsViolations(document, three).map(({ path }) => path)).toEqual(paths)
      const answer = await t.admin`select unnest(problems_3(${t.admin.json(document)}, '[]')) as problem`
      expect(answer.map(({ problem }) => problem.split(': ')[0])).toEqual(paths)
    }
  })
})
