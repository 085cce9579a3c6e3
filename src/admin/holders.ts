import { setTimeout as pause } from 'node:timers/promises'
import { Sockets } from '../connection/sockets.ts'
import { IntegrationsDbError } from '../errors.ts'
import { type Admin, openAdmin, type Transaction, withAdmin } from './connection.ts'

/*
 * An administrator's transaction never waits longer for a lock than it is told to, knows who holds it, and may end that
 * session. Any login can keep a row locked in a transaction that it leaves open; a breach command must not wait for it.
 */

/** A session, or a prepared transaction, that others wait for. */
export type Holder = {
  /** Null of a prepared transaction, which no session has. */
  pid: number | null
  /** Of a prepared transaction, the role that its session had become. */
  login: string | null
  /** When its transaction began; null where the administrator may not see it. */
  since: Date | null
  /** The name of a prepared transaction. */
  prepared: string | null
  /** Whether `terminate` ended it. */
  ended: boolean
}

/** What one transaction failed for: a lock that somebody held longer than it waited. */
export class HeldUp extends IntegrationsDbError {
  readonly holders: Holder[]

  constructor(holders: Holder[]) {
    super('conflict', `held up: ${describeHolders(holders)}`, { sqlState: '55P03' })
    this.holders = holders
  }
}

export function describeHolders(holders: Holder[]): string {
  if (holders.length === 0) return 'a lock was held until the time was up, and its holder is gone; run it again'
  return `${holders.map(describeHolder).join(', ')}; end them or pass --terminate, and run it again`
}

export function describeHolder({ pid, login, since, prepared }: Holder): string {
  const what = prepared === null ? `pid ${pid}` : `the prepared transaction ${prepared}`
  return `${what} (login ${login ?? 'unknown'}, since ${since?.toISOString() ?? 'unknown'})`
}

/** One transaction that waits for no lock longer than `seconds`. */
export type Attempt = <T>(seconds: number, run: (tx: Admin) => PromiseLike<T>) => Promise<T>

/** How the sessions that are in the way are dealt with. */
export type Patience = {
  /** End whoever holds a lock that is waited for. @default false */
  terminate?: boolean
}

/**
 * Hands out {@link Attempt}s on an administrator's connection; a second one, made when the first waits, sees for whom.
 * `ended` grows with the sessions that were.
 */
export async function withAttempts<T>(
  url: string,
  { terminate = false }: Patience,
  work: (sql: Admin, attempt: Attempt, ended: Holder[]) => Promise<T>,
): Promise<T> {
  const sockets = new Sockets()
  const watch = openAdmin(url, sockets)
  const ended: Holder[] = []
  const treat = async (found: Holder[]) => {
    if (!terminate) return found
    const treated = await endAll(watch, found)
    ended.push(...treated.filter((holder) => holder.ended))
    return treated
  }
  try {
    return await withAdmin(url, (sql) =>
      work(sql, (seconds, run) => attempt(sql, (pid) => new Watcher(watch, pid, treat), seconds, run), ended),
    )
  } finally {
    await watch.end({ timeout: 0 })
    sockets.destroySoon()
  }
}

async function attempt<T>(
  sql: Admin,
  watchOver: (pid: number) => Watcher,
  seconds: number,
  run: (tx: Admin) => PromiseLike<T>,
): Promise<T> {
  let watcher: Watcher | undefined
  try {
    return (await sql.begin(async (tx: Transaction) => {
      const [row] = await tx<{ pid: number }[]>`
        select pg_catalog.pg_backend_pid() as pid, pg_catalog.set_config('lock_timeout', ${`${Math.round(seconds * 1000)}ms`}, true)`
      watcher = watchOver(row?.pid ?? 0)
      return run(tx as unknown as Admin)
    })) as T
  } catch (error) {
    const holders = (await watcher?.stop()) ?? []
    const { code } = error as { code?: string }
    // A deadlock is a lock that was held, too: whoever stood in the way did so on purpose, or is done by the next time.
    if (code === '55P03' || code === '40P01') throw new HeldUp(holders)
    throw error
  } finally {
    await watcher?.stop()
  }
}

type Treat = (holders: Holder[]) => Promise<Holder[]>

/** A transaction that is done sooner is not looked at. */
const firstLookMilliseconds = 25
const nextLookMilliseconds = 10

/** Looks, while a transaction runs, at who holds it up. */
class Watcher {
  readonly #looking: Promise<void>
  readonly #stopped = new AbortController()
  #holders: Holder[] = []

  constructor(watch: Admin, pid: number, treat: Treat) {
    this.#looking = this.#look(watch, pid, treat)
  }

  /** The last ones seen. */
  async stop(): Promise<Holder[]> {
    this.#stopped.abort()
    await this.#looking
    return this.#holders
  }

  async #look(watch: Admin, pid: number, treat: Treat): Promise<void> {
    const { signal } = this.#stopped
    try {
      await pause(firstLookMilliseconds, undefined, { signal })
      for (;;) {
        const found = await holdersOver(watch, pid)
        if (found.length > 0) this.#holders = await treat(found)
        await pause(nextLookMilliseconds, undefined, { signal })
      }
    } catch {
      // Stopped; or it cannot be seen, and then the transaction says by itself that it was held up.
    }
  }
}

/** Who holds up a session, directly or through others that wait themselves. */
async function holdersOver(watch: Admin, pid: number): Promise<Holder[]> {
  const rows = await watch<Holder[]>`
    with recursive chain (pid) as (
      select pg_catalog.unnest(pg_catalog.pg_blocking_pids(${pid}))
      union
      select blocking.pid from chain
      cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(chain.pid)) as blocking (pid)
      where chain.pid <> 0
    )
    select a.pid, a.usename::text as login, a.xact_start as since, null::text as prepared, false as ended
    from chain join pg_catalog.pg_stat_activity as a on a.pid = chain.pid
    where a.pid <> ${pid} and pg_catalog.cardinality(pg_catalog.pg_blocking_pids(a.pid)) = 0
    union all
    -- A prepared transaction is pid 0 to all who wait for it.
    select null, p.owner::text, p.prepared, p.gid, false from pg_catalog.pg_prepared_xacts as p
    where p.database = pg_catalog.current_database() and exists (select from chain where chain.pid = 0)
      and exists (
        select from pg_catalog.pg_locks as own
        join pg_catalog.pg_locks as l on l.virtualtransaction = own.virtualtransaction and l.pid is null
        join pg_catalog.pg_class as c on c.oid = l.relation
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where own.transactionid = p.transaction and own.pid is null
          and (n.nspname in ('integrations', 'vault') or n.nspname = 'public' and c.relname like 'organization\\_integration%'))
    order by 1, 4`
  return [...rows]
}

/** Ends sessions and prepared transactions, and says of each whether it is ended. */
export async function endAll(watch: Admin, holders: readonly Holder[]): Promise<Holder[]> {
  const ended: Holder[] = []
  for (const holder of holders) ended.push({ ...holder, ended: await end(watch, holder) })
  return ended
}

async function end(watch: Admin, { pid, prepared }: Holder): Promise<boolean> {
  try {
    if (prepared !== null) {
      const [row] = await watch<
        { text: string }[]
      >`select pg_catalog.format('rollback prepared %L', ${prepared}::text) as text`
      await watch.unsafe(row?.text ?? '')
      return true
    }
    // Another operator's command is no attacker's: it is waited for.
    const rows = await watch<{ ended: boolean }[]>`
      select pg_catalog.pg_terminate_backend(a.pid, 1000) as ended from pg_catalog.pg_stat_activity as a
      where a.pid = ${pid} and not (a.usename = session_user and a.application_name = 'integrations-db')`
    return rows[0]?.ended === true
  } catch {
    // Not everybody may end everybody: the holder stays and is named.
    return false
  }
}
