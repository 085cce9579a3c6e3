import postgres from 'postgres'
import { FieldMappings } from '../src/config/documents.ts'
import { migrate } from '../src/deployment/migrate.ts'

/* What the rules cost: the triggers against the same insert without them, per kind of document, and zod on one of 50 keys. */

export type ConfigurationCost = {
  rows: number
  kinds: { kind: string; bareMilliseconds: number; validatedMilliseconds: number }[]
  parseMicroseconds: number
}

const insertedRows = 30_000
/** Of a large document a row takes ten times as long. */
const rounds = { few: 3, many: 7 }

const entries = (count: number, entry: (i: number) => [string, unknown]) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => entry(i)))

/** Names that hold a credential's word and are none. */
const suspicious = ['live_date', 'test_group', 'pinned_at', 'keyboard', 'passport_number', 'tokenizer']

/** Documents as organizations have them, and those that take more than a glance. */
export const kinds: Readonly<Record<string, readonly object[]>> = {
  plain: [
    { amount: 'invoiceAmount', account: 'glObject1.code', currency: 'currency.code', tax_code: 'taxRule.code' },
    {
      employee_id: 'number',
      reference: 'externalDocumentNumber',
      date: { path: 'invoiceDate', transform: 'iso_date' },
    },
    {
      $version: 2,
      amount: { path: 'lines.0.amount', transform: 'decimal_2', default: 0 },
      cost_center: 'company.dbId',
    },
  ],
  'a map of 50': [
    { $version: 2, account: { path: 'glObject1.code', map: entries(50, (i) => [`from_${i}`, `to ${i}`]) } },
  ],
  required: [{ $version: 2, amount: { path: 'lines.0.amount', required: true }, account: 'glObject1.code' }],
  constants: [{ $version: 2, currency: { const: 'NOK' }, account: 'glObject1.code' }],
  'suspicious names': [Object.fromEntries(suspicious.map((name) => [name, `fields.${name}`]))],
  '200 keys': [entries(200, (i) => [`field_${i}`, `lines.${i}.amount`])],
}

/** Medians of interleaved rounds, each in a transaction that is rolled back. */
export async function measureConfiguration(serverUrl: string, hostSql: string): Promise<ConfigurationCost> {
  const url = new URL(serverUrl)
  url.pathname = '/bench_configuration'
  const server = postgres(serverUrl, { max: 1, onnotice: () => {} })
  await server`create database bench_configuration`
  await server.end()
  const sql = postgres(url.href, { max: 1, onnotice: () => {} })
  await sql.unsafe(hostSql)
  await migrate({ url: url.href })
  await sql`insert into organizations select gen_random_uuid() from generate_series(1, ${insertedRows}::int)`
  await sql`analyze organizations`
  const measured: ConfigurationCost['kinds'] = []
  for (const [kind, documents] of Object.entries(kinds)) {
    measured.push({ kind, ...(await measureKind(sql, documents, kind === '200 keys' ? rounds.few : rounds.many)) })
  }
  await sql.end()
  return { rows: insertedRows, kinds: measured, parseMicroseconds: parseMicroseconds() }
}

async function measureKind(sql: postgres.Sql, documents: readonly object[], count: number) {
  const samples = { bare: [] as number[], validated: [] as number[] }
  for (let round = -1; round < count; round++) {
    for (const way of round % 2 === 0 ? (['bare', 'validated'] as const) : (['validated', 'bare'] as const)) {
      const milliseconds = await insert(sql, documents, way)
      if (round >= 0) samples[way].push(milliseconds)
    }
  }
  return { bareMilliseconds: median(samples.bare), validatedMilliseconds: median(samples.validated) }
}

class Undo extends Error {}

async function insert(sql: postgres.Sql, documents: readonly object[], way: 'bare' | 'validated'): Promise<number> {
  let milliseconds = 0
  const work = sql.begin(async (tx) => {
    // Foreign keys stay.
    if (way === 'bare') await tx`alter table organization_integrations disable trigger user`
    const startedAt = performance.now()
    await tx`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features, sync_schedule)
      select o.id, 'xledger', ${tx.json(documents as never)}::jsonb -> (row_number() over () % ${documents.length}::int)::int, '["payroll_sync"]', '0 2 * * *'
      from organizations as o`
    milliseconds = performance.now() - startedAt
    throw new Undo()
  })
  await work.catch((error) => {
    if (!(error instanceof Undo)) throw error
  })
  await sql`vacuum organization_integrations`
  return milliseconds
}

function parseMicroseconds(): number {
  const document = {
    $version: 2,
    ...entries(50, (i) => [
      `field_${'abcdefghij'[i % 10]}_${i}`,
      i % 3 === 0 ? { path: `lines.${i}.amount`, transform: 'decimal_2', default: 0 } : `glObject${i}.code`,
    ]),
  }
  const samples: number[] = []
  for (let i = 0; i < 3000; i++) {
    const startedAt = performance.now()
    FieldMappings.parse(document)
    samples.push((performance.now() - startedAt) * 1000)
  }
  return median(samples.slice(500))
}

function median(samples: number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0
}
