import { FieldMappings } from '../src/config/documents.ts'

/* Documents to write, and what zod takes for one of 50 keys. */

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

/** Of one parse, the median. */
export function parseMicroseconds(): number {
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
