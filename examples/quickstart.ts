/*
 * The main job on a real PostgreSQL that comes out of an npm package: `npm run quickstart`.
 * In your own backend only the part between the two lines matters.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { eq } from 'drizzle-orm'
import postgres from 'postgres'
import { bootstrapSql } from '../src/admin/bootstrap.ts'
import { createLogin } from '../src/admin/logins.ts'
import { migrate } from '../src/deployment/migrate.ts'
import { createIntegrationsDb, IntegrationsDbError } from '../src/index.ts'
import { organizationIntegrations } from '../src/schema/index.ts'
import { startEmbeddedServer } from '../src/testing/embedded.ts'

const step = (text: string) => console.log(`\n▸ ${text}`)
const show = (text: unknown) => console.log('  ', text)

step('Starting an embedded PostgreSQL')
const server = await startEmbeddedServer()
let failed = false
try {
  await run()
  step('Done. The server stops and its files are removed.')
} catch (error) {
  failed = true
  console.error(error)
} finally {
  await server.stop()
}
process.exit(failed ? 1 : 0)

async function run(): Promise<void> {
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  const [{ version } = { version: '?' }] = await admin<{ version: string }[]>`select version()`
  show(version)

  step('A host application: Supabase roles, a table of organizations, two of them')
  const [lions, scouts] = [randomUUID(), randomUUID()]
  await admin.unsafe(`${bootstrapSql} create table organizations (id uuid primary key, name text not null)`)
  await admin`insert into organizations (id, name) values (${lions}, 'Lions Bergen'), (${scouts}, 'Speiderne i Tromsø')`
  show('Lions Bergen, Speiderne i Tromsø')

  step('integrations-db migrate')
  for (const file of (await migrate({ url: server.adminUrl })).applied) show(file)

  step('integrations-db login create, twice: one for callers, one for the sync worker')
  const login = async (name: string, service: boolean) => {
    const url = new URL(server.adminUrl)
    url.username = name
    url.password = randomBytes(24).toString('base64url')
    await createLogin({ url: server.adminUrl, name, password: url.password, service })
    return url.href
  }
  const url = await login('backend', false)
  const serviceUrl = await login('sync_worker', true)
  show('backend may become authenticated, sync_worker may become service_role, neither can do anything by itself')
  await admin.end()

  // ------------------------------------------------------------------------------------------------------------------
  // Only where there is no Supabase Vault, as here: what credentials are encrypted with.
  const db = createIntegrationsDb({ url, serviceUrl, encryptionKey: randomBytes(32).toString('hex') })
  const lionsAdmin = db.forOrganization({ organizationId: lions, role: 'admin', userId: 'kari' })
  const scoutsAdmin = db.forClaims({
    sub: randomUUID(),
    role: 'authenticated',
    app_metadata: { organization_id: scouts, role: 'admin' },
  })

  step('Lions Bergen connects Xledger, the scouts connect Business Central')
  const xledger = await lionsAdmin.integrations.create({
    integrationType: 'xledger',
    fieldMappings: {
      amount: 'invoiceAmount',
      account: 'glObject1.code',
      tax_code: 'taxRule.code',
      company: 'company.dbId',
    },
    syncSchedule: '0 2 * * *',
  })
  show(xledger)
  await scoutsAdmin.integrations.create({
    integrationType: 'dynamics',
    fieldMappings: { employee_id: 'number', reference: 'externalDocumentNumber', date: 'invoiceDate' },
    excludedFeatures: ['payroll_sync'],
  })

  step('Each sees its own, and finds by mapped field')
  show((await lionsAdmin.integrations.list()).map((row) => row.integrationType))
  show((await scoutsAdmin.integrations.findByMappedField('employee_id')).map((row) => row.integrationType))

  step('Any typed Drizzle query, in the same scope')
  show(
    await scoutsAdmin.query((q) =>
      q
        .select({ type: organizationIntegrations.integrationType, status: organizationIntegrations.status })
        .from(organizationIntegrations),
    ),
  )

  step('The scouts try to reach what belongs to Lions Bergen')
  show(`by id: ${JSON.stringify(await scoutsAdmin.integrations.getById(xledger.id))}`)
  const deleted = await scoutsAdmin.query((q) =>
    q.delete(organizationIntegrations).where(eq(organizationIntegrations.id, xledger.id)).returning(),
  )
  show(`by a delete of their own: ${deleted.length} rows`)
  await refused('by insert', () =>
    scoutsAdmin.query((q) =>
      q.insert(organizationIntegrations).values({ organizationId: lions, integrationType: 'bufdir' }),
    ),
  )
  const coordinator = db.forOrganization({ organizationId: lions, role: 'coordinator' })
  await refused('a coordinator of Lions Bergen, by update', () =>
    coordinator.integrations.update('xledger', { status: 'error' }),
  )

  step('Two admins save the same row: the second is told')
  await lionsAdmin.integrations.update(
    'xledger',
    { excludedFeatures: ['leave_tracking'] },
    { expectedRevision: xledger.revision },
  )
  await refused('second save', () =>
    lionsAdmin.integrations.update('xledger', { status: 'error' }, { expectedRevision: xledger.revision }),
  )

  step('Lions Bergen stores what Xledger wants to know, then rotates it')
  await refused('active before there is a credential', () =>
    lionsAdmin.integrations.update('xledger', { status: 'active' }),
  )
  const bundle = { api_key: randomBytes(8).toString('hex'), base_url: 'https://api.xledger.net', company_id: '4711' }
  show(await lionsAdmin.credentials.store('xledger', bundle))
  show(await lionsAdmin.credentials.rotate('xledger', { ...bundle, api_key: 'rotated' }, { graceSeconds: 300 }))
  show(await lionsAdmin.credentials.describe('xledger'))
  await lionsAdmin.integrations.update('xledger', { status: 'active' })

  step('The sync worker, across organizations and explicitly so')
  const service = db.asService({ actor: 'nightly-sync' })
  const retrieved = await service.credentials.retrieve({
    organizationId: lions,
    integrationType: 'xledger',
    reason: 'sync run 42',
  })
  show(`printed: ${retrieved}, inspected: ${inspect(retrieved)}, as JSON: ${JSON.stringify(retrieved)}`)
  show(`read by its field: ${retrieved.api_key === 'rotated' ? 'the rotated api_key' : 'something else'}`)
  for (const { action, outcome, actor, reason, version } of await lionsAdmin.events.list()) {
    const of = version === null ? '' : `, version ${version}`
    show(`event: ${action} ${outcome} by ${actor}${of}, ${reason ?? 'no reason given'}`)
  }
  await refused('the scouts rotate it', () => scoutsAdmin.credentials.rotate('xledger', bundle))
  const due = await service.integrations.listScheduled({ limit: 500 })
  show(due.rows.map((row) => `${row.integrationType} of ${row.organizationId}, ${row.syncSchedule}`))
  await db.end()
  // ------------------------------------------------------------------------------------------------------------------
}

/** A refusal is the expected outcome here: anything else ends the quickstart with an error. */
async function refused(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const error = await attempt().then(
    () => new Error(`${what}: was not refused`),
    (error: unknown) => error,
  )
  if (!(error instanceof IntegrationsDbError)) throw error
  show(`${what}: ${error.code} — ${error.message}`)
}
