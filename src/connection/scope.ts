/*
 * What goes over the wire. Every scoped call is one simple-protocol message of two statements:
 *
 *   select set_config('role', 'authenticated', true), set_config('request.jwt.claims', U&'\007b…', true), …;
 *   select … from "organization_integrations" where …
 *
 * PostgreSQL runs such a message as one implicit transaction: the settings end with it, and if the first statement
 * fails or is cancelled the second is never run. Nothing can come between them, so no statement can run without its
 * scope. One round trip, warm or cold, and nothing that a pooler in transaction mode would have to remember.
 * Values are hex literals (`literal.ts`); roles come from a closed list. Where the server is reached directly it keeps
 * the plans of the repository's statements, and the second part is `execute <name>(…)` with the values.
 */

import { text } from '../config/short-text.ts'
import { IntegrationsDbError } from '../errors.ts'
import { isUuid, uuid } from '../util/checks.ts'
import { hexLiteral } from '../util/literal.ts'
import { readable } from '../util/readable.ts'
import { rollBackCallersOwn, takeLeftovers } from './leftovers.ts'
import { type Answer, type BoundStatement, type Connection, type Pool, toRows } from './pool.ts'
import type { Replicas } from './replicas.ts'
import { toIntegrationsDbError } from './server-errors.ts'
import type { Rows, Run, Statement } from './statement.ts'

/** A member's role in an organization, as the policies know it. */
export type OrganizationRole = 'admin' | 'coordinator'

/** Who calls, and for which organization. */
export type Scope = {
  /** The first statement of every message. */
  readonly settings: string
  /** What a verb is checked against before anything is sent. */
  readonly role: OrganizationRole | 'service_role'
  readonly organizationId: string | null
}

/** A scope that names its organization. */
export type OrganizationScopeSettings = Scope & { readonly organizationId: string }

const organizationRoles: readonly string[] = ['admin', 'coordinator'] satisfies OrganizationRole[]

/** A scope from values the host vouches for. */
export function organizationScope(input: {
  organizationId: string
  role: OrganizationRole
  userId?: string
}): OrganizationScopeSettings {
  const given = readable('scope', () => {
    const { organizationId, role, userId } = record(input) ?? {}
    return record(input) && { organizationId, role, userId }
  })
  if (given === undefined) {
    throw new IntegrationsDbError(
      'invalid_input',
      'scope: must be an object of organizationId, role and perhaps userId',
    )
  }
  const organizationId = uuid('organizationId', given.organizationId)
  const userId = given.userId === undefined ? undefined : text('userId', given.userId)
  if (!isOrganizationRole(given.role)) {
    throw new IntegrationsDbError('invalid_input', `role: must be one of ${organizationRoles.join(', ')}`)
  }
  return memberScope(organizationId, given.role, userId)
}

function memberScope(
  organizationId: string,
  role: OrganizationRole,
  userId: string | undefined,
): OrganizationScopeSettings {
  const claims = {
    ...(userId === undefined ? {} : { sub: userId }),
    role: 'authenticated',
    app_metadata: { organization_id: organizationId, role },
  }
  return { settings: settings('authenticated', claims), role, organizationId }
}

function isOrganizationRole(role: unknown): role is OrganizationRole {
  return typeof role === 'string' && organizationRoles.includes(role)
}

/** The same scope from a token the host has verified. Only `app_metadata` counts: users can edit `user_metadata`. */
export function claimsScope(payload: unknown): OrganizationScopeSettings {
  const claims = readable('claims', () => {
    const claims = record(payload)
    const metadata = record(claims?.app_metadata)
    return claims && { role: claims.role, sub: claims.sub, metadata: { ...metadata } }
  })
  if (claims === undefined) {
    throw new IntegrationsDbError('invalid_input', 'claims: must be the payload of a verified token, an object')
  }
  if (claims.role !== undefined && claims.role !== 'authenticated') {
    throw new IntegrationsDbError(
      'permission_denied',
      'claims.role: only tokens of role "authenticated" have an organization scope',
    )
  }
  const { organization_id: organizationId, role } = claims.metadata
  if (typeof organizationId !== 'string' || !isUuid(organizationId)) {
    throw new IntegrationsDbError(
      'permission_denied',
      'claims.app_metadata.organization_id: the token names no organization',
    )
  }
  if (!isOrganizationRole(role)) {
    throw new IntegrationsDbError(
      'permission_denied',
      `claims.app_metadata.role: must be one of ${organizationRoles.join(', ')}`,
    )
  }
  // Null is a token without a user to some issuers.
  const userId = claims.sub === undefined || claims.sub === null ? undefined : text('claims.sub', claims.sub)
  return memberScope(uuid('claims.app_metadata.organization_id', organizationId), role, userId)
}

/** Across organizations, or for one, for sync workers and repair. */
export function serviceScope(actor: string): Scope
export function serviceScope(actor: string, organizationId: string): OrganizationScopeSettings
export function serviceScope(actor: string, organizationId?: string): Scope {
  const organization = organizationId === undefined ? null : uuid('organizationId', organizationId)
  const claims = {
    role: 'service_role',
    actor: text('actor', actor),
    // For the definer functions, which take an organization from nowhere but the claims.
    ...(organization === null ? {} : { app_metadata: { organization_id: organization } }),
  }
  return { settings: settings('service_role', claims), role: 'service_role', organizationId: organization }
}

function settings(role: 'authenticated' | 'service_role', claims: object): string {
  const values = {
    role: `'${role}'`,
    'request.jwt.claims': hexLiteral(JSON.stringify(claims)),
    // Temporary tables last, and whatever an earlier statement left on this connection put right: no other table can
    // pass for ours.
    search_path: `'public, extensions, pg_temp'`,
  }
  const calls = Object.entries(values).map(([name, value]) => `set_config('${name}', ${value}, true)`)
  // The process that answers tells whether a pooler stands in between (pool.ts).
  return `select ${calls.join(', ')}, pg_backend_pid();\n`
}

/** How the calls of one scope reach the server: each as a unit of its own, or all in one transaction. */
export type Session = {
  run: Run
  /** One transaction, whatever the session: what `work` sends is kept only where it calls `finish` and that succeeds. */
  converse<T>(work: (conversation: Conversation) => Promise<T>): Promise<T>
}

/** What is said in two round trips: one question, and after its answer statements whose values are bound. */
type Conversation = {
  ask(statement: Statement): Promise<Rows>
  /** The rest, back to back, with the commit where the transaction is the conversation's own. */
  finish(...statements: BoundStatement[]): Promise<Rows[]>
}

/** Runs each call as one unit of its own, reads on a replica where there is one. */
export function unitSession(pool: () => Promise<Pool>, scope: Scope, replicas?: Replicas): Session {
  return {
    async run(statement, options = {}) {
      if (replicas !== undefined && (options.reads || options.selects)) {
        const { rows, deadline } = await replicas.run(scope.settings, statement, options)
        return rows ?? (await pool()).run(scope.settings, statement, options, deadline)
      }
      return (await pool()).run(scope.settings, statement, options)
    },
    converse: async (work) => (await pool()).lend((connection) => converse(connection, scope, work)),
  }
}

async function converse<T>(
  connection: Connection,
  scope: Scope,
  work: (conversation: Conversation) => Promise<T>,
): Promise<T> {
  return orRolledBack(connection, (ended) =>
    work({
      ask(statement) {
        connection.saves = false
        return connection.run(`begin;\n${scope.settings}`, statement)
      },
      async finish(...statements) {
        ended()
        connection.saves = true
        return committed(await connection.pipeline([...statements, 'commit']))
      },
    }),
  )
}

/**
 * Runs a statement in one transaction, and after its answer bound statements in a second one; two round trips.
 *
 * The second is begun by the message that commits the first, so that what follows is short enough for one packet. It
 * must itself notice where the first was not committed.
 */
export async function inTwoTransactions(
  pool: Pool,
  scope: Scope,
  first: Statement,
  second: (answer: Rows) => BoundStatement[],
): Promise<Rows[]> {
  const begin = `begin;\n${scope.settings}`
  return pool.lend((connection) =>
    orRolledBack(connection, async (ended) => {
      const [answers] = await connection.pipeline([`${begin}${first.text()};\ncommit;\n${begin}`])
      // postgres.js answers per statement that has rows, so the commit's own answer is not to be had.
      const statements = second(toRows(answers?.at(-2) as Answer))
      ended()
      return committed(await connection.pipeline([...statements, 'commit']))
    }),
  )
}

/** Leaves no transaction open, whatever happens before `ended` is called. */
async function orRolledBack<T>(connection: Connection, work: (ended: () => void) => Promise<T>): Promise<T> {
  let open = true
  try {
    return await work(() => {
      open = false
    })
  } catch (error) {
    throw toIntegrationsDbError(error)
  } finally {
    if (open) await connection.send('rollback').catch(() => {})
  }
}

/** The rows of each statement before the commit, which must have been one. */
function committed(answers: Answer[][]): Rows[] {
  const commit = answers.pop()?.[0]
  if (commit?.command !== 'COMMIT') throw notCommitted(String(commit?.command))
  return answers.flat().map(toRows)
}

/**
 * Runs several calls in one transaction on a connection of their own.
 *
 * `begin` and the settings travel with the first statement: until then nothing is sent. Statements go one at a time,
 * so that none is on its way when an earlier one fails; after a failure none is sent any more.
 */
export async function inTransaction<T>(pool: Pool, scope: Scope, work: (session: Session) => Promise<T>): Promise<T> {
  return pool.lend(async (connection) => {
    let state: 'not begun' | 'open' | 'ended' = 'not begun'
    let failure: unknown
    let last: Promise<unknown> = Promise.resolve()
    let hasCallersOwn = false

    const send = async <S>(message: (opening: string) => Promise<S>): Promise<S> => {
      if (state === 'ended') {
        throw new IntegrationsDbError(
          'invalid_input',
          'the transaction has ended; await every call inside its callback',
        )
      }
      if (failure !== undefined) throw failure
      const opening = state === 'not begun' ? `begin;\n${scope.settings}` : ''
      state = 'open'
      connection.saves = false
      connection.renew()
      try {
        return await message(opening)
      } catch (error) {
        failure = toIntegrationsDbError(error)
        throw failure
      }
    }
    const inOrder = <S>(message: (opening: string) => Promise<S>): Promise<S> => {
      const next = last.then(() => send(message))
      last = next.catch(() => {})
      return next
    }
    const run: Run = (statement, { byCaller } = {}) => {
      hasCallersOwn ||= byCaller === true
      return inOrder((opening) => connection.run(opening, statement))
    }
    const session: Session = {
      run,
      converse: (talk) =>
        talk({
          ask: run,
          finish: (...statements) => inOrder(async () => (await connection.pipeline(statements)).flat().map(toRows)),
        }),
    }
    const end = async (verb: 'commit' | 'rollback'): Promise<void> => {
      await last
      const begun = state === 'open'
      state = 'ended'
      if (!begun) return
      connection.saves = verb === 'commit'
      connection.renew()
      if (hasCallersOwn && verb === 'rollback') return rollBackCallersOwn(connection)
      try {
        if (hasCallersOwn) connection.forgetPlans()
        const { command } = await connection.send(hasCallersOwn ? `${takeLeftovers}${verb}` : verb)
        if (command !== verb.toUpperCase()) throw notCommitted(command)
      } catch (error) {
        connection.reusable = false // Whether the transaction is over is unknown.
        throw toIntegrationsDbError(error)
      }
    }

    try {
      const value = await work(session)
      await last
      // The callback may have caught a failure, but the server has given the transaction up all the same.
      if (failure !== undefined) throw failure
      await end('commit')
      return value
    } catch (error) {
      await end('rollback').catch(() => {}) // The first error says more.
      throw error
    }
  })
}

function notCommitted(command: string): IntegrationsDbError {
  return new IntegrationsDbError('conflict', `commit was answered with ${command}: nothing was saved; try again`)
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
