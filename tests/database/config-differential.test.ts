import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { configViolations, type Violation } from '../../src/config/violations.ts'
import { plainConfiguration } from '../../src/schema/functions/configuration-walk.ts'
import { useDatabase } from '../support/database.ts'

/* The application and the database are asked the same; each document goes over the wire as JSON text. */

const t = useDatabase()

/** As JSON texts. */
type Documents = readonly [fieldMappings: string, excludedFeatures: string]
const refused = 'refused as JSON'
const unnoticed = 'holds a credential, and breaks no rule'

beforeAll(() =>
  t.admin.unsafe(`
    create function answer(m text, f text) returns jsonb language plpgsql as $function$
    declare
      mappings jsonb;
      features jsonb;
      printed text;
    begin
      -- Only what is no JSON to the server may raise: the rules themselves answer.
      begin
        mappings := m;
        features := f;
      exception when data_exception or statement_too_complex then
        return to_jsonb('${refused}'::text);
      end;
      -- Where the trigger asks no further, the function must find nothing.
      printed := mappings::text || features::text;
      -- And what the rules find no fault with, the log of changes keeps as it is.
      if ${plainConfiguration()} or integrations.configuration_problems(mappings, features) = '{}' then
        return case when integrations.redacted(mappings) = mappings and integrations.redacted(features) = features
          then '[]'::jsonb else to_jsonb('${unnoticed}'::text) end;
      end if;
      return coalesce((select jsonb_agg(v order by path collate "C", rule collate "C")
        from integrations.config_violations(mappings, features) as v), '[]');
    end $function$`),
)

async function askDatabase(documents: readonly Documents[]): Promise<(Violation[] | typeof refused)[]> {
  const rows = await t.admin<{ answer: Violation[] | typeof refused }[]>`
    select answer(d ->> 0, d ->> 1) from jsonb_array_elements(${JSON.stringify(documents)}::text::jsonb) with ordinality as a (d, position)
    order by position`
  return rows.map(({ answer }) => answer)
}

const byteOrder = (a: Violation, b: Violation) =>
  Buffer.compare(Buffer.from(`${a.path}\n${a.rule}`), Buffer.from(`${b.path}\n${b.rule}`))

async function assertAgreement(documents: readonly Documents[]): Promise<void> {
  const answers = await askDatabase(documents)
  for (const [i, [m, f]] of documents.entries()) {
    const ours = configViolations(JSON.parse(m), JSON.parse(f)).sort(byteOrder)
    if (answers[i] === refused) expect(ours, `${m} ${f}`).not.toEqual([])
    else expect(answers[i], `${m} ${f}`).toEqual(ours)
  }
}

const words = [
  ...[
    'password',
    'passord',
    'pwd',
    'secret',
    'secretary_name',
    'hemmelighet',
    'token',
    'tokenizer',
    'api_key',
    'apiKey',
  ],
  ...[
    'privateKey',
    'client_secret',
    'credentials',
    'Authorization',
    'authorisation',
    'pin',
    'pinned',
    'jwt',
    'compass',
  ],
  ...[
    'accountKey',
    'passport_number',
    'accessKey',
    'a_p_i_k_e_y',
    'PIN_CODE',
    'amount',
    'employee_id',
    'compass_order',
  ],
  ...[
    'otp',
    'creds',
    'accredited',
    'passcode',
    'hemmelig',
    'api_nokkel',
    'apiNoekkel',
    'apinøkkel',
    'API-Nøkler',
    'API_NØKKEL',
    'subscription_key',
    'subscription',
  ],
  // Targets of ours: what has no others may pass at one look.
  ...['account', 'date', 'currency', 'tax_code', 'cost_center', 'reference'],
  ...['token_count', 'maxTokens', 'max_token', 'tokens_used_2', 'token_account', 'antall_passord', 'min_passord'],
  ...['api__key', 'to__ken', '_pin__code', 'PIN__', 'a"pi"key', 'weight_kg', 'live_date', 'ACCESS_KEY_2'],
  ...['passwordExpiresAt', 'number_of_secrets', 'apikey_type', 'token_count_token', 'password_discount'],
  ...['__proto__', 'constructor', 'prototype', '$version', 'path', 'transform', 'default', 'map', 'const', 'required'],
]
const texts = [
  ...['Authorization: Bearer abc', 'x=bearer\ny', '\nBearer\u00a0x', 'standard bearer x', 'auth:Basic dXNlcjpwYXNz'],
  ...['Bearer abc', 'bearer  x', 'Basic dXNlcjpwYXNz', 'basic fields', 'eyJhbGciOi.eyJzdWIiOi.x', '-----BEGIN RSA KEY'],
  ...[
    'sk_live_1',
    'xsk_live_1',
    'ghp_abcdef1',
    'AKIAABCDEFGHIJKLMN',
    'glpat-x',
    'xoxb-1',
    'invoice.lines.0.amount',
    '',
  ],
  ...[
    '\u0000',
    '\ud800',
    'å'.repeat(255),
    '😀'.repeat(255),
    '😀'.repeat(256),
    'x'.repeat(255),
    'x'.repeat(256),
    '\t',
    '\n',
    '"\\',
  ],
]
const anyText = fc.oneof(
  fc.constantFrom(...texts),
  fc.constantFrom(...words),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const key = fc.oneof(
  fc.constantFrom(...words),
  fc.constantFrom(...texts),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/),
  fc.string({ maxLength: 5 }),
)
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e308, -1e308, 1.1e308, 0, -0, 1e-320),
)
const scalar = fc.oneof(anyText, number, fc.boolean(), fc.constant(null))
const mapping = fc.record(
  {
    path: fc.oneof({ weight: 5, arbitrary: anyText }, scalar),
    transform: fc.oneof(fc.constantFrom('decimal_2', 'Upper', 'x()'), scalar),
    default: fc.oneof(scalar, fc.jsonValue({ maxDepth: 1 })),
    map: fc.oneof(fc.dictionary(key, fc.oneof(anyText, scalar), { maxKeys: 3 }), scalar),
    required: scalar,
    const: fc.oneof(scalar, fc.jsonValue({ maxDepth: 1 })),
    other: scalar,
  },
  { requiredKeys: [] },
)
const sound = fc.record({ path: fc.stringMatching(/^[a-z][a-z.0-9]{0,20}$/) })
const value = fc.oneof({ weight: 4, arbitrary: anyText }, mapping, sound, fc.jsonValue({ maxDepth: 2 }), scalar)
/** What one look shows to be sound, and what is nearly so. */
const nearly = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('x', 'lines.0.amount', 'weight_kg', 'invoiceId', 'a;b', 'gl?<!', '{"path": "'),
  },
  anyText,
)
const plain = fc.dictionary(
  fc.constantFrom('amount', 'account', 'date', 'currency', 'reference', 'live_date', 'default', 'required', '$version'),
  fc.oneof(
    { weight: 3, arbitrary: nearly },
    {
      weight: 3,
      arbitrary: fc.record(
        {
          path: nearly,
          const: nearly,
          default: fc.oneof(scalar, fc.constant({ path: 'x' })),
          transform: fc.constantFrom('decimal_2', 'iso_date', 't', `t${'_'.repeat(63)}`, '2nd', 7),
          required: fc.constantFrom(true, false, null, 'true'),
          $version: fc.constant(2),
        },
        { requiredKeys: [] },
      ),
    },
    fc.constantFrom(true, null, 2, []),
  ),
  { maxKeys: 3, noNullPrototype: true },
)
const mappings = fc.oneof(
  { weight: 6, arbitrary: plain },
  { weight: 6, arbitrary: plain.map((document) => ({ ...document, $version: 2 })) },
  { weight: 8, arbitrary: fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(1, 2, 3, '2', null, 2.5, true),
        fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true }),
      )
      .map(([version, document]) => ({ ...document, $version: version })),
  },
  fc.jsonValue({ maxDepth: 3 }),
)
const features = fc.oneof(
  fc.constant([]),
  fc.array(fc.oneof(fc.constantFrom('payroll_sync', 'leave_tracking', 'a', 'ghp_abcdef1'), anyText, scalar), {
    maxLength: 4,
  }),
  fc.jsonValue({ maxDepth: 2 }),
)

const awkward: readonly (readonly [name: string, mappings: string, features: string])[] = [
  ['keys that stand twice', '{"a": 1, "a": "x", "$version": 9, "$version": 1}', '["a"]'],
  ['a document ten thousand levels deep', `{"a": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`, '[]'],
  [
    'numbers beyond a double',
    '{"a": {"path": "x", "default": 1e400}, "b": {"path": "x", "default": -1e-400}}',
    '[1e999]',
  ],
  ['half a surrogate pair', '{"a": "\\ud800", "\\udc00": "x"}', '["\\ud800"]'],
  ['a NUL', '{"a": "\\u0000"}', '["\\u0000"]'],
  [
    'names that JavaScript reserves',
    '{"__proto__": {"path": "x"}, "constructor": "x", "a": {"path": "x", "__proto__": 1}}',
    '[]',
  ],
  ['arrays where objects belong', '[]', '{}'],
  ['an array of mappings', '{"a": ["x"], "b": {"path": ["x"], "map": []}}', '[["a"]]'],
  ['texts where documents belong', '"Bearer x"', '"a"'],
  ['null where documents belong', 'null', 'null'],
  ...[
    '{"a": {"path": "x", "$version": 2, "transform": "t"}}',
    '{"a": "b", "default": 5}',
    '{"a": "b", "default": "c", "path": "d", "transform": "e"}',
    '{"a": {"path": "x"}, "transform": 5}',
    '{"$version": 25, "a": "b"}',
    '{"$version": 2.0, "a": "b"}',
    '{"a": {"path": {"path": "x"}}}',
    '{"a": {"path": "x", "default": {"path": "y"}}}',
    '{"a": {"path": "x", "transform": 5}, "b": {"path": "x", "default": ["y"]}}',
    '{"a": "<=~$", "b": "x, ", "c": {"path": "{}", "default": "}"}}',
    '{"a<": "x", "b=": "y", "c~": "z"}',
    '{"amount": ["x"], "account": {"path": ["x"]}}',
    '{"amount": {"path": "x", "transform": 5}}',
    '{"amount": {"path": "x", "transform": ["decimal_2"]}}',
    '{"amount": {"path": "x", "default": []}}',
    '{"amount": {"transform": "iso_date"}}',
    `{"amount": {"path": "x", "transform": "${'t'.repeat(64)}"}}`,
    `{"date": "${'x'.repeat(256)}"}`,
    `{"amount": "${'x'.repeat(100)}", "date": "${'y'.repeat(256)}"}`,
    `{"amount": "${'x'.repeat(200)}", "date": "${'y'.repeat(256)}"}`,
    '{"amount": {"path": "x", "default": 2e308}}',
  ].map((document, i) => [`what one look might be taken for another thing, ${i}`, document, '[]'] as const),
  ['200 keys', JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, 'x']))), '[]'],
  ['201 keys', JSON.stringify(Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`k${i}`, 'x']))), '[]'],
  ['64 features', '{}', JSON.stringify(Array.from({ length: 64 }, (_, i) => `f${i}`))],
  ['65 features', '{}', JSON.stringify(Array.from({ length: 65 }, (_, i) => `f${i}`))],
  ...[65_535, 65_536, 65_537].map((bytes) => [`${bytes} bytes`, ofSize(bytes), '[]'] as const),
  ...[200, 201].map((size) => [`a lookup of ${size}`, lookup(size), '[]'] as const),
]

/** Keys and texts of so many bytes, `$version` among them. */
function ofSize(bytes: number): string {
  const table = (length: number) => ({ path: 'x', map: { ab: 'å'.repeat(length) } })
  const rest = bytes - '$version'.length - 'a'.length - 'path'.length - 'x'.length - 'map'.length - 'ab'.length
  const document = { $version: 2, a: table(rest >> 1) }
  if (rest % 2 === 1) document.a.map.ab += 'x'
  return JSON.stringify(document)
}

function lookup(size: number): string {
  const map = Object.fromEntries(Array.from({ length: size }, (_, i) => [`from${i}`, `to${i}`]))
  return JSON.stringify({ $version: 2, a: { path: 'x', map } })
}

describe('the application and the database', () => {
  const count = Number(process.env.DOCUMENTS)
  test(`agree on every path and rule of ${count} generated documents`, { timeout: 900_000 }, async () => {
    const batch = 500
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(mappings, features), { minLength: batch, maxLength: batch }), (documents) =>
        assertAgreement(documents.map(([m, f]) => [JSON.stringify(m), JSON.stringify(f)])),
      ),
      { numRuns: count / batch, endOnFailure: true, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
    )
  })

  test('take everyday documents at one look', async () => {
    for (const document of [
      '{"amount": "invoiceAmount", "account": "glObject1.code", "$version": 2}',
      '{"date": {"path": "invoiceDate", "transform": "iso_date", "default": null}, "employee_id": "number"}',
      '{"$version": 2, "amount": {"path": "lines.0.amount", "default": 0, "transform": "decimal_2"}, "cost_center": "company.dbId"}',
      '{"$version": 2, "amount": {"path": "lines.0.amount", "required": true}, "currency": {"const": "NOK"}}',
      '{}',
    ]) {
      const [row] = await t.admin.unsafe(
        `select ${plainConfiguration()} as plain from (
          select m::jsonb as mappings, f::jsonb as features, m::jsonb::text || f as printed from (values ($1::text, $2::text)) as d (m, f)
        ) as r`,
        [document, '["payroll_sync", "leave_tracking"]'],
      )
      expect(row?.plain, document).toBe(true)
    }
  })

  test.each(awkward)('agree on %s', (_, m, f) => assertAgreement([[m, f]]))
})
