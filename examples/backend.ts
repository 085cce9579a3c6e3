// A backend to copy from: `npm run example:backend`, on an embedded PostgreSQL. Hono carries it, because it has no
// dependencies, types its routes and answers a test without a port; jose verifies the tokens.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { jwtVerify } from 'jose'
import type * as Db from '../src/index.ts'
import { type IntegrationsDb, IntegrationsDbError, type OrganizationScope } from '../src/index.ts'
import { startTestDatabase } from '../src/testing/index.ts'

type Bundle = Db.ConnectionFields<Db.IntegrationType>
type Sync = (integration: Db.Integration, bundle: Bundle) => Promise<void>

/** What each code is in HTTP: the one place that decides it, and a new code does not compile without its line. */
export const statuses = {
  invalid_input: 400,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  credential_missing: 422,
  unavailable: 503,
} as const satisfies Record<Db.IntegrationsDbErrorCode, number>

export function createBackend({ db, jwtSecret }: { db: IntegrationsDb; jwtSecret: string }) {
  // With Supabase's asymmetric keys: createRemoteJWKSet(new URL(`${supabaseUrl}/auth/v1/.well-known/jwks.json`)).
  const key = new TextEncoder().encode(jwtSecret)
  // Without `requiredClaims` a token that has no expiry would be good for ever.
  const wanted = { algorithms: ['HS256'], audience: 'authenticated', requiredClaims: ['exp', 'sub'] }
  const app = new Hono<{ Variables: { caller: OrganizationScope } }>()

  app.onError((error, c) => {
    // Its messages name the field and the rule and never a value, so they may go to the caller.
    if (error instanceof IntegrationsDbError) {
      return c.json({ code: error.code, message: error.message }, statuses[error.code])
    }
    if (error instanceof HTTPException) return error.getResponse()
    console.error(`${c.req.method} ${c.req.routePath}: ${error.name}`) // Not its message, which may quote the request.
    return c.json({ code: 'internal', message: 'something went wrong here' }, 500)
  })

  app.use(bodyLimit({ maxSize: 256 * 1024 }), async (c, next) => {
    const token = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    const verified = await jwtVerify(token, key, wanted).catch(() => null)
    if (verified === null) {
      const answer = { code: 'unauthorized', message: 'authorization: must be Bearer and a token that is valid' }
      return c.json(answer, 401, { 'www-authenticate': 'Bearer' })
    }
    c.set('caller', db.forClaims(verified.payload))
    return next()
  })

  const system = (c: Context) => c.req.param('system') as Db.IntegrationType // Checked by the package, as bodies are.
  const body = async <T>(c: Context): Promise<T> => {
    const value = await c.req.json().catch(() => null)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
    throw new IntegrationsDbError('invalid_input', 'body: must be a JSON object')
  }

  app.get('/integrations', async (c) => c.json(await c.var.caller.integrations.list()))
  app.put('/integrations/:system', async (c) => {
    const settings = await body<Db.IntegrationPatch>(c)
    return c.json(await c.var.caller.integrations.upsert({ ...settings, integrationType: system(c) }))
  })
  app.post('/integrations/:system/credentials', async (c) =>
    c.json(await c.var.caller.credentials.store(system(c), await body<Bundle>(c)), 201),
  )
  app.put('/integrations/:system/credentials', async (c) =>
    c.json(await c.var.caller.credentials.rotate(system(c), await body<Bundle>(c), { graceSeconds: 300 })),
  )
  return app
}

/** One pass over what fell due after `since`; `sync` is your call to the external system. */
export async function syncDue(db: IntegrationsDb, since: Date, sync: Sync): Promise<void> {
  const service = db.asService({ actor: 'sync-worker' })
  const reason = `sync run ${randomUUID()}`
  let after: string | null = null
  do {
    const page: Db.ScheduledPage = await service.integrations.listScheduled({ after, since })
    for (const integration of page.rows.filter(({ due }) => due !== null && due <= new Date())) {
      const { organizationId, integrationType } = integration
      try {
        await sync(integration, await service.credentials.retrieve({ organizationId, integrationType, reason }))
      } catch (error) {
        if (error instanceof IntegrationsDbError && error.code === 'unavailable') throw error
        // One organization's failure is not another's. Not the error: a client's may quote the credential it was given.
        console.error(`${integrationType} of ${organizationId} failed in ${reason}`)
        await service.forOrganization(organizationId).integrations.update(integrationType, { status: 'error' })
      }
    }
    after = page.next
  } while (after !== null)
}

if (process.argv[1] === import.meta.filename) {
  const t = await startTestDatabase()
  const options = { fetch: createBackend(t).fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }
  const server = serve(options, async ({ port }) => {
    for (const name of ['Lions Bergen', 'Speiderne i Tromsø']) {
      const token = t.token({ organizationId: await t.organization({ name }) })
      console.log(`\n${name}\n  curl -H 'authorization: Bearer ${token}' http://127.0.0.1:${port}/integrations`)
    }
  })
  process.once('SIGINT', () => server.close(() => t.stop().then(() => process.exit())))
  const sync: Sync = async ({ integrationType }) => console.log(`${integrationType} would be synced`)
  for (let since = new Date(); ; await pause(60_000)) {
    const started = new Date()
    try {
      await syncDue(t.db, since, sync)
      since = started
    } catch {
      console.error('the pass failed; the next one makes up for it')
    }
  }
}
