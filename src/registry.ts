import { z } from 'zod'
import { IntegrationsDbError } from './errors.ts'
import { printable } from './input.ts'
import type { IntegrationType } from './schema/enums.ts'

/** One field of a credential bundle. */
export type ConnectionField = {
  /** Hide it in a form, and never show it again. The whole bundle is kept as a secret either way. */
  readonly secret: boolean
  readonly required: boolean
  /** What a value must look like: any text, an http(s) URL, or a year of four digits. */
  readonly kind: 'text' | 'url' | 'year'
}

const secret = { secret: true, required: true, kind: 'text' } as const
const plain = { secret: false, required: true, kind: 'text' } as const
const url = { secret: false, required: true, kind: 'url' } as const
const year = { secret: false, required: true, kind: 'year' } as const

/**
 * The external systems, and what connecting to each takes.
 *
 * @example
 * Object.entries(systems.xledger.fields).filter(([, field]) => field.secret) // [['api_key', { secret: true, … }]]
 */
export const systems = {
  xledger: { name: 'Xledger', api: 'GraphQL', fields: { api_key: secret, base_url: url, company_id: plain } },
  dynamics: {
    name: 'Microsoft Dynamics 365 Business Central',
    api: 'OData',
    fields: { client_secret: secret, tenant_id: plain, client_id: plain, resource_url: url },
  },
  cornerstone: { name: 'Cornerstone', api: 'REST', fields: { api_key: secret, subdomain: plain } },
  consio: { name: 'Consio', api: 'REST', fields: { api_key: secret, base_url: url } },
  bufdir: { name: 'Bufdir', api: 'report submission', fields: { org_id: plain, report_year: year, api_endpoint: url } },
} as const satisfies Record<
  IntegrationType,
  { name: string; api: string; fields: Readonly<Record<string, ConnectionField>> }
>

type Fields<T extends IntegrationType> = (typeof systems)[T]['fields']
type Value<F> = F extends { kind: 'year' } ? string | number : string

/** What connecting to one system takes: its fields by name. */
export type ConnectionFields<T extends IntegrationType> = {
  readonly [F in keyof Fields<T> as Fields<T>[F] extends { required: true } ? F : never]: Value<Fields<T>[F]>
} & {
  readonly [F in keyof Fields<T> as Fields<T>[F] extends { required: true } ? never : F]?: Value<Fields<T>[F]>
}

const kinds: Record<ConnectionField['kind'], z.ZodType> = {
  text: z.string('must be a text').min(1, 'must not be empty').max(16_384, 'must have at most 16,384 characters'),
  url: z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' }),
  year: z
    .union([z.int(), z.string()], 'must be a year of four digits')
    .refine((value) => /^[12]\d{3}$/.test(String(value)), 'must be a year of four digits'),
}

const schemas = Object.fromEntries(
  Object.entries(systems).map(([type, { fields }]) => [type, z.strictObject(fieldSchemas(fields))]),
)

function fieldSchemas(fields: Readonly<Record<string, ConnectionField>>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, { kind, required }]) => [name, required ? kinds[kind] : kinds[kind].optional()]),
  )
}

/**
 * A bundle that has what the system needs and nothing else, as JSON.
 *
 * @throws IntegrationsDbError `invalid_input` that names each field and what is wrong with it, never a value.
 */
export function bundleText(integrationType: IntegrationType, bundle: unknown): string {
  const result = schemas[integrationType]?.safeParse(bundle)
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
