/*
 * `npm run console`: a REPL on a migrated embedded database with two organizations. Also reads lines from a pipe:
 * `echo 'await acme.integrations.list()' | npm run console` prints the answer, and exits 1 where a line fails.
 */
import { createInterface } from 'node:readline'
import { start } from 'node:repl'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import postgres from 'postgres'
import * as schema from '../src/schema/index.ts'
import { startTestDatabase, type TestDatabase } from '../src/testing/index.ts'

const isTerminal = process.stdin.isTTY === true
const t = await startTestDatabase()
const sql = postgres(t.adminUrl, { max: 1, onnotice: () => {} })
const context = await contextOf(t)

if (isTerminal) console.log(introduction())
const pipe = isTerminal ? undefined : pipedLines()
const repl = start({
  prompt: isTerminal ? 'integrations> ' : '',
  terminal: isTerminal,
  ignoreUndefined: !isTerminal,
  writer: printed,
  ...(pipe && { input: pipe.input, output: process.stdout }),
})
if (pipe) repl.displayPrompt = pipe.next
Object.assign(repl.context, context)
repl.once('exit', async () => {
  const failed = !isTerminal && (repl as { lastError?: unknown }).lastError !== undefined
  await sql.end()
  await t.stop()
  process.exit(failed ? 1 : 0)
})

/** A REPL does not wait for an `await` of a piped line: each line is handed over when the one before is answered. */
function pipedLines() {
  let answered = () => {}
  async function* lines() {
    for await (const line of createInterface({ input: process.stdin })) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve
      })
      yield `${line}\n`
      await answer
    }
  }
  return { input: Readable.from(lines()), next: () => answered() }
}

async function contextOf(t: TestDatabase) {
  const acmeId = await t.organization({ name: 'Acme' })
  const lionsId = await t.organization({ name: 'Lions Bergen' })
  const acme = t.forOrganization({ organizationId: acmeId })
  const lions = t.forOrganization({ organizationId: lionsId })
  const coordinator = t.forOrganization({ organizationId: acmeId, role: 'coordinator' })
  await acme.integrations.create({
    integrationType: 'xledger',
    fieldMappings: { amount: 'invoiceAmount', account: 'glObject1.code' },
    syncSchedule: '0 2 * * *',
  })
  await acme.credentials.store('xledger', { api_key: 'demo', base_url: 'https://api.xledger.net', company_id: '4711' })
  await acme.integrations.update('xledger', { status: 'active' })
  await lions.integrations.create({ integrationType: 'dynamics', fieldMappings: { employee_id: 'number' } })
  const service = t.db.asService({ actor: 'console' })
  return { db: t.db, acme, lions, coordinator, service, sql, acmeId, lionsId, schema }
}

function introduction(): string {
  return [
    'A migrated PostgreSQL of its own; .exit removes it. Top-level await works.',
    '  acme, lions   two organizations, as their admins; coordinator: Acme, as a coordinator',
    '  service       across organizations, as service_role',
    '  db            the client: db.forOrganization({ organizationId: acmeId, role })',
    '  sql           an administrator past every policy: await sql`select * from organization_integrations`',
    '  schema        the tables, for acme.query((q) => q.select().from(schema.organizationIntegrations))',
  ].join('\n')
}

function printed(value: unknown): string {
  return inspect(value, { colors: isTerminal, depth: 6 })
}
