import { and, asc, eq, getTableColumns, gt, isNotNull, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { FieldMappings } from './config/documents.ts'
import { markVersion, upcastMappings } from './config/versions.ts'
import { excludedFeaturesViolations, fieldMappingsViolations, type Violation } from './config/violations.ts'
import { builder, type CompiledStatement, compile, type Rows, type Statement } from './drizzle.ts'
import { organizationIntegrations as table } from './schema/organization-integrations.ts'

/* The statements of `integrations.ts`: built by Drizzle once, filled in per call. */

/**
 * One integration as callers see it. `revision` changes with every saved change; hand it to `expectedRevision`.
 *
 * Sound documents are in the current version. Where one breaks a rule, `problems` say which, and it is as it is stored.
 */
export type Integration = typeof table.$inferSelect & { revision: string; problems: Violation[] }

const columns = getTableColumns(table)
// A row's xmin is the transaction that wrote it: a revision that costs no column and, unlike updated_at, survives the
// trip through a JavaScript Date.
const revision = sql<string>`${sql.identifier('xmin')}::text`
const selection = { ...columns, revision: revision.as('revision') }
const given = sql.placeholder
const own = eq(table.organizationId, given('organizationId'))
const named = and(own, eq(table.integrationType, given('integrationType')))
const unchanged = and(named, sql`${revision} = ${given('expectedRevision')}`)
const equipped = sql`integrations.has_credential(${table.id})`
const oldestFirst = [asc(table.createdAt), asc(table.id)]
const select = (where: SQL | undefined) => builder.select(selection).from(table).where(where)

const update = (values: Record<string, SQL>, where: SQL | undefined) =>
  builder.update(table).set(values).where(and(named, where)).returning(selection)
const texts = (name: string) => sql`array(select jsonb_array_elements_text(${given(name)}::jsonb))`

export const statements = {
  list: compile(() => select(own).orderBy(...oldestFirst)),
  listByStatus: compile(() => select(and(own, eq(table.status, given('status')))).orderBy(...oldestFirst)),
  get: compile(() => select(named)),
  getById: compile(() => select(and(own, eq(table.id, given('id'))))),
  findByMappedField: compile(() =>
    select(and(own, sql`${table.fieldMappings} ? ${given('field')}`)).orderBy(...oldestFirst),
  ),
  findByMappedFieldAnywhere: compile(() =>
    select(and(sql`${table.fieldMappings} ? ${given('field')}`, gt(table.id, given('after'))))
      .orderBy(asc(table.id))
      .limit(given('limit')),
  ),
  delete: compile(() => builder.delete(table).where(named).returning(selection)),
  deleteUnchanged: compile(() => builder.delete(table).where(unchanged).returning(selection)),
  // Merged where the row is locked, so that two who edit different keys both keep their work. A document of an earlier
  // version is left alone: what is merged into it would change its meaning.
  setFieldMappings: compile(() =>
    update(
      { fieldMappings: sql`(${table.fieldMappings} || ${given('fieldMappings')}::jsonb) - ${texts('removed')}` },
      sql`(${table.fieldMappings} = '{}' or ${table.fieldMappings} -> '$version' = ${given('version')}::jsonb)`,
    ),
  ),
  excludeFeatures: compile(() =>
    update(
      { excludedFeatures: sql`(${table.excludedFeatures} - ${texts('features')}) || ${given('features')}::jsonb` },
      sql`jsonb_typeof(${table.excludedFeatures}) = 'array'`,
    ),
  ),
  includeFeatures: compile(() =>
    update(
      { excludedFeatures: sql`${table.excludedFeatures} - ${texts('features')}` },
      sql`jsonb_typeof(${table.excludedFeatures}) = 'array'`,
    ),
  ),
  // By id, not by time: two rows may share a time, and a Date has lost its microseconds.
  listScheduled: compile(() =>
    select(and(eq(table.status, 'active'), isNotNull(table.syncSchedule), gt(table.id, given('after'))))
      .orderBy(asc(table.id))
      .limit(given('limit')),
  ),
}

/** Statements that write some of the columns: one text per set of fields, built when first needed. */
export const writes = {
  insert: compileBy((values) => builder.insert(table).values(values).returning(selection)),
  upsert: compileBy((values) =>
    builder
      .insert(table)
      .values(values)
      // Organization and system are the key, so setting them changes nothing; it makes the row come back in any case.
      .onConflictDoUpdate({ target: [table.organizationId, table.integrationType], set: values })
      .returning(selection),
  ),
  update: compileBy((values) => builder.update(table).set(values).where(named).returning(selection)),
  updateUnchanged: compileBy((values) => builder.update(table).set(values).where(unchanged).returning(selection)),
  // Asked by the statement that sets the status: between a question and an answer a credential may be revoked.
  activate: compileBy((values) => builder.update(table).set(values).where(and(named, equipped)).returning(selection)),
  activateUnchanged: compileBy((values) =>
    builder.update(table).set(values).where(and(unchanged, equipped)).returning(selection),
  ),
}

type InsertValues = typeof table.$inferInsert

function compileBy(build: (values: InsertValues) => SQLWrapper) {
  const texts = new Map<string, CompiledStatement>()
  return (fields: object, more: object = {}): Statement => {
    const names = Object.keys(fields).sort()
    const key = names.join()
    const compiled =
      texts.get(key) ?? compile(() => build(Object.fromEntries(names.map((name) => [name, given(name)])) as never))
    texts.set(key, compiled)
    return compiled({ ...fields, ...more })
  }
}

const tableColumns = Object.entries(columns)

/** Rows as callers see them: camelCase, with dates and documents of the current version. */
export function toIntegrations({ values }: Rows): Integration[] {
  return values.map((row) => {
    const integration: Record<string, unknown> = {}
    for (const [i, [name, column]] of tableColumns.entries()) {
      integration[name] = row[i] === null ? null : column.mapFromDriverValue(row[i])
    }
    const { fieldMappings, excludedFeatures } = integration
    const broken = fieldMappingsViolations(fieldMappings)
    const problems = [...broken, ...excludedFeaturesViolations(excludedFeatures)]
    if (broken.length === 0) integration.fieldMappings = markVersion(upcastMappings(fieldMappings as FieldMappings))
    return { ...integration, revision: row[tableColumns.length], problems } as Integration
  })
}
