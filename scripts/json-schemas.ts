import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchemaFiles } from '../src/registry/json-schema.ts'

/** The JSON Schemas as files of the build. */
export function writeJsonSchemas(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, schema] of Object.entries(jsonSchemaFiles())) {
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`)
  }
}
