/*
 * `npx tsx bench/scale.ts --rows 10000000`: what calls and doctor cost on a table of that many integrations. Not part of
 * `npm run bench`: to fill ten million rows takes a quarter of an hour and 3 GB.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { bootstrapSql } from '../src/admin/bootstrap.ts'
import { createLogin } from '../src/admin/logins.ts'
import { repair } from '../src/admin/repair.ts'
import { migrate } from '../src/deployment/migrate.ts'
import { doctor } from '../src/doctor/doctor.ts'
import { createIntegrationsDb } from '../src/index.ts'
import { startEmbedded } from '../tests/support/embedded.ts'

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } })
const organizations = Math.ceil(Number(values.rows) / 5)
const calls = 500

const server = await startEmbedded(undefined, ['-c', 'shared_buffers=1GB'])
try {
  await measure(server.adminUrl)
} finally {
  await server.stop()
}

async function measure(url: string): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  await admin.unsafe(`${bootstrapSql} create table public.organizations (id uuid primary key)`)
  await migrate({ url })
  await fill(admin)
  const password = randomBytes(12).toString('hex')
  const as = (name: string) => Object.assign(new URL(url), { username: name, password }).href
  await createLogin({ url, name: 'bench_scoped', password })
  await createLogin({ url, name: 'bench_service', password, service: true })
  const db = createIntegrationsDb({ url: as('bench_scoped'), serviceUrl: as('bench_service') })
  const ids = await admin<{ id: string }[]>`select id from public.organizations limit ${calls}`
  const scope = (i: number) =>
    db.forOrganization({ organizationId: ids[i % ids.length]?.id ?? '', role: 'admin' }).integrations
  const service = db.asService({ actor: 'bench' })

  console.log(`${values.rows} integrations of ${organizations} organizations`)
  await timed('list', calls, (i) => scope(i).list())
  await timed('get', calls, (i) => scope(i).get('xledger'))
  await timed('delete and create', calls, async (i) => {
    await scope(i).delete('bufdir')
    await scope(i).create({ integrationType: 'bufdir' })
  })
  await timed('listScheduled', 20, () => service.integrations.listScheduled({ limit: 500 }))
  await timed('doctor', 1, () => doctor({ url }))
  await timed("repair's plan", 1, () => repair({ url }))
  await db.end()
  await admin.end()
}

/** One organization in a thousand has an active schedule. */
async function fill(admin: postgres.Sql): Promise<void> {
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`insert into public.organizations select gen_random_uuid() from generate_series(1, ${organizations})`
    await tx`insert into public.organization_integrations (organization_id, integration_type, status, sync_schedule, field_mappings)
      select o.id, t.type, case when random() < 0.001 then 'active' else 'inactive' end::public.integration_status_enum, '0 2 * * *',
        '{"$version": 2, "amount": "invoiceAmount", "account": "glObject1.code"}'
      from public.organizations as o, unnest(enum_range(null::public.integration_type_enum)) as t (type)`
  })
  await admin.unsafe('analyze')
}

async function timed(name: string, times: number, work: (i: number) => Promise<unknown>): Promise<void> {
  const took: number[] = []
  await work(0)
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await work(i)
    took.push(performance.now() - began)
  }
  took.sort((a, b) => a - b)
  const at = (share: number) => (took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0).toFixed(2)
  console.log(`${name.padEnd(20)} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
}
