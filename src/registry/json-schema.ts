import { z } from 'zod'
import { excludedFeaturesShape, fieldMappingsShape, keywords, mappingShape, mappingsShape } from '../config/shapes.ts'
import { currentVersion, versions } from '../config/versions.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { integrationTypes } from '../schema/systems.ts'
import { connectionShape, systemOf } from './systems.ts'

/* JSON Schema, draft 2020-12, out of the zod definitions: for forms, and for checks before anything is sent. */

/** A JSON Schema. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/**
 * What the two documents may look like, as JSON Schema: `field_mappings` of any version, and `excluded_features`.
 *
 * They refuse nothing that the package takes. Two rules they cannot say: keys that name a credential, and the bytes of a
 * whole document. The same as files: `@org/integrations-db/json-schema/field_mappings.json`.
 *
 * @example
 * new Ajv2020().compile(documentSchemas().field_mappings)
 *
 * @throws nothing.
 */
export function documentSchemas(): {
  /** The mappings, of any version. */
  readonly field_mappings: JsonSchema
  /** The features that an organization switched off. */
  readonly excluded_features: JsonSchema
} {
  return {
    field_mappings: emit(fieldMappingsShape(versions), 'field_mappings'),
    excluded_features: emit(excludedFeaturesShape(), 'excluded_features'),
  }
}

/**
 * What connecting to a system takes, and which mappings it is known to take, as JSON Schema.
 *
 * `field_mappings` is a whole document of the current version: it asks for the required targets, and takes others too.
 *
 * @example
 * const { connection, field_mappings } = systemSchemas('xledger')
 * connection.required // ['api_key', 'base_url', 'company_id']; api_key is writeOnly
 *
 * @throws IntegrationsDbError `invalid_input` for what is no system.
 */
export function systemSchemas(integrationType: IntegrationType): {
  /** The connection fields; secret ones are writeOnly. */
  readonly connection: JsonSchema
  /** A document with the system's targets. */
  readonly field_mappings: JsonSchema
} {
  const { name, fields } = systemOf(integrationType)
  const connection = emit(connectionShape(integrationType), `${integrationType}.connection`, name)
  for (const [field, schema] of Object.entries(connection.properties as Record<string, Record<string, unknown>>)) {
    if (fields[field]?.secret) schema.writeOnly = true
  }
  return {
    connection,
    field_mappings: emit(targetsShape(integrationType), `${integrationType}.field_mappings`, name),
  }
}

/** Every schema by the name of its file. */
export function jsonSchemaFiles(): { readonly [name: string]: JsonSchema } {
  const systems = integrationTypes.flatMap((type) =>
    Object.entries(systemSchemas(type)).map(([kind, schema]) => [`${type}.${kind}`, schema] as const),
  )
  return { ...documentSchemas(), ...Object.fromEntries(systems) }
}

function targetsShape(integrationType: IntegrationType): z.ZodType {
  const version = versions[currentVersion() - 1]
  const mapping = version === undefined ? z.never() : mappingShape(version)
  const targets = Object.entries(systemOf(integrationType).mappingTargets).map(
    ([target, { label, type, required }]) => {
      const named = z.union([mapping]).register(keywords, { title: label, description: `Gives a ${type}.` })
      return [target, required ? named : named.optional()] as const
    },
  )
  return mappingsShape(mapping, z.literal(currentVersion()).optional(), Object.fromEntries(targets))
}

function emit(shape: z.ZodType, id: string, title?: string): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(shape, {
    target: 'draft-2020-12',
    io: 'input',
    metadata: keywords,
  })
  return { $schema, $id: `urn:org:integrations-db:${id}`, ...(title === undefined ? {} : { title }), ...schema }
}
