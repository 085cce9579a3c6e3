import { testCommit, testPage } from '../support/docs-test.ts'

testPage('add-a-table', async (t) => {
  await t.organization()
  return { ORGANIZATION: await t.organization(), INTEGRATIONS_DATABASE_URL: t.url }
})
// Not 'isolation': it lists every table by hand, so that a new one makes somebody think.
testCommit('add-a-table', ['table', 'registry', 'integrations'])
