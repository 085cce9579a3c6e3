import { observed } from '../connection/diagnostics.ts'
import type { Pool } from '../connection/pool.ts'
import { type OrganizationScopeSettings, serviceScope } from '../connection/scope.ts'
import { inTwoTransactions, type Session } from '../connection/session.ts'
import { type Rows, type Statement, statement, toObjects } from '../connection/statement.ts'
import { IntegrationsDbError, type IntegrationsDbErrorCode } from '../errors.ts'
import { bundleText, type ConnectionFields } from '../registry/systems.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { type CredentialBundle, credentialBundle } from './credential-bundle.ts'
import { input, text, uuid } from './input.ts'

/** What of the client's options concerns credentials. */
export type CredentialSettings = {
  encryptionKey?: string | undefined
  previousEncryptionKey?: string | undefined
  allowParameterLogging: boolean
}

/** What is known of a stored credential bundle without reading it. */
export type CredentialDescription = {
  /** 1 for the first bundle an integration had; never used twice. */
  version: number
  /** When this version was stored. */
  createdAt: Date
  fieldNames: string[]
  /** The version before, while it may still be retrieved. */
  previous: { version: number; readableUntil: Date } | null
}

/** Why it was done, for the record. */
export type CredentialOptions = { reason?: string }

/** What a sync worker says to get a bundle. */
export type Retrieval<T extends IntegrationType> = {
  organizationId: string
  integrationType: T
  /** What the bundle is needed for; on record before the bundle is handed out. */
  reason: string
  /** The version before, within its grace; the current one unless told. */
  version?: number
}

const readiness = statement('select store, logs_always, logs_sometimes from integrations.credential_store()')
const store = statement(
  'select code, message, version from integrations.store_credential($1::text, $2::text, $3::text)',
)
const rotate = statement(
  'select code, message, version from integrations.rotate_credential($1::text, $2::text, $3::integer, $4::text)',
)
const describe = statement(
  'select version, created_at, to_json(field_names), previous_version, previous_readable_until from integrations.describe_credential($1)',
)
const revoke = statement('select code, message, version from integrations.revoke_credential($1, $2)')
const request = statement(
  'select code, message, event_id, store, logs_always, logs_sometimes from integrations.request_retrieval($1, $2, $3)',
)
const retrieve = statement('select code, message, bundle from integrations.retrieve_credential($1::uuid)')

/**
 * One organization's credential bundles. Admins and the service role store, rotate and revoke; nobody reads one here.
 *
 * Values are bound parameters of definer functions, never text and never through Drizzle, whose errors print parameters.
 * Each write is two round trips: a question whether the server keeps secrets out of its log, then the value.
 */
export class Credentials {
  readonly #session: Session
  readonly #scope: OrganizationScopeSettings
  readonly #settings: CredentialSettings

  constructor(session: Session, scope: OrganizationScopeSettings, settings: CredentialSettings) {
    this.#session = session
    this.#scope = scope
    this.#settings = settings
  }

  /**
   * Stores the first bundle of an integration.
   *
   * @example
   * await acme.credentials.store('xledger', { api_key, base_url: 'https://api.xledger.net', company_id: '4711' })
   *
   * SQL: `select … from integrations.store_credential($1, $2, $3)`
   *
   * @throws IntegrationsDbError `invalid_input` that names a missing field; `not_found` without the integration;
   * `already_exists` over a bundle that is there.
   */
  store<T extends IntegrationType>(
    integrationType: T,
    bundle: ConnectionFields<T>,
    options: CredentialOptions = {},
  ): Promise<{ version: number }> {
    return this.#writes('store', () => {
      const { reason = null } = input.credentialOptions(options)
      const type = input.type(integrationType)
      return store(type, bundleText(type, bundle), reason)
    })
  }

  /**
   * Replaces the bundle. With `graceSeconds` (0 to 2,592,000) the one before stays readable that long, for workers that
   * are in the middle of something; otherwise it is deleted in the same transaction.
   *
   * @example
   * await acme.credentials.rotate('xledger', { api_key, base_url, company_id }, { graceSeconds: 300 })
   *
   * SQL: `select … from integrations.rotate_credential($1, $2, $3, $4)`
   *
   * @throws IntegrationsDbError `credential_missing` where there is nothing to rotate.
   */
  rotate<T extends IntegrationType>(
    integrationType: T,
    bundle: ConnectionFields<T>,
    options: CredentialOptions & { graceSeconds?: number } = {},
  ): Promise<{ version: number }> {
    return this.#writes('rotate', () => {
      const { reason = null, graceSeconds = 0 } = input.rotation(options)
      const type = input.type(integrationType)
      return rotate(type, bundleText(type, bundle), graceSeconds, reason)
    })
  }

  /**
   * Version, date and field names of the bundle, or null; never a value.
   *
   * @example
   * const { version, fieldNames } = (await acme.credentials.describe('xledger')) ?? {}
   *
   * SQL: `select … from integrations.describe_credential(…)`, one round trip.
   *
   * @throws IntegrationsDbError `invalid_input` for what is no system.
   */
  describe(integrationType: IntegrationType): Promise<CredentialDescription | null> {
    return observed('credentials.describe', this.#scope, async () => {
      return toDescription(await this.#session.run(describe(input.type(integrationType)), { reads: true }))
    })
  }

  /**
   * Deletes every version of the bundle and takes an active integration to `pending_setup`.
   *
   * @example
   * await acme.credentials.revoke('xledger', { reason: 'the key was in a mail' })
   *
   * SQL: `select … from integrations.revoke_credential(…)`, one round trip.
   *
   * @throws IntegrationsDbError `credential_missing` where there is none.
   */
  revoke(integrationType: IntegrationType, options: CredentialOptions = {}): Promise<{ version: number }> {
    return observed('credentials.revoke', this.#scope, async () => {
      this.#assertWriter('revoke')
      const { reason = null } = input.credentialOptions(options)
      const rows = await this.#session.run(revoke(input.type(integrationType), reason))
      return { version: Number(accepted(rows).version) }
    })
  }

  #writes(method: string, build: () => Statement): Promise<{ version: number }> {
    return observed(`credentials.${method}`, this.#scope, async () => {
      this.#assertWriter(method)
      const write = build()
      return this.#session.inTwoSteps(async ({ query, commitWith }) => {
        const answer = firstRow(await query(readiness()))
        const answers = await commitWith(...secretSettings(answer, this.#settings), write)
        return { version: Number(accepted(answers.at(-1)).version) }
      })
    })
  }

  #assertWriter(method: string): void {
    if (this.#scope.role === 'coordinator') {
      throw new IntegrationsDbError(
        'permission_denied',
        `${method}: role coordinator may only read; role admin is needed`,
      )
    }
  }
}

/** Retrieving, for the service role alone. */
export class ServiceCredentials {
  readonly #pool: () => Promise<Pool>
  readonly #actor: string
  readonly #settings: CredentialSettings

  constructor(pool: () => Promise<Pool>, actor: string, settings: CredentialSettings) {
    this.#pool = pool
    this.#actor = actor
    this.#settings = settings
  }

  /**
   * The bundle of one organization's integration. Prints as `[secret]`.
   *
   * @example
   * const { api_key } = await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'sync run 42' })
   *
   * Two round trips, each a transaction: who wants it and why is committed before the bundle is read.
   *
   * SQL: `select … from integrations.request_retrieval(…)`, then `integrations.retrieve_credential($1)`
   *
   * @throws IntegrationsDbError `not_found` without the integration, `credential_missing` without a bundle,
   * `invalid_input` where it was encrypted with another key.
   */
  async retrieve<T extends IntegrationType>(retrieval: Retrieval<T>): Promise<CredentialBundle<T>> {
    const organizationId = uuid('organizationId', retrieval?.organizationId)
    const scope = serviceScope(this.#actor, organizationId)
    return observed('credentials.retrieve', scope, async () => {
      const type = input.type(retrieval.integrationType)
      const version = input.version(retrieval.version)
      const reason = text('reason', retrieval.reason)
      const answers = await inTwoTransactions(await this.#pool(), scope, request(type, version, reason), (rows) => {
        const { event_id, ...answer } = accepted(rows)
        // Nothing secret is sent to Vault here, so its log is no concern.
        const keys = answer.store === 'vault' ? [] : secretSettings(answer, this.#settings)
        return [...keys, retrieve(event_id)]
      })
      return credentialBundle<T>(String(accepted(answers.at(-1)).bundle))
    })
  }
}

/** Where a credential would go, and which settings of the server would log a bound value on its way. */
type Store = Record<string, unknown>

/**
 * What must be said before a value is: nothing for Vault, the keys for the fallback.
 *
 * @throws IntegrationsDbError where the server would write a key or a value into its log, or there is no key.
 */
export function secretSettings(store: Store, settings: CredentialSettings): Statement[] {
  const fallback = store.store !== 'vault'
  // Vault keeps no key that could leak. Hosted projects log what takes 10 s; refusing that would refuse them altogether.
  const logs = [store.logs_always, ...(fallback ? [store.logs_sometimes] : [])].filter(Boolean).join(', ')
  if (logs !== '' && !settings.allowParameterLogging) {
    throw new IntegrationsDbError(
      'unavailable',
      `the server logs parameters (${logs}), and a secret would stand in its log; set log_parameter_max_length = 0 there (auto_explain and pgaudit have settings of their own), or pass allowParameterLogging: true`,
    )
  }
  if (!fallback) return []
  if (settings.encryptionKey === undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      'INTEGRATIONS_ENCRYPTION_KEY: is missing, and this database has no Vault; set it, or encryptionKey, to 64 hexadecimal digits. Nothing is kept unencrypted',
    )
  }
  const keys = { encryption_key: settings.encryptionKey, previous_encryption_key: settings.previousEncryptionKey }
  return Object.entries(keys).flatMap(([name, key]) =>
    key === undefined ? [] : [statement(`select set_config('integrations.${name}', $1::text, true)`)(key)],
  )
}

/** A definer function's answer, or the refusal it answered with. */
export function accepted(rows: Rows | undefined): Record<string, unknown> {
  const answer = firstRow(rows)
  if (answer.code === 'ok') return answer
  throw new IntegrationsDbError(
    answer.code as IntegrationsDbErrorCode,
    String(answer.message).replace(/^integration_type/, 'integrationType'),
  )
}

function firstRow(rows: Rows | undefined): Record<string, unknown> {
  return (rows === undefined ? undefined : toObjects(rows)[0]) ?? {}
}

function toDescription({ values }: Rows): CredentialDescription | null {
  const [row] = values
  if (row === undefined) return null
  const [version, createdAt, fieldNames, previous, readableUntil] = row
  return {
    version: Number(version),
    createdAt: new Date(String(createdAt)),
    fieldNames: JSON.parse(String(fieldNames)),
    previous: previous === null ? null : { version: Number(previous), readableUntil: new Date(String(readableUntil)) },
  }
}
