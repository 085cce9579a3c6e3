import { and, desc, eq, sql } from 'drizzle-orm'
import { text } from '../config/short-text.ts'
import { observed } from '../connection/diagnostics.ts'
import type { OrganizationScopeSettings, Scope } from '../connection/scope.ts'
import { builder, rowReader, type Run as Send, type Statement, statement } from '../connection/statement.ts'
import { IntegrationsDbError, type IntegrationsDbErrorCode } from '../errors.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { type RunOutcome, organizationIntegrationRuns as table } from '../schema/organization-integration-runs.ts'
import { organizationIntegrations } from '../schema/organization-integrations.ts'
import { uuid } from '../util/checks.ts'
import type { RunEnd, RunPageOptions, RunStart } from './call-options.ts'
import { filtered } from './filtered.ts'
import { input } from './input.ts'

/** What came of one sync: one integration, one due time, one outcome. */
export type Run = {
  /** Its id, the same for every attempt. */
  id: string
  /** The integration that it synced. */
  integrationId: string
  /** The organization that the integration belonged to. */
  organizationId: string
  /** The external system. */
  integrationType: IntegrationType
  /** When it was to run by its schedule. */
  due: Date
  /** When its last attempt began. */
  startedAt: Date
  /** When that attempt ended; null while it runs, and where its worker died. */
  finishedAt: Date | null
  /** How it ended: `succeeded`, `failed` or `cancelled`; null while it runs. */
  outcome: RunOutcome | null
  /** What the worker said of its end. */
  message: string | null
  /** How many of what: `{ invoices: 12 }`. */
  counts: Record<string, number> | null
  /** Which attempt it is: 1 for the first. */
  attempt: number
}

export const runColumns = {
  id: table.id,
  integrationId: table.integrationId,
  organizationId: table.organizationId,
  integrationType: organizationIntegrations.integrationType,
  due: table.due,
  startedAt: table.startedAt,
  finishedAt: table.finishedAt,
  outcome: table.outcome,
  message: table.message,
  counts: table.counts,
  attempt: table.attempt,
}
const readRow = rowReader(runColumns)
export const toRun = (row: unknown[]) => readRow(row) as Run

const given = sql.placeholder
const own = eq(table.organizationId, given('organizationId'))
const ofType = eq(organizationIntegrations.integrationType, given('integrationType'))
const older = sql`(${table.due}, ${table.id}) < (select b.due, b.id from ${table} as b where b.id = ${given('after')})`
const lists = filtered({ integrationType: ofType, after: older }, (where) =>
  builder
    .select(runColumns)
    .from(table)
    .innerJoin(organizationIntegrations, eq(organizationIntegrations.id, table.integrationId))
    .where(and(own, ...where))
    .orderBy(desc(table.due), desc(table.id))
    .limit(given('limit')),
)

/** One organization's runs, for its members and the service role. */
export class Runs {
  readonly #run: Send
  readonly #scope: OrganizationScopeSettings

  constructor(run: Send, scope: OrganizationScopeSettings) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * The latest due first, page by page.
   *
   * Without a system or `after` their conditions are left out.
   *
   * ```sql
   * select id, integration_id, organization_id, integration_type, due, started_at, finished_at, outcome, message,
   *   counts, attempt
   * from organization_integration_runs
   * inner join organization_integrations on id = integration_id
   * where organization_id = … and integration_type = …
   * order by due desc, id desc
   * limit …
   * ```
   *
   * @example
   * const [latest] = await acme.runs.list({ integrationType: 'xledger', limit: 1 })
   *
   * @throws IntegrationsDbError `invalid_input` that names the option.
   */
  list(page: RunPageOptions = {}): Promise<Run[]> {
    return observed('runs.list', this.#scope, async () => {
      const { organizationId } = this.#scope
      const statement = lists({ ...input.runPage(page), organizationId })
      const { values } = await this.#run(statement, { reads: true })
      return values.map(toRun)
    })
  }
}

const start = statement(
  'select code, problem, id, integration_id, started_at, attempt from integrations.start_run($1, $2, $3, $4)',
)
const finish = statement(
  `select code, problem, id, integration_id, organization_id, integration_type, due, started_at, finished_at, outcome, message, counts, attempt
   from integrations.finish_run($1, $2, $3, $4, $5, $6)`,
)

const planned = statement('select extract(epoch from integrations.planned_through($1, $2))')

/** Runs of every organization, started and finished by workers. */
export class ServiceRuns {
  readonly #run: Send
  readonly #scope: Scope

  constructor(run: Send, scope: Scope) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * Begins the run of a due time, or gives null where that due time has its run: of any number of workers one gets it.
   *
   * With `retries` a run that failed, or that was begun and never finished, is taken on as its next attempt. Ask for it
   * only where the attempt before is over, as pg-boss does when it hands a job out again. A run that succeeded or was
   * cancelled is never begun again.
   *
   * ```sql
   * select code, problem, id, integration_id, started_at, attempt from integrations.start_run(…, …, …, …)
   * ```
   *
   * @example
   * const run = await service.runs.start({ organizationId, integrationType: 'xledger', due })
   * if (run === null) return // somebody else has it
   *
   * @throws IntegrationsDbError `not_found` without the integration; `invalid_input` that names the field.
   */
  start(begin: RunStart): Promise<Run | null> {
    return observed('runs.start', this.#scope, async () => {
      const { organizationId, integrationType, due, retries } = input.runStart(begin)
      const values = await this.#answer(start(organizationId, integrationType, due, retries))
      const [id, integrationId, startedAt, attempt] = values
      if (id === null) return null
      const ended = [null, null, null, null]
      return toRun([id, integrationId, organizationId, integrationType, due, startedAt, ...ended, attempt])
    })
  }

  /**
   * Says how a run ended. Neither the message nor the counts may hold what looks like a credential.
   *
   * With `attempt` an attempt that was taken over meanwhile is refused. With `errorAfter`, where so many runs of the
   * integration in a row failed, it is set to `error` and one alert is recorded, in the same transaction.
   *
   * ```sql
   * select code, problem, id, integration_id, organization_id, integration_type, due, started_at, finished_at, outcome,
   *   message, counts, attempt
   * from integrations.finish_run(…, …, …, …, …, …)
   * ```
   *
   * @example
   * await service.runs.finish(run.id, { outcome: 'succeeded', counts: { invoices: 12 } })
   *
   * @throws IntegrationsDbError `not_found`; `conflict` where the run is over, or another attempt has taken it over;
   * `invalid_input` that names the field.
   */
  finish(runId: string, end: RunEnd): Promise<Run> {
    return observed('runs.finish', this.#scope, async () => {
      const id = uuid('id', runId)
      const { outcome, message, counts, attempt, errorAfter } = input.runEnd(end)
      const values = await this.#answer(finish(id, attempt, outcome, message, counts, errorAfter))
      return toRun(values)
    })
  }

  /**
   * Up to when planners of a queue have enqueued what is due, or null before the first; with `through` it is set first,
   * where that is later.
   *
   * ```sql
   * select extract(epoch from integrations.planned_through(…, …))
   * ```
   *
   * @example
   * const since = await service.runs.plannedThrough('nightly')
   * await service.runs.plannedThrough('nightly', new Date())
   *
   * @throws IntegrationsDbError `invalid_input` that names the argument.
   */
  plannedThrough(queue: string, through?: Date): Promise<Date | null> {
    return observed('runs.plannedThrough', this.#scope, async () => {
      const { values } = await this.#run(planned(text('queue', queue), input.time('through', through) ?? null))
      const seconds = values[0]?.[0]
      return seconds === null || seconds === undefined ? null : new Date(Math.round(Number(seconds) * 1000))
    })
  }

  async #answer(question: Statement): Promise<unknown[]> {
    const { values } = await this.#run(question)
    const [code, problem, ...row] = values[0] ?? []
    if (code === 'ok') return row
    throw new IntegrationsDbError(code as IntegrationsDbErrorCode, String(problem))
  }
}
