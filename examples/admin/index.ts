// `npm run example:admin`: the pages on an embedded PostgreSQL, with two organizations and a token for each member.
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { startTestDatabase } from '../../src/testing/index.ts'
import { createAdmin } from './app.ts'

const t = await startTestDatabase()
const names = new Map<string, string>()
let app: ReturnType<typeof createAdmin> | undefined
const fetch = (request: Request) => app?.fetch(request) ?? new Response(null, { status: 503 })
const server = serve({ fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, start)
process.once('SIGINT', () => server.close(() => t.stop().then(() => process.exit())))

async function start({ port }: AddressInfo) {
  const origin = `http://127.0.0.1:${port}`
  app = createAdmin({ ...t, origin, organizationName: async (id) => names.get(id) ?? id })
  for (const name of ['Lions Bergen', 'Speiderne i Tromsø']) {
    const organizationId = await t.organization({ name })
    names.set(organizationId, name)
    await t.forOrganization({ organizationId }).integrations.create({ integrationType: 'xledger' })
    for (const role of ['admin', 'coordinator'])
      console.log(`\n${name}, ${role}: sign in at ${origin}/ with\n${t.token({ organizationId, role })}`)
  }
}
