import { readFileSync } from 'node:fs'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { IntegrationsDbError } from '../errors.ts'
import { parsedUrl } from '../util/checks.ts'

/** Where a connection goes and how, as node-postgres takes it. */
export type Target = {
  host: string
  port: number
  user: string | undefined
  password: string | undefined
  database: string | undefined
  ssl: false | TlsOptions
  /** `sslmode=prefer`: without TLS where the server offers none. */
  sslOptional: boolean
  application_name: string
  keepAlive: true
  keepAliveInitialDelayMillis: number
  /** Settings that a server takes when a connection is made; most poolers refuse or ignore them. */
  [setting: string]: unknown
}

export type TargetOptions = {
  applicationName: string
  /** In place of what the URL says. */
  ssl?: boolean | TlsOptions | undefined
}

const startupSettings = ['options', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']

/**
 * What a URL says: host (an address, a name, or the folder of a Unix socket), login, database, TLS. `connectionLimit` is
 * its `connection_limit`. Parameters that other clients understand are passed over; misspelled ones of TLS are not.
 *
 * @throws IntegrationsDbError `invalid_input` that names the parameter or the file; the password is in no message.
 */
export function targetOf(
  field: string,
  url: string,
  options: TargetOptions,
): { target: Target; connectionLimit: number | undefined } {
  const parsed = parsedUrl(field, url)
  const parameters = parsed.searchParams
  const host = parameters.get('host') ?? decoded(field, parsed.hostname.replace(/^\[(.+)\]$/, '$1'))
  const ssl = host.startsWith('/') ? noTls : (tlsOf(options.ssl) ?? tlsOfUrl(field, parameters))
  const limit = Number(parameters.get('connection_limit'))
  const target: Target = {
    host: host === '' ? 'localhost' : host,
    port: Number(parameters.get('port') ?? (parsed.port || 5432)),
    user: decoded(field, parsed.username) || undefined,
    password: decoded(field, parsed.password) || undefined,
    database: decoded(field, parsed.pathname.slice(1)) || undefined,
    ...ssl,
    application_name: parameters.get('application_name') ?? options.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: 60_000,
  }
  for (const name of startupSettings) if (parameters.has(name)) target[name] = parameters.get(name)
  return { target, connectionLimit: Number.isInteger(limit) && limit > 0 ? limit : undefined }
}

type Tls = Pick<Target, 'ssl' | 'sslOptional'>
const noTls: Tls = { ssl: false, sslOptional: false }

function tlsOf(option: TargetOptions['ssl']): Tls | undefined {
  if (option === undefined) return undefined
  if (option === false) return noTls
  // A copy: node-postgres hides a key in the object that it is given.
  return { ssl: { rejectUnauthorized: true, ...(option === true ? {} : option) }, sslOptional: false }
}

const fileParameters = { sslrootcert: 'ca', sslcert: 'cert', sslkey: 'key' } as const
const anyName = { checkServerIdentity: () => undefined }

/** As libpq reads them: only `verify-ca` and `verify-full` prove who answers, and only the latter by its name. */
function tlsOfUrl(field: string, parameters: URLSearchParams): Tls {
  for (const name of parameters.keys()) {
    if (name.startsWith('ssl') && !['ssl', 'sslmode', ...Object.keys(fileParameters)].includes(name)) {
      throw new IntegrationsDbError(
        'invalid_input',
        `${field}: has a parameter of TLS that is not known here; known are sslmode, sslrootcert, sslcert and sslkey, and the option ssl takes the rest`,
      )
    }
  }
  const files: TlsOptions = {}
  for (const [name, option] of Object.entries(fileParameters)) {
    const path = parameters.get(name)
    if (path !== null && path !== 'system') files[option] = readFile(field, name, path)
  }
  const given =
    parameters.get('sslmode') ?? parameters.get('ssl') ?? (Object.keys(files).length > 0 ? 'prefer' : 'disable')
  const proven = { rejectUnauthorized: true, ...files }
  const unproven = { ...files, rejectUnauthorized: false }
  const secure = (ssl: TlsOptions, sslOptional = false): Tls => ({ ssl, sslOptional })
  switch (given) {
    case 'disable':
    case 'false':
    case '0':
      return noTls
    case 'allow':
    case 'prefer':
      return secure(unproven, true)
    case 'no-verify':
      return secure(unproven)
    case 'require':
      return secure(files.ca === undefined ? unproven : { ...proven, ...anyName })
    case 'verify-ca':
      return secure({ ...proven, ...anyName })
    case 'verify-full':
    case 'true':
    case '1':
      return secure(proven)
    default:
      throw new IntegrationsDbError(
        'invalid_input',
        `${field}: sslmode must be one of disable, prefer, require, verify-ca and verify-full`,
      )
  }
}

function readFile(field: string, parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new IntegrationsDbError('invalid_input', `${field}: ${parameter} ${path} cannot be read (${code})`)
  }
}

function decoded(field: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new IntegrationsDbError('invalid_input', `${field}: has a % that begins no %XX; write a literal one as %25`)
  }
}
