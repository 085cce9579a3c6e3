import { and, desc, eq, getTableColumns, sql } from 'drizzle-orm'
import { observed } from '../connection/diagnostics.ts'
import type { OrganizationScopeSettings } from '../connection/scope.ts'
import { builder, compile, type Run, rowReader } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { organizationIntegrationEvents as table } from '../schema/organization-integration-events.ts'
import type { EventPageOptions } from './call-options.ts'
import { input } from './input.ts'

/** What was done with a credential or a document, by whom and why; never a credential's value. */
export type IntegrationEvent = {
  /** The event's id; pass the last one of a page as `before`. */
  id: string
  /** When it was recorded. */
  createdAt: Date
  /** The organization it speaks of, which may be gone. */
  organizationId: string | null
  /** The integration it speaks of, which may be gone. */
  integrationId: string | null
  /** The external system, as it was called then. */
  integrationType: string | null
  /** `store`, `rotate`, `retrieve`, `revoke`, `delete`, `alert`, `quarantine` or `restore`. */
  action: string
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
}

const columns = getTableColumns(table)
const given = sql.placeholder
const newestFirst = [desc(table.createdAt), desc(table.id)]
const own = eq(table.organizationId, given('organizationId'))
const select = (where: typeof own | undefined) =>
  builder
    .select()
    .from(table)
    .where(where)
    .orderBy(...newestFirst)
    .limit(given('limit'))
const statements = {
  newest: compile(() => select(own)),
  before: compile(() =>
    select(
      and(
        own,
        sql`(${table.createdAt}, ${table.id}) < (select b.created_at, b.id from ${table} as b where b.id = ${given('before')})`,
      ),
    ),
  ),
}

const readRow = rowReader(columns)

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
   * ```sql
   * select id, created_at, organization_id, integration_id, integration_type, action, outcome, actor, reason, version,
   *   quarantined
   * from organization_integration_events
   * where organization_id = …
   * order by created_at desc, id desc
   * limit …
   * ```
   *
   * @example
   * const [latest] = await acme.events.list({ limit: 1 })
   *
   * @throws IntegrationsDbError `permission_denied` for a coordinator; `invalid_input` for a limit or an id that is none.
   */
  list(page: EventPageOptions = {}): Promise<IntegrationEvent[]> {
    return observed('events.list', this.#scope, async () => {
      if (this.#scope.role === 'coordinator') {
        throw new IntegrationsDbError('permission_denied', 'list: role coordinator may not read events; role admin may')
      }
      const { organizationId } = this.#scope
      const { limit, before } = input.eventPage(page)
      const statement =
        before === undefined
          ? statements.newest({ organizationId, limit })
          : statements.before({ organizationId, limit, before })
      const { values } = await this.#run(statement, { reads: true })
      return values.map((row) => readRow(row) as IntegrationEvent)
    })
  }
}
