import { nextRuns, scheduleProblem } from './config/schedule.ts'
import { observed } from './diagnostics.ts'
import type { Run } from './drizzle.ts'
import { IntegrationsDbError } from './errors.ts'
import { input, isUuid, text } from './input.ts'
import { type Integration, statements, toIntegrations } from './integration-statements.ts'
import type { Scope } from './scope.ts'

/** `due` is the schedule's next run; null where the row has problems, its schedule's among them. */
export type ScheduledIntegration = Integration & { due: Date | null }
/** A page of {@link ServiceIntegrations.listScheduled}; `next` is null on the last one. */
export type ScheduledPage = { rows: ScheduledIntegration[]; next: string | null }

/** A page of {@link ServiceIntegrations.findByMappedField}; `next` is null on the last one. */
export type MappedFieldPage = { rows: Integration[]; next: string | null }

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
   * @example
   * for (let after = null; ; after = page.next) {
   *   page = await service.integrations.listScheduled({ limit: 500, after })
   *   …
   *   if (page.next === null) break
   * }
   *
   * `limit` is 1 to 1000 rows, 500 unless told. `after` is the `next` of the page before: an opaque cursor that stays
   * valid while rows come and go. `due` is the first run after `since` (now unless told) as a clock in `timeZone` shows
   * it (an IANA name, UTC unless told): a worker that hands in when it last looked runs what is due by now. A row with
   * problems comes too, with `due: null`.
   *
   * SQL: `select … where status = 'active' and sync_schedule is not null and id > … order by id limit …`
   *
   * @throws IntegrationsDbError `invalid_input` that names the option, or for an `after` that was changed.
   */
  listScheduled(
    page: { limit?: number; after?: string | null; timeZone?: string; since?: Date } = {},
  ): Promise<ScheduledPage> {
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
   * @example
   * const { rows, next } = await service.integrations.findByMappedField('employee_id', { limit: 500 })
   *
   * `limit` is 1 to 1000 rows, 500 unless told; `after` is the `next` of the page before, as with `listScheduled`.
   *
   * SQL: `select … where field_mappings ? … and id > … order by id limit …`, which the GIN index serves: no policy stands
   * before the service role.
   *
   * @throws IntegrationsDbError `invalid_input` that names the argument or option.
   */
  findByMappedField(field: string, page: { limit?: number; after?: string | null } = {}): Promise<MappedFieldPage> {
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
