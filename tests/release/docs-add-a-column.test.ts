import { testCommit, testPage } from '../support/docs-test.ts'

testPage('add-a-column', async (t) => ({ ORGANIZATION: await t.organization(), INTEGRATIONS_DATABASE_URL: t.url }))
// 'isolation' lists every table by hand, so that a new one makes somebody think; a new column does not.
testCommit('add-a-column', ['table', 'registry', 'integrations', 'isolation'])
