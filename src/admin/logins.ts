import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { IntegrationsDbError } from '../errors.ts'
import { hexLiteral } from '../util/literal.ts'
import { type Admin, withAdmin } from './connection.ts'

/** A login role: its name, its password, and whether it may become `service_role` instead of `authenticated`. */
export type Login = { name: string; password: string; service?: boolean }

/**
 * Makes a login role for backends: no rights of its own, and it may become `authenticated`, or with `service`
 * `service_role`, and nothing else.
 *
 * @example
 * await createLogin({ url: adminUrl, name: 'billing_backend', password: newPassword() })
 * The server is sent a SCRAM verifier, never the password: a statement that fails would stand in its log.
 *
 * @throws IntegrationsDbError `already_exists`; `invalid_input` for a name or password that does not fit.
 */
export async function createLogin({ url, ...login }: Login & { url: string }): Promise<void> {
  checkLogin(login)
  await withAdmin(url, (sql) => writeLogin(sql, login))
}

/** A password nobody chose, of 192 bits. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

/** Refuses a name or a password that does not fit, before anything is sent; `field` is what the caller calls the name. */
export function checkLogin({ name, password }: Login, field = 'name'): void {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new IntegrationsDbError('invalid_input', `${field}: must be a lower-case identifier of at most 63 characters`)
  }
  if (!/^[\x21-\x7e]{16,}$/.test(password)) {
    throw new IntegrationsDbError('invalid_input', 'password: must be at least 16 printable ASCII characters')
  }
}

/** {@link createLogin} on a connection that is there, within its transaction. */
export async function writeLogin(sql: Admin, { name, password, service = false }: Login): Promise<void> {
  const role = service ? 'service_role' : 'authenticated'
  try {
    const [server] = await sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`
    // From 16 on a membership has its own flags and INHERIT would be granted with it, whatever the role says.
    const how = (server?.version ?? 0) >= 160000 ? ' with inherit false, set true' : ''
    await sql.unsafe(
      `do $login$ begin
        execute format('create role %I login noinherit nosuperuser nocreatedb nocreaterole nobypassrls password %L',
          ${hexLiteral(name)}, ${hexLiteral(scramVerifier(password))});
        execute format('grant ${role} to %I${how}', ${hexLiteral(name)});
      end $login$`,
    )
  } catch (error) {
    if ((error as { code?: string }).code !== '42710') throw error
    throw new IntegrationsDbError('already_exists', `name: role ${name} exists; choose another, or drop it first`, {
      sqlState: '42710',
    })
  }
}

/** Refuses a role of this name that is not what {@link createLogin} would have made. */
export async function assertScopedLogin(sql: Admin, name: string): Promise<void> {
  const [row] = await sql<[{ problems: string }]>`
    select concat_ws(', ', case when not rolcanlogin then 'may not log in' end,
      case when rolsuper then 'is a superuser' end,
      case when rolbypassrls then 'has BYPASSRLS' end,
      case when not pg_has_role(oid, 'authenticated', 'member') then 'may not become authenticated' end,
      case when pg_has_role(oid, 'service_role', 'member') then 'may become service_role' end) as problems
    from pg_roles where rolname = ${name}`
  if (row.problems !== '') {
    throw new IntegrationsDbError(
      'already_exists',
      `login: role ${name} exists: found that it ${row.problems}; expected one that may log in, become authenticated and nothing else; choose another name`,
    )
  }
}

/** What PostgreSQL stores for a password (RFC 5803). ASCII passwords need no normalisation first. */
function scramVerifier(password: string): string {
  const iterations = 4096
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const key = (label: string) => createHmac('sha256', salted).update(label).digest()
  const storedKey = createHash('sha256').update(key('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${key('Server Key').toString('base64')}`
}
