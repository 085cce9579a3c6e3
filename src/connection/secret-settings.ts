import { IntegrationsDbError } from '../errors.ts'
import { type Statement, statement } from './statement.ts'

/** What of the client's options concerns credentials. */
export type CredentialSettings = {
  encryptionKey?: string | undefined
  previousEncryptionKey?: string | undefined
  allowParameterLogging: boolean
}

/** Where a credential would go, and which settings of the server would log a bound value on its way. */
type Store = Record<string, unknown>

/**
 * What a login may silence by itself: values in the context of errors, and plans, whose constants they become. Sent ahead
 * of values in their own transaction: where this fails, they are refused before they are looked at. Ahead of reading them
 * too: since PostgreSQL 18 a function in SQL plans its statements for the arguments of each call, so that what a view
 * decrypts by one becomes a constant of a plan.
 */
export const silence = statement(
  `select set_config('log_parameter_max_length_on_error', '0', true), ${['parse', 'rewritten', 'plan']
    .map((tree) => `set_config('debug_print_${tree}', 'off', true)`)
    .join(', ')}`,
)()

/**
 * What must be said before a value is: what keeps it out of the log, and for the fallback the keys.
 *
 * @throws IntegrationsDbError where the server would write a key or a value into its log, or there is no key.
 */
export function secretSettings(store: Store, settings: CredentialSettings): Statement[] {
  const fallback = store.store !== 'vault'
  // Hosted projects log what takes 10 s; Vault's calls are cancelled before that (prepare_credential). The fallback's send
  // a key besides, which opens every bundle, and there the settings are the operator's own.
  const logs = [store.logs_always, ...(fallback ? [store.logs_sometimes] : [])].filter(Boolean).join(', ')
  if (logs !== '' && !settings.allowParameterLogging) {
    throw new IntegrationsDbError(
      'unavailable',
      `the server logs parameters (${logs}), and a secret would stand in its log; set log_parameter_max_length = 0 there (integrations-db doctor says which of auto_explain and pgaudit), or pass allowParameterLogging: true`,
    )
  }
  if (!fallback) return [silence]
  if (settings.encryptionKey === undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      'INTEGRATIONS_ENCRYPTION_KEY: is missing, and this database has no Vault; set it, or encryptionKey, to 64 hexadecimal digits. Nothing is kept unencrypted',
    )
  }
  const keys = { encryption_key: settings.encryptionKey, previous_encryption_key: settings.previousEncryptionKey }
  const set = Object.entries(keys).flatMap(([name, key]) =>
    key === undefined ? [] : [statement(`select set_config('integrations.${name}', $1::text, true)`)(key)],
  )
  return [silence, ...set]
}
