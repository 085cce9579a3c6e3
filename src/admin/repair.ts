import { parseExactly, printExactly } from '../config/exact-json.ts'
import { currentVersion, upcastMappings, withVersion } from '../config/versions.ts'
import { plainConfiguration } from '../schema/functions/configuration-walk.ts'
import { scheduleRule } from '../schema/functions/credential-rules.ts'
import type { Admin } from './connection.ts'
import { type Attempt, type Holder, withAttempts } from './holders.ts'
import { each, type Failure, planSeconds, type Step, type Target } from './steps.ts'

/*
 * Documents that break a rule, and documents of an earlier version. Rows are walked in batches by key, so memory does not
 * grow with the table; what is done no longer turns up, so a repair that was stopped goes on where it was.
 */

/** A rule that a stored document breaks. */
export type MalformedDocument = { organizationId: string; integrationType: string; path: string; rule: string }
/** A sound document of an earlier version. */
export type OutdatedDocument = { organizationId: string; integrationType: string }
/** A document that was reset, and the event that holds it. */
export type Quarantined = { event: string; organizationId: string; integrationType: string; document: string }

/**
 * What a repair would do, or did, by organization and system. Lists end after {@link listedMost} entries; the numbers
 * count all.
 */
export type RepairReport = {
  applied: boolean
  rows: number
  malformed: { rows: number; findings: MalformedDocument[] }
  quarantined: Quarantined[]
  /** Sound documents of an earlier version; with `apply` they are rewritten in the current one. */
  outdated: { rows: number; documents: OutdatedDocument[] }
  failures: Failure[]
  /** Sessions that `terminate` ended. */
  ended: Holder[]
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
/** Some rows in their order: how many, the last one's key, and those that there is something to do about. */
type Batch = { rows: number; last: string[]; found: Row[] }

// No data is in this text; values are bound. A row may have a document of either kind: one pass sees to both. Nearly all
// documents are plain: they are neither walked nor sent.
const batch = (first: boolean) => `
  with page as materialized (
    select i.id, i.organization_id, i.integration_type, i.field_mappings, i.excluded_features, i.sync_schedule,
      i.field_mappings::text || i.excluded_features::text as printed
    from public.organization_integrations as i
    ${first ? '' : 'where (i.organization_id, i.integration_type) > ($2::uuid, $3::text::public.integration_type_enum)'}
    order by i.organization_id, i.integration_type
    limit ${batchRows}
  ),
  looked as (
    select i.id, i.organization_id as "organizationId", i.integration_type::text as "integrationType",
      case when coalesce(i.field_mappings -> '$version', '1') <> $1::text::jsonb and i.field_mappings <> '{}'
        then integrations.configuration_problems(i.field_mappings, '[]') = '{}' else false end as outdated,
      case when i.sync_schedule ~ '[A-Za-z]' or case when ${plainConfiguration('i.field_mappings', 'i.excluded_features', 'i.printed')} then false
        else integrations.configuration_problems(i.field_mappings, i.excluded_features) <> '{}' end then (
        select jsonb_agg(v order by v.path collate "C", v.rule collate "C") from (
          select * from integrations.config_violations(i.field_mappings, i.excluded_features)
          union all select 'sync_schedule', s.rule from (select ${scheduleRule('i.sync_schedule')} as rule) as s where s.rule is not null
          limit 20
        ) as v
      ) end as problems
    from page as i
    order by i.organization_id, i.integration_type
  )
  select count(*)::integer as rows,
    (select jsonb_build_array(organization_id, integration_type) from page order by organization_id desc, integration_type desc limit 1) as last,
    coalesce(jsonb_agg(to_jsonb(l)) filter (where l.outdated or l.problems is not null), '[]') as found
  from looked as l`

/**
 * Finds documents that break a rule. With `apply` each goes, whole but for credentials, into a `quarantine` event, its
 * column is reset and its integration set to `error`, with one alert per organization; documents of an earlier version
 * are rewritten in the current one.
 *
 * @example
 * const { malformed } = await repair({ url }) // with apply: true they are repaired
 *
 * One transaction per organization: what was killed in the middle goes on with those that are left, and an organization
 * that fails does not stop the next. Repeated, it finds nothing, and records no second alert. Numbers keep their digits.
 */
export async function repair({
  url,
  apply = false,
  terminate = false,
  onProgress = () => {},
}: Target): Promise<RepairReport> {
  return withAttempts(url, { terminate }, async (_, attempt, ended) => {
    const report: RepairReport = {
      applied: apply,
      rows: 0,
      malformed: { rows: 0, findings: [] },
      quarantined: [],
      outdated: { rows: 0, documents: [] },
      failures: [],
      ended,
    }
    const [counted] = await attempt(
      planSeconds,
      // What the planner thinks: to count them all is to read them all.
      (tx) => tx<{ rows: number }[]>`select greatest(reltuples, 0)::integer as rows from pg_catalog.pg_class
        where oid = 'public.organization_integrations'::regclass`,
    )
    const total = counted?.rows ?? 0
    for await (const { rows, found } of batches(attempt)) {
      const malformed = found.filter((row) => row.problems !== null)
      const outdated = found.filter((row) => row.outdated)
      report.rows += rows
      report.malformed.rows += malformed.length
      report.outdated.rows += outdated.length
      list(report.malformed.findings, malformed.flatMap(findingsOf))
      list(report.outdated.documents, outdated.map(named))
      if (apply) list(report.failures, await each(attempt, { terminate }, stepsOf(malformed, outdated, report)))
      onProgress(report.rows, Math.max(report.rows, total))
    }
    return report
  })
}

async function* batches(attempt: Attempt): AsyncGenerator<Batch> {
  const version = String(currentVersion())
  let after: string[] = []
  do {
    const text = batch(after.length === 0)
    const [some] = await attempt(planSeconds, (tx) => tx.unsafe<Batch[]>(text, [version, ...after], { prepare: true }))
    if (some === undefined) return
    after = some.rows === batchRows ? some.last : []
    yield some
  } while (after.length > 0)
}

function stepsOf(malformed: readonly Row[], outdated: readonly Row[], report: RepairReport): Step[] {
  const organizations = [...new Set(malformed.map((row) => row.organizationId))]
  return [
    ...organizations.map((id) => ({
      what: `organization ${id}`,
      run: async (tx: Admin) => list(report.quarantined, await quarantine(tx, id)),
    })),
    ...chunks(outdated, rewrittenRows).map((rows) => ({
      what: `${place(rows[0])} to ${place(rows.at(-1))}`,
      run: (tx: Admin) =>
        rewrite(
          tx,
          rows.map((row) => row.id),
        ),
    })),
  ]
}

const named = ({ organizationId, integrationType }: Row) => ({ organizationId, integrationType })
const place = (row?: Row) => `organization ${row?.organizationId} ${row?.integrationType}`

function findingsOf({ problems, ...row }: Row): MalformedDocument[] {
  return (problems ?? []).map(({ path, rule }) => ({ ...named({ problems, ...row }), path, rule }))
}

async function quarantine(sql: Admin, organizationId: string): Promise<Quarantined[]> {
  const events = await sql<Quarantined[]>`
    select event_id as event, ${organizationId} as "organizationId", integration_type as "integrationType", document
    from integrations.repair_organization(${organizationId}::uuid)`
  return [...events]
}

/** The batch upcaster. Locked while it is read, so that nothing saved meanwhile is overwritten or left over. */
async function rewrite(sql: Admin, ids: readonly string[]): Promise<void> {
  const documents = await sql<{ id: string; text: string }[]>`
    select id, field_mappings::text as text from public.organization_integrations
    where id in (select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb)::uuid)
      and coalesce(field_mappings -> '$version', '1') <> ${String(currentVersion())}::text::jsonb
      and integrations.configuration_problems(field_mappings, '[]') = '{}'
    order by id
    for no key update`
  const written = documents.map(({ id, text }) => ({
    id,
    upcast: withVersion(upcastMappings(parseExactly(text) as Record<string, unknown>)),
  }))
  await sql`
    update public.organization_integrations as i set field_mappings = d.upcast
    from jsonb_to_recordset(${printExactly(written)}::text::jsonb) as d (id uuid, upcast jsonb)
    where i.id = d.id`
}

/** Appends as much as a report may list: a million findings would not fit into memory. */
function list<T>(to: T[], more: readonly T[]): void {
  to.push(...more.slice(0, listedMost - to.length))
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
