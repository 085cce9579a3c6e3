import type { DocumentVersion } from './document-version.ts'

/** A path, or an object with one; what has no `$version` has this shape. */
export const version1: DocumentVersion = { version: 1, fields: ['path', 'transform', 'default'] }
