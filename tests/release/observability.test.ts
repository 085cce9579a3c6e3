import { join } from 'node:path'
import { expect, test } from 'vitest'
import { application, program } from '../support/applications.ts'
import { useDatabase } from '../support/database.ts'
import { blocksOf } from '../support/docs-page.ts'
import { output } from '../support/packed.ts'

/* docs/observability.md as it is written, with OpenTelemetry's own SDK. */

const t = useDatabase()

test('spans of the calls within a transaction are children of its span, which is a child of the request’s', async () => {
  const [block] = blocksOf(join('docs', 'observability.md'))
  const project = await application('observability', {
    'spans.ts': block?.text ?? '',
    'app.ts': `
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { createIntegrationsDb } from '@org/integrations-db'

const exporter = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
await import('./spans.ts')

const [url = '', organizationId = ''] = process.argv.slice(2)
const db = createIntegrationsDb(url)
const acme = db.forOrganization({ organizationId, role: 'admin' })
await trace.getTracer('app').startActiveSpan('request', async (span) => {
  await acme.transaction(async (tx) => {
    await tx.integrations.create({ integrationType: 'xledger' })
    await Promise.all([tx.integrations.list(), tx.integrations.update('dynamics', { status: 'error' }).catch(() => {})])
  }).catch(() => {})
  await acme.integrations.get('xledger')
  span.end()
})
await db.end()
const spans = exporter.getFinishedSpans()
const nameOf = (id?: string) => spans.find((span) => span.spanContext().spanId === id)?.name ?? null
console.log(JSON.stringify(spans.map((span) => [span.name, nameOf(span.parentSpanContext?.spanId), span.attributes['error.type'] ?? null])))`,
  })
  const { text } = await output(project, await program('tsx'), ['app.ts', t.url, await t.organization()])
  const outcome = JSON.parse(text) as [name: string, parent: string | null, error: string | null][]
  const transaction = 'integrations-db transaction'
  expect(outcome.filter(([, parent]) => parent === transaction).sort()).toEqual([
    ['integrations-db integrations.create', transaction, null],
    ['integrations-db integrations.list', transaction, null],
    ['integrations-db integrations.update', transaction, 'not_found'],
  ])
  expect(outcome.filter(([, parent]) => parent !== transaction)).toEqual([
    [transaction, 'request', null],
    ['integrations-db integrations.get', 'request', null],
    ['request', null, null],
  ])
}, 480_000)
