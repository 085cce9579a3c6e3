import { describe, expect, test } from 'vitest'
import {
  connectionControls,
  htmlPattern,
  mappingControls,
  problemsOf,
  readConnection,
  readMappings,
  readSettings,
  settingsControls,
} from '../../examples/admin/forms.ts'
import { type FieldMappings, type IntegrationType, systems } from '../../src/index.ts'

const types = Object.keys(systems) as IntegrationType[]
/** What a browser sends of a form that nobody touched. */
const sent = (type: IntegrationType, mappings: FieldMappings) =>
  Object.fromEntries(
    mappingControls(type, mappings)
      .flatMap(({ path, options }) => [path, ...options])
      .map(({ name, value = '' }) => [name, value]),
  )
const named = (part: string, target = 'amount') => `fieldMappings.${target}.${part}`

describe('the forms of the admin example are what the registry says', () => {
  test.each(types)('%s: an input for each connection field, secret ones hidden, and for each target', (type) => {
    const controls = connectionControls(type)
    expect(controls.map(({ name }) => name)).toEqual(Object.keys(systems[type].fields))
    const hidden = Object.entries(systems[type].fields).flatMap(([name, { secret }]) => (secret ? [name] : []))
    expect(controls.filter((control) => control.type === 'password').map(({ name }) => name)).toEqual(hidden)
    expect(controls.filter(({ value }) => value !== undefined)).toEqual([])
    const targets = mappingControls(type, {}).map(({ path }) => path.name)
    expect(targets).toEqual(Object.keys(systems[type].mappingTargets).map((target) => named('path', target)))
  })

  test.each(
    types.flatMap((type) => Object.entries(systems[type].fields).map(([name, field]) => ({ type, name, field }))),
  )('$type: a browser reads the pattern of $name as the package does', ({ field }) => {
    const asBrowsersDo = new RegExp(`^(?:${htmlPattern(field.pattern)})$`, 'v')
    const samples = ['123456789', '2026', 'https://x.no', 'a-b', '-a', 'k', ' ', ' k', 'a b', 'ftp://x', '12345678']
    for (const sample of samples) expect(asBrowsersDo.test(sample), sample).toBe(new RegExp(field.pattern).test(sample))
  })
})

describe('what comes back of a form', () => {
  test.each<[string, FieldMappings]>([
    ['nothing', {}],
    ['a path', { amount: 'invoiceAmount' }],
    ['a lookup table and a flag', { amount: { path: 'a', map: { x: 'y' }, required: true } }],
    ['a default of null', { amount: { path: 'a', default: null } }],
    [
      'a number, a text that reads like one, and false',
      { amount: { const: 5 }, account: { const: '5' }, date: { const: false } },
    ],
    ['a transform that nobody registered', { amount: { path: 'a', transform: 'their_own' } }],
    ['line breaks, which no input keeps', { account: 'a\r\nb' }],
    ['a field beside the targets', { theirs: 'x' }],
  ])('untouched, %s stays what it was', (_, mappings) => {
    expect(readMappings('xledger', mappings, sent('xledger', mappings))).toEqual(mappings)
    expect(readMappings('xledger', mappings, {})).toEqual(mappings)
  })

  test('an edit changes its part and no other', () => {
    const mappings = { amount: { path: 'a', default: null, map: { x: 'y' } }, account: 'b' }
    const form = { ...sent('xledger', mappings), [named('path')]: ' c ', [named('transform')]: 'decimal_2' }
    expect(readMappings('xledger', mappings, form)).toEqual({
      amount: { path: 'c', default: null, map: { x: 'y' }, transform: 'decimal_2' },
      account: 'b',
    })
  })

  test('an emptied path takes the mapping away; a constant for a decimal is a number, for a text a text', () => {
    const form = { [named('path')]: '', [named('const', 'tax_code')]: '25', [named('default', 'date')]: '1' }
    expect(readMappings('xledger', { amount: 'a', date: 'd' }, form)).toEqual({
      tax_code: { const: '25' },
      date: { path: 'd', default: '1' },
    })
    expect(readMappings('xledger', {}, { [named('const')]: '25' })).toEqual({ amount: { const: 25 } })
  })

  test('names that no form has are not read', () => {
    const form = { api_key: ' k ', organizationId: 'theirs', __proto__: 'x', [named('path', 'theirs')]: 'x' }
    expect(readConnection('xledger', form)).toEqual({ api_key: 'k', base_url: '', company_id: '' })
    expect(readMappings('xledger', {}, form)).toEqual({})
    expect(Object.keys(readSettings(form))).toEqual(['status', 'syncSchedule', 'excludedFeatures'])
  })

  test('settings come back as they were shown', () => {
    const settings = {
      status: 'error',
      syncSchedule: '0 2 * * *',
      excludedFeatures: ['payroll_sync', 'leave'],
    } as const
    const form = Object.fromEntries(settingsControls(settings, 'UTC').map(({ name, value = '' }) => [name, value]))
    expect(readSettings(form)).toEqual(settings)
    expect(readSettings({ ...form, syncSchedule: ' ', excludedFeatures: '' })).toMatchObject({
      syncSchedule: null,
      excludedFeatures: [],
    })
  })
})

test('each field of a refusal is named once, with its rule', () => {
  const message =
    'bundle.base_url: must be a URL; bundle.base_url: must be a URL; patch.fieldMappings.date: must not look like a credential; store it with credentials.store'
  expect(problemsOf(message)).toEqual([
    { field: 'base_url', rule: 'must be a URL' },
    { field: 'fieldMappings.date', rule: 'must not look like a credential; store it below, as a credential' },
  ])
  expect(problemsOf('integrationType xledger: others keep saving it')).toEqual([])
})
