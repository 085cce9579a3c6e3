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
    super(presentable(message))
    this.code = code
    this.sqlState = options.sqlState
  }
}

const longest = 2000

/** A message as it may be printed: without the login and password of any URL, and both its ends where it is too long. */
export function presentable(message: string): string {
  const text = withoutPasswords(message.length <= 2 * longest ? message : ends(message, unfinished, unbegun))
  return text.length <= longest ? text : ends(text)
}

/** The beginning, which names the field, and the end, which says what to do. */
function ends(text: string, cutEnd = /$^/, cutBegin = /$^/): string {
  const half = longest / 2 - 30
  const [first, last] = [text.slice(0, half).replace(cutEnd, ''), text.slice(-half).replace(cutBegin, '')]
  return `${first} … (${text.length} characters in all) … ${last}`.toWellFormed()
}

// What a cut leaves of a word, or of a URL, which would no longer be known as one.
const unfinished = /:\/[^\n]*$|\S*$/
const unbegun = /^[^\n]*@|^\S*/

// To the last @ of a line: a password may hold anything. Slashes may be one, where a path was made of a URL. A file's URL
// has no login, and in stack traces it has the @ of a package's scope.
const urlLogin = /(?<!\bfile|file:\/+[A-Za-z])(:\/+)(?!\/*login:password@host)[^\n]*@/g
const passwordSetting = /\b((?:ssl)?password|pwd)(\s*=\s*)('[^'\n]*'|"[^"\n]*"|[^\s&]+)/gi

/** A text without the login and password of URLs and of libpq's connection strings. */
export function withoutPasswords(text: string): string {
  return text.replace(urlLogin, '$1…@').replace(passwordSetting, '$1$2…')
}
