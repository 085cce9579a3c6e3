import type { FieldMapping } from '../field-mapping.ts'

/** One shape that `field_mappings` may have. */
export type DocumentVersion = {
  readonly version: number
  /** What a mapping that is an object may hold. */
  readonly fields: readonly string[]
  /** A mapping of the version before in this one's shape; it keeps its meaning. */
  upcast?(mapping: FieldMapping): FieldMapping
}
