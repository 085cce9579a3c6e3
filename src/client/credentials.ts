import { text } from '../config/short-text.ts'
import { observed } from '../connection/diagnostics.ts'
import type { Pool } from '../connection/pool.ts'
import { assertMayWrite, type OrganizationScopeSettings, serviceScope } from '../connection/scope.ts'
import { type CredentialSettings, secretSettings, silence } from '../connection/secret-settings.ts'
import { inTwoTransactions, type Session } from '../connection/session.ts'
import { type Rows, type Statement, statement, toObjects } from '../connection/statement.ts'
import { IntegrationsDbError, type IntegrationsDbErrorCode } from '../errors.ts'
import type { ConnectionFields } from '../registry/connection-fields.ts'
import { bundleText } from '../registry/systems.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { uuid } from '../util/checks.ts'
import { readable } from '../util/readable.ts'
import { type CredentialBundle, credentialBundle } from './credential-bundle.ts'
import { input } from './input.ts'

/** What is known of a stored credential bundle without reading it. */
export type CredentialDescription = {
  /** Its number: 1 for the first bundle of an integration; never used twice. */
  version: number
  /** When this version was stored. */
  createdAt: Date
  /** The names of its fields. */
  fieldNames: string[]
  /** The version before, while it may still be retrieved; null where there is none. */
  previous: PreviousCredential | null
}

/** The version before a rotation. */
export type PreviousCredential = {
  /** Its number. */
  version: number
  /** When its grace ends and it is deleted. */
  readableUntil: Date
}

/** Why it is done. */
export type CredentialOptions = {
  /**
   * The reason, as the event keeps it: 1 to 255 characters.
   *
   * @default null
   */
  reason?: string | undefined
}

/** Why, and how long the version before stays readable. */
export type RotationOptions = CredentialOptions & {
  /**
   * How long the version before may still be retrieved, 0 to 2,592,000: for workers in the middle of something.
   *
   * @default 0: it is deleted in the same transaction
   */
  graceSeconds?: number | undefined
}

/** The version that was written or ended. */
export type CredentialVersion = {
  /** Its number; never used twice. */
  version: number
}

/** What a sync worker says to get a bundle. */
export type Retrieval<T extends IntegrationType> = {
  /** The organization, a uuid. */
  organizationId: string
  /** The system, which says what the bundle holds. */
  integrationType: T
  /** What the bundle is needed for; on record before the bundle is handed out. */
  reason: string
  /**
   * The number of the version, such as the one before within its grace.
   *
   * @default the current one
   */
  version?: number | undefined
}

const prepare = statement(
  'select code, message, store, logs_always, logs_sometimes from integrations.prepare_credential($1, $2, $3)',
)
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
  'select code, message, request_id, store, logs_always, logs_sometimes from integrations.request_retrieval($1, $2, $3)',
)
const retrieve = statement('select code, message, bundle from integrations.retrieve_credential($1::uuid)')

/**
 * One organization's credential bundles. Admins and the service role store, rotate and revoke; nobody reads one here.
 *
 * Values are bound parameters of definer functions, never text and never through Drizzle, whose errors print parameters.
 * Each write is two round trips: the first locks the integration's row and asks what the server would log, the second
 * sends the value.
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
   * ```sql
   * select code, message, store, logs_always, logs_sometimes from integrations.prepare_credential(…, …, …);
   * -- the second round trip; the key only where there is no Vault
   * select set_config('log_parameter_max_length_on_error', '0', true), set_config('debug_print_parse', 'off', true),
   *   set_config('debug_print_rewritten', 'off', true), set_config('debug_print_plan', 'off', true);
   * select set_config('integrations.encryption_key', …, true);
   * select code, message, version from integrations.store_credential(…, …, …)
   * ```
   *
   * @example
   * await acme.credentials.store('xledger', { api_key, base_url: 'https://api.xledger.net', company_id: '4711' })
   *
   * @throws IntegrationsDbError `invalid_input` that names a missing field; `not_found` without the integration;
   * `already_exists` over a bundle that is there; `conflict` where another transaction holds the integration's row for 2 s.
   */
  store<T extends IntegrationType>(
    integrationType: T,
    bundle: ConnectionFields<T>,
    options: CredentialOptions = {},
  ): Promise<CredentialVersion> {
    return this.#writes('store', () => {
      const { reason = null } = input.credentialOptions(options)
      const type = input.type(integrationType)
      return { type, reason, write: store(type, bundleText(type, bundle), reason) }
    })
  }

  /**
   * Replaces the bundle. With `graceSeconds` (0 to 2,592,000) the version before stays readable that long, for workers
   * that ask for it by its number; otherwise it is deleted in the same transaction.
   *
   * One version has grace at a time: a second rotation, with or without `graceSeconds`, deletes what the first one left
   * readable, and `graceSeconds` counts for the version that it replaces itself. Revoking ends every grace.
   *
   * ```sql
   * select code, message, store, logs_always, logs_sometimes from integrations.prepare_credential(…, …, …);
   * -- the second round trip; the key only where there is no Vault
   * select set_config('log_parameter_max_length_on_error', '0', true), set_config('debug_print_parse', 'off', true),
   *   set_config('debug_print_rewritten', 'off', true), set_config('debug_print_plan', 'off', true);
   * select set_config('integrations.encryption_key', …, true);
   * select code, message, version from integrations.rotate_credential(…, …, …, …)
   * ```
   *
   * @example
   * await acme.credentials.rotate('xledger', { api_key, base_url, company_id }, { graceSeconds: 300 })
   *
   * @throws IntegrationsDbError `credential_missing` where there is nothing to rotate; otherwise as `store`.
   */
  rotate<T extends IntegrationType>(
    integrationType: T,
    bundle: ConnectionFields<T>,
    options: RotationOptions = {},
  ): Promise<CredentialVersion> {
    return this.#writes('rotate', () => {
      const { reason = null, graceSeconds = 0 } = input.rotation(options)
      const type = input.type(integrationType)
      return { type, reason, write: rotate(type, bundleText(type, bundle), graceSeconds, reason) }
    })
  }

  /**
   * Version, date and field names of the bundle, or null; never a value.
   *
   * ```sql
   * select version, created_at, to_json(field_names), previous_version, previous_readable_until
   * from integrations.describe_credential(…)
   * ```
   *
   * @example
   * const { version, fieldNames } = (await acme.credentials.describe('xledger')) ?? {}
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
   * ```sql
   * select code, message, version from integrations.revoke_credential(…, …)
   * ```
   *
   * @example
   * await acme.credentials.revoke('xledger', { reason: 'the key was in a mail' })
   *
   * @throws IntegrationsDbError `credential_missing` where there is none.
   */
  revoke(integrationType: IntegrationType, options: CredentialOptions = {}): Promise<CredentialVersion> {
    return observed('credentials.revoke', this.#scope, async () => {
      assertMayWrite(this.#scope, 'revoke')
      const { reason = null } = input.credentialOptions(options)
      const rows = await this.#session.run(revoke(input.type(integrationType), reason))
      return { version: Number(accepted(rows).version) }
    })
  }

  #writes(
    method: 'store' | 'rotate',
    build: () => { type: IntegrationType; reason: string | null; write: Statement },
  ): Promise<CredentialVersion> {
    return observed(`credentials.${method}`, this.#scope, async () => {
      assertMayWrite(this.#scope, method)
      const { type, reason, write } = build()
      return this.#session.inTwoSteps(async ({ query, commitWith }) => {
        const prepared = await query(prepare(method, type, reason))
        // The refusal is on record once it is committed.
        if (firstRow(prepared).code !== 'ok') await commitWith()
        const answers = await commitWith(...secretSettings(accepted(prepared), this.#settings), write)
        return { version: Number(accepted(answers.at(-1)).version) }
      })
    })
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
   * Two round trips, each a transaction: who wants it and why is committed before the bundle is read. Where a rotation
   * comes between them it asks once more, unless a `version` is named.
   *
   * ```sql
   * select code, message, request_id, store, logs_always, logs_sometimes
   * from integrations.request_retrieval(…, …, …);
   * -- the second round trip; the key only where there is no Vault
   * select set_config('log_parameter_max_length_on_error', '0', true), set_config('debug_print_parse', 'off', true),
   *   set_config('debug_print_rewritten', 'off', true), set_config('debug_print_plan', 'off', true);
   * select set_config('integrations.encryption_key', …, true);
   * select code, message, bundle from integrations.retrieve_credential(…)
   * ```
   *
   * @example
   * const { api_key } = await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason: 'sync run 42' })
   *
   * @throws IntegrationsDbError `not_found` without the integration, `credential_missing` without a bundle,
   * `invalid_input` where it was encrypted with another key, `conflict` where the version that is named was replaced
   * meanwhile.
   */
  async retrieve<T extends IntegrationType>(retrieval: Retrieval<T>): Promise<CredentialBundle<T>> {
    const given = readable('retrieval', () => ({ ...retrieval }))
    const organizationId = uuid('organizationId', given.organizationId)
    const scope = serviceScope(this.#actor, organizationId)
    return observed('credentials.retrieve', scope, async () => {
      const type = input.type(given.integrationType)
      const version = input.version(given.version)
      const reason = text('reason', given.reason)
      const pool = await this.#pool()
      const take = async () => {
        const answers = await inTwoTransactions(pool, scope, request(type, version, reason), (rows) => {
          const { request_id, ...answer } = accepted(rows)
          // Nothing secret is sent to Vault here, so what it logs of values is no concern.
          const ahead = answer.store === 'vault' ? [silence] : secretSettings(answer, this.#settings)
          return [...ahead, retrieve(request_id)]
        })
        return answers.at(-1)
      }
      const taken = await take()
      const overtaken = firstRow(taken).code === 'conflict' && version === undefined
      return credentialBundle<T>(String(accepted(overtaken ? await take() : taken).bundle))
    })
  }
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
