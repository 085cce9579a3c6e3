/**
 * Every way a call of this package can fail. `unavailable` (no server, no free connection) and `permission_denied` (an
 * unsafe login, a verb that the role lacks) can come of any; docstrings name the others.
 */
export type IntegrationsDbErrorCode =
  | 'not_found'
  | 'already_exists'
  | 'permission_denied'
  | 'invalid_input'
  | 'credential_missing'
  | 'conflict'
  | 'unavailable'

/**
 * The one error this package throws.
 *
 * The message names the field or file and a hint. There is no `cause`: PostgreSQL's and Drizzle's errors carry
 * statements, parameters and whole rows, and whoever logs an error logs its cause.
 *
 * @example
 * try {
 *   await acme.integrations.create({ integrationType: 'xledger' })
 * } catch (error) {
 *   if (error instanceof IntegrationsDbError && error.code === 'already_exists') return existing()
 *   throw error
 * }
 */
export class IntegrationsDbError extends Error {
  /** The class's name, which stack traces begin with. */
  override readonly name = 'IntegrationsDbError'
  /** What kind of failure it is; docs/errors.md says what to do. */
  readonly code: IntegrationsDbErrorCode
  /** PostgreSQL's five-character SQLSTATE, where the server refused. */
  readonly sqlState: string | undefined

  constructor(code: IntegrationsDbErrorCode, message: string, options: { sqlState?: string } = {}) {
    super(message)
    this.code = code
    this.sqlState = options.sqlState
  }
}
