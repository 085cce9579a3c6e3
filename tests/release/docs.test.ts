import { randomBytes } from 'node:crypto'
import { afterAll } from 'vitest'
import { signToken, tokenClaims } from '../../src/testing/tokens.ts'
import { startDataApi } from '../support/data-api.ts'
import { type Preparation, testPage } from '../support/docs-test.ts'
import { addressOf } from '../support/proxy.ts'
import { caFile, startTlsProxy } from '../support/tls-proxy.ts'
import { installVault } from '../support/vault-stand-in.ts'

/** What must be in the database before a reader comes to each page; those that end in a commit have files of their own. */
const pages: Record<string, Preparation> = {
  'roll-back': async () => ({}),
  memberships: async () => ({}),
  recipes: async (t) => ({
    ORGANIZATION: await t.organization(),
    INTEGRATIONS_DATABASE_URL: t.url,
    INTEGRATIONS_SERVICE_URL: t.serviceUrl,
    INTEGRATIONS_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
  }),
  runs: async (t) => {
    const organization = await t.organization()
    const acme = t.db.forOrganization({ organizationId: organization, role: 'admin' })
    await acme.integrations.create({ integrationType: 'xledger', syncSchedule: '* * * * *' })
    return {
      ORGANIZATION: organization,
      INTEGRATIONS_DATABASE_URL: t.url,
      INTEGRATIONS_SERVICE_URL: t.serviceUrl,
    }
  },
  connections: async (t) => {
    const organization = await t.organization()
    await t.db
      .forOrganization({ organizationId: organization, role: 'admin' })
      .integrations.create({ integrationType: 'xledger' })
    const proxy = await startTlsProxy(addressOf(t.url))
    stops.push(proxy.stop)
    const url = new URL(t.url)
    url.host = `localhost:${proxy.port}`
    return { ORGANIZATION: organization, INTEGRATIONS_DATABASE_URL: url.href, CA_FILE: caFile }
  },
  'data-api': async (t) => {
    await installVault(t.admin)
    const [organizationId, jwtSecret] = [await t.organization(), randomBytes(32).toString('hex')]
    const api = await startDataApi({ url: t.combinedUrl, jwtSecret, schemas: ['public', 'integrations_api'] })
    stops.push(() => void api.stop())
    return {
      SUPABASE_URL: api.url,
      SUPABASE_ANON_KEY: signToken({ role: 'anon' }, jwtSecret),
      USER_TOKEN: signToken(tokenClaims({ organizationId }), jwtSecret),
      ORGANIZATION: organizationId,
    }
  },
  breach: async (t) => {
    const db = t.connect({ encryptionKey: randomBytes(32).toString('hex') })
    const acme = db.forOrganization({ organizationId: await t.organization(), role: 'admin' })
    await acme.integrations.create({ integrationType: 'cornerstone' })
    await acme.credentials.store('cornerstone', { api_key: 'known to somebody', subdomain: 'acme' })
    return { NEW_LOGIN: newLogin }
  },
}
const newLogin = `test_docs_${randomBytes(4).toString('hex')}`

const stops: (() => void)[] = []
afterAll(() => {
  for (const stop of stops) stop()
})

for (const [name, prepared] of Object.entries(pages)) {
  testPage(name, prepared, async (t) => {
    if (name === 'breach') await t.admin.unsafe(`drop role if exists ${newLogin}`)
  })
}
