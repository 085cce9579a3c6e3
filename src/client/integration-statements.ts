import { and, asc, desc, eq, getTableColumns, gt, isNotNull, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { ExcludedFeatures, FieldMappings } from '../config/documents.ts'
import { markVersion, upcastMappings } from '../config/versions.ts'
import { excludedFeaturesViolations, fieldMappingsViolations, type Violation } from '../config/violations.ts'
import {
  builder,
  type CompiledStatement,
  compile,
  type Rows,
  rowReader,
  type Statement,
} from '../connection/statement.ts'
import type { IntegrationStatus, IntegrationType } from '../schema/enums.ts'
import { organizationIntegrationRuns as runs } from '../schema/organization-integration-runs.ts'
import { organizationIntegrations as table } from '../schema/organization-integrations.ts'
import { lazily } from '../util/lazily.ts'
import { type Run, toRun } from './runs.ts'

/* The statements of `integrations.ts`: built by Drizzle once, filled in per call. */

/** One integration as callers see it. */
export type Integration = {
  /** The row's id, chosen by the database. */
  id: string
  /** The organization that it belongs to; never changes. */
  organizationId: string
  /** The external system; never changes. */
  integrationType: IntegrationType
  /** Where it stands; `active` only with a stored credential. */
  status: IntegrationStatus
  /**
   * Our fields, and where each stands in the external system. In the current version where it is sound, as it is stored
   * where `problems` name it.
   */
  fieldMappings: FieldMappings
  /** When it is synced: a five-field cron string, or null for never. */
  syncSchedule: string | null
  /** The features that the organization switched off. */
  excludedFeatures: ExcludedFeatures
  /** When it was created. */
  createdAt: Date
  /** When it was last changed. For a check against lost updates use `revision`: a Date has no microseconds. */
  updatedAt: Date
  /** Changes with every saved change; pass it as `expectedRevision`. */
  revision: string
  /** The rules that its documents break, by path; empty where they are sound. */
  problems: Violation[]
}

/** One integration, and what came of its latest sync. */
export type IntegrationWithLastRun = Integration & {
  /** The run of its latest due time; null before the first. */
  lastRun: Run | null
}

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

// Drizzle leaves the table's name away in a query of one table, which would make the outer id the inner one.
const ofOuterRow = sql`${runs.integrationId} = "organization_integrations"."id"`
const lastRun = lazily(() =>
  builder.select().from(runs).where(ofOuterRow).orderBy(desc(runs.due)).limit(1).as('last_run'),
)
const selectWithLastRun = (where: SQL | undefined) => {
  const { id, integrationId, organizationId, due, startedAt, finishedAt, outcome, message, counts, attempt } = lastRun()
  const run = { id, integrationId, organizationId, due, startedAt, finishedAt, outcome, message, counts, attempt }
  // Behind a join no column of the system's is found without its table's name.
  const joined = { ...selection, revision: sql`"organization_integrations"."xmin"::text`.as('revision') }
  const query = builder
    .select({ ...joined, run })
    .from(table)
    .leftJoinLateral(lastRun(), sql`true`)
  return query.where(where).orderBy(...oldestFirst)
}

export const statements = {
  listWithLastRun: compile(() => selectWithLastRun(own)),
  listWithLastRunByStatus: compile(() => selectWithLastRun(and(own, eq(table.status, given('status'))))),
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
    select(and(sql`${table.status} = 'active'`, isNotNull(table.syncSchedule), gt(table.id, given('after'))))
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

const readRow = rowReader(columns)
const names = Object.keys(columns)
const [mappingsAt, revisionAt] = [names.indexOf('fieldMappings'), names.length]

/** Rows as callers see them: camelCase, with dates and documents of the current version. */
export function toIntegrations({ values }: Rows): Integration[] {
  return values.map((row) => {
    const integration = readRow(row)
    integration.revision = row[revisionAt]
    integration.problems = checkDocuments(integration, String(row[mappingsAt]))
    return integration as Integration
  })
}

/** Of the rows of `listWithLastRun`. */
export function toIntegrationsWithLastRun(rows: Rows): IntegrationWithLastRun[] {
  return toIntegrations(rows).map((integration, i) => {
    const [id, integrationId, organizationId, ...rest] = rows.values[i]?.slice(revisionAt + 1) ?? []
    const run = id === null ? null : toRun([id, integrationId, organizationId, integration.integrationType, ...rest])
    return { ...integration, lastRun: run }
  })
}

/** The same document is read again and again: what was sound as it stands, and under which text, is remembered. */
const sound = new Set<string>()
const [mostRemembered, longestRemembered] = [2_000, 2_000]

/** The rules that a row's documents break; where there are none its mappings are put into the current version. */
function checkDocuments(row: Record<string, unknown>, mappingsText: string): Violation[] {
  const features = row.excludedFeatures
  const problems = Array.isArray(features) && features.length === 0 ? [] : excludedFeaturesViolations(features)
  if (sound.has(mappingsText)) {
    markVersion(row.fieldMappings as FieldMappings)
    return problems
  }
  const broken = fieldMappingsViolations(row.fieldMappings)
  if (broken.length > 0) return [...broken, ...problems]
  const stored = row.fieldMappings as FieldMappings
  const current = upcastMappings(stored)
  row.fieldMappings = markVersion(current)
  if (mappingsText.length <= longestRemembered && Object.keys(current).every((key) => current[key] === stored[key])) {
    if (sound.size >= mostRemembered) sound.clear()
    sound.add(mappingsText)
  }
  return problems
}
