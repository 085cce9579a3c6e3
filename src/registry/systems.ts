import { z } from 'zod'
import { printable } from '../client/input.ts'
import type { FieldMappings } from '../config/documents.ts'
import { IntegrationsDbError } from '../errors.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { lazily } from '../util/lazily.ts'

/** One field of a credential bundle. */
export type ConnectionField = {
  readonly type: 'text' | 'url' | 'year'
  /** Hide it in a form, and never show it again. The whole bundle is kept as a secret either way. */
  readonly secret: boolean
  readonly required: boolean
  /** What a value must match: an expression that JavaScript, Dart and PostgreSQL read alike. */
  readonly pattern: string
}

/** One of our fields that a system's records can be mapped to. */
export type MappingTarget = {
  readonly label: string
  readonly type: 'text' | 'decimal' | 'date'
  readonly required: boolean
}

/** What a sync can do with a system. */
export type Capability =
  | 'export_transactions'
  | 'import_dimensions'
  | 'import_people'
  | 'import_courses'
  | 'submit_reports'

/** One external system: what connecting to it takes, what can be mapped, and what it is good for. */
export type System = {
  readonly name: string
  readonly api: string
  readonly fields: Readonly<Record<string, ConnectionField>>
  readonly mappingTargets: Readonly<Record<string, MappingTarget>>
  readonly capabilities: readonly Capability[]
}

const secret = { type: 'text', secret: true, required: true, pattern: '[^ ]' } as const
const plain = { type: 'text', secret: false, required: true, pattern: '^[^ ](.*[^ ])?$' } as const
const url = { type: 'url', secret: false, required: true, pattern: '^https?://[^ ]+$' } as const
const year = { type: 'year', secret: false, required: true, pattern: '^[12][0-9]{3}$' } as const
const organizationNumber = { type: 'text', secret: false, required: true, pattern: '^[0-9]{9}$' } as const
const subdomain = {
  type: 'text',
  secret: false,
  required: true,
  pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$',
} as const

const amount = { label: 'Amount', type: 'decimal', required: true } as const
const account = { label: 'Account', type: 'text', required: true } as const
const date = { label: 'Date', type: 'date', required: true } as const
const currency = { label: 'Currency', type: 'text', required: false } as const
const taxCode = { label: 'Tax code', type: 'text', required: false } as const
const costCenter = { label: 'Cost center', type: 'text', required: false } as const
const activityCode = { label: 'Activity code', type: 'text', required: false } as const
const reference = { label: 'Reference', type: 'text', required: false } as const
const employee = { label: 'Employee', type: 'text', required: false } as const
const firstName = { label: 'First name', type: 'text', required: false } as const
const lastName = { label: 'Last name', type: 'text', required: false } as const
const email = { label: 'E-mail', type: 'text', required: false } as const

/**
 * The external systems, deeply frozen: what connecting to each takes, which of our fields can be mapped, and what a sync
 * can do.
 *
 * @example
 * Object.entries(systems.xledger.fields).filter(([, field]) => field.secret) // [['api_key', { secret: true, … }]]
 */
export const systems = frozen({
  xledger: {
    name: 'Xledger',
    api: 'GraphQL',
    fields: { api_key: secret, base_url: url, company_id: plain },
    mappingTargets: {
      amount,
      account,
      date,
      currency,
      tax_code: taxCode,
      cost_center: costCenter,
      activity_code: activityCode,
      employee_id: employee,
      reference,
    },
    capabilities: ['export_transactions', 'import_dimensions'],
  },
  dynamics: {
    name: 'Microsoft Dynamics 365 Business Central',
    api: 'OData',
    fields: { client_secret: secret, tenant_id: plain, client_id: plain, resource_url: url },
    mappingTargets: {
      amount,
      account,
      date,
      currency,
      cost_center: costCenter,
      activity_code: activityCode,
      employee_id: employee,
      reference,
    },
    capabilities: ['export_transactions', 'import_dimensions'],
  },
  cornerstone: {
    name: 'Cornerstone',
    api: 'REST',
    fields: { api_key: secret, subdomain },
    mappingTargets: {
      employee_id: { ...employee, required: true },
      first_name: firstName,
      last_name: lastName,
      email,
      cost_center: costCenter,
      course_code: { label: 'Course', type: 'text', required: false },
      completed_on: { label: 'Completed on', type: 'date', required: false },
    },
    capabilities: ['import_people', 'import_courses'],
  },
  consio: {
    name: 'Consio',
    api: 'REST',
    fields: { api_key: secret, base_url: url },
    mappingTargets: {
      member_id: { label: 'Member', type: 'text', required: true },
      first_name: firstName,
      last_name: lastName,
      email,
      birth_date: { label: 'Date of birth', type: 'date', required: false },
      group_code: { label: 'Group', type: 'text', required: false },
    },
    capabilities: ['import_people'],
  },
  bufdir: {
    name: 'Bufdir',
    api: 'report submission',
    fields: { org_id: organizationNumber, report_year: year, api_endpoint: url },
    mappingTargets: {
      activity_code: { ...activityCode, required: true },
      amount,
      participants: { label: 'Participants', type: 'decimal', required: false },
      activity_date: { label: 'Date of the activity', type: 'date', required: false },
    },
    capabilities: ['submit_reports'],
  },
} as const satisfies Record<IntegrationType, System>)

function frozen<T extends object>(object: T): T {
  for (const value of Object.values(object)) if (typeof value === 'object' && value !== null) frozen(value)
  return Object.freeze(object)
}

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
    `integrationType: must be one of ${known}, not ${printable(String(integrationType))}`,
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
  return Object.entries(systemOf(integrationType).mappingTargets)
    .filter(([target, { required }]) => required && !Object.hasOwn(mappings, target))
    .map(([target]) => target)
}

type Fields<T extends IntegrationType> = (typeof systems)[T]['fields']
type Value<F> = F extends { type: 'year' } ? string | number : string

/** What connecting to one system takes: its fields by name. */
export type ConnectionFields<T extends IntegrationType> = {
  readonly [F in keyof Fields<T> as Fields<T>[F] extends { required: true } ? F : never]: Value<Fields<T>[F]>
} & {
  readonly [F in keyof Fields<T> as Fields<T>[F] extends { required: true } ? never : F]?: Value<Fields<T>[F]>
}

const schemas = lazily(() =>
  Object.fromEntries(Object.entries(systems).map(([type, { fields }]) => [type, z.strictObject(fieldSchemas(fields))])),
)

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
      .regex(form, rule)
  }
  if (type === 'year') {
    const rule = 'must be a year of four digits'
    return z.union([z.int(), z.string()], rule).refine((value) => form.test(String(value)), rule)
  }
  return (
    z
      .string('must be a text')
      .min(1, 'must not be empty')
      .max(longest, tooLong)
      // A line break in a key would be a header of its own in the request that it is sent with.
      .regex(/^\P{Cc}*$/u, 'must not hold control characters')
      .regex(form, `must match ${pattern}`)
  )
}

const longest = 16_384
const tooLong = 'must have at most 16,384 characters'

/**
 * A bundle that has what the system needs and nothing else, as JSON.
 *
 * @throws IntegrationsDbError `invalid_input` that names each field and what is wrong with it, never a value.
 */
export function bundleText(integrationType: IntegrationType, bundle: unknown): string {
  const result = schemas()[integrationType]?.safeParse(bundle)
  if (result?.success) return JSON.stringify(result.data)
  const names = Object.keys(systems[integrationType].fields)
  const needs = `; ${integrationType} takes ${names.join(', ')}`
  const problems = (result?.error.issues ?? []).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `bundle: has no such field: ${printable(key)}`)
    const [name] = issue.path
    if (name === undefined) return ['bundle: must be an object']
    const missing = typeof bundle === 'object' && (bundle as Record<PropertyKey, unknown>)[name] === undefined
    return [`bundle.${String(name)}: ${missing ? 'is missing' : issue.message}`]
  })
  throw new IntegrationsDbError('invalid_input', problems.join('; ') + needs)
}
