import type { FieldMapping } from './field-mapping.ts'
import type { DocumentVersion } from './versions/document-version.ts'
import { version1 } from './versions/version-1.ts'
import { version2 } from './versions/version-2.ts'

/** Every shape there ever was, oldest first. A new one is a file in `versions/` and its name here. */
export const versions: readonly DocumentVersion[] = [version1, version2]

/** The version that documents are read and written in. */
export function currentVersion(list = versions): number {
  return list.length
}

/** A sound document's version; absent means 1. */
function versionOf(document: Readonly<Record<string, unknown>>): number {
  return (document.$version as number | undefined) ?? 1
}

/**
 * The mappings of a sound document in the newest shape, without `$version`.
 *
 * @example
 * upcastMappings({ $version: 1, amount: 'invoiceAmount' }) // { amount: 'invoiceAmount' }
 */
export function upcastMappings(
  document: Readonly<Record<string, unknown>>,
  list = versions,
): Record<string, FieldMapping> {
  const steps = list.slice(versionOf(document))
  const mappings = Object.entries(document).filter(([key]) => key !== '$version') as [string, FieldMapping][]
  return Object.fromEntries(
    mappings.map(([key, mapping]) => [
      key,
      steps.reduce((earlier, step) => step.upcast?.(earlier) ?? earlier, mapping),
    ]),
  )
}

/** What a caller writes is in the current version unless it says otherwise. */
export function inCurrentVersion(document: unknown): unknown {
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
  return isObject && !Object.hasOwn(document, '$version') ? { ...document, $version: currentVersion() } : document
}

/** A document as it is saved: with the version it is in, but for one without any mapping, which has none. */
export function withVersion<T extends object>(mappings: T): T {
  return Object.keys(mappings).length === 0 ? mappings : { $version: currentVersion(), ...mappings }
}

/**
 * Mappings that carry their version without listing it: whoever walks over them meets our fields alone, and what is
 * copied out of them and saved is in the current version anyway.
 */
export function markVersion<T extends object>(mappings: T): T {
  return Object.defineProperty(mappings, '$version', { value: currentVersion(), enumerable: false })
}
