import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { asAdmin } from './admin.ts'
import { IntegrationsDbError } from './errors.ts'
import { hexLiteral } from './literal.ts'
import { toIntegrationsDbError } from './server-errors.ts'

/**
 * Makes a login role for backends: no rights of its own, and it may become `authenticated`, or with `service`
 * `service_role`, and nothing else.
 *
 * @example
 * await createLogin({ url: adminUrl, name: 'billing_backend', password })
 * The server is sent a SCRAM verifier, never the password: a statement that fails would stand in its log.
 */
export async function createLogin(options: {
  url: string
  name: string
  password: string
  service?: boolean
}): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(options.name)) {
    throw new IntegrationsDbError('invalid_input', 'name: must be a lower-case identifier of at most 63 characters')
  }
  if (!/^[\x21-\x7e]{16,}$/.test(options.password)) {
    throw new IntegrationsDbError('invalid_input', 'password: must be at least 16 printable ASCII characters')
  }
  const role = options.service ? 'service_role' : 'authenticated'
  await asAdmin(options.url, async (sql) => {
    try {
      const [server] = await sql<{ version: number }[]>`select current_setting('server_version_num')::int as version`
      // From 16 on a membership has its own flags and INHERIT would be granted with it, whatever the role says.
      const how = (server?.version ?? 0) >= 160000 ? ' with inherit false, set true' : ''
      await sql.unsafe(
        `do $login$ begin
          execute format('create role %I login noinherit nosuperuser nocreatedb nocreaterole nobypassrls password %L',
            ${hexLiteral(options.name)}, ${hexLiteral(scramVerifier(options.password))});
          execute format('grant ${role} to %I${how}', ${hexLiteral(options.name)});
        end $login$`,
      )
    } catch (error) {
      if ((error as { code?: string }).code === '42710') {
        throw new IntegrationsDbError(
          'already_exists',
          `name: role ${options.name} exists; choose another, or drop it first`,
        )
      }
      throw toIntegrationsDbError(error)
    }
  })
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
