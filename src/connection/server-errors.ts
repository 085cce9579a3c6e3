import { IntegrationsDbError, type IntegrationsDbErrorCode } from '../errors.ts'

/*
 * What the server and the driver say, in this package's words. Their own messages are dropped on purpose: a detail
 * prints whole rows, and a message may quote a value.
 */

const constraints: Record<string, [IntegrationsDbErrorCode, string]> = {
  organization_integrations_organization_id_integration_type_key: [
    'already_exists',
    'integrationType: the organization already has an integration with this system; use update or upsert',
  ],
  active_needs_credential: [
    'credential_missing',
    'status: cannot be active without a credential; store one with credentials.store, then set it active',
  ],
  credential_keeps_system: ['conflict', 'integrationType: cannot change while a credential is stored; revoke it first'],
  organization_integrations_organization_id_fkey: [
    'not_found',
    'organizationId: there is no such organization in public.organizations',
  ],
}

const states: Record<string, [IntegrationsDbErrorCode, string]> = {
  '42501': ['permission_denied', 'the role may not do this, or the row belongs to another organization'],
  '42P01': ['unavailable', 'a table is missing; run the migrations (integrations-db migrate)'],
  '3F000': ['unavailable', 'schema integrations is missing; run the migrations (integrations-db migrate)'],
  '42883': ['unavailable', 'a function is missing; run the migrations (integrations-db migrate), or check the query'],
  '42704': ['unavailable', 'a type or role is missing; run the migrations (integrations-db migrate)'],
  '23505': ['already_exists', 'a row with this key exists'],
  '23503': ['not_found', 'a referenced row does not exist'],
  '40001': ['conflict', 'a concurrent transaction got in between; try again'],
  '40P01': ['conflict', 'a concurrent transaction got in between (deadlock); try again'],
  '42601': ['invalid_input', 'query: the SQL text is no statement, or more than one'],
  '26000': ['conflict', 'the server no longer has the plan of this statement; try again'],
  '55P03': ['conflict', 'a row is locked by somebody else; try again'],
  '57014': ['unavailable', 'the statement was cancelled or ran into statement_timeout'],
  '28P01': ['unavailable', 'the server refuses the password in the URL'],
  '28000': ['unavailable', 'the server refuses this login; see pg_hba.conf and the role'],
  '3D000': ['unavailable', 'the database in the URL does not exist'],
}

const classes: Record<string, [IntegrationsDbErrorCode, string]> = {
  '08': ['unavailable', 'the connection to PostgreSQL was lost; whether the statement ran is unknown'],
  '22': ['invalid_input', 'a value does not fit its column or expression'],
  '23': ['invalid_input', 'a value breaks a constraint'],
  '42': ['invalid_input', 'the query does not fit the schema'],
  '53': ['unavailable', 'the server is out of connections, memory or disk'],
  '57': ['unavailable', 'the server is shutting down or starting'],
}

const unreachable: [IntegrationsDbErrorCode, string] = [
  'unavailable',
  'PostgreSQL cannot be reached; check host, port and whether it runs',
]
const lost: [IntegrationsDbErrorCode, string] = [
  'unavailable',
  'the connection to PostgreSQL was lost; whether the statement ran is unknown',
]
const driver: Record<string, [IntegrationsDbErrorCode, string]> = {
  ECONNREFUSED: unreachable,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: unreachable,
  CONNECT_TIMEOUT: unreachable,
  ENOENT: unreachable,
  CONNECT_CLOSED: ['unavailable', 'PostgreSQL closed the connection while it was made; nothing was sent'],
  ECONNRESET: lost,
  EPIPE: lost,
  CONNECTION_CLOSED: lost,
  CONNECTION_DESTROYED: lost,
  CONNECTION_ENDED: ['unavailable', 'this client was ended; create a new one'],
}

/** What the driver has no code for, by what its message says. */
const messages: [RegExp, string][] = [
  [/does not support SSL/, 'ssl: the server offers no TLS; use sslmode=disable where nobody else can listen'],
  [/password must be a (non-empty )?string/, 'the server asks for a password, and the URL has none'],
]

/** Codes of OpenSSL and of Node's TLS. */
const tls =
  /^(ERR_(TLS|SSL|OSSL)_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|EPROTO$)/

/** An error of this package's use of the driver, as the driver's own would be. */
export function driverError(
  code: 'CONNECTION_CLOSED' | 'CONNECT_CLOSED' | 'CONNECT_TIMEOUT' | 'CONNECTION_ENDED',
): Error {
  return Object.assign(new Error(code), { code })
}

/** What a statement ends with whose connection is gone. */
export function connectionLost(): IntegrationsDbError {
  return new IntegrationsDbError(...lost)
}

/** What a call ends with that had no answer in time; `saved` is whether it may have changed something all the same. */
export function timedOut(seconds: number, saved: boolean): IntegrationsDbError {
  const outcome = saved ? 'a write may have happened: read before you write again' : 'nothing was written'
  return new IntegrationsDbError(
    'unavailable',
    `PostgreSQL did not answer within ${seconds} s; ${outcome}. Check the network, or raise callTimeoutSeconds`,
  )
}

/** Whether the server has no such plan, another one, or one that no longer fits its table: the statement did not run. */
export function isPlanLost(error: unknown): boolean {
  return ['26000', '42P05', '0A000'].includes(sqlStateOf(error))
}

function sqlStateOf(error: unknown): string {
  const { sqlState, code } = error as { sqlState?: string; code?: string }
  return sqlState ?? code ?? ''
}

/** Whether the connection broke under a statement, so that sending a read again may help. */
export function isConnectionLost(error: unknown): boolean {
  const { code = '' } = error as { code?: string }
  return driver[code] === lost || ['57P01', '57P02', 'CONNECT_CLOSED'].includes(code) || code.startsWith('08')
}

/** Whether a call failed for the server's condition, and not for what it asked. */
export function isServerAtFault(error: unknown): boolean {
  const { sqlState, code } = toIntegrationsDbError(error)
  return sqlState === undefined ? code === 'unavailable' : /^(08|28|3D|40|53|57)/.test(sqlState)
}

/** Any error of the server, the driver or Drizzle as an {@link IntegrationsDbError} without values. */
export function toIntegrationsDbError(error: unknown): IntegrationsDbError {
  if (error instanceof IntegrationsDbError) return error
  const { code, severity, cause } = error as { code?: string; severity?: string; cause?: unknown }
  if (code === undefined && cause !== undefined) return toIntegrationsDbError(cause) // Drizzle wraps what it passes on.
  // Only what the server says has a severity: Node and TLS have codes as well, some of them of five letters.
  return code === undefined || severity === undefined ? ofDriver(error, code) : ofServer(error, code)
}

function ofDriver(error: unknown, code: string | undefined): IntegrationsDbError {
  const known = driver[code ?? '']
  if (known !== undefined) return new IntegrationsDbError(known[0], `${known[1]} (${code})`)
  if (code !== undefined && tls.test(code)) {
    const words = 'TLS: the server does not prove who it is, or cannot be talked to; check sslmode and sslrootcert'
    return new IntegrationsDbError('unavailable', `${words} (${code})`)
  }
  const named = messages.find(([message]) => message.test(String((error as Error | undefined)?.message)))
  const words = named?.[1] ?? 'the database call failed for a reason the driver does not name'
  return new IntegrationsDbError('unavailable', code === undefined ? words : `${words} (${code})`)
}

function ofServer(error: unknown, code: string): IntegrationsDbError {
  const { constraint } = namesOf(error)
  // Paths and rules, of a trigger of ours.
  if (constraint === 'configuration_check' || constraint === 'credential_check')
    return new IntegrationsDbError('invalid_input', String((error as Error).message), { sqlState: code })
  const [ours, words] = constraints[constraint ?? ''] ??
    named(code, String((error as Error).message)) ??
    states[code] ??
    classes[code.slice(0, 2)] ?? ['unavailable', 'the server refused the statement']
  return new IntegrationsDbError(ours, `${words} (SQLSTATE ${code}${where(error)})`, { sqlState: code })
}

/** What the server's words name, in English; a name that may be a value written between the wrong quotes is left out. */
const naming: Record<
  string,
  [pattern: RegExp, say: (name: string, kind: string) => [IntegrationsDbErrorCode, string]]
> = {
  '42501': [
    /^permission denied for (table|view|materialized view|foreign table|schema|sequence|function|type) ("?)([^"]+)\2$/,
    (name, kind) => ['permission_denied', `the role has no such right on ${kind} ${name}; grant it to the role`],
  ],
  '42703': [
    /^(column) ("?)([^"]+)\2(?: of relation "[^"]+")? does not exist$/,
    (name) => ['invalid_input', `query: column ${name} does not exist`],
  ],
  '42P01': [
    /^(relation) ("?)([^"]+)\2 does not exist$/,
    (name) => ['invalid_input', `query: table ${name} does not exist, or another schema has it`],
  ],
}

function named(code: string, message: string): [IntegrationsDbErrorCode, string] | undefined {
  const [pattern, say] = naming[code] ?? []
  const [, kind = '', , name = ''] = pattern?.exec(message) ?? []
  const isOurs = /^(public\.|integrations\.)?(organization_integration|integrations$)|^integrations\./.test(name)
  return say === undefined || isOurs || !/^[A-Za-z_.]{1,127}$/.test(name) ? undefined : say(name, kind)
}

type Names = { table: string | undefined; column: string | undefined; constraint: string | undefined }

/** As node-postgres and postgres.js have them. */
function namesOf(error: unknown): Names {
  const given = error as Record<string, string | undefined>
  return {
    table: given.table_name ?? given.table,
    column: given.column_name ?? given.column,
    constraint: given.constraint_name ?? given.constraint,
  }
}

/** Names of schema objects, which are no secrets. */
function where(error: unknown): string {
  return Object.entries(namesOf(error))
    .flatMap(([kind, name]) => (name ? `, ${kind} ${name}` : []))
    .join('')
}
