import postgres from 'postgres'
import { FieldMappings } from '../src/config/documents.ts'
import { migrate } from '../src/deployment/migrate.ts'

/* What the rules cost: the trigger against the same insert without it, and zod on a document of 50 keys. */

export type ConfigurationCost = {
  rows: number
  bareMilliseconds: number
  validatedMilliseconds: number
  parseMicroseconds: number
}

const insertedRows = 30_000
const rounds = 9

/** Documents as organizations have them. */
const documents = [
  { amount: 'invoiceAmount', account: 'glObject1.code', currency: 'currency.code', tax_code: 'taxRule.code' },
  { employee_id: 'number', reference: 'externalDocumentNumber', date: { path: 'invoiceDate', transform: 'iso_date' } },
  { $version: 2, amount: { path: 'lines.0.amount', transform: 'decimal_2', default: 0 }, cost_center: 'company.dbId' },
]

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
  const samples = { bare: [] as number[], validated: [] as number[] }
  for (let round = -2; round < rounds; round++) {
    for (const kind of round % 2 === 0 ? (['bare', 'validated'] as const) : (['validated', 'bare'] as const)) {
      const milliseconds = await insert(sql, kind)
      if (round >= 0) samples[kind].push(milliseconds)
    }
  }
  await sql.end()
  return {
    rows: insertedRows,
    bareMilliseconds: median(samples.bare),
    validatedMilliseconds: median(samples.validated),
    parseMicroseconds: parseMicroseconds(),
  }
}

class Undo extends Error {}

async function insert(sql: postgres.Sql, kind: 'bare' | 'validated'): Promise<number> {
  let milliseconds = 0
  const work = sql.begin(async (tx) => {
    if (kind === 'bare') await tx`alter table organization_integrations disable trigger configuration_check`
    const startedAt = performance.now()
    await tx`insert into organization_integrations (organization_id, integration_type, field_mappings, excluded_features)
      select o.id, 'xledger', ${tx.json(documents)}::jsonb -> (row_number() over () % ${documents.length}::int)::int, '["payroll_sync"]'
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
  const entries = Array.from({ length: 50 }, (_, i) => [
    `field_${'abcdefghij'[i % 10]}_${i}`,
    i % 3 === 0 ? { path: `lines.${i}.amount`, transform: 'decimal_2', default: 0 } : `glObject${i}.code`,
  ])
  const document = { $version: 2, ...Object.fromEntries(entries) }
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
