import { nextRuns, scheduleProblem } from '../config/schedule.ts'
import { text } from '../config/short-text.ts'
import { observed } from '../connection/diagnostics.ts'
import type { Scope } from '../connection/scope.ts'
import type { Run } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { isUuid } from '../util/checks.ts'
import type { PageOptions, SchedulePageOptions } from './call-options.ts'
import { input } from './input.ts'
import { type Integration, statements, toIntegrations } from './integration-statements.ts'

/** An integration, and when it is to be synced. */
export type ScheduledIntegration = Integration & {
  /** The schedule's next run; null where the row has problems, its schedule's among them. */
  due: Date | null
}

/** A page of {@link ServiceIntegrations.listScheduled}. */
export type ScheduledPage = {
  /** The integrations, by id. */
  rows: ScheduledIntegration[]
  /** What the next page takes as `after`; null on the last one. */
  next: string | null
}

/** A page of {@link ServiceIntegrations.findByMappedField}. */
export type MappedFieldPage = {
  /** The integrations, by id. */
  rows: Integration[]
  /** What the next page takes as `after`; null on the last one. */
  next: string | null
}

/** What crosses organizations, for the service role alone. */
export class ServiceIntegrations {
  readonly #run: Run
  readonly #scope: Scope

  constructor(run: Run, scope: Scope) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * Active integrations that have a schedule, of all organizations, page by page, and when each is due.
   *
   * A row with problems comes too, with `due: null`.
   *
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * from organization_integrations
   * where status = 'active' and sync_schedule is not null and id > …
   * order by id
   * limit …
   * ```
   *
   * @example
   * let after: string | null = null
   * do {
   *   const page = await service.integrations.listScheduled({ limit: 500, after })
   *   for (const { due } of page.rows) if (due !== null && due <= new Date()) …
   *   after = page.next
   * } while (after !== null)
   *
   * @throws IntegrationsDbError `invalid_input` that names the option, or for an `after` that was changed.
   */
  listScheduled(page: SchedulePageOptions = {}): Promise<ScheduledPage> {
    return observed('integrations.listScheduled', this.#scope, async () => {
      const { limit, after, timeZone, since } = input.page(page)
      // One row more than asked for tells whether there is a next page.
      const statement = statements.listScheduled({ limit: limit + 1, after: readCursor(after) })
      const { rows, next } = pageOf(toIntegrations(await this.#run(statement, { reads: true })), limit)
      return { rows: scheduled(rows, { timeZone, after: since ?? new Date() }), next }
    })
  }

  /**
   * The integrations of all organizations that map one of our fields, page by page.
   *
   * The GIN index serves it: no policy stands before the service role.
   *
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * from organization_integrations
   * where field_mappings ? … and id > …
   * order by id
   * limit …
   * ```
   *
   * @example
   * const { rows, next } = await service.integrations.findByMappedField('employee_id', { limit: 500 })
   *
   * @throws IntegrationsDbError `invalid_input` that names the argument or option.
   */
  findByMappedField(field: string, page: PageOptions = {}): Promise<MappedFieldPage> {
    return observed('integrations.findByMappedField', this.#scope, async () => {
      const { limit, after } = input.rowPage(page)
      const statement = statements.findByMappedFieldAnywhere({
        field: text('field', field),
        limit: limit + 1,
        after: readCursor(after),
      })
      return pageOf(toIntegrations(await this.#run(statement, { reads: true })), limit)
    })
  }
}

/** Of one row more than asked for. */
function pageOf(rows: Integration[], limit: number): MappedFieldPage {
  const next = rows.length > limit ? writeCursor(rows[limit - 1]?.id ?? firstId) : null
  return { rows: rows.slice(0, limit), next }
}

/** Adds what is due. SQL may have written any text as the schedule: a bad one is that row's problem and nobody else's. */
function scheduled(rows: Integration[], when: { timeZone: string; after: Date }): ScheduledIntegration[] {
  // Rows share a few schedules, and reading one costs more than all else about a row.
  const known = new Map<string, { rule: string | null; due: Date | null }>()
  const read = (schedule: string) => {
    const rule = scheduleProblem(schedule)
    return { rule, due: (rule === null && nextRuns(schedule, when)[0]) || null }
  }
  return rows.map((row) => {
    const schedule = row.syncSchedule ?? ''
    const { rule, due } = known.get(schedule) ?? read(schedule)
    known.set(schedule, { rule, due })
    const problems = rule === null ? row.problems : [...row.problems, { path: 'sync_schedule', rule }]
    return { ...row, problems, due: problems.length === 0 ? due : null }
  })
}

const firstId = '00000000-0000-0000-0000-000000000000'

function writeCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')
}

function readCursor(cursor: string | null | undefined): string {
  if (cursor === null || cursor === undefined) return firstId
  const id = Buffer.from(cursor, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  if (!isUuid(id))
    throw new IntegrationsDbError('invalid_input', 'after: must be the next of an earlier page, unchanged')
  return id
}
