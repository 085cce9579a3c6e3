import { z } from 'zod'
import { copied, excludedFeaturesViolations, fieldMappingsViolations, type Violation } from './violations.ts'

/* The configuration documents as zod schemas, over the same walk that every other check in the application uses. */

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

/** `field_mappings`: our fields, and where each stands in the external system. */
export type FieldMappings = { readonly [field: string]: FieldMapping }

/** `excluded_features`: identifiers of features that the organization has switched off. */
export type ExcludedFeatures = readonly string[]

/**
 * The schema of `field_mappings`, of any version; what has no `$version` is read as version 1.
 *
 * @example
 * FieldMappings.safeParse({ api_key: 'key' }).error.issues[0].message // 'must not name a credential; …'
 */
export const FieldMappings = schema<FieldMappings>('field_mappings', fieldMappingsViolations)

/**
 * The schema of `excluded_features`.
 *
 * @example
 * ExcludedFeatures.parse(['payroll_sync', 'leave_tracking'])
 */
export const ExcludedFeatures = schema<ExcludedFeatures>('excluded_features', excludedFeaturesViolations)

function schema<T>(root: string, violations: (document: unknown) => Violation[]): z.ZodType<T, T> {
  const checked = z.unknown().transform((input, context) => {
    const document = copied(input)
    for (const { path, rule } of violations(document)) {
      // Without the input: whoever prints an issue must not print a value.
      context.issues.push({ code: 'custom', message: rule, path: path.split('.').slice(1), input: root })
    }
    return document as T
  })
  return checked as unknown as z.ZodType<T, T>
}
