import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { databaseUrl } from '../client/input.ts'
import { connectionLost, isConnectionLost, toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import { hexLiteral } from '../util/literal.ts'

/** An administrator's connection; never used for calls of the repository. */
export type Admin = postgres.Sql<Record<string, never>>
type Transaction = postgres.TransactionSql<Record<string, never>>

/**
 * Text in, rows out: all that those commands need which also work where there is no connection but an HTTP API.
 *
 * A text is one transaction, whatever number of statements it has, and gives the rows of the last one that has any.
 */
export type Queries = { query<Row extends object>(text: string): Promise<Row[]> }

/**
 * Lends one administrator connection and closes it, whatever happens. Once it is lost the work has failed, and nothing of
 * it goes on over another connection, where it would be without its transaction.
 *
 * `lost` rejects then, for work that has more to stop than statements on this connection.
 */
export async function asAdmin<T>(url: string, work: (sql: Admin, lost: Promise<never>) => Promise<T>): Promise<T> {
  let onLost = () => {}
  const lost = new Promise<never>((_, reject) => {
    onLost = () => reject(connectionLost())
  })
  lost.catch(() => {})
  const sql = postgres(databaseUrl('url', url), {
    max: 1,
    fetch_types: false,
    onnotice: () => {},
    onclose: () => onLost(),
    connection: { application_name: 'integrations-db' },
  }) as Admin
  sql.begin = ((run: (tx: Transaction) => Promise<unknown>) => inTransaction(sql, run)) as Admin['begin']
  try {
    const result = await Promise.race([work(sql, lost), lost])
    await sql.end({ timeout: 5 })
    return result
  } catch (error) {
    // It would wait for an answer that a connection which is gone never gives.
    await sql.end({ timeout: 0 })
    throw isConnectionLost(error) ? toIntegrationsDbError(error) : error
  }
}

/**
 * In place of postgres.js's own `begin`, which says `rollback` on a connection that is gone, and throws where nobody can
 * catch it (porsager/postgres#1208).
 */
async function inTransaction<T>(sql: Admin, run: (tx: Transaction) => Promise<T>): Promise<T> {
  await sql.unsafe('begin')
  let result: T
  try {
    result = await run(sql as unknown as Transaction)
  } catch (error) {
    // The server rolls back what a lost connection leaves.
    if (!isConnectionLost(error)) await sql.unsafe('rollback')
    throw error
  }
  // After a statement that failed unnoticed, the server answers `commit` with a rollback and no error.
  const { command } = await sql.unsafe('commit')
  if (command !== 'COMMIT')
    throw new IntegrationsDbError('conflict', 'the transaction was rolled back: a statement in it had failed')
  return result
}

/** A connection as {@link Queries}: without parameters postgres.js sends one simple-protocol message. */
export function queriesOf(sql: Admin): Queries {
  return {
    async query<Row extends object>(text: string) {
      const answer = (await sql.unsafe(text)) as postgres.RowList<Row[]> | postgres.RowList<Row[]>[]
      const answers = 'command' in answer ? [answer] : answer
      return [...(answers.findLast((rows) => rows.length > 0) ?? [])]
    },
  }
}

/**
 * Lends a connection while nobody else has one under the same name; the others ask again until it is their turn.
 *
 * The lock belongs to a transaction on a connection of its own: a pooler in transaction mode keeps that one together and
 * a lost connection gives the lock back. It is asked for and never waited for in the server: CREATE INDEX CONCURRENTLY
 * waits for every statement under way, and one that itself waits for the lock would be a deadlock.
 */
export async function aloneAsAdmin<T>(
  url: string,
  name: string,
  work: (sql: Admin) => Promise<T>,
  onWait: () => void = () => {},
): Promise<T> {
  return asAdmin(url, async (lock, lost) => {
    for (let waits = 0; ; waits++) {
      const turn = await lock.begin(async () => {
        const [row] = await queriesOf(lock).query<{ ours: boolean }>(askForLock(name))
        // Whoever has lost the lock stops, on whatever statement.
        return row?.ours ? { result: await asAdmin(url, (sql) => Promise.race([work(sql), lost])) } : undefined
      })
      if (turn !== undefined) return turn.result as T
      if (waits === 0) onWait()
      await pause(50 + Math.random() * 100)
    }
  })
}
// In one simple-protocol message: what the extended protocol leaves open until the next statement is a portal, whose
// snapshot an index that is built concurrently would wait for, and so for ever.
const askForLock = (name: string) => `
  set local idle_in_transaction_session_timeout = 0;
  select pg_try_advisory_xact_lock(hashtextextended(${hexLiteral(name)}, 0)) as ours`

/** A database, its administrator's URL; without `apply` nothing is changed. */
export type Target = { url: string; apply?: boolean; onProgress?: Progress }
/** Told after each step how many of all are done. */
export type Progress = (done: number, all: number) => void
/** One step that did not work; the others went on. */
export type Failure = { what: string; message: string }

/** One after the other; a step that fails does not stop the next, a server that is gone does. */
export async function each(
  steps: { what: string; run: () => PromiseLike<unknown> }[],
  onProgress: Progress,
): Promise<Failure[]> {
  const failures: Failure[] = []
  for (const [i, { what, run }] of steps.entries()) {
    try {
      await run()
    } catch (error) {
      const { message, sqlState } = toIntegrationsDbError(error)
      if (sqlState === undefined && !(error instanceof IntegrationsDbError)) throw error
      failures.push({ what, message })
    }
    onProgress(i + 1, steps.length)
  }
  return failures
}

/** {@link asAdmin}, with every error in this package's words. */
export async function administrate<T>(url: string, work: (sql: Admin) => Promise<T>): Promise<T> {
  return asAdmin(url, async (sql) => {
    try {
      return await work(sql)
    } catch (error) {
      throw toIntegrationsDbError(error)
    }
  })
}
