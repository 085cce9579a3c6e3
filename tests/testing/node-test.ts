import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { startTestDatabase } from '../../src/testing/index.ts'

/* A host's own tests under node:test, run by testing.test.ts: one of them fails on purpose. */

const t = await startTestDatabase()
afterEach(() => t.reset())
after(() => t.stop())

for (const run of [1, 2]) {
  test(`run ${run} finds what it saved and nothing of the run before`, async () => {
    const lions = t.forOrganization({ organizationId: await t.organization({ name: 'Lions Bergen' }) })
    await lions.integrations.create({ integrationType: 'xledger' })
    const service = await t.db.asService({ actor: 'test' })
    await lions.credentials.store('xledger', { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '1' })
    await lions.integrations.update('xledger', { status: 'active', syncSchedule: '* * * * *' })
    assert.equal((await service.integrations.listScheduled()).rows.length, 1)
  })
}

test('a test that fails', () => assert.fail('on purpose'))
