import { getTableColumns } from 'drizzle-orm'
import { rowReader, type Statement, statement } from '../connection/statement.ts'
import {
  type ColumnChange,
  changeActions,
  organizationIntegrationChanges,
} from '../schema/organization-integration-changes.ts'
import { credentialActions, organizationIntegrationEvents } from '../schema/organization-integration-events.ts'

/* The statements of `events.ts`. Events are in two tables: those of changes had no room in the older one. */

/** What an event may say was done. */
export type EventAction = (typeof credentialActions)[number] | (typeof changeActions)[number]
export const eventActions = [...credentialActions, ...changeActions] as const

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
   * What was done: `create`, `update` or `remove` of an integration; `store`, `rotate`, `retrieve`, `revoke` or `delete` of
   * a credential; `quarantine` or `restore` of a document; `alert`; `prune` of old events.
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

const { transactionId: _, ...ofEvents } = getTableColumns(organizationIntegrationEvents)
const columns = { ...ofEvents, changes: organizationIntegrationChanges.changes }
const readRow = rowReader(columns)
export const toEvent = (row: unknown[]) => readRow(row) as IntegrationEvent

const names = Object.keys(columns)
/** Where a row of a feed has what its cursor is made of. */
export const at = { id: names.indexOf('id'), createdAt: names.indexOf('createdAt'), transactionId: names.length }

export const eventColumns =
  'id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version, quarantined, null::jsonb as changes'
const changeColumns =
  "id, created_at, organization_id, integration_id, integration_type, action, 'ok' as outcome, actor, reason, null::bigint as version, null::jsonb as quarantined, changes"
const tables = [
  { name: 'organization_integration_events', columns: eventColumns, actions: credentialActions as readonly string[] },
  { name: 'organization_integration_changes', columns: changeColumns, actions: changeActions as readonly string[] },
]

/** A condition, with `?` for each of its values. */
export type Condition = [text: string, ...values: unknown[]]

const compiled = new Map<string, (...values: unknown[]) => Statement>()

/** So many events that meet the conditions, first in an order: of both tables, or of that which can have the action. */
export function selectEvents(asked: {
  action: EventAction | undefined
  where: Condition[]
  order: string
  isFeed?: boolean
  limit: number
}): Statement {
  const { action, order, limit } = asked
  // A literal, for the partial index.
  const ofAction: Condition[] =
    action === undefined ? [] : action === 'alert' ? [["action = 'alert'"]] : [['action = ?', action]]
  const values: unknown[] = [limit]
  const where = [...asked.where, ...ofAction].map(([text, ...own]) =>
    own.reduce<string>((partly, value) => partly.replace('?', `$${values.push(value)}`), text),
  )
  const parts = tables
    .filter(({ actions }) => action === undefined || actions.includes(action))
    .map(
      ({ name, columns }) =>
        `select ${columns}${asked.isFeed ? ', transaction_id' : ''} from ${name} where ${where.join(' and ')} order by ${order} limit $1`,
    )
  const text = parts.length === 1 ? parts.join() : `(${parts.join(') union all (')}) order by ${order} limit $1`
  const fill = compiled.get(text) ?? statement(text)
  compiled.set(text, fill)
  return fill(...values)
}
