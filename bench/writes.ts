import postgres from 'postgres'
import { migrate } from '../src/deployment/migrate.ts'
import { createIntegrationsDb } from '../src/index.ts'
import { kinds } from './configuration.ts'
import type { Logins } from './contenders.ts'

/*
 * What a write costs without a trigger of ours, with all but those that record changes, and with all: the rules by the
 * second against the first, the log of changes by the third against the second.
 */

const ways = ['bare', 'checked', 'recorded'] as const
type Way = (typeof ways)[number]

/** Medians, in milliseconds of one statement or call. */
export type WriteCost = { what: string; plain: boolean } & Record<Way, number>

export type WriteCosts = { rows: number; statements: WriteCost[]; calls: WriteCost[] }

const rows = 30_000
const callsPerRound = 40
/** Of a large document a row takes ten times as long, so that there are few. */
const rounds = { few: 2, many: 4, calls: 6 }

const recording = ['record_create', 'record_update', 'record_remove']
const table = 'organization_integrations'
const all = `alter table ${table} enable trigger user`
const switches: Readonly<Record<Way, string>> = {
  // Foreign keys stay.
  bare: `alter table ${table} disable trigger user`,
  checked: [all, ...recording.map((name) => `alter table ${table} disable trigger ${name}`)].join('; '),
  recorded: all,
}

const change = `update ${table} set field_mappings = field_mappings || '{"amount": "total"}', sync_schedule = '0 3 * * *'`
const remove = `delete from ${table}`

/** Ways take turns; what is written is rolled back, or removed. */
export async function measureWrites(urls: Logins, hostSql: string): Promise<WriteCosts> {
  const inDatabase = (url: string) => Object.assign(new URL(url), { pathname: '/bench_writes' }).href
  const server = postgres(urls.admin, { max: 1, onnotice: () => {} })
  await server`create database bench_writes`
  await server.end()
  const sql = postgres(inDatabase(urls.admin), { max: 1, onnotice: () => {} })
  await sql.unsafe(hostSql)
  await migrate({ url: inDatabase(urls.admin) })
  await sql`insert into organizations select gen_random_uuid() from generate_series(1, ${rows}::int)`
  await sql`analyze organizations`
  const statements: WriteCost[] = []
  for (const [kind, documents] of Object.entries(kinds)) {
    const count = /^(200|a map)/.test(kind) ? rounds.few : rounds.many
    statements.push(await inTurns(`insert, ${kind}`, count, (way) => insert(sql, documents, way)))
  }
  for (const [what, statement] of Object.entries({ update: change, delete: remove }))
    statements.push(await inTurns(`${what}, plain`, rounds.many, (way) => insert(sql, kinds.plain, way, statement)))
  const calls = await measureCalls(sql, inDatabase(urls.scoped))
  await sql.end()
  return { rows, statements, calls }
}

async function inTurns(what: string, count: number, once: (way: Way) => Promise<number>): Promise<WriteCost> {
  const samples: Record<Way, number[]> = { bare: [], checked: [], recorded: [] }
  for (let round = count === rounds.few ? 0 : -1; round < count; round++) {
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const milliseconds = await once(way)
      // The first of many warms up and does not count.
      if (round >= 0) samples[way].push(milliseconds)
    }
  }
  const [bare, checked, recorded] = ways.map((way) => median(samples[way])) as [number, number, number]
  return { what, plain: what.endsWith('plain'), bare, checked, recorded }
}

class Undo extends Error {}

/** Milliseconds of the insert, or of a statement on the rows that it left. */
async function insert(sql: postgres.Sql, documents: readonly object[] = [], way: Way, then?: string): Promise<number> {
  let milliseconds = 0
  const work = sql.begin(async (tx) => {
    await tx.unsafe(switches[then === undefined ? way : 'bare'])
    const timed = async (statement: () => PromiseLike<unknown>) => {
      const startedAt = performance.now()
      await statement()
      milliseconds = performance.now() - startedAt
    }
    await timed(
      () => tx`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features, sync_schedule)
        select o.id, 'xledger', ${tx.json(documents as never)}::jsonb -> (row_number() over () % ${documents.length}::int)::int, '["payroll_sync"]', '0 2 * * *'
        from organizations as o`,
    )
    if (then !== undefined) {
      await tx.unsafe(switches[way])
      await timed(() => tx.unsafe(then))
    }
    throw new Undo()
  })
  await work.catch((error) => {
    if (!(error instanceof Undo)) throw error
  })
  await sql`vacuum organization_integrations, organization_integration_changes`
  return milliseconds
}

/** One call of the client at a time on loopback: each creates, updates or removes one integration, round trip included. */
async function measureCalls(sql: postgres.Sql, url: string): Promise<WriteCost[]> {
  const db = createIntegrationsDb(url)
  const ids = await sql<{ id: string }[]>`select id from organizations limit ${callsPerRound}`
  const [fieldMappings, changed] = kinds.plain as readonly Record<string, string>[]
  const integrations = ids.map(({ id }) => db.forOrganization({ organizationId: id, role: 'admin' }).integrations)
  type Integrations = (typeof integrations)[number]
  const timed = async (call: (one: Integrations) => Promise<unknown>) => {
    const startedAt = performance.now()
    for (const one of integrations) await call(one)
    return (performance.now() - startedAt) / integrations.length
  }
  const calls: Readonly<Record<string, (one: Integrations) => Promise<unknown>>> = {
    create: (one) => one.create({ integrationType: 'xledger', fieldMappings, syncSchedule: '0 2 * * *' }),
    update: (one) => one.update('xledger', { fieldMappings: changed, syncSchedule: '0 3 * * *' }),
    delete: (one) => one.delete('xledger'),
  }
  const samples = new Map<string, number[]>()
  for (let round = -1; round < rounds.calls; round++) {
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      await sql.unsafe(switches[way])
      for (const [name, call] of Object.entries(calls)) {
        const milliseconds = await timed(call)
        const key = `${name} ${way}`
        if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), milliseconds])
      }
    }
  }
  await db.end()
  return Object.keys(calls).map((name) => {
    const of = (way: Way) => median(samples.get(`${name} ${way}`) ?? [])
    return {
      what: `a call of ${name}`,
      plain: true,
      bare: of('bare'),
      checked: of('checked'),
      recorded: of('recorded'),
    }
  })
}

function median(samples: number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0
}
