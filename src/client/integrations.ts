import type { ExcludedFeatures } from '../config/documents.ts'
import { text } from '../config/short-text.ts'
import { observed } from '../connection/diagnostics.ts'
import { assertMayWrite, type OrganizationScopeSettings } from '../connection/scope.ts'
import type { Run, Statement } from '../connection/statement.ts'
import { IntegrationsDbError } from '../errors.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { present, uuid } from '../util/checks.ts'
import type {
  FieldMappingsEdit,
  IntegrationPatch,
  ListFilter,
  NewIntegration,
  RevisionOptions,
} from './call-options.ts'
import { input } from './input.ts'
import { editFeatures, mergeFieldMappings } from './integration-edits.ts'
import { credentialMissing, noRowAffected } from './integration-errors.ts'
import {
  type Integration,
  type IntegrationWithLastRun,
  statements,
  toIntegrations,
  toIntegrationsWithLastRun,
  writes,
} from './integration-statements.ts'

const reading = { reads: true }

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
   * Without a status the second condition is left out.
   *
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * from organization_integrations
   * where organization_id = … and status = …
   * order by created_at, id
   * ```
   *
   * @example
   * await acme.integrations.list({ status: 'active' })
   *
   * @throws IntegrationsDbError `invalid_input` for what is no status.
   */
  list(filter: ListFilter = {}): Promise<Integration[]> {
    return this.#reads('list', () => {
      const { status } = input.listFilter(filter)
      return status === undefined ? statements.list(this.#own()) : statements.listByStatus(this.#own({ status }))
    })
  }

  /**
   * All integrations of the organization, oldest first, each with the run of its latest due time.
   *
   * Without a status the second condition is left out.
   *
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision, last_run.id, last_run.integration_id, last_run.organization_id,
   *   last_run.due, last_run.started_at, last_run.finished_at, last_run.outcome, last_run.message, last_run.counts,
   *   last_run.attempt
   * from organization_integrations
   * left join lateral (
   *   select id, integration_id, organization_id, due, started_at, finished_at, outcome, message, counts, attempt
   *   from organization_integration_runs
   *   where integration_id = organization_integrations.id
   *   order by due desc
   *   limit …
   * ) last_run on true
   * where organization_id = … and status = …
   * order by created_at, id
   * ```
   *
   * @example
   * const failed = (await acme.integrations.listWithLastRun()).filter(({ lastRun }) => lastRun?.outcome === 'failed')
   *
   * @throws IntegrationsDbError `invalid_input` for what is no status.
   */
  listWithLastRun(filter: ListFilter = {}): Promise<IntegrationWithLastRun[]> {
    return observed('integrations.listWithLastRun', this.#scope, async () => {
      const { status } = input.listFilter(filter)
      const statement =
        status === undefined
          ? statements.listWithLastRun(this.#own())
          : statements.listWithLastRunByStatus(this.#own({ status }))
      return toIntegrationsWithLastRun(await this.#run(statement, reading))
    })
  }

  /**
   * The integration with one system, or null.
   *
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * from organization_integrations
   * where organization_id = … and integration_type = …
   * ```
   *
   * @example
   * const xledger = await acme.integrations.get('xledger')
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
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * from organization_integrations
   * where organization_id = … and id = …
   * ```
   *
   * @example
   * const integration = await acme.integrations.getById(id)
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
   * The index on the organization serves it. The GIN index on `field_mappings` does not: `?` could print what a policy
   * hides, so under row-level security it is asked last. Across organizations ask `service.integrations.findByMappedField`.
   *
   * ```sql
   * select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * from organization_integrations
   * where organization_id = … and field_mappings ? …
   * order by created_at, id
   * ```
   *
   * @example
   * await acme.integrations.findByMappedField('employee_id')
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
   * A column that is left out is `default`.
   *
   * ```sql
   * insert into organization_integrations
   *   (id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features, created_at,
   *   updated_at)
   * values (default, …, …, default, default, …, default, default, default)
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * await acme.integrations.create({ integrationType: 'xledger', syncSchedule: '0 2 * * *' })
   *
   * @throws IntegrationsDbError `already_exists`; `not_found` where the organization does not exist;
   * `credential_missing` for status `active`: to set it, store a credential first.
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
   * A column that is left out is `default`, and kept where the row exists. Status `active`, which only a row with a
   * credential can have, is an `update` with `and integrations.has_credential(id)`.
   *
   * ```sql
   * insert into organization_integrations
   *   (id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features, created_at,
   *   updated_at)
   * values (default, …, …, default, …, default, default, default, default)
   * on conflict (organization_id, integration_type) do update
   * set organization_id = …, integration_type = …, field_mappings = …
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * await acme.integrations.upsert({ integrationType: 'xledger', fieldMappings: { amount: 'invoiceAmount' } })
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
   * `set` names the fields that are given. Without `expectedRevision` the last condition is left out; status `active`
   * adds `and integrations.has_credential(id)`.
   *
   * ```sql
   * update organization_integrations
   * set status = …
   * where organization_id = … and integration_type = … and xmin::text = …
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * const row = await acme.integrations.get('xledger')
   * await acme.integrations.update('xledger', { status: 'inactive' }, { expectedRevision: row.revision })
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
   * A document of an earlier version is read first, and written in the current one if nobody saved meanwhile.
   *
   * ```sql
   * update organization_integrations
   * set field_mappings = (field_mappings || …::jsonb) - array(select jsonb_array_elements_text(…::jsonb))
   * where organization_id = … and integration_type = …
   *   and (field_mappings = '{}' or field_mappings -> '$version' = …::jsonb)
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * await acme.integrations.setFieldMappings('xledger', { amount: 'invoiceAmount', old_field: null })
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
   * ```sql
   * update organization_integrations
   * set excluded_features = (excluded_features - array(select jsonb_array_elements_text(…::jsonb))) || …::jsonb
   * where organization_id = … and integration_type = …
   *   and jsonb_typeof(excluded_features) = 'array'
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * await acme.integrations.excludeFeatures('xledger', ['payroll_sync'])
   *
   * @throws IntegrationsDbError `not_found`; `invalid_input` also where what is stored is no list.
   */
  excludeFeatures(integrationType: IntegrationType, features: ExcludedFeatures): Promise<Integration> {
    return this.#editsFeatures('excludeFeatures', integrationType, features)
  }

  /**
   * Switches features on again; those that are on already stay so.
   *
   * ```sql
   * update organization_integrations
   * set excluded_features = excluded_features - array(select jsonb_array_elements_text(…::jsonb))
   * where organization_id = … and integration_type = …
   *   and jsonb_typeof(excluded_features) = 'array'
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * await acme.integrations.includeFeatures('xledger', ['payroll_sync'])
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
   * Without `expectedRevision` the last condition is left out.
   *
   * ```sql
   * delete from organization_integrations
   * where organization_id = … and integration_type = … and xmin::text = …
   * returning id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
   *   created_at, updated_at, xmin::text as revision
   * ```
   *
   * @example
   * await acme.integrations.delete('xledger', { expectedRevision: row.revision })
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
      toIntegrations(await this.#run(statement(), reading)),
    )
  }

  #writes(method: string, write: () => Promise<Integration>): Promise<Integration> {
    return observed(`integrations.${method}`, this.#scope, async () => {
      assertMayWrite(this.#scope, method)
      return write()
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
    throw noRowAffected(integrationType, { current, expectedRevision, activates })
  }
}
