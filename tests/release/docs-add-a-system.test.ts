import { randomBytes } from 'node:crypto'
import { testCommit, testPage } from '../support/docs-test.ts'

testPage('add-a-system', async (t) => ({
  ORGANIZATION: await t.organization(),
  INTEGRATIONS_DATABASE_URL: t.url,
  INTEGRATIONS_SERVICE_URL: t.serviceUrl,
  INTEGRATIONS_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
}))
testCommit('add-a-system', ['table', 'registry', 'integrations', 'isolation'])
