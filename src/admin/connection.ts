import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { connectionLost, isConnectionLost, toIntegrationsDbError } from '../connection/server-errors.ts'
import { Sockets } from '../connection/sockets.ts'
import { IntegrationsDbError } from '../errors.ts'
import { databaseUrl } from '../util/checks.ts'

/** An administrator's connection; never used for calls of the repository. */
export type Admin = postgres.Sql<Record<string, never>>
export type Transaction = postgres.TransactionSql<Record<string, never>>

/**
 * Text in, rows out: all that those commands need which also work where there is no connection but an HTTP API.
 *
 * A text is one transaction, whatever number of statements it has, and gives the rows of the last one that has any.
 */
export type Queries = { query<Row extends object>(text: string): Promise<Row[]> }

/**
 * Opens one administrator connection and closes it, whatever happens. Once it is lost the work has failed, and nothing of
 * it goes on over another connection, where it would be without its transaction.
 *
 * `lost` rejects then, for work that has more to stop than statements on this connection.
 */
export async function withAdminConnection<T>(
  url: string,
  work: (sql: Admin, lost: Promise<never>) => Promise<T>,
): Promise<T> {
  let onLost = () => {}
  const lost = new Promise<never>((_, reject) => {
    onLost = () => reject(connectionLost())
  })
  lost.catch(() => {})
  const sockets = new Sockets()
  const sql = openAdmin(url, sockets, () => onLost())
  const watching = watch(url, Math.min(Number(sql.options.connect_timeout) || 30, 3600), () => onLost())
  try {
    const result = await Promise.race([work(sql, lost), lost])
    await sql.end({ timeout: 5 })
    return result
  } catch (error) {
    // It would wait for an answer that a connection which is gone never gives.
    await sql.end({ timeout: 0 })
    throw isConnectionLost(error) ? toIntegrationsDbError(error) : error
  } finally {
    clearInterval(watching)
    sockets.destroySoon()
  }
}

/** One connection, made with its first statement, and whoever opens it ends it, and destroys its sockets. */
export function openAdmin(url: string, sockets: Sockets, onLost = () => {}): Admin {
  const sql = postgres(databaseUrl('url', url), {
    max: 1,
    fetch_types: false,
    // It would end a connection between two statements of a transaction.
    max_lifetime: null,
    socket: sockets.open,
    onnotice: () => {},
    onclose: onLost,
    connection: { application_name: 'integrations-db' },
  } as postgres.Options<Record<string, never>>) as unknown as Admin
  sql.begin = ((run: (tx: Transaction) => Promise<unknown>) => inTransaction(sql, run)) as Admin['begin']
  return sql
}

/**
 * Asks over a connection of its own, now and then, whether the server still answers: what an administrator runs may take
 * hours, and over a network that has gone silent it would take for ever. A server that refuses has answered.
 *
 * `connect_timeout`, in the URL or as `PGCONNECT_TIMEOUT`, is how many seconds lie between, and how many it may take.
 */
function watch(url: string, seconds: number, onSilent: () => void): NodeJS.Timeout {
  const ask = async () => {
    const sockets = new Sockets()
    const probe = openAdmin(url, sockets)
    const deadline = setTimeout(() => void probe.end({ timeout: 0 }), seconds * 1000)
    try {
      await probe.unsafe('select 1')
    } catch (error) {
      if ((error as { severity?: string }).severity === undefined) onSilent()
    } finally {
      clearTimeout(deadline)
      await probe.end({ timeout: 0 })
      sockets.destroySoon()
    }
  }
  return setInterval(() => void ask(), seconds * 1000).unref()
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
 * Opens a connection while nobody else has one under the same lock; the others ask again until it is their turn.
 *
 * `takeLock` takes one that is held until its transaction's end, and that nobody but an administrator can hold: any login
 * may take any advisory lock. The transaction has a connection of its own: a pooler in transaction mode keeps it together
 * and a lost connection gives the lock back. It is asked for and hardly waited for in the server: CREATE INDEX
 * CONCURRENTLY waits for every statement under way, and one that itself waits for the lock would be a deadlock.
 */
export async function withExclusiveAdmin<T>(
  url: string,
  takeLock: string,
  work: (sql: Admin) => Promise<T>,
  onWait: () => void = () => {},
): Promise<T> {
  return withAdminConnection(url, async (lock, lost) => {
    for (let waits = 0; ; waits++) {
      const turn = await lock.begin(async () => {
        // Whoever has lost the lock stops, on whatever statement.
        return (await isTaken(lock, takeLock))
          ? { result: await withAdminConnection(url, (sql) => Promise.race([work(sql), lost])) }
          : undefined
      })
      if (turn !== undefined) return turn.result as T
      if (waits === 0) onWait()
      await pause(50 + Math.random() * 100)
    }
  })
}

/** In a savepoint, so that the transaction can end in peace where somebody else has the lock. */
async function isTaken(lock: Admin, takeLock: string): Promise<boolean> {
  try {
    // In one simple-protocol message: what the extended protocol leaves open until the next statement is a portal, whose
    // snapshot an index that is built concurrently would wait for, and so for ever.
    await queriesOf(lock).query(
      `savepoint before_lock; set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '10ms'; ${takeLock}`,
    )
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error
    await queriesOf(lock).query('rollback to savepoint before_lock')
    return false
  }
}

/** {@link withAdminConnection}, with every error in this package's words. */
export async function withAdmin<T>(url: string, work: (sql: Admin) => Promise<T>): Promise<T> {
  return withAdminConnection(url, async (sql) => {
    try {
      return await work(sql)
    } catch (error) {
      throw toIntegrationsDbError(error)
    }
  })
}
