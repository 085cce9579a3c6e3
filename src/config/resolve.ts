import { readable } from '../util/readable.ts'
import type { FieldMappings } from './documents.ts'
import type { FieldMapping, Scalar } from './field-mapping.ts'
import { segmentsOf } from './paths.ts'
import { rules } from './rules.ts'
import { transforms as builtIn, type Transform } from './transforms.ts'
import { inCurrentVersion, upcastMappings } from './versions.ts'
import { copied, fieldMappingsViolations, type Violation } from './violations.ts'

/** Our fields with their values, or nothing at all and why. */
export type Resolution = {
  /** Our fields with their values; empty where there are problems. */
  readonly values: Readonly<Record<string, Scalar | null>>
  /** What keeps the record from being read. */
  readonly problems: readonly Violation[]
}

const unreadablePath = 'must have a path whose segments between dots are not empty; quote a key that has a dot: "a.b".c'
const unreachablePath =
  'must have a path that can be reached; it leads through a text, a number or a list without an entry such as 0'

/** How to read a record. */
export type ResolveOptions = {
  /**
   * The transforms that mappings may name.
   *
   * @default transforms
   */
  transforms?: Readonly<Record<string, Transform>> | undefined
}

type Resolved = { value: Scalar | null | undefined } | { rule: string }

/**
 * Reads our fields out of an external system's record. With any problem there are no values, so that nobody writes half
 * a record.
 *
 * Per field: a constant as it is; else what is at the path, transformed, then looked up in the map; else the default as
 * it is; else nothing, which is a problem where the field is required. A path leads through a record's own data alone:
 * no getter runs, nothing is inherited, `0` is an array's first entry, and a key with a dot is quoted: `"invoice.no".code`.
 * A path through something that is no object, or into an array without a number, is a problem: it can never be right.
 *
 * Problems name the field and the rule, never a value; a document that breaks the rules is nothing but problems.
 *
 * @example
 * const { values, problems } = resolveFieldMappings(xledger.fieldMappings, invoice)
 * // { amount: { path: 'lines.0.amount', transform: 'decimal_2' } } gives { amount: 1234.5 }
 */
export function resolveFieldMappings(
  mappings: FieldMappings,
  record: unknown,
  options: ResolveOptions = {},
): Resolution {
  return resolverOf(mappings, options)(record)
}

/** What {@link resolveFieldMappings} says of record after record: the document is looked at once. */
export function resolverOf(mappings: unknown, options: ResolveOptions = {}): (record: unknown) => Resolution {
  const transforms = readable('options', () => (options.transforms === undefined ? builtIn : { ...options.transforms }))
  const document = inCurrentVersion(copied(mappings))
  const broken = fieldMappingsViolations(document)
  if (broken.length > 0) return () => ({ values: {}, problems: broken })
  const fields = Object.entries(upcastMappings(document as FieldMappings))
  return (record) => {
    const values: [string, Scalar | null][] = []
    const root = isRecord(record) ? record : undefined
    const problems: Violation[] = root === undefined ? [{ path: 'record', rule: rules.object }] : []
    for (const [field, mapping] of fields) {
      const resolved = resolveField(typeof mapping === 'string' ? { path: mapping } : mapping, root, transforms)
      if ('rule' in resolved) problems.push({ path: `field_mappings.${field}`, rule: resolved.rule })
      else if (resolved.value !== undefined) values.push([field, resolved.value])
    }
    return { values: problems.length > 0 ? {} : Object.fromEntries(values), problems }
  }
}

function resolveField(
  mapping: Exclude<FieldMapping, string>,
  record: unknown,
  transforms: Readonly<Record<string, Transform>>,
): Resolved {
  if ('const' in mapping) return { value: mapping.const }
  const { path, transform, map, required = false } = mapping
  const segments = segmentsOf(path)
  if (segments === null) return { rule: unreadablePath }
  const found = valueAt(record, segments)
  if (found === unreachable) return { rule: unreachablePath }
  if (found === undefined || found === null) {
    const value = mapping.default
    return required && (value === undefined || value === null)
      ? { rule: 'is required, and nothing is at its path' }
      : { value }
  }
  if (!isScalar(found)) return { rule: `${rules.scalar}; its path leads to something else` }
  const changed = transform === undefined ? { value: found } : transformed(found, transform, transforms)
  return 'value' in changed && map !== undefined ? lookedUp(changed.value, map) : changed
}

function transformed(
  found: Scalar,
  name: string,
  transforms: Readonly<Record<string, Transform>>,
): { value: Scalar } | { rule: string } {
  const transform = Object.hasOwn(transforms, name) ? transforms[name] : undefined
  if (transform === undefined) return { rule: `must have a transform that there is, not ${name}; add it to transforms` }
  const value = attempt(() => transform.apply(found))
  if (isScalar(value)) return { value }
  const rule =
    attempt(() => transform.hint?.(found)) ?? attempt(() => String(transform.reads)) ?? 'must be what it reads'
  return { rule: `${rule}, for ${name}` }
}

function lookedUp(value: Scalar, map: Readonly<Record<string, string>>): Resolved {
  const key = String(value)
  return Object.hasOwn(map, key) ? { value: map[key] } : { rule: 'must be one of the entries of its map' }
}

/** What a transform or a proxy throws may quote the value. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

const unreachable = Symbol('a path that ends before its last segment')

/** Undefined where the record has nothing there, which is another matter than a path that leads through a text or a number. */
function valueAt(record: unknown, segments: readonly string[]): unknown {
  let value = record
  for (const segment of segments) {
    if (value === undefined || value === null) return undefined
    const at = value
    if (!isRecord(at) || (isList(at) && !/^(0|[1-9]\d*)$/.test(segment))) return unreachable
    // Of a getter it has no value. A proxy may throw where a record would answer.
    value = attempt(() => Object.getOwnPropertyDescriptor(at, segment)?.value)
  }
  return value
}

/** A revoked proxy cannot even be asked. */
const isList = (value: object) => attempt(() => Array.isArray(value)) ?? false

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
