import { z } from 'zod'
import { ExcludedFeatures, type FieldMapping, FieldMappings } from '../config/documents.ts'
import { isTimeZone, scheduleProblem } from '../config/schedule.ts'
import { inCurrentVersion, upcastMappings, withVersion } from '../config/versions.ts'
import { copied } from '../config/violations.ts'
import { IntegrationsDbError } from '../errors.ts'
import { integrationStatus, integrationType } from '../schema/enums.ts'
import { lazily } from '../util/lazily.ts'

/*
 * What callers hand in, checked before anything is sent. Messages name the field and the rule, never the value: a
 * credential pasted into the wrong field must not end up in a log. Each schema is built by the first call that needs it.
 */

const type = lazily(() => z.enum(integrationType.enumValues))
const status = lazily(() => z.enum(integrationStatus.enumValues))

/** In the current version, whichever the document says it is in. */
const mappings = lazily(() =>
  z
    .preprocess((given) => inCurrentVersion(copied(given)), FieldMappings)
    .transform((document) => upcastMappings(document)),
)
const savedMappings = lazily(() => mappings().transform(withVersion))

const schedule = lazily(() =>
  z.string().check((given) => {
    const problem = scheduleProblem(given.value)
    if (problem !== null) given.issues.push({ code: 'custom', message: problem, input: 'a schedule' })
  }),
)

/** Of an edit: null takes a key away, also one that should never have been there. */
const mappingsEdit = lazily(() =>
  z
    .preprocess((given) => copied(given), z.record(z.string(), z.unknown()))
    .transform((edit, context) => {
      const removed = Object.keys(edit).filter((key) => edit[key] === null)
      if (Object.hasOwn(edit, '$version'))
        context.addIssue({ code: 'custom', path: ['$version'], message: 'cannot be set' })
      if (Object.keys(edit).length === 0)
        context.addIssue({ code: 'custom', message: 'must set or remove at least one field' })
      return { removed, set: Object.fromEntries(Object.entries(edit).filter(([, mapping]) => mapping !== null)) }
    }),
)

const settings = lazily(() =>
  z.strictObject({
    status: status().optional(),
    fieldMappings: savedMappings().optional(),
    syncSchedule: schedule().nullable().optional(),
    excludedFeatures: ExcludedFeatures.optional(),
  }),
)

const revision = lazily(() =>
  z.strictObject({
    expectedRevision: z.string().regex(/^\d+$/, 'must be the revision of a row').optional(),
  }),
)

/** Mappings to set, and null for those to take away. */
export type FieldMappingsEdit = { readonly [field: string]: FieldMapping | null }
/** The fields of an integration that a caller may set. */
export type IntegrationPatch = z.input<ReturnType<typeof settings>>
/** What `create` and `upsert` take: the system, and any of the settings. */
export type NewIntegration = IntegrationPatch & { integrationType: z.input<ReturnType<typeof type>> }
/** Refuses with `conflict` where somebody saved since the row of this revision was read. */
export type RevisionOptions = z.input<ReturnType<typeof revision>>

const newIntegration = lazily(() => settings().extend({ integrationType: type() }))
const patch = lazily(() =>
  settings().refine(
    (fields) => Object.values(fields).some((value) => value !== undefined),
    'must set at least one field',
  ),
)
const listFilter = lazily(() => z.strictObject({ status: status().optional() }))
const page = lazily(() =>
  z.strictObject({
    limit: z.int().min(1).max(1000).default(500),
    after: z.string().nullish(),
    timeZone: z.string().refine(isTimeZone, 'must be an IANA name such as Europe/Oslo').default('UTC'),
    since: z.date().optional(),
  }),
)

const eventPage = lazily(() =>
  z.strictObject({
    limit: z.int().min(1).max(1000).default(100),
    before: z.guid('must be the id of an event').optional(),
  }),
)
const credentialOptions = lazily(() => z.strictObject({ reason: z.string().min(1).max(255).optional() }))
const rotation = lazily(() => credentialOptions().extend({ graceSeconds: z.int().min(0).max(2_592_000).optional() }))
const version = lazily(() => z.int().min(1).optional())
const shortText = lazily(() => z.string().min(1).max(255))

export const input = {
  type: (value: unknown) => check('integrationType', type, value),
  newIntegration: (value: unknown) => check('', newIntegration, value),
  patch: (value: unknown) => check('patch', patch, value),
  mappingsEdit(value: unknown) {
    const { set, removed } = check('fieldMappings', mappingsEdit, value)
    return { removed, set: check('fieldMappings', mappings, set) }
  },
  fieldMappings: (value: unknown) => check('fieldMappings', savedMappings, value),
  features: (value: unknown) => check('excludedFeatures', () => ExcludedFeatures, value),
  revision: (value: unknown) => check('', revision, value),
  listFilter: (value: unknown) => check('', listFilter, value),
  page: (value: unknown) => check('', page, value),
  eventPage: (value: unknown) => check('', eventPage, value),
  credentialOptions: (value: unknown) => check('', credentialOptions, value),
  rotation: (value: unknown) => check('', rotation, value),
  version: (value: unknown) => check('version', version, value),
}

/** A non-empty text for a claim or a message. */
export function text(field: string, value: unknown): string {
  return check(field, shortText, value)
}

/** A uuid in its canonical spelling, in lower case as PostgreSQL prints it. */
export function uuid(field: string, value: unknown): string {
  if (typeof value !== 'string' || !isUuid(value)) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${field}: must be a uuid such as 00000000-0000-4000-8000-000000000000`,
    )
  }
  return value.toLowerCase()
}

/** The URL of a PostgreSQL database; its password is in no message. */
export function databaseUrl(field: string, value: string): string {
  parsedUrl(field, value)
  return value
}

/** {@link databaseUrl} in its parts. A login in front of a Unix socket's `/database?host=/folder` has no host behind it. */
export function parsedUrl(field: string, value: string): URL {
  const complete = value.replace(/^(\w+:\/\/[^/?]*@)\//, '$1localhost/')
  if (!/^postgres(ql)?:\/\//.test(value) || !URL.canParse(complete)) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${field}: must be a URL such as postgresql://login:password@host:5432/database`,
    )
  }
  return new URL(complete)
}

/** A key of the fallback, given or from the environment, in lower case so that it has one id; undefined without any. */
export function encryptionKey(variable: string, given?: string): string | undefined {
  const key = given ?? process.env[variable]
  if (key === undefined || key === '') return undefined
  if (!/^[0-9a-f]{64}$/i.test(key)) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${variable}: must be 64 hexadecimal digits; make one with: openssl rand -hex 32`,
    )
  }
  return key.toLowerCase()
}

export function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
}

function check<T>(field: string, schema: () => z.ZodType<T>, value: unknown): T {
  const result = parse(field, schema(), value)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => {
    const path = [field, ...issue.path.map(String)].filter(Boolean).join('.')
    const message =
      issue.code === 'unrecognized_keys' ? `has no such field: ${issue.keys.map(printable).join(', ')}` : issue.message
    return path ? `${path}: ${message}` : message
  })
  throw new IntegrationsDbError('invalid_input', problems.join('; '))
}

/** A field's name as long as it can be nothing else: keys and values do get mixed up. */
export function printable(name: string): string {
  return /^[a-z_]{1,30}$/i.test(name) ? `"${name}"` : '(a name that is not printed here)'
}

function parse<T>(field: string, schema: z.ZodType<T>, value: unknown) {
  try {
    return schema.safeParse(value)
  } catch {
    throw new IntegrationsDbError('invalid_input', `${field || 'input'}: is nested too deeply, or refers to itself`)
  }
}

/** The fields that say something: one left out and one that is undefined are the same. */
export function present<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
