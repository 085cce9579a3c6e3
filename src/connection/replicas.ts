/*
 * Reads on standbys. A read goes to one replica; where that one does not answer, for whatever reason, to the primary.
 *
 * What can happen by itself (a replica that is gone, starting, silent, promoted, cancelling queries) leaves it out for
 * a few seconds, and no caller is told. What only a mistake brings about (a login with rights, another database) is
 * refused, as it is of the primary.
 *
 * Asking twice is safe: a replica's messages are read-only transactions, so that nothing is written even by a server
 * that was promoted a moment ago.
 */

import { IntegrationsDbError } from '../errors.ts'
import type { CallTimer } from './call-timer.ts'
import { announceReplica, answeredByReplica } from './diagnostics.ts'
import { assertSafeLogin, catalogOnly } from './login-check.ts'
import { Pool, type PoolOptions } from './pool.ts'
import type { Scope } from './scope.ts'
import { isServerAtFault, toIntegrationsDbError } from './server-errors.ts'
import { type Effect, type Rows, type Statement, statement } from './statement.ts'

type ReplicaOptions = PoolOptions & {
  connectTimeoutSeconds: number
  allowCombinedLogin: boolean
  replicaRetrySeconds: number
}

/** Which database this is, the same on all its physical copies, and whether this copy follows another. */
const identity = statement(`\
select system_identifier || '/' || pg_database.oid as database, pg_is_in_recovery() as follows
from pg_control_system(), pg_database
where datname = current_database()`)()

/** Spreads reads over the replicas that are there. Sends nothing before the first read. */
export class Replicas {
  readonly #replicas: Replica[]
  readonly #primary: () => Promise<Pool>
  #turn = 0

  constructor(urls: string[], primary: () => Promise<Pool>, options: ReplicaOptions) {
    let database: Promise<unknown> | undefined
    // Asked once, so that a replica that comes back can serve while the primary is away.
    const primaryDatabase = () => {
      database ??= primary()
        .then(identify)
        .then(
          (found) => found.database,
          (error) => {
            database = undefined
            throw error
          },
        )
      return database
    }
    this.#primary = primary
    this.#replicas = urls.map((url, index) => new Replica(index, url, primaryDatabase, options))
  }

  /** The rows as a replica has them; undefined where the primary is to be asked, in the time that is left. */
  async run(scope: Scope, one: Statement, { custom = false }: Effect): Promise<{ rows?: Rows; timer?: CallTimer }> {
    const available = this.#replicas.filter((replica) => replica.isAvailable())
    const replica = available[this.#turn++ % available.length]
    if (replica === undefined) return {}
    const rows = await replica.run(scope, one, { custom })
    // Half of the call's time was the replica's.
    return rows === undefined ? { timer: (await this.#primary()).timer(0.5) } : { rows }
  }

  async end(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.end()))
  }
}

/**
 * `new` until it was looked at, then `serving` or `left out`; after a while `returning`, which is looked at again. A call
 * keeps the state it began in: what it learns says nothing about a later one.
 */
type State =
  | { is: 'new' | 'serving' }
  | { is: 'left out'; until: number; why: string }
  | { is: 'returning'; why: string }

class Replica {
  readonly #index: number
  readonly #primaryDatabase: () => Promise<unknown>
  readonly #options: ReplicaOptions
  readonly #open: (max?: number) => Pool
  /** Half of what a call may wait for a connection: the other half is for finding out whether anybody is there. */
  readonly #patienceMilliseconds: number
  #pool: Pool
  #state: State = { is: 'new' }
  #checking: Promise<void> | undefined

  constructor(index: number, url: string, primaryDatabase: () => Promise<unknown>, options: ReplicaOptions) {
    const connectTimeoutSeconds = options.connectTimeoutSeconds / 2
    this.#index = index
    this.#primaryDatabase = primaryDatabase
    this.#options = options
    this.#patienceMilliseconds = connectTimeoutSeconds * 1000
    this.#open = (max) => new Pool(url, { ...options, connectTimeoutSeconds, max }, `replicas.${index}`)
    this.#pool = this.#open(options.max)
  }

  /** Whether a read may go there. One that was left out long enough is looked at again, and no read waits for that. */
  isAvailable(): boolean {
    const state = this.#state
    if (state.is === 'left out' && performance.now() >= state.until) {
      this.#state = { is: 'returning', why: state.why }
      this.#check().then(
        () => this.#serve(),
        (error) => this.#leaveOut(error),
      )
    }
    return state.is === 'new' || state.is === 'serving'
  }

  async run(scope: Scope, one: Statement, effect: Effect): Promise<Rows | undefined> {
    if (this.#state.is === 'new') await this.#begin()
    const state = this.#state
    if (state.is !== 'serving') return undefined
    const pool = this.#pool
    const watch = setInterval(() => this.#checkSilent(pool), this.#patienceMilliseconds)
    try {
      const rows = await pool.run(scope.readOnlyPrelude, one, effect, pool.timer(0.5))
      answeredByReplica()
      return rows
    } catch (error) {
      // Whoever cancels a statement, or limits its time, means the statement and not the server it runs on.
      if ((error as IntegrationsDbError).sqlState === '57014') throw error
      if (isServerAtFault(error) && state === this.#state) this.#leaveOut(error)
      return undefined
    } finally {
      clearInterval(watch)
    }
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }

  /** The first look. What is wrong with the primary is the caller's to know, and no fault of the replica. */
  async #begin(): Promise<void> {
    await this.#primaryDatabase()
    try {
      await this.#check()
      if (this.#state.is === 'new') this.#state = { is: 'serving' }
    } catch (error) {
      if (isMistake(error)) throw error
      this.#leaveOut(error)
    }
  }

  /** Connects anew and looks at who is there; never two at a time. */
  #check(): Promise<void> {
    this.#checking ??= this.#lookAt(this.#open(1)).finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  async #lookAt(probe: Pool): Promise<void> {
    const field = `replicas.${this.#index}`
    let silent = false
    const deadline = setTimeout(() => {
      silent = true
      void probe.end(0)
    }, this.#patienceMilliseconds)
    try {
      await assertSafeLogin(probe, 'authenticated', this.#options.allowCombinedLogin, field)
      const { database, follows } = await identify(probe)
      const primaryDatabase = await this.#primaryDatabase()
      if (database !== primaryDatabase) {
        throw new IntegrationsDbError(
          'invalid_input',
          `${field}: is database ${database} (system identifier/oid), url is ${primaryDatabase}; pass a physical replica of url`,
        )
      }
      if (!follows) throw new IntegrationsDbError('unavailable', `${field}: follows no primary (pg_is_in_recovery())`)
    } catch (error) {
      if (!silent) throw error
      throw new IntegrationsDbError(
        'unavailable',
        `${field}: did not answer within ${this.#patienceMilliseconds / 1000} s`,
      )
    } finally {
      clearTimeout(deadline)
      void probe.end(0)
    }
  }

  /** A network that swallows packets, or a server that stands still, says nothing; a slow statement's server answers. */
  #checkSilent(pool: Pool): void {
    this.#check().catch((error) => {
      this.#leaveOut(error)
      if (this.#pool !== pool) return
      this.#pool = this.#open(this.#options.max)
      void pool.end(0) // Fails the calls that wait there, and they turn to the primary.
    })
  }

  #leaveOut(error: unknown): void {
    const { code, message } = toIntegrationsDbError(error)
    const before = this.#state
    this.#state = {
      is: 'left out',
      until: performance.now() + this.#options.replicaRetrySeconds * 1000,
      why: message,
    }
    // Said by another call already, or by the check before.
    if ('why' in before && before.why === message) return
    announceReplica({ replica: this.#index, available: false, errorCode: code, message })
  }

  #serve(): void {
    this.#state = { is: 'serving' }
    announceReplica({ replica: this.#index, available: true, errorCode: null, message: null })
  }
}

async function identify(pool: Pool): Promise<{ database: unknown; follows: boolean }> {
  const { values } = await pool.run(catalogOnly, identity, { reads: true })
  const [database, follows] = values[0] ?? []
  return { database, follows: follows === true }
}

/** Not the server's condition but what the host has configured. */
function isMistake(error: unknown): boolean {
  return ['permission_denied', 'invalid_input'].includes((error as IntegrationsDbError).code)
}
