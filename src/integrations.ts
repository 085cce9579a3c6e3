import type { ExcludedFeatures } from './config/documents.ts'
import { observed } from './diagnostics.ts'
import type { Run, Statement } from './drizzle.ts'
import { IntegrationsDbError } from './errors.ts'
import {
  type FieldMappingsEdit,
  type IntegrationPatch,
  input,
  type NewIntegration,
  present,
  type RevisionOptions,
  text,
  uuid,
} from './input.ts'
import { editFeatures, mergeFieldMappings } from './integration-edits.ts'
import { credentialMissing, untouched } from './integration-refusals.ts'
import { type Integration, statements, toIntegrations, writes } from './integration-statements.ts'
import type { IntegrationStatus, IntegrationType } from './schema/enums.ts'
import type { OrganizationScopeSettings } from './scope.ts'

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
   *
   * @throws IntegrationsDbError `invalid_input` for what is no status.
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
   *
   * @throws IntegrationsDbError `invalid_input` for what is no system.
   */
  async get(integrationType: IntegrationType): Promise<Integration | null> {
    const rows = await this.#reads('get', () => statements.get(this.#key(integrationType)))
    return rows[0] ?? null
  }

  /**
   * The integration with this id, or null; another organization's is null too.
   *
   * @example
   * const integration = await acme.integrations.getById(id)
   *
   * SQL: `select … where organization_id = … and id = …`
   *
   * @throws IntegrationsDbError `invalid_input` for what is no uuid.
   */
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
   *
   * @throws IntegrationsDbError `invalid_input` for an empty name, or one of more than 255 characters.
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
  create<T extends IntegrationType>(integration: NewIntegration<T>): Promise<Integration> {
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
  upsert<T extends IntegrationType>(integration: NewIntegration<T>): Promise<Integration> {
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
  update<T extends IntegrationType>(
    integrationType: T,
    patch: IntegrationPatch<T>,
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
   * Sets some mappings and takes away those that are null; others stay, also what somebody else saves meanwhile.
   *
   * @example
   * await acme.integrations.setFieldMappings('xledger', { amount: 'invoiceAmount', old_field: null })
   *
   * SQL: `update … set field_mappings = (field_mappings || …) - … where … returning …`, one round trip. A document of an
   * earlier version is read first, and written in the current one if nobody saved meanwhile.
   *
   * @throws IntegrationsDbError `not_found`; `invalid_input` also where the document breaks a rule elsewhere.
   */
  setFieldMappings<T extends IntegrationType>(integrationType: T, edit: FieldMappingsEdit<T>): Promise<Integration> {
    return this.#writes('setFieldMappings', async () => {
      const key = this.#key(integrationType)
      const merged = await mergeFieldMappings(key, input.mappingsEdit(edit), (statement) => this.#first(statement))
      return merged ?? this.#missing(integrationType, undefined)
    })
  }

  /**
   * Switches features off; those that are off already stay so.
   *
   * @example
   * await acme.integrations.excludeFeatures('xledger', ['payroll_sync'])
   *
   * SQL: `update … set excluded_features = (excluded_features - …) || … where … returning …`, one round trip.
   *
   * @throws IntegrationsDbError `not_found`; `invalid_input` also where what is stored is no list.
   */
  excludeFeatures(integrationType: IntegrationType, features: ExcludedFeatures): Promise<Integration> {
    return this.#editsFeatures('excludeFeatures', integrationType, features)
  }

  /**
   * Switches features on again; those that are on already stay so.
   *
   * @example
   * await acme.integrations.includeFeatures('xledger', ['payroll_sync'])
   *
   * SQL: `update … set excluded_features = excluded_features - … where … returning …`, one round trip.
   *
   * @throws IntegrationsDbError `not_found`; `invalid_input` also where what is stored is no list.
   */
  includeFeatures(integrationType: IntegrationType, features: ExcludedFeatures): Promise<Integration> {
    return this.#editsFeatures('includeFeatures', integrationType, features)
  }

  #editsFeatures(
    method: 'excludeFeatures' | 'includeFeatures',
    integrationType: IntegrationType,
    features: ExcludedFeatures,
  ): Promise<Integration> {
    return this.#writes(method, async () => {
      const key = this.#key(integrationType)
      const edit = { method, features: input.features(features) }
      const row = await editFeatures(key, edit, (statement) => this.#first(statement))
      return row ?? this.#missing(integrationType, undefined)
    })
  }

  /**
   * Removes the integration and gives its last state.
   *
   * @example
   * await acme.integrations.delete('xledger', { expectedRevision: row.revision })
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
      if (this.#scope.role !== 'coordinator') return write()
      throw new IntegrationsDbError(
        'permission_denied',
        `${method}: role coordinator may only read; role admin is needed`,
      )
    })
  }

  async #first(statement: Statement): Promise<Integration | null> {
    return toIntegrations(await this.#run(statement))[0] ?? null
  }

  async #written(statement: Statement): Promise<Integration> {
    const row = await this.#first(statement)
    if (row !== null) return row
    throw new IntegrationsDbError('permission_denied', 'the row was not written: the policies refuse it')
  }

  /** Refuses where a statement that named a row touched none. */
  async #missing(
    integrationType: IntegrationType,
    expectedRevision: string | undefined,
    activates = false,
  ): Promise<never> {
    const asks = expectedRevision !== undefined || activates
    const current = asks ? await this.#first(statements.get(this.#key(integrationType))) : null
    throw untouched(integrationType, { current, expectedRevision, activates })
  }
}
