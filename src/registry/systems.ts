import { z } from 'zod'
import type { FieldMappings } from '../config/documents.ts'
import { IntegrationsDbError } from '../errors.ts'
import { type ConnectionField, type IntegrationType, type System, systems } from '../schema/systems.ts'
import { parse, printable } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'
import { readable } from '../util/readable.ts'

/**
 * One system of {@link systems}, by a label that may come from anywhere.
 *
 * @example
 * systemOf('xledger').name // 'Xledger'
 *
 * @throws IntegrationsDbError `invalid_input` for what is no system.
 */
export function systemOf(integrationType: string): System {
  if (typeof integrationType === 'string' && Object.hasOwn(systems, integrationType)) {
    return systems[integrationType as IntegrationType]
  }
  const known = Object.keys(systems).join(', ')
  throw new IntegrationsDbError(
    'invalid_input',
    `integrationType: must be one of ${known}, not ${printable(integrationType)}`,
  )
}

/**
 * The required mapping targets of a system that the mappings leave out.
 *
 * @example
 * unmappedRequiredTargets('xledger', { amount: 'invoiceAmount' }) // ['account', 'date']
 *
 * @throws IntegrationsDbError `invalid_input` for what is no system.
 */
export function unmappedRequiredTargets(integrationType: IntegrationType, mappings: FieldMappings): string[] {
  if (typeof mappings !== 'object' || mappings === null)
    throw new IntegrationsDbError('invalid_input', 'mappings: must be an object, such as the fieldMappings of a row')
  const targets = Object.entries(systemOf(integrationType).mappingTargets)
  return readable('mappings', () =>
    targets.filter(([target, { required }]) => required && !Object.hasOwn(mappings, target)).map(([target]) => target),
  )
}

const schemas = lazily(() =>
  Object.fromEntries(Object.entries(systems).map(([type, { fields }]) => [type, z.strictObject(fieldSchemas(fields))])),
)

/** A bundle of one system, as zod checks it and JSON Schema describes it. */
export function connectionShape(integrationType: IntegrationType): z.ZodType {
  return schemas()[integrationType] ?? z.never()
}

function fieldSchemas(fields: Readonly<Record<string, ConnectionField>>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.required ? schemaOf(field) : schemaOf(field).optional(),
    ]),
  )
}

function schemaOf({ type, pattern }: ConnectionField): z.ZodType {
  const form = new RegExp(pattern)
  if (type === 'url') {
    const rule = 'must be a URL that begins with https:// or http://'
    return z
      .url({ protocol: /^https?$/, error: rule })
      .max(longest, tooLong)
      .regex(sendable, notSendable)
      .regex(form, rule)
  }
  if (type === 'year') {
    const rule = 'must be a year of four digits'
    return z.union([z.int(rule).min(1000, rule).max(2999, rule), z.string(rule).regex(form, rule)], rule)
  }
  return z
    .string('must be a text')
    .min(1, 'must not be empty')
    .max(longest, tooLong)
    .regex(sendable, notSendable)
    .regex(form, `must match ${pattern}`)
}

// A line break in a key would be a header of its own in the request that it is sent with; half a surrogate pair is no text.
const sendable = /^[^\p{Cc}\p{Cs}]*$/u
const notSendable = 'must not hold control characters or half of a surrogate pair'
const longest = 16_384
const tooLong = 'must have at most 16,384 characters'

function record(value: unknown): Record<PropertyKey, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<PropertyKey, unknown>)
    : undefined
}

/**
 * A bundle that has what the system needs and nothing else, as JSON.
 *
 * @throws IntegrationsDbError `invalid_input` that names each field and what is wrong with it, never a value.
 */
export function bundleText(integrationType: IntegrationType, bundle: unknown): string {
  const given = readable('bundle', () => {
    const fields = record(bundle)
    return fields === undefined ? bundle : { ...fields }
  })
  const result = parse('bundle', connectionShape(integrationType), given)
  if (result.success) return JSON.stringify(result.data)
  const names = Object.keys(systems[integrationType].fields)
  const needs = `; ${integrationType} takes ${names.join(', ')}`
  const problems = result.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `bundle: has no such field: ${printable(key)}`)
    const [name] = issue.path
    if (name === undefined) return ['bundle: must be an object']
    const missing = record(given)?.[name] === undefined
    return [`bundle.${String(name)}: ${missing ? 'is missing' : issue.message}`]
  })
  throw new IntegrationsDbError('invalid_input', problems.join('; ') + needs)
}
