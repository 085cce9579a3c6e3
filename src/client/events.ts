import { and, asc, desc, eq, getTableColumns, sql } from 'drizzle-orm'
import { observed } from '../connection/diagnostics.ts'
import type { OrganizationScopeSettings, Scope } from '../connection/scope.ts'
import { builder, type Run, rowReader, statement } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import {
  type ColumnChange,
  type EventAction,
  organizationIntegrationEvents as table,
} from '../schema/organization-integration-events.ts'
import { isUuid, uuid } from '../util/checks.ts'
import type { AlertPageOptions, EventFeedOptions, EventPageOptions } from './call-options.ts'
import { filtered } from './filtered.ts'
import { input } from './input.ts'

/** What was done with an integration, its credential or a document, by whom and why; never a credential's value. */
export type IntegrationEvent = {
  /** The event's id; pass the last one of a page as `after`. */
  id: string
  /** When it was recorded. */
  createdAt: Date
  /** The organization it speaks of, which may be gone. */
  organizationId: string | null
  /** The integration it speaks of, which may be gone. */
  integrationId: string | null
  /** The external system, as it was called then. */
  integrationType: string | null
  /**
   * What was done: an integration was `create`d, `update`d or `remove`d; of a credential `store`, `rotate`, `retrieve`,
   * `revoke` or `delete`; `quarantine` or `restore` of a document; `alert`; or old events were deleted (`prune`).
   */
  action: EventAction
  /** `ok`, or the error's code. */
  outcome: string
  /** Who did it: the worker, the user or the login. */
  actor: string
  /** Why, as the caller stated it. */
  reason: string | null
  /** The version of the credential. */
  version: number | null
  /** A document that repair reset, under its column's name. Credentials in it are redacted. */
  quarantined: Record<string, unknown> | null
  /**
   * The columns that changed, with the value before and after of those that hold configuration:
   * `{ status: { old: 'inactive', new: 'active' } }`. Credentials in them are redacted.
   */
  changes: Record<string, ColumnChange> | null
}

/** A page of {@link ServiceEvents.list}. */
export type EventFeed = {
  /** The events, in an order in which none is ever put in front of one that was listed. */
  rows: IntegrationEvent[]
  /** What the next call takes as `after`, also where there is nothing more now; null where there never was an event. */
  next: string | null
}

const { transactionId, ...columns } = getTableColumns(table)
const given = sql.placeholder
const lists = filtered(
  {
    action: eq(table.action, given('action')),
    integrationType: eq(table.integrationType, given('integrationType')),
    after: sql`(${table.createdAt}, ${table.id}) < (select b.created_at, b.id from ${table} as b where b.id = ${given('after')})`,
  },
  (where) =>
    builder
      .select(columns)
      .from(table)
      .where(and(eq(table.organizationId, given('organizationId')), ...where))
      .orderBy(desc(table.createdAt), desc(table.id))
      .limit(given('limit')),
)
// Settled is what no transaction that is under way can still put something in front of. What a server that restored the
// table has not reached yet was settled on another.
const settled = sql`(${transactionId} < pg_snapshot_xmin(pg_current_snapshot()) or ${transactionId} >= pg_snapshot_xmax(pg_current_snapshot()))`
const feeds = filtered(
  {
    // A literal, for the partial index.
    alerts: sql`${table.action} = 'alert'`,
    action: eq(table.action, given('action')),
    after: sql`(${transactionId}, ${table.createdAt}, ${table.id}) > (${given('transaction')}::xid8, ${given('time')}::timestamptz, ${given('after')}::uuid)`,
  },
  (where) =>
    builder
      .select({ ...columns, transactionId })
      .from(table)
      .where(and(settled, ...where))
      .orderBy(asc(transactionId), asc(table.createdAt), asc(table.id))
      .limit(given('limit')),
)
const readRow = rowReader(columns)
const toEvent = (row: unknown[]) => readRow(row) as IntegrationEvent
const names = Object.keys(columns)
const [idAt, timeAt, transactionAt] = [names.indexOf('id'), names.indexOf('createdAt'), names.length]

const pendingColumns = Object.values(columns)
  .map(({ name }) => name)
  .join(', ')
const pending = statement(`select ${pendingColumns} from integrations.pending_alerts($1)`)
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
   * What is not asked for has no condition.
   *
   * ```sql
   * select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined, changes
   * from organization_integration_events
   * where organization_id = … and action = … and integration_type = …
   * order by created_at desc, id desc
   * limit …
   * ```
   *
   * @example
   * const [latest] = await acme.events.list({ action: 'update', integrationType: 'xledger', limit: 1 })
   *
   * @throws IntegrationsDbError `permission_denied` for a coordinator; `invalid_input` that names the option.
   */
  list(page: EventPageOptions = {}): Promise<IntegrationEvent[]> {
    return observed('events.list', this.#scope, async () => {
      if (this.#scope.role === 'coordinator') {
        throw new IntegrationsDbError('permission_denied', 'list: role coordinator may not read events; role admin may')
      }
      const { organizationId } = this.#scope
      const { values } = await this.#run(lists({ ...input.eventPage(page), organizationId }), { reads: true })
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
   * Without an action or `after` their conditions are left out.
   *
   * ```sql
   * select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined, changes, transaction_id
   * from organization_integration_events
   * where (transaction_id < pg_snapshot_xmin(pg_current_snapshot())
   *     or transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
   *   and action = 'alert' and (transaction_id, created_at, id) > (…::xid8, …::timestamptz, …::uuid)
   * order by transaction_id, created_at, id
   * limit …
   * ```
   *
   * @example
   * const { rows, next } = await service.events.list({ action: 'alert', after })
   *
   * @throws IntegrationsDbError `invalid_input` that names the option, or for an `after` that was changed.
   */
  list(page: EventFeedOptions = {}): Promise<EventFeed> {
    return observed('events.list', this.#scope, async () => {
      const { action, limit, after } = input.eventFeed(page)
      const filter = action === 'alert' ? { alerts: true } : { action }
      const statement = feeds({ ...filter, limit, ...readCursor(after) })
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
   *   quarantined, changes
   * from integrations.pending_alerts(…)
   * ```
   *
   * @example
   * for (const alert of await service.alerts.pending()) {
   *   await mail(alert)
   *   await service.alerts.acknowledge(alert.id)
   * }
   *
   * @throws IntegrationsDbError `invalid_input` for a limit out of range.
   */
  pending(page: AlertPageOptions = {}): Promise<IntegrationEvent[]> {
    return observed('alerts.pending', this.#scope, async () => {
      const { values } = await this.#run(pending(input.alertPage(page).limit), { reads: true })
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
  return Buffer.from(JSON.stringify([row[transactionAt], row[timeAt], row[idAt]])).toString('base64url')
}

function readCursor(cursor: string | null | undefined): { transaction?: string; time?: string; after?: string } {
  if (cursor === null || cursor === undefined) return {}
  try {
    const [transaction, time, after] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (/^\d{1,20}$/.test(transaction) && /^[\d:.+ -]{1,40}$/.test(time) && isUuid(after))
      return { transaction, time, after }
  } catch {
    // Said below.
  }
  throw new IntegrationsDbError('invalid_input', 'after: must be the next of an earlier page, unchanged')
}
