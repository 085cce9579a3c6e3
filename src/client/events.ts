import { observed } from '../connection/diagnostics.ts'
import type { OrganizationScopeSettings, Scope } from '../connection/scope.ts'
import { type Run, statement } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { isUuid, uuid } from '../util/checks.ts'
import type { AlertPageOptions, EventFeedOptions, EventPageOptions } from './call-options.ts'
import { at, type Condition, eventColumns, type IntegrationEvent, selectEvents, toEvent } from './event-statements.ts'
import { input } from './input.ts'

/** A page of {@link ServiceEvents.list}. */
export type EventFeed = {
  /** The events, in an order in which none is ever put in front of one that was listed. */
  rows: IntegrationEvent[]
  /** What the next call takes as `after`, also where there is nothing more now; null where there never was an event. */
  next: string | null
}

const newestFirst = 'created_at desc, id desc'
const older =
  '(created_at, id) < (select created_at, id from (select id, created_at from organization_integration_events union all select id, created_at from organization_integration_changes) as b where id = ?)'
const inOrder = 'transaction_id, created_at, id'
// Settled is what no transaction that is under way can still put something in front of. What a server that restored the
// tables has not reached yet was settled on another.
const settled =
  '(transaction_id < pg_snapshot_xmin(pg_current_snapshot()) or transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))'
const later = '(transaction_id, created_at, id) > (?::xid8, ?::timestamptz, ?::uuid)'
const pending = statement(`select ${eventColumns} from integrations.pending_alerts($1)`)
// The function counts from the oldest alert on, so that it is asked for all.
const pendingAfter = statement(`select ${eventColumns} from integrations.pending_alerts(${2 ** 31 - 1})
  where (transaction_id, created_at, id) > (
    select e.transaction_id, e.created_at, e.id from organization_integration_events as e where e.id = $1
  )
  order by transaction_id, created_at, id limit $2`)
const acknowledge = statement('select integrations.acknowledge_alert($1)')

/** One organization's events, for its admins and the service role. */
export class Events {
  readonly #run: Run
  readonly #scope: OrganizationScopeSettings

  constructor(run: Run, scope: OrganizationScopeSettings) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * The newest events first, page by page.
   *
   * An action, a system and `after` are conditions more; an action is in one of the tables alone.
   *
   * ```sql
   * (select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined, null::jsonb as changes
   * from organization_integration_events
   * where organization_id = …
   * order by created_at desc, id desc
   * limit …)
   * union all
   * (select id, created_at, organization_id, integration_id, integration_type, action, 'ok' as outcome, actor, reason,
   *   null::bigint as version, null::jsonb as quarantined, changes
   * from organization_integration_changes
   * where organization_id = …
   * order by created_at desc, id desc
   * limit …)
   * order by created_at desc, id desc
   * limit …
   * ```
   *
   * @example
   * const [latest] = await acme.events.list({ limit: 1 })
   *
   * @throws IntegrationsDbError `permission_denied` for a coordinator; `invalid_input` that names the option.
   */
  list(page: EventPageOptions = {}): Promise<IntegrationEvent[]> {
    return observed('events.list', this.#scope, async () => {
      if (this.#scope.role === 'coordinator') {
        throw new IntegrationsDbError('permission_denied', 'list: role coordinator may not read events; role admin may')
      }
      const { organizationId } = this.#scope
      const { action, integrationType, limit, after } = input.eventPage(page)
      const where: Condition[] = [['organization_id = ?', organizationId]]
      if (integrationType !== undefined) where.push(['integration_type = ?', integrationType])
      if (after !== undefined) where.push([older, after])
      const { values } = await this.#run(selectEvents({ action, where, order: newestFirst, limit }), { reads: true })
      return values.map(toEvent)
    })
  }
}

/** Events of every organization, for the service role alone. */
export class ServiceEvents {
  readonly #run: Run
  readonly #scope: Scope

  constructor(run: Run, scope: Scope) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * Events of all organizations in the order of their transactions, from a cursor on that never skips one.
   *
   * An event is listed once every transaction that began before its own is over: until then one of them could still
   * write an event that belongs in front of it. A transaction that stays open holds the list up, not the writers.
   * Without an action it asks both tables, as `acme.events.list` does.
   *
   * ```sql
   * select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined, null::jsonb as changes, transaction_id
   * from organization_integration_events
   * where (transaction_id < pg_snapshot_xmin(pg_current_snapshot())
   *     or transaction_id >= pg_snapshot_xmax(pg_current_snapshot())) and action = 'alert'
   * order by transaction_id, created_at, id
   * limit …
   * ```
   *
   * @example
   * const { rows, next } = await service.events.list({ action: 'alert', limit: 100 })
   *
   * @throws IntegrationsDbError `invalid_input` that names the option, or for an `after` that was changed.
   */
  list(page: EventFeedOptions = {}): Promise<EventFeed> {
    return observed('events.list', this.#scope, async () => {
      const { action, limit, after } = input.eventFeed(page)
      const cursor = readCursor(after)
      const where: Condition[] = cursor === null ? [[settled]] : [[settled], [later, ...cursor]]
      const statement = selectEvents({ action, where, order: inOrder, isFeed: true, limit })
      const { values } = await this.#run(statement, { reads: true })
      const last = values.at(-1)
      return { rows: values.map(toEvent), next: last === undefined ? (after ?? null) : writeCursor(last) }
    })
  }
}

/** Alerts that somebody must be told of: events that wait until they are acknowledged. */
export class ServiceAlerts {
  readonly #run: Run
  readonly #scope: Scope

  constructor(run: Run, scope: Scope) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * The alerts of all organizations that nobody acknowledged, the oldest first.
   *
   * Tell somebody, then acknowledge: who is killed in between tells them again, and nobody goes untold.
   *
   * ```sql
   * select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined, null::jsonb as changes
   * from integrations.pending_alerts(…)
   * ```
   *
   * With `after`:
   *
   * ```sql
   * select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined, null::jsonb as changes
   * from integrations.pending_alerts(2147483647)
   * where (transaction_id, created_at, id) > (
   *   select e.transaction_id, e.created_at, e.id from organization_integration_events as e where e.id = …
   * )
   * order by transaction_id, created_at, id limit …
   * ```
   *
   * @example
   * for (const alert of await service.alerts.pending()) {
   *   await mail(alert)
   *   await service.alerts.acknowledge(alert.id)
   * }
   *
   * @throws IntegrationsDbError `invalid_input` for a limit out of range, or an `after` that is no uuid.
   */
  pending(page: AlertPageOptions = {}): Promise<IntegrationEvent[]> {
    return observed('alerts.pending', this.#scope, async () => {
      const { limit, after } = input.alertPage(page)
      const { values } = await this.#run(after === undefined ? pending(limit) : pendingAfter(after, limit), {
        reads: true,
      })
      return values.map(toEvent)
    })
  }

  /**
   * Says that somebody was told: the alert is pending no more. To say it again is no error.
   *
   * ```sql
   * select integrations.acknowledge_alert(…)
   * ```
   *
   * @example
   * await service.alerts.acknowledge(alert.id)
   *
   * @throws IntegrationsDbError `not_found` for what is no alert; `invalid_input` for what is no uuid.
   */
  acknowledge(alertId: string): Promise<void> {
    return observed('alerts.acknowledge', this.#scope, async () => {
      const { values } = await this.#run(acknowledge(uuid('alertId', alertId)))
      if (values[0]?.[0] === 't' || values[0]?.[0] === true) return
      throw new IntegrationsDbError('not_found', 'alertId: there is no such alert')
    })
  }
}

function writeCursor(row: unknown[]): string {
  return Buffer.from(JSON.stringify([row[at.transactionId], row[at.createdAt], row[at.id]])).toString('base64url')
}

function readCursor(cursor: string | null | undefined): [string, string, string] | null {
  if (cursor === null || cursor === undefined) return null
  try {
    const [transaction, time, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (/^\d{1,20}$/.test(transaction) && /^[\d:.+ -]{1,40}$/.test(time) && isUuid(id)) return [transaction, time, id]
  } catch {
    // Said below.
  }
  throw new IntegrationsDbError('invalid_input', 'after: must be the next of an earlier page, unchanged')
}
