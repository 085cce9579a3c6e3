import type { DocumentVersion } from './document-version.ts'

/** Adds look-up tables, required fields and constants; what version 1 could say means the same. */
export const version2: DocumentVersion = {
  version: 2,
  fields: ['path', 'transform', 'default', 'map', 'required', 'const'],
  upcast: (mapping) => mapping,
}
