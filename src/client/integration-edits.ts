import type { FieldMappings } from '../config/documents.ts'
import { currentVersion } from '../config/versions.ts'
import type { Statement } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { input } from './input.ts'
import { type Integration, statements, writes } from './integration-statements.ts'

/* Edits of part of a document, merged in the server so that nobody's work is lost. Null: there is no such row. */

type Key = { organizationId: string; integrationType: IntegrationType }
type First = (statement: Statement) => Promise<Integration | null>
type MappingsEdit = { set: FieldMappings; removed: readonly string[] }

const attempts = 20

export async function mergeFieldMappings(key: Key, edit: MappingsEdit, first: First): Promise<Integration | null> {
  const version = currentVersion()
  const fieldMappings = { $version: version, ...edit.set }
  const merge = statements.setFieldMappings({ ...key, fieldMappings, removed: edit.removed, version })
  for (let attempt = 0; attempt < attempts; attempt++) {
    const merged = await first(merge)
    if (merged !== null) return merged
    // No such row, or one that cannot be merged into: a document of an earlier version, or none at all.
    const current = await first(statements.get(key))
    if (current === null) return null
    const rewritten = await first(rewrite(key, edit, current))
    if (rewritten !== null) return rewritten
  }
  throw new IntegrationsDbError('conflict', `integrationType ${key.integrationType}: others keep saving it; try again`)
}

/** Writes the whole document in the current version, unless somebody saved meanwhile. */
function rewrite(key: Key, { set, removed }: MappingsEdit, current: Integration): Statement {
  if (current.problems.some(({ path }) => path === 'field_mappings')) throw unmergeable('fieldMappings', current)
  const merged = Object.entries({ ...current.fieldMappings, ...set }).filter(([name]) => !removed.includes(name))
  const fieldMappings = input.fieldMappings(Object.fromEntries(merged))
  return writes.updateUnchanged({ fieldMappings }, { ...key, expectedRevision: current.revision })
}

type FeaturesEdit = { method: 'excludeFeatures' | 'includeFeatures'; features: readonly string[] }

export async function editFeatures(key: Key, edit: FeaturesEdit, first: First): Promise<Integration | null> {
  const edited = await first(statements[edit.method]({ ...key, features: edit.features }))
  if (edited !== null) return edited
  const current = await first(statements.get(key))
  if (current !== null) throw unmergeable('excludedFeatures', current)
  return null
}

/** What is stored is nothing that could be merged into. */
function unmergeable(field: string, { problems }: Integration): IntegrationsDbError {
  const stated = problems.map(({ path, rule }) => `${path}: ${rule}`).join('; ')
  return new IntegrationsDbError(
    'invalid_input',
    `${field}: what is stored breaks a rule (${stated}); save all of it with update, or run integrations-db repair`,
  )
}
