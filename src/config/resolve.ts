import { readable } from '../util/readable.ts'
import type { FieldMappings } from './documents.ts'
import type { FieldMapping, Scalar } from './field-mapping.ts'
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

/** How to read a record. */
export type ResolveOptions = {
  /**
   * The transforms that mappings may name.
   *
   * @default transforms
   */
  transforms?: Readonly<Record<string, Transform>>
}

type Resolved = { value: Scalar | null | undefined } | { rule: string }

/**
 * Reads our fields out of an external system's record. With any problem there are no values, so that nobody writes half
 * a record.
 *
 * Per field: a constant as it is; else what is at the path, transformed, then looked up in the map; else the default as
 * it is; else nothing, which is a problem where the field is required. A path leads through a record's own data alone:
 * no getter runs, nothing is inherited, `0` is an array's first entry.
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
  const transforms = readable('options', () => (options.transforms === undefined ? builtIn : { ...options.transforms }))
  const document = inCurrentVersion(copied(mappings))
  const broken = fieldMappingsViolations(document)
  if (broken.length > 0) return { values: {}, problems: broken }
  const values: [string, Scalar | null][] = []
  const problems: Violation[] = isRecord(record) ? [] : [{ path: 'record', rule: rules.object }]
  for (const [field, mapping] of Object.entries(upcastMappings(document as FieldMappings))) {
    const resolved = resolveField(typeof mapping === 'string' ? { path: mapping } : mapping, record, transforms)
    if ('rule' in resolved) problems.push({ path: `field_mappings.${field}`, rule: resolved.rule })
    else if (resolved.value !== undefined) values.push([field, resolved.value])
  }
  return { values: problems.length > 0 ? {} : Object.fromEntries(values), problems }
}

function resolveField(
  mapping: Exclude<FieldMapping, string>,
  record: unknown,
  transforms: Readonly<Record<string, Transform>>,
): Resolved {
  if ('const' in mapping) return { value: mapping.const }
  const { path, transform, map, required = false } = mapping
  // A proxy may throw where a record would answer.
  const found = attempt(() => valueAt(record, path))
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
  return isScalar(value)
    ? { value }
    : { rule: `${attempt(() => String(transform.reads)) ?? 'must be what it reads'}, for ${name}` }
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

function valueAt(record: unknown, path: string): unknown {
  let value = record
  for (const segment of path.split('.')) {
    if (!isRecord(value) || (Array.isArray(value) && !/^\d+$/.test(segment))) return undefined
    // Of a getter it has no value.
    value = Object.getOwnPropertyDescriptor(value, segment)?.value
  }
  return value
}

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
