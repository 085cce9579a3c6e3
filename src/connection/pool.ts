import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { IntegrationsDbError } from '../errors.ts'
import { CallTimer } from './call-timer.ts'
import { type Answer, Connection } from './connection.ts'
import { driverError, isConnectionLost, isPlanLost, toIntegrationsDbError } from './server-errors.ts'
import type { Effect, Rows, Statement } from './statement.ts'
import { type Target, targetOf } from './target.ts'

/*
 * A bounded number of connections, each used by one caller at a time: on a shared one a slow statement would hold up
 * calls that were never told they are waiting.
 */

export type PoolOptions = {
  /** Most connections at a time; 10, or what the URL says as `connection_limit`. */
  max?: number | undefined
  /** How long a call waits for a connection before it fails with `unavailable`; 10. */
  acquireTimeoutSeconds?: number
  /** 10. */
  connectTimeoutSeconds?: number
  /** How long a call may take in all, or one statement of a transaction; 30. */
  callTimeoutSeconds?: number
  /** How long a connection without a call is kept; 30. */
  idleTimeoutSeconds?: number
  /** How long any connection is kept; for ever. */
  maxLifetimeSeconds?: number | undefined
  /** Where the server keeps plans; where it is reached directly. */
  keepPlans?: boolean | 'pooled'
  applicationName?: string
  /** In place of what the URL says of TLS. */
  ssl?: boolean | TlsOptions | undefined
}

const defaults = {
  acquireTimeoutSeconds: 10,
  connectTimeoutSeconds: 10,
  callTimeoutSeconds: 30,
  idleTimeoutSeconds: 30,
  keepPlans: true,
  applicationName: 'integrations-db',
}

type Waiter = { resolve(connection: Connection): void; reject(error: unknown): void }

/** Sends units over a bounded number of connections. Created without connecting. */
export class Pool {
  readonly #target: Target
  readonly #options: PoolOptions & Required<Pick<PoolOptions, keyof typeof defaults>> & { max: number }
  readonly #connections = new Set<Connection>()
  /** The one that was used last is used next, so that the others may grow old and close. */
  readonly #idle: Connection[] = []
  readonly #waiting: Waiter[] = []
  #ended = false
  #onEmpty = () => {}

  constructor(url: string, options: PoolOptions, field = 'url') {
    const given = { ...defaults, ...options }
    const { target, connectionLimit } = targetOf(field, url, given)
    this.#target = target
    this.#options = { ...given, max: options.max ?? connectionLimit ?? 10 }
  }

  /** Bounds a call that begins now; for `share` of a call's time. */
  timer(share = 1): CallTimer {
    return new CallTimer(this.#options.callTimeoutSeconds, share)
  }

  /**
   * Sends one unit of a prelude, where there is one, and a statement, and gives the statement's rows.
   *
   * With `reads` it is sent once more where the connection was lost: nothing can have been changed. So is, without its
   * plan, any statement whose plan the server no longer has: then it did not run.
   */
  async run(prelude: Statement | undefined, one: Statement, effect: Effect = {}, timer = this.timer()): Promise<Rows> {
    const statements = prelude === undefined ? [one] : [prelude, one]
    const send = (keepPlans: boolean) =>
      this.withConnection(timer, (connection) => {
        timer.waitsFor(effect.reads !== true, (error) => connection.abandon(error))
        return effect.custom ? connection.runCustom(statements) : connection.send(statements, keepPlans)
      })
    try {
      const answers = await send(true).catch((error) => {
        if (one.name !== undefined && isPlanLost(error)) return send(false)
        if (effect.reads && isConnectionLost(error)) return send(true)
        throw error
      })
      return answers[answers.length - 1] as Answer
    } catch (error) {
      throw toIntegrationsDbError(error)
    } finally {
      timer.stop()
    }
  }

  /** Lends one connection for one or several units, and has it ready for the next caller before it takes it back. */
  async withConnection<T>(timer: CallTimer, use: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#takeIdle() ?? (await this.#acquire(timer))
    try {
      return await use(connection)
    } finally {
      if (connection.needsCleaning) await this.#clean(connection)
      this.#release(connection)
    }
  }

  /** Closes every connection, waiting for calls under way at most so long; those that wait for a connection fail. */
  async end(timeoutSeconds = 5): Promise<void> {
    this.#ended = true
    for (const { reject } of this.#waiting.splice(0)) reject(driverError('CONNECTION_ENDED'))
    const closed = this.#idle.splice(0).map((connection) => this.#close(connection))
    if (this.#connections.size > 0 && timeoutSeconds > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutSeconds * 1000)
        this.#onEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    for (const connection of this.#connections) connection.destroy(driverError('CONNECTION_CLOSED'))
    await Promise.all(closed)
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isLost) continue
      if (this.#isOld(connection)) {
        void this.#close(connection)
        continue
      }
      connection.hold(true)
      return connection
    }
    return undefined
  }

  async #acquire(timer: CallTimer): Promise<Connection> {
    if (this.#ended) throw driverError('CONNECTION_ENDED')
    const connection = this.#connections.size < this.#options.max ? this.#create() : await this.#wait(timer)
    if (!connection.isOpen) {
      timer.waitsFor(false, (error) => connection.destroy(error))
      await connection.open()
    }
    return connection
  }

  #wait(timer: CallTimer): Promise<Connection> {
    const { acquireTimeoutSeconds, callTimeoutSeconds, max } = this.#options
    const seconds = Math.min(acquireTimeoutSeconds, callTimeoutSeconds)
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve(connection) {
          clearTimeout(timeout)
          resolve(connection)
        },
        reject(error) {
          clearTimeout(timeout)
          reject(error)
        },
      }
      const giveUp = () => {
        const at = this.#waiting.indexOf(waiter)
        if (at >= 0) this.#waiting.splice(at, 1)
        waiter.reject(
          new IntegrationsDbError(
            'unavailable',
            `no connection became free within ${seconds} s: all ${max} are in use; raise max, or look for slow calls and long transactions`,
          ),
        )
      }
      const timeout = setTimeout(giveUp, seconds * 1000)
      timer.waitsFor(false, giveUp)
      this.#waiting.push(waiter)
    })
  }

  #create(): Connection {
    const connection = new Connection(
      { ...this.#options, target: this.#target },
      {
        lost: () => this.#forget(connection),
        // What is silent for one call is likely so for the next, which need not find out for itself.
        silent: () => {
          for (const idle of this.#idle.splice(0)) idle.destroy(driverError('CONNECTION_CLOSED'))
        },
      },
    )
    this.#connections.add(connection)
    return connection
  }

  #release(connection: Connection): void {
    if (connection.isLost) return
    if (this.#ended || this.#isOld(connection)) {
      void this.#close(connection)
      return
    }
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next.resolve(connection)
      return
    }
    connection.hold(false)
    this.#idle.push(connection)
    connection.closesAfter(this.#options.idleTimeoutSeconds, () => {
      const at = this.#idle.indexOf(connection)
      if (at < 0) return
      this.#idle.splice(at, 1)
      void this.#close(connection)
    })
  }

  async #clean(connection: Connection): Promise<void> {
    const timer = this.timer()
    timer.waitsFor(false, (error) => connection.abandon(error))
    await connection.clean().catch((error) => connection.destroy(error))
    timer.stop()
  }

  #isOld({ openedAt }: Connection): boolean {
    const { maxLifetimeSeconds } = this.#options
    return maxLifetimeSeconds !== undefined && performance.now() - openedAt > maxLifetimeSeconds * 1000
  }

  #close(connection: Connection): Promise<void> {
    this.#forget(connection)
    return connection.close()
  }

  /** Gives its place to whoever has waited longest. */
  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty()
    if (!this.#ended) this.#waiting.shift()?.resolve(this.#create())
  }
}
