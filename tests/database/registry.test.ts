import { describe, expect, test } from 'vitest'
import type { FieldMappings, IntegrationType } from '../../src/index.ts'
import { systemOf, systems, unmappedRequiredTargets } from '../../src/index.ts'
import { integrationType } from '../../src/schema/index.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase()

test('the enum in TypeScript, the registry and the labels in the database are one list, in one order', async () => {
  const labels = await t.admin`select unnest(enum_range(null::integration_type_enum))::text as label`
  expect(labels.map(({ label }) => label)).toEqual([...integrationType.enumValues])
  expect(Object.keys(systems)).toEqual([...integrationType.enumValues])
})

test('every system says what connecting takes, what can be mapped and what it can do', () => {
  for (const [type, system] of Object.entries(systems)) {
    expect(systemOf(type)).toBe(system)
    // Labels are Dart names, keys of JSON and parts of file names.
    expect(type).toMatch(/^[a-z][a-z0-9_]*$/)
    expect(system.name).not.toBe('')
    expect(system.capabilities.length).toBeGreaterThan(0)
    expect(Object.values(system.mappingTargets).some(({ required }) => required)).toBe(true)
    for (const field of Object.values(system.fields)) expect(() => new RegExp(field.pattern)).not.toThrow()
  }
  const secrets = ['xledger', 'dynamics', 'cornerstone', 'consio', 'bufdir'].map((type) =>
    Object.entries(systemOf(type).fields).flatMap(([name, { secret }]) => (secret ? [name] : [])),
  )
  expect(secrets).toEqual([['api_key'], ['client_secret'], ['api_key'], ['api_key'], []])
})

test('nothing in the registry can be changed, at any depth', () => {
  const walk = (object: object): void => {
    expect(Object.isFrozen(object)).toBe(true)
    for (const value of Object.values(object)) if (typeof value === 'object') walk(value)
  }
  walk(systems)
  expect(() => {
    ;(systems.xledger.fields.api_key as { secret: boolean }).secret = false
  }).toThrow(TypeError)
})

describe('an unknown system is invalid_input that names the known ones', () => {
  test.each(['Xledger', '', '__proto__', 'constructor', 'sk_live_4242424242424242', undefined])('%s', (type) => {
    for (const call of [() => systemOf(type as string), () => unmappedRequiredTargets(type as IntegrationType, {})]) {
      expect(call).toThrow(
        expect.objectContaining({
          code: 'invalid_input',
          message: expect.stringMatching(
            new RegExp(`^integrationType: must be one of ${Object.keys(systems).join(', ')}, not (?!.*sk_live)`),
          ),
        }),
      )
    }
  })
})

test('required targets that no mapping leads to are named, and inherited keys count for nothing', () => {
  expect(unmappedRequiredTargets('xledger', {})).toEqual(['amount', 'account', 'date'])
  expect(unmappedRequiredTargets('xledger', { amount: 'invoiceAmount', account: { const: '4000' } })).toEqual(['date'])
  expect(unmappedRequiredTargets('bufdir', { amount: 'a', activity_code: 'b' })).toEqual([])
  expect(() => unmappedRequiredTargets('xledger', null as unknown as FieldMappings)).toThrow(
    /^mappings: must be an object/,
  )
  expect(unmappedRequiredTargets('consio', Object.create({ member_id: 'a' }))).toEqual(['member_id'])
})
