/*
 * `npx tsx bench/scale.ts --rows 10000000`: what calls and doctor cost on a table of that many integrations, as a row of
 * the table in docs/scale.md. Not part of `npm run bench`: to fill ten million rows takes minutes and 3 GB.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { bootstrapSql } from '../src/admin/bootstrap.ts'
import { createLogin } from '../src/admin/logins.ts'
import { repair } from '../src/admin/repair.ts'
import { statements } from '../src/client/integration-statements.ts'
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

  const [size] = await admin`
    select pg_size_pretty(pg_total_relation_size('public.organization_integrations')) as whole,
      pg_size_pretty(pg_relation_size('public.organization_integrations_scheduled_idx')) as scheduled`
  console.log(
    `${values.rows} integrations of ${organizations} organizations: ${size?.whole}, ${size?.scheduled} of it the index of what is scheduled`,
  )
  await timed('list', calls, (i) => scope(i).list())
  await timed('get', calls, (i) => scope(i).get('xledger'))
  await timed('delete and create', calls, async (i) => {
    await scope(i).delete('bufdir')
    await scope(i).create({ integrationType: 'bufdir' })
  })
  let after: string | null = null
  await timed('listScheduled', 40, async () => {
    after = (await service.integrations.listScheduled({ limit: 500, after })).next
  })
  const { text, values: bound } = statements.listScheduled({
    limit: 501,
    after: '00000000-0000-0000-0000-000000000000',
  })
  const [explained] = await admin.unsafe(`explain (analyze, buffers, format json) ${text}`, bound as string[])
  const { Plan: plan, 'Execution Time': took } = explained?.['QUERY PLAN'][0] ?? {}
  console.log(
    `its first page reads ${plan['Shared Hit Blocks'] + plan['Shared Read Blocks']} blocks in ${took.toFixed(1)} ms`,
  )
  await timed('doctor', 1, () => doctor({ url }))
  await timed("repair's plan", 1, () => repair({ url }))
  await db.end()
  await admin.end()
}

/** One integration in a thousand is active and scheduled. What is unique and what is indexed is built afterwards, as a restore does. */
async function fill(admin: postgres.Sql): Promise<void> {
  const began = performance.now()
  const indexes = await admin`
    select i.indexrelid::regclass::text as name, c.conname as constraint, coalesce(pg_get_constraintdef(c.oid), pg_get_indexdef(i.indexrelid)) as made
    from pg_index as i left join pg_constraint as c on c.conindid = i.indexrelid and c.conrelid = i.indrelid
    where i.indrelid = 'public.organization_integrations'::regclass and not i.indisprimary`
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`set local maintenance_work_mem = '1GB'`
    for (const { name, constraint } of indexes)
      await tx.unsafe(
        constraint
          ? `alter table public.organization_integrations drop constraint ${constraint}`
          : `drop index ${name}`,
      )
    await tx`insert into public.organizations select gen_random_uuid() from generate_series(1, ${organizations})`
    await tx`insert into public.organization_integrations (organization_id, integration_type, status, sync_schedule, field_mappings)
      select o.id, t.type, case when random() < 0.001 then 'active' else 'inactive' end::public.integration_status_enum, '0 2 * * *',
        '{"$version": 2, "amount": "invoiceAmount", "account": "glObject1.code"}'
      from public.organizations as o, unnest(enum_range(null::public.integration_type_enum)) as t (type)`
    for (const { constraint, made } of indexes)
      await tx.unsafe(
        constraint ? `alter table public.organization_integrations add constraint ${constraint} ${made}` : made,
      )
  })
  await admin.unsafe('vacuum analyze')
  console.log(`filled in ${((performance.now() - began) / 1000).toFixed(0)} s`)
}

async function timed(name: string, times: number, work: (i: number) => Promise<unknown>): Promise<void> {
  const took: number[] = []
  if (times > 1) await work(0)
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await work(i)
    took.push(performance.now() - began)
  }
  took.sort((a, b) => a - b)
  const at = (share: number) => (took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0).toFixed(2)
  console.log(`${name.padEnd(20)} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
}
