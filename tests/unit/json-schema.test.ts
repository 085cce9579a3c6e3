import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeJsonSchemas } from '../../scripts/json-schemas.ts'
import { limits, rules } from '../../src/config/rules.ts'
import {
  configViolations,
  documentSchemas,
  ExcludedFeatures,
  type IntegrationType,
  systemOf,
  systemSchemas,
  systems,
} from '../../src/index.ts'
import { jsonSchemaFiles } from '../../src/registry/json-schema.ts'
import { bundleText } from '../../src/registry/systems.ts'

/* Every schema is compiled and asked by Ajv, which knows nothing of this package. */

// Strict but for two habits of draft 2020-12 that Ajv dislikes: a pattern where the type is said by a neighbour.
const ajv = () => new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
const { field_mappings, excluded_features } = documentSchemas()
const takesMappings = ajv().compile(field_mappings)
const takesFeatures = ajv().compile(excluded_features)
const types = Object.keys(systems) as IntegrationType[]

/** What JSON Schema cannot say. */
const unsaid: readonly string[] = [rules.credentialName, rules.bytes]
const broken = (mappings: unknown) => configViolations(mappings, []).map(({ rule }) => rule)

/** The same answer as zod and the walk, or one that is excused by a rule JSON Schema cannot say. */
function assertSame(document: unknown): void {
  const said = broken(document).filter((rule) => !unsaid.includes(rule))
  expect(takesMappings(document), `${JSON.stringify(document)} ${JSON.stringify(takesMappings.errors)}`).toBe(
    said.length === 0,
  )
}

describe('field_mappings as JSON Schema answers as the package does', () => {
  test.each<[document: unknown, sound: boolean]>([
    [{}, true],
    [{ amount: 'invoiceAmount', date: { path: 'invoiceDate', transform: 'iso_date', default: null } }, true],
    [{ $version: 1, amount: { path: 'a', default: 0 } }, true],
    [{ $version: 2, source: { const: 'xledger' }, tax: { path: 't', map: { 25: '3' }, required: true } }, true],
    [{ source: { const: 'xledger' } }, false],
    [{ $version: 1, source: { const: 'xledger' } }, false],
    [{ $version: 2, source: { const: 1, path: 'a' } }, false],
    [{ $version: 2, source: { const: null } }, false],
    [{ $version: 3, amount: 'a' }, false],
    [{ $version: '2', amount: 'a' }, false],
    [{ amount: '' }, false],
    [{ amount: '😀'.repeat(255) }, true],
    [{ amount: '😀'.repeat(256) }, false],
    [{ amount: '\ud800' }, false],
    [{ amount: 'a\u0000' }, false],
    [{ amount: 'Bearer abc' }, false],
    [{ amount: { path: 'a', default: 'sk_live_4242424242424242' } }, false],
    [{ amount: { path: 'a', default: 1.5e308 } }, false],
    [{ amount: { path: 'a', default: [] } }, false],
    [{ amount: { path: 'a', transform: 'Decimal' } }, false],
    [{ amount: { path: 'a', filter: 'x' } }, false],
    [{ 'a-b': 'x' }, false],
    [{ constructor: 'x' }, false],
    [JSON.parse('{"__proto__": "x"}'), false],
    [{ $version: 2, amount: { path: 'a', map: { constructor: 'x' } } }, false],
    [{ $version: 2, amount: { path: 'a', map: { a: 1 } } }, false],
    [[], false],
    [null, false],
    ['text', false],
  ])('%j: %s', (document, sound) => {
    expect(broken(document).length === 0).toBe(sound)
    expect(takesMappings(document)).toBe(sound)
  })

  test('at the limits of keys and of look-up tables', () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'x']))
    for (const count of [limits.keys, limits.keys + 1]) {
      assertSame(keys(count))
      assertSame({ $version: 1, ...keys(count) })
      assertSame({ $version: 2, amount: { path: 'a', map: keys(count) } })
    }
  })

  test.each([{ api_key: 'x' }, { $version: 2, amount: { path: 'a', map: { password: 'x' } } }])(
    'but for keys that name a credential, which only the package knows: %j',
    (document) => {
      expect(broken(document)).toEqual([rules.credentialName])
      expect(takesMappings(document)).toBe(true)
    },
  )

  test('on generated documents', () => {
    const words = fc.oneof(
      fc.constantFrom(
        'amount',
        'a b',
        '__proto__',
        'token',
        'Bearer x',
        'ghp_abcdef1',
        '\ud800',
        '',
        'x'.repeat(64),
        'decimal_2',
      ),
      fc.constantFrom('path', 'const', 'map', 'default', 'required', 'transform', '$version'),
      fc.string({ unit: 'binary', maxLength: 6 }),
    )
    const scalar = fc.oneof(words, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null))
    const mapping = fc.record(
      {
        path: fc.oneof({ weight: 4, arbitrary: words }, scalar),
        transform: fc.oneof(fc.constantFrom('decimal_2', 'Upper'), scalar),
        default: fc.oneof(scalar, fc.jsonValue({ maxDepth: 1 })),
        map: fc.oneof(fc.dictionary(words, fc.oneof(words, scalar), { maxKeys: 3, noNullPrototype: true }), scalar),
        required: scalar,
        const: scalar,
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    const field = fc.oneof(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/), words)
    const mappings = fc.dictionary(field, fc.oneof(words, mapping, fc.jsonValue({ maxDepth: 2 })), {
      maxKeys: 4,
      noNullPrototype: true,
    })
    const document = fc
      .tuple(mappings, fc.constantFrom(undefined, 1, 2, 2, 3, '2', null))
      .map(([all, $version]) => ($version === undefined ? all : { ...all, $version }))
    fc.assert(
      // As it travels: JSON has no -0, and no prototypes.
      fc.property(document, (one) => assertSame(JSON.parse(JSON.stringify(one)))),
      { numRuns: Number(process.env.DOCUMENTS) / 4 },
    )
  })
})

test('excluded_features as JSON Schema answers as zod does, on generated lists', () => {
  const feature = fc.oneof(
    fc.stringMatching(/^[a-z][a-z0-9_.-]{0,9}$/),
    fc.string({ maxLength: 4 }),
    fc.constantFrom('a', 'b', 'a'.repeat(64), 'a'.repeat(65), 'xoxb-1', 7, null),
  )
  fc.assert(
    fc.property(fc.oneof(fc.array(feature, { maxLength: 66 }), fc.jsonValue({ maxDepth: 1 })), (list) => {
      expect(takesFeatures(list), JSON.stringify(list)).toBe(ExcludedFeatures.safeParse(list).success)
    }),
    { numRuns: Number(process.env.DOCUMENTS) / 4 },
  )
})

describe.each(types)('the schemas of %s', (type) => {
  const { fields, mappingTargets } = systemOf(type)
  const { connection, field_mappings: mappings } = systemSchemas(type)
  const takesBundle = ajv().compile(connection)
  const takesTargets = ajv().compile(mappings)
  const example = { text: 'value', url: 'https://api.example.no', year: 2026 }
  const bundle = Object.fromEntries(
    Object.entries(fields).map(([name, { type: kind, pattern }]) => [
      name,
      pattern.includes('{9}') ? '999999999' : example[kind],
    ]),
  )
  const stored = (candidate: unknown) => {
    try {
      return bundleText(type, candidate) !== ''
    } catch {
      return false
    }
  }

  test('take the bundle that credentials.store takes, and refuse what it refuses, field by field', () => {
    expect([takesBundle(bundle), stored(bundle)]).toEqual([true, true])
    const bad = ['', ' ', 'a\nb', '\ud800', 7, 2026.5, 3000, '99', 'ftp://x.no', null, [], 'x'.repeat(16_385)]
    const candidates = [
      { ...bundle, other: 'x' },
      [],
      null,
      'text',
      ...Object.keys(fields).flatMap((name) => [
        Object.fromEntries(Object.entries(bundle).filter(([key]) => key !== name)),
        ...[...bad, '2026', 'value', ' value', 'https://x.no', '999999999'].map((value) => ({
          ...bundle,
          [name]: value,
        })),
      ]),
    ]
    for (const candidate of candidates)
      expect(takesBundle(candidate), JSON.stringify(candidate)?.slice(0, 200)).toBe(stored(candidate))
  })

  test('hide what is secret, and say how fields and targets are called and which must be there', () => {
    const properties = connection.properties as Record<string, { writeOnly?: boolean }>
    for (const [name, { secret }] of Object.entries(fields)) expect(properties[name]?.writeOnly ?? false).toBe(secret)
    expect(connection.required).toEqual(Object.keys(fields).filter((name) => fields[name]?.required))
    const shown = mappings.properties as Record<string, { title?: string }>
    for (const [target, { label }] of Object.entries(mappingTargets)) expect(shown[target]?.title).toBe(label)
  })

  test('take a document with every required target and any field beside them, of the current version', () => {
    const required = Object.entries(mappingTargets)
      .filter(([, target]) => target.required)
      .map(([target]) => [target, 'x'])
    const document = { ...Object.fromEntries(required), our_own: { const: 1 } }
    for (const sound of [document, { ...document, $version: 2 }]) expect(takesTargets(sound)).toBe(true)
    const [first = ''] = required[0] ?? []
    for (const bad of [{}, { ...document, $version: 1 }, { ...document, [first]: 7 }, { ...document, our_own: 7 }])
      expect(takesTargets(bad), JSON.stringify(bad)).toBe(false)
  })
})

test('every schema is a file of the build, of draft 2020-12, under an id of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-schemas-'))
  writeJsonSchemas(folder)
  const files = readdirSync(folder).sort()
  const expected = [
    'excluded_features',
    'field_mappings',
    ...types.flatMap((type) => [`${type}.connection`, `${type}.field_mappings`]),
  ]
  expect(files).toEqual(expected.map((name) => `${name}.json`).sort())
  const schemas = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  expect(schemas).toEqual(files.map((name) => jsonSchemaFiles()[name.replace(/\.json$/, '')]))
  expect(new Set(schemas.map(({ $schema }) => $schema))).toEqual(
    new Set(['https://json-schema.org/draft/2020-12/schema']),
  )
  expect(new Set(schemas.map(({ $id }) => $id)).size).toBe(files.length)
  const all = ajv()
  for (const schema of schemas) all.addSchema(schema)
  rmSync(folder, { recursive: true })
})
