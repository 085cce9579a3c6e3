import { nextRuns, scheduleProblem } from './config/schedule.ts'
import { observed } from './diagnostics.ts'
import type { Run, Statement } from './drizzle.ts'
import { IntegrationsDbError } from './errors.ts'
import { type IntegrationPatch, input, isUuid, type NewIntegration, type RevisionOptions, text, uuid } from './input.ts'
import { type Integration, statements, toIntegrations, writes } from './integration-statements.ts'
import type { IntegrationStatus, IntegrationType } from './schema/enums.ts'
import type { OrganizationScopeSettings, Scope } from './scope.ts'

/** `due` is the schedule's next run; null where the row has problems, its schedule's among them. */
export type ScheduledIntegration = Integration & { due: Date | null }
/** A page of {@link ServiceIntegrations.listScheduled}; `next` is null on the last one. */
export type ScheduledPage = { rows: ScheduledIntegration[]; next: string | null }

/**
 * One organization's integrations. Every method is one statement and one round trip.
 *
 * Reads need role `admin` or `coordinator`, writes `admin`; a verb the role lacks is `permission_denied` before
 * anything is sent.
 */
export class Integrations {
  readonly #run: Run
  readonly #scope: OrganizationScopeSettings

  constructor(run: Run, scope: OrganizationScopeSettings) {
    this.#run = run
    this.#scope = scope
  }

  /**
   * All integrations of the organization, oldest first.
   *
   * @example
   * await acme.integrations.list({ status: 'active' })
   *
   * SQL: `select … where organization_id = … [and status = …] order by created_at, id`
   */
  list(filter: { status?: IntegrationStatus } = {}): Promise<Integration[]> {
    return this.#reads('list', () => {
      const { status } = input.listFilter(filter)
      return status === undefined ? statements.list(this.#own()) : statements.listByStatus(this.#own({ status }))
    })
  }

  /**
   * The integration with one system, or null.
   *
   * @example
   * const xledger = await acme.integrations.get('xledger')
   *
   * SQL: `select … where organization_id = … and integration_type = …`
   */
  async get(integrationType: IntegrationType): Promise<Integration | null> {
    const rows = await this.#reads('get', () => statements.get(this.#key(integrationType)))
    return rows[0] ?? null
  }

  /** The integration with this id, or null; another organization's is null too. SQL: `select … where … and id = …` */
  async getById(id: string): Promise<Integration | null> {
    const rows = await this.#reads('getById', () => statements.getById(this.#own({ id: uuid('id', id) })))
    return rows[0] ?? null
  }

  /**
   * The integrations that map one of our fields, oldest first.
   *
   * @example
   * await acme.integrations.findByMappedField('employee_id')
   *
   * SQL: `select … where organization_id = … and field_mappings ? …`, which the GIN index serves.
   */
  findByMappedField(field: string): Promise<Integration[]> {
    return this.#reads('findByMappedField', () =>
      statements.findByMappedField(this.#own({ field: text('field', field) })),
    )
  }

  /**
   * Adds the integration with a system; omitted fields take the table's defaults.
   *
   * @example
   * await acme.integrations.create({ integrationType: 'xledger', syncSchedule: '0 2 * * *' })
   *
   * SQL: `insert into organization_integrations … returning …`
   *
   * @throws IntegrationsDbError `already_exists`; `not_found` where the organization does not exist;
   * `credential_missing` for status `active`, which takes a credential, which takes an integration.
   */
  create(integration: NewIntegration): Promise<Integration> {
    return this.#writes('create', async () => {
      const fields = this.#own(present(input.newIntegration(integration)))
      if (fields.status === 'active') throw credentialMissing(fields.integrationType)
      return this.#written(writes.insert(fields))
    })
  }

  /**
   * Adds the integration, or changes the fields that are given and keeps the others.
   *
   * @example
   * await acme.integrations.upsert({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } })
   *
   * SQL: `insert … on conflict (organization_id, integration_type) do update set … returning …`; with status `active`,
   * which only a row with a credential can have, an update.
   *
   * @throws IntegrationsDbError `credential_missing` for status `active` without a credential.
   */
  upsert(integration: NewIntegration): Promise<Integration> {
    return this.#writes('upsert', async () => {
      const fields = this.#own(present(input.newIntegration(integration)))
      if (fields.status === 'active') {
        const row = await this.#first(writes.activate(fields, this.#key(fields.integrationType)))
        if (row === null) throw credentialMissing(fields.integrationType)
        return row
      }
      return this.#written(writes.upsert(fields))
    })
  }

  /**
   * Changes the fields that are given.
   *
   * @example
   * const row = await acme.integrations.get('xledger')
   * await acme.integrations.update('xledger', { status: 'inactive' }, { expectedRevision: row.revision })
   *
   * SQL: `update organization_integrations set … where … [and xmin::text = …] returning …`, for status `active` with
   * `and integrations.has_credential(id)`.
   *
   * @throws IntegrationsDbError `not_found`; `conflict` where somebody saved since `expectedRevision`;
   * `credential_missing` for status `active` without a credential.
   */
  update(
    integrationType: IntegrationType,
    patch: IntegrationPatch,
    options: RevisionOptions = {},
  ): Promise<Integration> {
    return this.#writes('update', async () => {
      const key = this.#key(integrationType)
      const fields = present(input.patch(patch))
      const { expectedRevision } = input.revision(options)
      const activates = fields.status === 'active'
      const write = activates ? writes.activate : writes.update
      const writeUnchanged = activates ? writes.activateUnchanged : writes.updateUnchanged
      const row = await this.#first(
        expectedRevision === undefined ? write(fields, key) : writeUnchanged(fields, { ...key, expectedRevision }),
      )
      return row ?? this.#missing(integrationType, expectedRevision, activates)
    })
  }

  /**
   * Removes the integration and gives its last state.
   *
   * SQL: `delete from organization_integrations where … [and xmin::text = …] returning …`
   *
   * @throws IntegrationsDbError `not_found`, or `conflict` where somebody saved since `expectedRevision`.
   */
  delete(integrationType: IntegrationType, options: RevisionOptions = {}): Promise<Integration> {
    return this.#writes('delete', async () => {
      const key = this.#key(integrationType)
      const { expectedRevision } = input.revision(options)
      const row = await this.#first(
        expectedRevision === undefined
          ? statements.delete(key)
          : statements.deleteUnchanged({ ...key, expectedRevision }),
      )
      return row ?? this.#missing(integrationType, expectedRevision)
    })
  }

  #own<T extends object>(fields?: T) {
    return { ...fields, organizationId: this.#scope.organizationId } as T & { organizationId: string }
  }

  #key(integrationType: IntegrationType) {
    return this.#own({ integrationType: input.type(integrationType) })
  }

  #reads(method: string, statement: () => Statement): Promise<Integration[]> {
    return observed(`integrations.${method}`, this.#scope, async () =>
      toIntegrations(await this.#run(statement(), { reads: true })),
    )
  }

  #writes(method: string, write: () => Promise<Integration>): Promise<Integration> {
    return observed(`integrations.${method}`, this.#scope, async () => {
      if (this.#scope.role === 'coordinator') {
        throw new IntegrationsDbError(
          'permission_denied',
          `${method}: role coordinator may only read; role admin is needed`,
        )
      }
      return write()
    })
  }

  async #first(statement: Statement): Promise<Integration | null> {
    return toIntegrations(await this.#run(statement))[0] ?? null
  }

  async #written(statement: Statement): Promise<Integration> {
    const row = await this.#first(statement)
    if (row === null) {
      throw new IntegrationsDbError('permission_denied', 'the row was not written: the policies refuse it')
    }
    return row
  }

  /** Why a statement that named a row touched none. */
  async #missing(
    integrationType: IntegrationType,
    expectedRevision: string | undefined,
    activates = false,
  ): Promise<never> {
    const asks = expectedRevision !== undefined || activates
    const current = asks ? await this.#first(statements.get(this.#key(integrationType))) : null
    if (current !== null && expectedRevision !== undefined && current.revision !== expectedRevision) {
      throw new IntegrationsDbError(
        'conflict',
        `integrationType ${integrationType}: expected revision ${expectedRevision}, found ${current.revision}; read the row again and repeat the change`,
      )
    }
    if (current !== null && activates) throw credentialMissing(integrationType)
    throw new IntegrationsDbError(
      'not_found',
      `integrationType ${integrationType}: the organization has no such integration; create it first`,
    )
  }
}

function credentialMissing(integrationType: IntegrationType): IntegrationsDbError {
  return new IntegrationsDbError(
    'credential_missing',
    `status: ${integrationType} cannot be active without a credential; store one with credentials.store, then set it active`,
  )
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
   */
  listScheduled(
    page: { limit?: number; after?: string | null; timeZone?: string; since?: Date } = {},
  ): Promise<ScheduledPage> {
    return observed('integrations.listScheduled', this.#scope, async () => {
      const { limit, after, timeZone, since } = input.page(page)
      // One row more than asked for tells whether there is a next page.
      const statement = statements.listScheduled({ limit: limit + 1, after: readCursor(after) })
      const rows = toIntegrations(await this.#run(statement, { reads: true }))
      const next = rows.length > limit ? writeCursor(rows[limit - 1]?.id ?? firstId) : null
      const when = { timeZone, after: since ?? new Date() }
      return { rows: scheduled(rows.slice(0, limit), when), next }
    })
  }
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

function present<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
