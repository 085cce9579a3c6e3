import type { z } from 'zod'
import { IntegrationsDbError } from '../errors.ts'
import { readable } from './readable.ts'

/* Checks of single values, and how a schema's refusal reads: field and rule, never the value. */

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
  const complete = typeof value === 'string' ? value.replace(/^(\w+:\/\/[^/?]*@)\//, '$1localhost/') : ''
  if (!/^postgres(ql)?:\/\//.test(complete) || !URL.canParse(complete)) {
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

export function check<T>(field: string, schema: () => z.ZodType<T>, value: unknown): T {
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
