import { z } from 'zod'
import { lazily } from '../util/lazily.ts'
import { credentialText, limits, patterns, reservedNames } from './rules.ts'
import type { DocumentVersion } from './versions/document-version.ts'

/*
 * What of the rules JSON Schema can say, as zod definitions over the limits and patterns of `rules.ts`. The rest (names of
 * credentials, the bytes of a whole document) takes the walk of `violations.ts`, which stays the judge.
 */

/** What zod has no word for, and the names of what is used more than once. */
export const keywords = z.registry<Record<string, unknown>>()

const unicode = '^[^\\p{Cs}\\u0000]*$'
const credential = { pattern: credentialText }
const reserved = { enum: [...reservedNames] }

/** A text that may be stored. */
const stored = (schema = z.string()) => schema.regex(new RegExp(unicode, 'u'))
const text = lazily(() => stored().register(keywords, { id: 'text', not: credential }))
const path = lazily(() =>
  stored(z.string().min(1).max(limits.pathCharacters)).register(keywords, { id: 'path', not: credential }),
)
const scalar = lazily(() =>
  z
    .union([text(), z.number().min(-limits.number).max(limits.number), z.boolean()])
    .register(keywords, { id: 'scalar' }),
)
const map = lazily(() =>
  z.record(z.string(), text()).register(keywords, {
    id: 'map',
    maxProperties: limits.mapEntries,
    propertyNames: { pattern: unicode, not: { anyOf: [reserved, credential] } },
  }),
)

/** What a mapping that is an object may hold; a field of a version to come is not looked into. */
const fields: Readonly<Record<string, () => z.ZodType>> = {
  path,
  const: scalar,
  transform: () => z.string().regex(new RegExp(patterns.transform)).register(keywords, { not: credential }),
  default: () => scalar().nullable(),
  map,
  required: z.boolean,
}

/** Where one of our fields stands, as a version has it: a path, or an object with one, or with a constant in its place. */
export function mappingShape({ version, fields: known }: DocumentVersion): z.ZodType {
  const shapeOf = (name: string): z.ZodType => fields[name]?.() ?? z.unknown()
  const heads = ['path', 'const'].filter((name) => known.includes(name))
  const rest = known.filter((name) => !heads.includes(name)).map((name) => [name, shapeOf(name).optional()])
  const objects = heads.map((head) => z.strictObject({ [head]: shapeOf(head), ...Object.fromEntries(rest) }))
  return z.union([path(), ...objects]).register(keywords, { id: `mapping_${version}` })
}

/** A document of mappings; `targets` are the fields that a system is known to take. */
export function mappingsShape(
  mapping: z.ZodType,
  version: z.ZodType | undefined,
  targets: Record<string, z.ZodType> = {},
): z.ZodType {
  return z
    .object({ $version: version ?? z.never().optional(), ...targets })
    .catchall(mapping)
    .register(keywords, {
      maxProperties: limits.keys + (version === undefined ? 0 : 1),
      propertyNames: {
        anyOf: [{ const: '$version' }, { pattern: patterns.field, not: { anyOf: [reserved, credential] } }],
      },
    })
}

/** `field_mappings` as it may lie in a row: what has no `$version` is in the first. */
export function fieldMappingsShape(versions: readonly DocumentVersion[]): z.ZodType {
  const mappings = versions.map((one) => [one.version, mappingShape(one)] as const)
  return z.union([
    ...mappings.slice(0, 1).map(([, mapping]) => mappingsShape(mapping, undefined)),
    ...mappings.map(([version, mapping]) => mappingsShape(mapping, z.literal(version))),
  ])
}

/** `excluded_features`. */
export function excludedFeaturesShape(): z.ZodType {
  const feature = z.string().regex(new RegExp(patterns.feature)).register(keywords, { not: credential })
  return z.array(feature).max(limits.features).register(keywords, { uniqueItems: true })
}
