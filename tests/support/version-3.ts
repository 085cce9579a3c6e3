import type { DocumentVersion } from '../../src/config/versions/document-version.ts'

/** What a third version would be: a file like this one in src/config/versions, and its name in the list. */
export const version3: DocumentVersion = {
  version: 3,
  fields: ['path', 'transform', 'default', 'map', 'required', 'const', 'unit'],
  // It writes every mapping as an object.
  upcast: (mapping) => (typeof mapping === 'string' ? { path: mapping } : mapping),
}
