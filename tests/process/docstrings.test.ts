import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Declarations, emitDeclarations } from '../../scripts/declarations.ts'
import { type OrganizationScope, type ServiceScope, systems } from '../../src/index.ts'
import { organizationIntegrations } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'
import { type Docstring, docstringsOf } from '../support/docstrings.ts'
import { addressOf, startProxy, type TcpProxy } from '../support/proxy.ts'

/* What an editor shows over the names that the package exports. */

let declarations: Declarations
let all: Docstring[]
beforeAll(() => {
  declarations = emitDeclarations()
  const { folder, entries } = declarations
  // The tables of ./schema are Drizzle's types, which take no comment per column.
  all = docstringsOf({ folder, entries: entries.filter(({ name }) => name !== 'schema') })
})
afterAll(() => declarations.remove())

const namesOf = (which: (one: Docstring) => boolean) => all.filter(which).map(({ name }) => name)

describe('an editor shows', () => {
  test('over each export, method and field what it is', () => {
    expect(namesOf(({ text }) => !/^[A-Z`].*[.)`:]$/s.test(text.trim()))).toEqual([])
  })

  test('over each option its default', () => {
    expect(namesOf(({ isOptional, tags }) => isOptional && !tags.get('default'))).toEqual([])
  })

  test('over each call an example, which is code and nothing else', () => {
    const calls = all.filter(({ isCall }) => isCall)
    expect(calls.filter(({ tags }) => !tags.get('example')).map(({ name }) => name)).toEqual([])
    expect(namesOf(({ tags }) => /\n\n/.test(tags.get('example') ?? ''))).toEqual([])
  })

  test('over each call that is awaited the SQL it sends, or that it sends none, and what it throws', () => {
    const awaited = all.filter(({ isAwaited }) => isAwaited)
    expect(
      awaited.filter(({ text }) => !/```sql\n|[Ss]ends (nothing|what) /.test(text)).map(({ name }) => name),
    ).toEqual([])
    expect(awaited.filter(({ tags }) => !tags.get('throws')).map(({ name }) => name)).toEqual([])
  })

  test('every field of every credential bundle, and all that the client gives', () => {
    const fields = Object.entries(systems).flatMap(([type, { fields }]) =>
      Object.keys(fields).map((field) => `ConnectionFieldsBySystem.${type}.${field}`),
    )
    const others = ['Integration.revision', 'Integration.problems', 'IntegrationPatch.syncSchedule', 'CallEvent.role']
    const calls = ['Integrations.list', 'Credentials.rotate', 'ServiceScope.forOrganization', 'TestDatabase.reset']
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining([...fields, ...others, ...calls]))
  })
})

describe('the SQL that an editor shows is, whole, what goes over the wire', () => {
  const t = useDatabase()
  let proxy: TcpProxy
  let organizationId: string
  let acme: OrganizationScope
  let service: ServiceScope
  const shown = new Set<string>()

  beforeAll(async () => {
    proxy = await startProxy(addressOf(t.adminUrl))
    const urls = { url: proxy.through(t.url), serviceUrl: proxy.through(t.serviceUrl) }
    // Without plans each message says what it is.
    const db = t.connect({ ...urls, max: 1, keepPlans: false, encryptionKey: randomBytes(32).toString('hex') })
    organizationId = await t.organization()
    acme = db.forOrganization({ organizationId, role: 'admin' })
    service = db.asService({ actor: 'test' })
  })
  afterAll(() => proxy.stop())

  const bundle = { api_key: 'k', base_url: 'https://api.xledger.net', company_id: '4711' }
  const revision = async () => (await acme.integrations.get('bufdir'))?.revision

  /** What each docstring's example does, in an order in which each finds what it needs. */
  const examples: [string, () => Promise<unknown>][] = [
    ['Integrations.create', () => acme.integrations.create({ integrationType: 'xledger', syncSchedule: '0 2 * * *' })],
    ['Integrations.get', () => acme.integrations.get('xledger')],
    ['Integrations.getById', () => acme.integrations.getById(organizationId)],
    ['Integrations.list', () => acme.integrations.list({ status: 'active' })],
    ['Integrations.findByMappedField', () => acme.integrations.findByMappedField('employee_id')],
    [
      'Integrations.upsert',
      () => acme.integrations.upsert({ integrationType: 'bufdir', fieldMappings: { amount: 'invoiceAmount' } }),
    ],
    [
      'Integrations.update',
      async () => acme.integrations.update('bufdir', { status: 'inactive' }, { expectedRevision: await revision() }),
    ],
    [
      'Integrations.setFieldMappings',
      () => acme.integrations.setFieldMappings('bufdir', { amount: 'invoiceAmount', old_field: null }),
    ],
    ['Integrations.excludeFeatures', () => acme.integrations.excludeFeatures('bufdir', ['payroll_sync'])],
    ['Integrations.includeFeatures', () => acme.integrations.includeFeatures('bufdir', ['payroll_sync'])],
    ['Integrations.delete', async () => acme.integrations.delete('bufdir', { expectedRevision: await revision() })],
    ['Credentials.store', () => acme.credentials.store('xledger', bundle)],
    ['Credentials.rotate', () => acme.credentials.rotate('xledger', bundle, { graceSeconds: 300 })],
    ['Credentials.describe', () => acme.credentials.describe('xledger')],
    [
      'ServiceCredentials.retrieve',
      () => service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'sync run 42' }),
    ],
    ['Credentials.revoke', () => acme.credentials.revoke('xledger', { reason: 'the key was in a mail' })],
    ['Events.list', () => acme.events.list({ limit: 1 })],
    ['Integrations.listWithLastRun', () => acme.integrations.listWithLastRun({ status: 'active' })],
    ['Runs.list', () => acme.runs.list({ integrationType: 'xledger', limit: 1 })],
    ['ServiceRuns.start', () => service.runs.start({ organizationId, integrationType: 'xledger', due: new Date() })],
    ['ServiceRuns.finish', () => service.runs.finish(organizationId, { outcome: 'failed' }).catch(() => {})],
    ['ServiceRuns.plannedThrough', () => service.runs.plannedThrough('nightly', new Date())],
    ['ServiceEvents.list', () => service.events.list({ action: 'alert', limit: 100 })],
    [
      'ServiceAlerts.pending',
      async () => [await service.alerts.pending(), await service.alerts.pending({ after: randomUUID() })],
    ],
    ['ServiceAlerts.acknowledge', () => service.alerts.acknowledge(organizationId).catch(() => {})],
    ['ServiceIntegrations.listScheduled', () => service.integrations.listScheduled({ limit: 500 })],
    [
      'ServiceIntegrations.findByMappedField',
      () => service.integrations.findByMappedField('employee_id', { limit: 500 }),
    ],
    [
      'OrganizationCalls.query',
      () => acme.query((q) => q.select({ id: organizationIntegrations.id }).from(organizationIntegrations)),
    ],
    ['OrganizationScope.transaction', () => acme.transaction((tx) => tx.integrations.get('xledger'))],
    ['OrganizationScope', () => acme.integrations.get('consio')],
  ]

  test.each(examples)('%s', async (name, call) => {
    proxy.reset()
    await call()
    const sent = plain(Buffer.concat(proxy.sent).toString('latin1'))
    const text = all.find((one) => one.name === name)?.text ?? ''
    const statements = sqlIn(text)
    expect(statements.length).toBeGreaterThan(0)
    for (const statement of statements) expect(sent).toMatch(pattern(statement))
    shown.add(name)
  })

  test('and no other call of a client shows any', () => {
    const deployment = ['migrate', 'rollback', 'status']
    const others = namesOf(
      ({ name, text }) => text.includes('```sql') && !shown.has(name) && !name.startsWith('TestDatabase.'),
    )
    expect(others.filter((name) => !deployment.includes(name) && !name.startsWith('OrganizationScope.'))).toEqual([])
  })
})

/** The statements of a docstring's SQL, without its comments. */
function sqlIn(text: string): string[] {
  const blocks = [...text.matchAll(/```sql\n(.*?)```/gs)].map(([, block = '']) => block.replaceAll(/--.*$/gm, ''))
  return blocks.flatMap((block) => block.split(';')).filter((statement) => statement.trim() !== '')
}

/** A whole statement; a literal that it shows may be sent as a value. */
function pattern(statement: string): RegExp {
  const escaped = plain(statement).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`${escaped.replaceAll(/'[^']*'/g, '(?:$&|\\?)')}\\|`)
}

/** SQL as it is compared: values are question marks; spaces, quotes, qualifiers and parentheses do not count. */
function plain(sql: string): string {
  return sql
    .replaceAll(/U&'[^']*'|\$\d+|…|(?<=[(,]\s*)null\b/g, '?')
    .replaceAll(/\?::(?:jsonb|text|integer|uuid)\b/g, '?')
    .replaceAll(/[;\0]/g, '|')
    .replaceAll(/organization_integration(?:s|_events|_runs)"?\./g, '')
    .replaceAll(/\basc\b|["()\s]/g, '')
}
