import { z } from 'zod'
import type { FieldMapping } from './field-mapping.ts'
import { copied, excludedFeaturesViolations, fieldMappingsViolations, type Violation } from './violations.ts'

/* The configuration documents as zod schemas, over the same walk that every other check in the application uses. */

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
