/** What a mapping can give: never an object, a list or null. */
export type Scalar = string | number | boolean

type MappingOptions = {
  /**
   * The name of a transform, such as `decimal_2`.
   *
   * @default none
   */
  readonly transform?: string
  /**
   * The value where the record has nothing at the path.
   *
   * @default none: the field is left out
   */
  readonly default?: Scalar | null
  /**
   * A table to look the value up in.
   *
   * @default none
   */
  readonly map?: Readonly<Record<string, string>>
  /**
   * Whether a record without the field is a problem.
   *
   * @default false
   */
  readonly required?: boolean
}

/** Where one of our fields stands in the external system: a path, an object with one, or a constant. */
export type FieldMapping =
  | string
  | (MappingOptions & {
      /** Where the field stands in a record: `lines.0.amount`. */
      readonly path: string
    })
  | (MappingOptions & {
      /** The value for every record. */
      readonly const: Scalar
    })
