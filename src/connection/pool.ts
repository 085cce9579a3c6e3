import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { IntegrationsDbError } from '../errors.ts'
import { CallTimer } from './call-timer.ts'
import { Connection } from './connection.ts'
import { driverError, isConnectionLost, isPlanLost, toIntegrationsDbError } from './server-errors.ts'
import type { Effect, Rows, Statement } from './statement.ts'
import { type Target, targetOf } from './target.ts'
import type { Answer } from './unit.ts'

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

type Waiter = { resolve(connection: Connection): void; reject(error: unknown): void; until: number }

/** Sends units over a bounded number of connections. Created without connecting. */
export class Pool {
  readonly #target: Target
  readonly #options: PoolOptions & Required<Pick<PoolOptions, keyof typeof defaults>> & { max: number }
  readonly #connections = new Set<Connection>()
  /** The one that was used last is used next, so that the others may grow old and close. */
  readonly #idle: Connection[] = []
  readonly #waiting: Waiter[] = []
  #watching: NodeJS.Timeout | undefined
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
    try {
      const answers = await this.#send(statements, effect, timer, true)
      return answers[answers.length - 1] as Answer
    } catch (error) {
      const again = one.name !== undefined && isPlanLost(error)
      if (!again && !(effect.reads && isConnectionLost(error))) throw toIntegrationsDbError(error)
      const answers = await this.#send(statements, effect, timer, !again).catch((second) => {
        throw toIntegrationsDbError(second)
      })
      return answers[answers.length - 1] as Answer
    } finally {
      timer.stop()
    }
  }

  async #send(statements: Statement[], effect: Effect, timer: CallTimer, keepPlans: boolean): Promise<Answer[]> {
    const connection = this.#takeIdle() ?? (await this.#acquire(timer))
    timer.waitsFor(effect.reads !== true, connection)
    try {
      return await (effect.custom ? connection.runCustom(statements) : connection.send(statements, keepPlans))
    } finally {
      if (connection.needsCleaning) await this.#clean(connection)
      this.#release(connection)
    }
  }

  /** Opens one connection for one or several units, and has it ready for the next caller before it takes it back. */
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
    clearTimeout(this.#watching)
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
      timer.waitsFor(false, connection)
      await connection.open()
    }
    return connection
  }

  #wait(timer: CallTimer): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject, until: performance.now() + this.#patienceSeconds * 1000 }
      this.#waiting.push(waiter)
      this.#watch()
      timer.waitsFor(false, {
        abandon: () => {
          const at = this.#waiting.indexOf(waiter)
          if (at >= 0) this.#giveUp(at, 1)
        },
      })
    })
  }

  /** Those that came first have waited longest, so one timer is enough for all. */
  #watch(): void {
    const [first] = this.#waiting
    if (first === undefined || this.#watching !== undefined) return
    this.#watching = setTimeout(() => {
      this.#watching = undefined
      const now = performance.now()
      const waiting = this.#waiting.findIndex(({ until }) => until > now)
      this.#giveUp(0, waiting < 0 ? this.#waiting.length : waiting)
      this.#watch()
    }, first.until - performance.now())
  }

  #giveUp(from: number, count: number): void {
    const { max } = this.#options
    for (const { reject } of this.#waiting.splice(from, count)) {
      reject(
        new IntegrationsDbError(
          'unavailable',
          `no connection became free within ${this.#patienceSeconds} s: all ${max} are in use; raise max, or look for slow calls and long transactions`,
        ),
      )
    }
  }

  get #patienceSeconds(): number {
    return Math.min(this.#options.acquireTimeoutSeconds, this.#options.callTimeoutSeconds)
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
    timer.waitsFor(false, connection)
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
