import { inspect } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { useDatabase } from './database.ts'
import { installVault } from './vault-stand-in.ts'

const encryptionKey = 'ab'.repeat(32)
const bundle = { api_key: 'canary-api-key', base_url: 'https://api.xledger.net', company_id: '4711' }

describe.each(['vault', 'pgcrypto'] as const)('in the %s store', (store) => {
  const t = useDatabase()
  beforeAll(async () => {
    if (store === 'vault') await installVault(t.admin)
  })

  test('a stored bundle comes back', async () => {
    const db = t.connect({ encryptionKey })
    const id = await t.organization()
    const acme = db.forOrganization({ organizationId: id, role: 'admin', userId: 'u1' })
    await acme.integrations.create({ integrationType: 'xledger' })
    expect(await acme.credentials.describe('xledger')).toBeNull()
    expect(await acme.credentials.store('xledger', bundle)).toEqual({ version: 1 })
    expect(await acme.credentials.describe('xledger')).toMatchObject({
      version: 1,
      fieldNames: ['api_key', 'base_url', 'company_id'],
    })
    const service = await db.asService({ actor: 'test' })
    const got = await service.credentials.retrieve({
      organizationId: id,
      integrationType: 'xledger',
      reason: 'because',
    })
    expect({ ...got }).toEqual(bundle)
    expect(inspect(got)).toBe('[secret]')
    expect(await acme.credentials.rotate('xledger', { ...bundle, api_key: 'two' }, { graceSeconds: 60 })).toEqual({
      version: 2,
    })
    expect(
      (await service.credentials.retrieve({ organizationId: id, integrationType: 'xledger', reason: 'x' })).api_key,
    ).toBe('two')
    expect(
      (await service.credentials.retrieve({ organizationId: id, integrationType: 'xledger', reason: 'x', version: 1 }))
        .api_key,
    ).toBe('canary-api-key')
    expect(await acme.credentials.revoke('xledger')).toEqual({ version: 2 })
    console.log(await acme.events.list())
  })
})
