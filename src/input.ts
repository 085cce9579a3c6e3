import { z } from 'zod'
import { ExcludedFeatures, type FieldMapping, FieldMappings } from './config/documents.ts'
import { isTimeZone, scheduleProblem } from './config/schedule.ts'
import { inCurrentVersion, upcastMappings, withVersion } from './config/versions.ts'
import { copied, credentialProblem } from './config/violations.ts'
import { IntegrationsDbError } from './errors.ts'
import { lazily } from './lazily.ts'
import { readable } from './readable.ts'
import { integrationStatus, integrationType } from './schema/enums.ts'
import type { IntegrationType, TargetOf } from './schema/systems.ts'

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

/** Mappings to set, and null for those to take away: the system's targets, and any other field. */
export type FieldMappingsEdit<T extends IntegrationType = IntegrationType> = {
  readonly [target in TargetOf<T>]?: FieldMapping | null
} & { readonly [field: string]: FieldMapping | null }
type Settings = z.input<ReturnType<typeof settings>>
/** The fields of an integration that a caller may set; mappings of the system's targets, and of any other field. */
export type IntegrationPatch<T extends IntegrationType = IntegrationType> = Omit<Settings, 'fieldMappings'> & {
  fieldMappings?: ({ readonly [target in TargetOf<T>]?: FieldMapping } & FieldMappings) | undefined
}
/** What `create` and `upsert` take: the system, and any of the settings. */
export type NewIntegration<T extends IntegrationType = IntegrationType> = IntegrationPatch<T> & { integrationType: T }
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

/** What ends up in an event: nobody looks for a credential there. */
const shortText = lazily(() =>
  z
    .string()
    .min(1)
    .max(255)
    .refine(
      (given) => given.isWellFormed() && !given.includes('\0'),
      'must hold no NUL character and no half of a surrogate pair, which PostgreSQL cannot store',
    )
    .check((given) => {
      const problem = credentialProblem(given.value)
      if (problem !== null) given.issues.push({ code: 'custom', message: problem, input: 'a text' })
    }),
)
const eventPage = lazily(() =>
  z.strictObject({
    limit: z.int().min(1).max(1000).default(100),
    before: z.guid('must be the id of an event').optional(),
  }),
)
const credentialOptions = lazily(() => z.strictObject({ reason: shortText().optional() }))
const rotation = lazily(() => credentialOptions().extend({ graceSeconds: z.int().min(0).max(2_592_000).optional() }))
const version = lazily(() => z.int().min(1).optional())

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
  if (typeof value !== 'string' || !/^postgres(ql)?:\/\//.test(value) || !URL.canParse(value)) {
    throw new IntegrationsDbError(
      'invalid_input',
      `${field}: must be a URL such as postgresql://login:password@host:5432/database`,
    )
  }
  return value
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

/** Refuses a key that nobody drew at random. Not for the key before: that one must be readable to be replaced. */
export function assertStrongKey(variable: string, key: string | undefined): void {
  const pattern = key === undefined ? undefined : patternOf(Buffer.from(key, 'hex'))
  if (pattern === undefined) return
  throw new IntegrationsDbError(
    'invalid_input',
    `${variable}: ${pattern}, so it can be guessed; make one with: openssl rand -hex 32. Where credentials are encrypted with it, pass it as INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY and run: integrations-db credentials rotate-key --apply`,
  )
}

/**
 * What makes 32 bytes easy to guess: one byte or two of them over and over, or a count up or down. A key that a person
 * typed can be weak in other ways; those that only look unusual are not refused.
 */
function patternOf(bytes: Buffer): string | undefined {
  if (bytes.every((byte, i) => byte === bytes[i % 2])) return 'repeats itself'
  const steps = new Set(bytes.subarray(1).map((byte, i) => byte - (bytes[i] ?? 0)))
  return steps.size === 1 ? 'counts' : undefined
}

export function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
}

function check<T>(field: string, schema: () => z.ZodType<T>, value: unknown): T {
  const result = parse(field || 'input', schema(), value)
  if (result.success) return result.data
  const { issues } = result.error
  const problems = issues.slice(0, 20).map((issue) => {
    const path = [field, ...issue.path.map(String)].filter(Boolean).join('.')
    const message =
      issue.code === 'unrecognized_keys' ? `has no such field: ${issue.keys.map(printable).join(', ')}` : issue.message
    return path ? `${path}: ${message}` : message
  })
  if (issues.length > 20) problems.push(`and ${issues.length - 20} more`)
  throw new IntegrationsDbError('invalid_input', problems.join('; '))
}

/** A field's name as long as it can be nothing else: keys and values do get mixed up. */
export function printable(name: unknown): string {
  return typeof name === 'string' && /^[a-z_]{1,30}$/i.test(name) ? `"${name}"` : '(a name that is not printed here)'
}

/** What a schema makes of a value. An error's words are made when it is first asked for, and look at the value again. */
export function parse<T>(field: string, schema: z.ZodType<T>, value: unknown, options?: { jitless: boolean }) {
  return readable(field, () => {
    const result = schema.safeParse(value, options)
    void result.error
    return result
  })
}

/** The fields that say something: one left out and one that is undefined are the same. */
export function present<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
