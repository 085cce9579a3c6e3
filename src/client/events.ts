import { and, desc, eq, getTableColumns, sql } from 'drizzle-orm'
import { observed } from '../connection/diagnostics.ts'
import type { OrganizationScopeSettings } from '../connection/scope.ts'
import { builder, compile, type Run, rowReader } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import { organizationIntegrationEvents as table } from '../schema/organization-integration-events.ts'
import { input } from './input.ts'

/** What was done with a credential, by whom and why; never a value. */
export type IntegrationEvent = typeof table.$inferSelect

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
   * The newest events first. `limit` is 1 to 1000, 100 unless told; `before` is the id of the last event of the page
   * before.
   *
   * @example
   * const [latest] = await acme.events.list({ limit: 1 })
   *
   * SQL: `select … where organization_id = … order by created_at desc, id desc limit …`, one round trip.
   *
   * @throws IntegrationsDbError `permission_denied` for a coordinator; `invalid_input` for a limit or an id that is none.
   */
  list(page: { limit?: number; before?: string } = {}): Promise<IntegrationEvent[]> {
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
