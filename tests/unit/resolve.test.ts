import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FieldMappings, resolveFieldMappings, transforms } from '../../src/index.ts'

const invoice = {
  invoiceAmount: '1 234,50',
  glObject1: { code: ' 4000 ' },
  currency: { code: 'nok', name: 'constructor' },
  rate: Number.POSITIVE_INFINITY,
  taxRule: { code: 25 },
  lines: [{ amount: 10.005 }, { amount: -3 }],
  invoiceDate: '24.11.2026',
  approved: false,
  note: null,
}
const resolved = (mappings: object, record: unknown = invoice) =>
  resolveFieldMappings(mappings as FieldMappings, record)
/** The one problem of a mapping named `x`. */
const problem = (mapping: unknown, record?: unknown) => {
  const { values, problems } = resolved({ x: mapping }, record)
  expect(values).toEqual({})
  expect(problems).toHaveLength(1)
  return problems[0]
}

describe('a record is read', () => {
  test('by paths, transforms, look-up tables, defaults and constants', () => {
    expect(
      resolved({
        amount: { path: 'invoiceAmount', transform: 'decimal_2' },
        account: { path: 'glObject1.code', transform: 'trim', required: true },
        currency: { path: 'currency.code', transform: 'upper', map: { NOK: '578' } },
        tax_code: { path: 'taxRule.code', map: { 25: 'high', 15: 'food' } },
        first: 'lines.0.amount',
        second: { path: 'lines.1.amount' },
        date: { path: 'invoiceDate', transform: 'iso_date' },
        approved: 'approved',
        note: { path: 'note', transform: 'upper', map: {}, default: 'none' },
        cost_center: { path: 'department.code', default: null },
        source: { const: 'xledger' },
        activity_code: 'nowhere.at.all',
      }),
    ).toEqual({
      values: {
        amount: 1234.5,
        account: '4000',
        currency: '578',
        tax_code: 'high',
        first: 10.005,
        second: -3,
        date: '2026-11-24',
        approved: false,
        note: 'none',
        cost_center: null,
        source: 'xledger',
      },
      problems: [],
    })
  })

  test('by keys that hold a dot, a quote or nothing, which are quoted', () => {
    const record = { 'invoice.no': { code: 7 }, 'say "hi".': 8, "it's.": 9, '': { a: 10 }, 'o"k': 11, lines: [12] }
    expect(
      resolved(
        {
          dotted: '"invoice.no".code',
          single: '\'invoice.no\'."code"',
          doubled: '"say ""hi""."',
          apostrophe: "'it''s.'",
          empty: '"".a',
          inside: 'o"k',
          entry: 'lines."0"',
          unquoted: 'invoice.no.code',
        },
        record,
      ),
    ).toEqual({
      values: { dotted: 7, single: 7, doubled: 8, apostrophe: 9, empty: 10, inside: 11, entry: 12 },
      problems: [],
    })
  })

  test('every key of a record is reached by its quoted name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), fc.integer(), (key, value) => {
        const path = `"${key.replaceAll('"', '""')}"`
        fc.pre(key.isWellFormed() && !key.includes('\0') && !/eyJ|live|test|bearer|basic/i.test(key))
        expect(resolved({ x: path }, JSON.parse(JSON.stringify({ [key]: value }))).values).toEqual({ x: value })
      }),
    )
  })

  test('with mappings of version 1 and of version 2 alike', () => {
    expect(resolved({ $version: 1, amount: 'taxRule.code' }).values).toEqual({ amount: 25 })
    expect(resolved({ $version: 2, amount: { const: 1 } }).values).toEqual({ amount: 1 })
  })

  test('with transforms of your own beside ours', () => {
    const cents = { reads: 'must be a number', apply: (value: unknown) => Number(value) * 100 }
    const mappings = {
      x: { path: 'lines.1.amount', transform: 'cents' },
      y: { path: 'currency.code', transform: 'upper' },
    }
    expect(resolveFieldMappings(mappings, invoice, { transforms: { ...transforms, cents } }).values).toEqual({
      x: -300,
      y: 'NOK',
    })
  })
})

describe('anything that does not fit is a problem, by field and rule, and nothing of the record is given', () => {
  test('one problem takes every value along', () => {
    const { values, problems } = resolved({ amount: 'taxRule.code', date: { path: 'note', required: true } })
    expect(values).toEqual({})
    expect(problems).toEqual([{ path: 'field_mappings.date', rule: 'is required, and nothing is at its path' }])
  })

  test.each([
    [{ path: 'nowhere', required: true }, 'is required'],
    [{ path: 'nowhere', required: true, default: null }, 'is required'],
    [{ path: 'lines' }, 'its path leads to something else'],
    [{ path: 'lines.0' }, 'its path leads to something else'],
    [{ path: 'currency.code', map: { NOK: '578' } }, 'must be one of the entries of its map'],
    [{ path: 'currency.name', map: { NOK: '578' } }, 'must be one of the entries of its map'],
    [{ path: 'rate' }, 'its path leads to something else'],
    [
      { path: 'currency.code', transform: 'decimal_2' },
      'must be a number such as 1234.5, 1234,5 or 1 234,50, for decimal_2',
    ],
    [{ path: 'currency.code', transform: 'iso_date' }, 'must be a date such as 2026-11-24 or 24.11.2026, for iso_date'],
    [{ path: 'approved', transform: 'upper' }, 'must be a text or a number, for upper'],
    [{ path: 'currency.code', transform: 'shout' }, 'must have a transform that there is, not shout'],
    [{ path: 'currency.code', transform: 'constructor' }, 'must have a transform that there is'],
  ])('%j', (mapping, rule) => {
    expect(problem(mapping)).toEqual({ path: 'field_mappings.x', rule: expect.stringContaining(rule) })
  })

  test.each(['1.234', '1,234', '-123.456', '999,999'])(
    'a text such as %s that may be thousands or decimals, until the mapping says which sign is which',
    (amount) => {
      for (const name of ['decimal_0', 'decimal_2', 'decimal_4']) {
        const { rule = '' } = problem({ path: 'amount', transform: name }, { amount }) ?? {}
        expect(rule).toMatch(
          /^must say which sign is which: use decimal_\d_nb where .*, decimal_\d_en where .*, for decimal_\d$/,
        )
        expect(rule).not.toContain(amount)
      }
      const read = (transform: string) => resolved({ x: { path: 'amount', transform } }, { amount }).values.x
      expect(read('decimal_nb')).not.toBe(read('decimal_en'))
    },
  )

  test.each([
    ['lines.amount', 'through a list'],
    ['lines.first', 'into a list'],
    ['lines.-1', 'into a list'],
    ['lines.00', 'into a list, by a name that no entry has'],
    ['lines.01.amount', 'into a list, by a name that no entry has'],
    ['invoiceAmount.code', 'through a text'],
    ['taxRule.code.name', 'through a number'],
    ['approved.by', 'through a boolean'],
  ])('the path %s, which leads %s, with a default or without', (path) => {
    for (const mapping of [{ path }, { path, default: 0 }, { path, required: true }])
      expect(problem(mapping)?.rule).toMatch(/^must have a path that can be reached/)
  })

  test.each(['a..b', '.a', 'a.', '.', '"a', '"a"b', "'a", '"a".', '"a""'])(
    'the path %s, which cannot be read',
    (path) => {
      expect(problem({ path, default: 0 })?.rule).toMatch(/^must have a path whose segments/)
    },
  )

  test('a document that breaks the rules, or a record that is none', () => {
    expect(problem({ transform: 'trim' })).toEqual({ path: 'field_mappings.x.path', rule: 'is missing' })
    expect(resolved([] as never).problems).toEqual([{ path: 'field_mappings', rule: 'must be an object' }])
    for (const record of [null, 'text', 7]) expect(problem({ path: 'a' }, record)?.path).toBe('record')
  })

  test('a transform that throws or gives no scalar, and its message is not told', () => {
    const bad = {
      reads: 'must be nice',
      apply: (value: unknown) => {
        throw new Error(`secret ${value}`)
      },
    }
    const worse = { reads: 'must be nice', apply: () => ({}) as never }
    for (const transform of [bad, worse]) {
      const { problems } = resolveFieldMappings({ x: { path: 'currency.code', transform: 'mine' } }, invoice, {
        transforms: { mine: transform },
      })
      expect(problems).toEqual([{ path: 'field_mappings.x', rule: 'must be nice, for mine' }])
    }
  })
})

describe('a hostile record or document changes nothing', () => {
  test('no getter of a record runs, and nothing inherited is read', () => {
    let ran = false
    const record = Object.create(
      { inherited: 'x' },
      {
        trap: {
          enumerable: true,
          get: () => {
            ran = true
            return 'x'
          },
        },
      },
    )
    for (const path of [
      'trap',
      'inherited',
      'constructor.name',
      '__proto__.inherited',
      'toString.name',
      'lines.length',
    ]) {
      expect(resolved({ x: path }, Object.assign(record, { lines: [1] })).values).toEqual({})
    }
    expect(ran).toBe(false)
  })

  test('a proxy or getter that throws is a record without that value, or no document; what it throws goes nowhere', () => {
    const hostile = new Proxy(
      {},
      {
        getOwnPropertyDescriptor() {
          throw new Error('canary')
        },
      },
    )
    const { proxy: revoked, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const record of [hostile, revoked, { x: hostile }, { x: revoked }]) {
      expect(resolved({ x: { path: 'x.y', required: true } }, record)).toEqual({
        values: {},
        problems: [{ path: 'field_mappings.x', rule: 'is required, and nothing is at its path' }],
      })
    }
    const throwing = {
      get amount(): string {
        throw new Error('canary')
      },
    }
    for (const document of [throwing, revoked]) {
      expect(resolved(document as FieldMappings, {})).toEqual({
        values: {},
        problems: [{ path: 'field_mappings', rule: 'must be an object' }],
      })
    }
  })

  test('__proto__ as a record’s key is data like any other, and no prototype is ever changed', () => {
    const record = JSON.parse('{"__proto__": {"polluted": "yes"}, "constructor": {"prototype": {"polluted": "yes"}}}')
    expect(resolved({ x: '__proto__.polluted' }, record).values).toEqual({ x: 'yes' })
    for (const mapping of ['"a"', '{"path": "a"}']) {
      expect(resolved(JSON.parse(`{"__proto__": ${mapping}}`), record)).toEqual({
        values: {},
        problems: [{ path: 'field_mappings.__proto__', rule: 'must not be a name that JavaScript reserves' }],
      })
    }
    expect(({} as { polluted?: string }).polluted).toBeUndefined()
  })

  test('whatever is handed in, there are values or problems, never both and never an exception', () => {
    const documents = fc.dictionary(fc.string({ maxLength: 4 }), fc.anything({ maxDepth: 2 }))
    fc.assert(
      fc.property(
        documents,
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (document, record) => {
          const { values, problems } = resolved(document, record)
          expect(problems.length === 0 || Object.keys(values).length === 0).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('transforms', () => {
  test.each([
    ['decimal_2', '1234.5', 1234.5],
    ['decimal_2', '1234,5', 1234.5],
    ['decimal_2', '1\u00a0234\u202f567,891', 1234567.89],
    ['decimal_2', 1.005, 1.01],
    ['decimal_2', -1.005, -1.01],
    ['decimal_2', '\u22121,0050', -1.01],
    ['decimal_2', '0,125', 0.13],
    ['decimal_2', '1234.567', 1234.57],
    ['decimal_2', '1 234.567', 1234.57],
    ['decimal_2', 1.234, 1.23],
    ['decimal_2', '1.234', undefined],
    ['decimal_2', '1,234', undefined],
    ['decimal_0', '-12.345', undefined],
    ['decimal_4', ' \u2212123,456 ', undefined],
    ['decimal_4', '+1.000', undefined],
    ['decimal_nb', '1.234', 1234],
    ['decimal_nb', '1,234', 1.234],
    ['decimal_nb', '\u22121.234.567,8900', -1234567.89],
    ['decimal_nb', '1\u00a0234,5', 1234.5],
    ['decimal_nb', '1.234,567', 1234.567],
    ['decimal_nb', '1,234.50', undefined],
    ['decimal_nb', '1.23', undefined],
    ['decimal_nb', '12.34.567', undefined],
    ['decimal_nb', '1.234 567', undefined],
    ['decimal_nb', '1.2345', undefined],
    ['decimal_nb', '0.125', undefined],
    ['decimal_nb', '-000.125,5', undefined],
    ['decimal_nb', '0 125', undefined],
    ['decimal_nb', '10.125', 10125],
    ['decimal_nb', '007,5', 7.5],
    ['decimal_2_nb', '0.005', undefined],
    ['decimal_nb', 1.234, 1.234],
    ['decimal_nb', 0.1 + 0.2, 0.1 + 0.2],
    ['decimal_nb', '0,30000000000000004', undefined],
    ['decimal_nb', -0, 0],
    ['decimal_nb', '-0,0', 0],
    ['decimal_en', '1,234', 1234],
    ['decimal_en', '1.234', 1.234],
    ['decimal_en', '1,234,567.89', 1234567.89],
    ['decimal_en', '1.234,50', undefined],
    ['decimal_en', '1,23', undefined],
    ['decimal_en', '0,125', undefined],
    ['decimal_en', '-0,004', undefined],
    ['decimal_2_en', '00,125.5', undefined],
    ['decimal_2', '012 345', undefined],
    ['decimal_2_nb', '1.234,005', 1234.01],
    ['decimal_2_en', '1,234.005', 1234.01],
    ['decimal_0_nb', '1.234,5', 1235],
    ['decimal_4_en', '1.23456', 1.2346],
    ['decimal_2_en', true, undefined],
    ['decimal_2', 0, 0],
    ['decimal_4', 2.5e-7, 0],
    ['decimal_4', -2.5e-7, 0],
    ['decimal_2', '-0,001', 0],
    ['decimal_0', '2,5', 3],
    ['decimal_4', '0.00005', 0.0001],
    ['decimal_2', '1.234,50', undefined],
    ['decimal_2', '12 34', undefined],
    ['decimal_2', '1e5', undefined],
    ['decimal_2', 1e21, undefined],
    ['decimal_2', '90071992547409.92', undefined],
    ['decimal_2', '', undefined],
    ['iso_date', '2026-11-24', '2026-11-24'],
    ['iso_date', '1.2.2026', '2026-02-01'],
    ['iso_date', '29.02.2028', '2028-02-29'],
    ['iso_date', '2026-11-24T00:00:00Z', '2026-11-24'],
    ['iso_date', '2026-11-24T23:30:00Z', undefined],
    ['iso_date', '31.02.2026', undefined],
    ['iso_date', '24/11/2026', undefined],
    ['iso_date', 20261124, undefined],
    ['norwegian_date', '2026-11-04', '04.11.2026'],
    ['norwegian_date', '4.11.2026', '04.11.2026'],
    ['upper', 'blåbær', 'BLÅBÆR'],
    ['lower', 'ÆØÅ', 'æøå'],
    ['trim', ' 4000\u00a0', '4000'],
    ['trim', 4000, '4000'],
  ] as const)('%s of %j is %j', (name, value, expected) => expect(transforms[name].apply(value)).toBe(expected))

  test('cents survive: what decimal_2 gives is what the nearest two decimals say', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n }), (cents) => {
        const digits = `${cents < 0n ? -cents : cents}`.padStart(3, '0')
        const written = `${cents < 0n ? '-' : ''}${digits.slice(0, -2)},${digits.slice(-2)}`
        expect((transforms.decimal_2.apply(written) as number).toFixed(2)).toBe(
          cents === 0n ? '0.00' : written.replace(',', '.'),
        )
      }),
    )
  })
})
