import {
  credentialAssigned,
  credentialMeasure,
  credentialName,
  credentialText,
  limits,
  patterns,
  reservedNames,
  rules,
} from './rules.ts'
import { versions } from './versions.ts'

/** Where a configuration document breaks which rule; never the value, which may be a credential. */
export type Violation = {
  /** Where, such as `field_mappings.amount.path`. */
  readonly path: string
  /** What must be so. */
  readonly rule: string
}

const field = new RegExp(patterns.field)
const transform = new RegExp(patterns.transform)
const feature = new RegExp(patterns.feature)
const printable = new RegExp(patterns.printable)
const canonical = /^[a-z0-9]+(_[a-z0-9]+)*$/
const naming = new RegExp(credentialName)
const measuring = new RegExp(credentialMeasure)
const looking = new RegExp(credentialText)
const assigned = new RegExp(credentialAssigned)
const reserved = new Set<string>(reservedNames)

/** As the document has it: it is put into words, and keys are hidden, only where there is something to report. */
type Path = readonly (string | number)[]
type Report = (path: Path, rule: string) => void
type Entry = readonly [key: string, value: unknown]
type Size = { bytes: number }

/**
 * Every rule that the two documents break; `integrations.config_violations` in the database answers the same.
 *
 * @example
 * configViolations({ api_key: 'key' }, ['Payroll'])
 * // [{ path: 'field_mappings.api_key', rule: 'must not name a credential; …' }, { path: 'excluded_features.0', rule: '…' }]
 */
export function configViolations(fieldMappings: unknown, excludedFeatures: unknown): Violation[] {
  return [...fieldMappingsViolations(copied(fieldMappings)), ...excludedFeaturesViolations(copied(excludedFeatures))]
}

/** {@link configViolations} of `field_mappings` alone. */
export function fieldMappingsViolations(document: unknown, list = versions): Violation[] {
  const { all, report } = collect()
  const root = ['field_mappings']
  const entries = entriesOf(document)
  if (entries === null) return [{ path: 'field_mappings', rule: rules.object }]
  const versionEntry = entries.find(([key]) => key === '$version')
  const version = versionEntry === undefined ? 1 : versionEntry[1]
  const known = list.find((one) => one.version === version)?.fields
  if (known === undefined) return [{ path: 'field_mappings.$version', rule: rules.version }]
  const mappings = entries.filter(([key]) => key !== '$version')
  if (mappings.length > limits.keys) report(root, rules.keys)
  const size = { bytes: versionEntry === undefined ? 0 : '$version'.length }
  for (const [key, value] of mappings) {
    const path = [...root, key]
    checkKey(key, path, size, report)
    if (!field.test(key)) report(path, rules.field)
    if (typeof value === 'string') checkPath(value, path, size, report)
    else checkMapping(value, path, known, size, report)
  }
  if (size.bytes > limits.documentBytes) report(root, rules.bytes)
  return all()
}

/** {@link configViolations} of `excluded_features` alone. */
export function excludedFeaturesViolations(document: unknown): Violation[] {
  const { all, report } = collect()
  if (!Array.isArray(document)) return [{ path: 'excluded_features', rule: rules.array }]
  if (document.length > limits.features) report(['excluded_features'], rules.features)
  const seen = new Set<string>()
  for (let i = 0; i < document.length; i++) {
    const value: unknown = document[i]
    const path = ['excluded_features', i]
    if (typeof value !== 'string' || !feature.test(value)) report(path, rules.feature)
    if (typeof value !== 'string') continue
    if (looking.test(value)) report(path, rules.credential)
    if (seen.has(value)) report(path, rules.repeated)
    seen.add(value)
  }
  return all()
}

/** The rule that a text of ours (a reason, an actor) breaks where it holds a credential, or null. */
export function credentialProblem(text: string): string | null {
  return looking.test(text) || assigned.test(lowered(text)) ? rules.credential : null
}

/** {@link credentialProblem} of a text that is no prose, where naming one is enough: a schedule. */
export function scheduleCredentialProblem(schedule: string): string | null {
  return credentialProblem(schedule) ?? (namesCredential(schedule) ? rules.credentialName : null)
}

function checkMapping(value: unknown, path: Path, known: readonly string[], size: Size, report: Report): void {
  const entries = entriesOf(value)
  if (entries === null) {
    report(path, rules.mapping)
    return
  }
  const fields = new Map(entries)
  for (const [key] of entries) {
    // One of ours is sound in itself.
    if (known.includes(key)) {
      size.bytes += key.length
      continue
    }
    checkKey(key, [...path, key], size, report)
    report([...path, key], rules.unknown)
  }
  const has = (name: string) => known.includes(name) && fields.has(name)
  if (has('path')) checkPath(fields.get('path'), [...path, 'path'], size, report)
  else if (!has('const')) report([...path, 'path'], rules.missing)
  if (has('const') && has('path')) report([...path, 'const'], rules.beside)
  if (has('const')) checkScalar(fields.get('const'), [...path, 'const'], size, report)
  if (has('default') && fields.get('default') !== null)
    checkScalar(fields.get('default'), [...path, 'default'], size, report)
  if (has('transform')) {
    const name = fields.get('transform')
    if (typeof name !== 'string' || !transform.test(name)) report([...path, 'transform'], rules.transform)
    if (typeof name === 'string') checkText(name, [...path, 'transform'], size, report)
  }
  if (has('required') && typeof fields.get('required') !== 'boolean') report([...path, 'required'], rules.boolean)
  if (has('map')) checkMap(fields.get('map'), [...path, 'map'], size, report)
}

function checkMap(value: unknown, path: Path, size: Size, report: Report): void {
  const entries = entriesOf(value)
  if (entries === null) {
    report(path, rules.object)
    return
  }
  if (entries.length > limits.mapEntries) report(path, rules.mapEntries)
  for (const [key, entry] of entries) {
    const entryPath = [...path, key]
    checkKey(key, entryPath, size, report)
    if (typeof entry === 'string') checkText(entry, entryPath, size, report)
    else report(entryPath, rules.text)
  }
}

function checkPath(value: unknown, path: Path, size: Size, report: Report): void {
  if (typeof value !== 'string') {
    report(path, rules.text)
    return
  }
  // A code point takes at most two units, so only what is in between has to be counted.
  const within =
    value.length <= limits.pathCharacters ||
    (value.length <= 2 * limits.pathCharacters && [...value].length <= limits.pathCharacters)
  if (value === '' || !within) report(path, rules.path)
  checkText(value, path, size, report)
}

function checkScalar(value: unknown, path: Path, size: Size, report: Report): void {
  if (typeof value === 'string') {
    checkText(value, path, size, report)
    return
  }
  if (typeof value === 'boolean') return
  if (typeof value !== 'number') {
    report(path, rules.scalar)
    return
  }
  // So that NaN fails too.
  if (!(Math.abs(value) <= limits.number)) report(path, rules.number)
}

function checkText(value: string, path: Path, size: Size, report: Report): void {
  size.bytes += Buffer.byteLength(value)
  if (!value.isWellFormed() || value.includes('\0')) report(path, rules.unicode)
  if (looking.test(value)) report(path, rules.credential)
}

function checkKey(key: string, path: Path, size: Size, report: Report): void {
  checkText(key, path, size, report)
  if (reserved.has(key)) report(path, rules.reserved)
  if (namesCredential(key)) report(path, rules.credentialName)
}

function namesCredential(key: string): boolean {
  const name = canonicalName(key)
  return naming.test(name) && !measuring.test(name)
}

/** `clientSecret`, `Client-Secret` and `CLIENT_SECRET` as `_client_secret_`: words in ASCII lower case. */
function canonicalName(key: string): string {
  if (canonical.test(key)) return `_${key}_`
  const words = key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
  return `_${lowered(words).replace(/[^a-z0-9]+/g, '_')}_`
}

/** ASCII alone, as the database does it. */
function lowered(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** A key as a path states it, or `*`. */
function shown(key: string): string {
  return key.length <= 63 && printable.test(key) && !looking.test(key) ? key : '*'
}

/**
 * What JSON would hold of a document, read once: a getter that answers differently the second time changes nothing.
 *
 * Only as deep as a sound document goes; below that nothing is looked at, so neither depth nor a cycle matters. One that
 * throws when it is read is no document.
 */
export function copied(value: unknown): unknown {
  try {
    return copy(value, 3)
  } catch {
    return null
  }
}

function copy(value: unknown, depth: number): unknown {
  if (depth === 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Array.from(value, (entry) => copy(entry, 0))
  if (!isPlain(value)) return value
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const entry = copy((value as Record<string, unknown>)[key], depth - 1)
    if (entry === undefined) continue
    // Assigned, it would become the prototype.
    if (key === '__proto__')
      Object.defineProperty(result, key, { value: entry, enumerable: true, writable: true, configurable: true })
    else result[key] = entry
  }
  return result
}

/** What JSON would hold of an object, or null where it is none. */
function entriesOf(value: unknown): Entry[] | null {
  return isPlain(value) ? Object.entries(value).filter(([, entry]) => entry !== undefined) : null
}

/** A Date, a Map and a class's instance are not. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Not compared with Object.prototype: that of another realm is as good.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Each path and rule once: keys that are not printed share a path. */
function collect() {
  const found = new Map<string, Violation>()
  return {
    all: () => [...found.values()],
    report(keys: Path, rule: string): void {
      const path = keys.map((key) => (typeof key === 'string' ? shown(key) : key)).join('.')
      found.set(`${path}\n${rule}`, { path, rule })
    },
  }
}
