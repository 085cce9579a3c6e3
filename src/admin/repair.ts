import { currentVersion, upcastMappings, withVersion } from '../config/versions.ts'
import { plainConfiguration } from '../schema/functions/configuration.ts'
import { type Admin, administrate, each, type Failure, type Target } from './connection.ts'

/*
 * Documents that break a rule, and documents of an earlier version. Rows are walked in batches by key, so memory does not
 * grow with the table; what is done no longer turns up, so a repair that was stopped goes on where it was.
 */

/** A rule that a stored document breaks. */
export type MalformedDocument = { organizationId: string; integrationType: string; path: string; rule: string }
/** A document that was reset, and the event that holds it. */
export type Quarantined = { event: string; organizationId: string; integrationType: string; document: string }

/** What a repair would do, or did. Lists end after {@link listedMost} entries; the numbers count all. */
export type RepairReport = {
  applied: boolean
  rows: number
  malformed: { rows: number; findings: MalformedDocument[] }
  quarantined: Quarantined[]
  /** Sound documents of an earlier version; with `apply` they are rewritten in the current one. */
  outdated: number
  failures: Failure[]
}

const listedMost = 10_000
const batchRows = 2000
/** Documents that are read at once, of at most 64 KiB each. */
const rewrittenRows = 50

type Row = {
  id: string
  organizationId: string
  integrationType: string
  problems: { path: string; rule: string }[] | null
  outdated: boolean
}

// Rows that one look shows to be sound are not looked at twice. No data is in this text; values are bound.
const batch = (first: boolean) => `
  select i.id, i.organization_id as "organizationId", i.integration_type::text as "integrationType",
    coalesce(i.field_mappings -> '$version', '1') <> $1::text::jsonb and i.field_mappings <> '{}' as outdated,
    case when not (${plainConfiguration('i')}) then (
      select jsonb_agg(v) from (select * from integrations.config_violations(i.field_mappings, i.excluded_features) limit 20) as v
    ) end as problems
  from public.organization_integrations as i
  ${first ? '' : 'where (i.organization_id, i.integration_type) > ($2::uuid, $3::text::public.integration_type_enum)'}
  order by i.organization_id, i.integration_type
  limit ${batchRows}`

/**
 * Finds documents that break a rule. With `apply` each goes, whole but for credentials, into a `quarantine` event, its
 * column is reset and its integration set to `error`, with one alert per organization; documents of an earlier version
 * are rewritten in the current one.
 *
 * @example
 * const { malformed } = await repair({ url }) // with apply: true they are repaired
 *
 * One transaction per organization: what was killed in the middle goes on with those that are left, and an organization
 * that fails does not stop the next. Repeated, it finds nothing, and records no second alert.
 */
export async function repair({ url, apply = false, onProgress = () => {} }: Target): Promise<RepairReport> {
  return administrate(url, async (sql) => {
    const report: RepairReport = {
      applied: apply,
      rows: 0,
      malformed: { rows: 0, findings: [] },
      quarantined: [],
      outdated: 0,
      failures: [],
    }
    const [counted] = await sql<
      { rows: number }[]
    >`select count(*)::integer as rows from public.organization_integrations`
    const total = counted?.rows ?? 0
    for await (const rows of batches(sql)) {
      const malformed = rows.filter((row) => row.problems !== null)
      const outdated = rows.filter((row) => row.problems === null && row.outdated)
      report.rows += rows.length
      report.malformed.rows += malformed.length
      report.outdated += outdated.length
      list(report.malformed.findings, malformed.flatMap(findingsOf))
      if (apply) {
        const organizations = [...new Set(malformed.map((row) => row.organizationId))]
        const steps = [
          ...organizations.map((id) => ({
            what: `organization ${id}`,
            run: async () => list(report.quarantined, await quarantine(sql, id)),
          })),
          ...chunks(outdated, rewrittenRows).map((rows) => ({
            what: `integrations ${rows[0]?.id} to ${rows.at(-1)?.id}`,
            run: async () =>
              list(
                report.failures,
                await rewrite(
                  sql,
                  rows.map((row) => row.id),
                ),
              ),
          })),
        ]
        list(report.failures, await each(steps, () => {}))
      }
      onProgress(Math.min(report.rows, total), total)
    }
    return report
  })
}

async function* batches(sql: Admin): AsyncGenerator<Row[]> {
  let last: Row | undefined
  do {
    const after = last === undefined ? [] : [last.organizationId, last.integrationType]
    const version = String(currentVersion())
    const rows: Row[] = await sql.unsafe<Row[]>(batch(last === undefined), [version, ...after], { prepare: true })
    last = rows.length === batchRows ? rows.at(-1) : undefined
    yield rows
  } while (last !== undefined)
}

function findingsOf({ organizationId, integrationType, problems }: Row): MalformedDocument[] {
  return (problems ?? []).map(({ path, rule }) => ({ organizationId, integrationType, path, rule }))
}

async function quarantine(sql: Admin, organizationId: string): Promise<Quarantined[]> {
  const events = await sql<Quarantined[]>`
    select event_id as event, ${organizationId} as "organizationId", integration_type as "integrationType", document
    from integrations.repair_organization(${organizationId}::uuid)`
  return [...events]
}

/** The batch upcaster. Compared with what was read: a document that was saved meanwhile, or that JavaScript reads otherwise, stays. */
async function rewrite(sql: Admin, ids: readonly string[]): Promise<Failure[]> {
  const documents = await sql<{ id: string; original: Record<string, unknown> }[]>`
    select id, field_mappings as original from public.organization_integrations
    where id in (select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb)::uuid)`
  const written = documents.map(({ id, original }) => ({ id, original, upcast: withVersion(upcastMappings(original)) }))
  const rewritten = await sql<{ id: string }[]>`
    update public.organization_integrations as i set field_mappings = d.upcast
    from jsonb_to_recordset(${JSON.stringify(written)}::text::jsonb) as d (id uuid, original jsonb, upcast jsonb)
    where i.id = d.id and i.field_mappings = d.original
    returning i.id`
  const done = new Set(rewritten.map(({ id }) => id))
  const message = 'field_mappings was saved meanwhile, or holds a number that JavaScript rounds; it stays as it is'
  return written.filter(({ id }) => !done.has(id)).map(({ id }) => ({ what: `integration ${id}`, message }))
}

/** Appends as much as a report may list: a million findings would not fit into memory. */
function list<T>(to: T[], more: readonly T[]): void {
  to.push(...more.slice(0, listedMost - to.length))
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
