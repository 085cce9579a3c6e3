import { Socket, type SocketConstructorOpts } from 'node:net'
import type { Client } from 'pg'
import { cancelRequest } from './cancel-request.ts'
import { driver } from './driver.ts'
import { resetStatements } from './reset.ts'
import { driverError } from './server-errors.ts'
import { type Statement, statement } from './statement.ts'
import type { Target } from './target.ts'
import { type Answer, type Columns, type Outcome, Unit } from './unit.ts'

export type ConnectionOptions = {
  target: Target
  connectTimeoutSeconds: number
  /** Where the server keeps plans: where it is reached directly, nowhere, or also behind a pooler that keeps track. */
  keepPlans: boolean | 'pooled'
}

/** Who is told that a connection is gone, and that it was given up because nothing came. */
type Listener = { lost(): void; silent(): void }

/** A connection of a pool, used by one caller at a time. Once it is lost it never quietly becomes another one. */
export class Connection {
  /** A caller's own SQL has run on it and may have left something. */
  used = false
  readonly openedAt = performance.now()
  readonly #options: ConnectionOptions
  readonly #reset: readonly Statement[]
  readonly #plans = new Map<string, Columns>()
  readonly #tell: Listener
  #client: Client | undefined
  #socket: Socket | undefined
  #connected = false
  #idleTimer: NodeJS.Timeout | undefined
  /** Whether each unit reaches the process that the connection was made to, so that what it keeps is there again. */
  #direct = false
  #lost: Error | undefined
  /** Fails what the server has yet to answer. */
  #fail: ((error: Error) => void) | undefined

  constructor(options: ConnectionOptions, tell: Listener) {
    this.#options = options
    this.#reset = resetStatements(options.target.application_name)
    this.#tell = tell
  }

  async open(): Promise<void> {
    const { target, connectTimeoutSeconds } = this.#options
    const timer = setTimeout(() => this.destroy(driverError('CONNECT_TIMEOUT')), connectTimeoutSeconds * 1000)
    try {
      const connected = await this.#connect(target)
      if (!connected) await this.#connect({ ...target, ssl: false, sslOptional: false })
    } catch (error) {
      this.destroy(error as Error)
      throw error
    } finally {
      clearTimeout(timer)
      this.#fail = undefined
    }
  }

  /** False where the server offers no TLS and none is needed. */
  async #connect(target: Target): Promise<boolean> {
    const { Client } = await driver()
    const socket = target.ssl ? new Socket() : readingSocket()
    const client = new Client({ ...target, stream: () => socket })
    this.#socket = socket
    this.#client = client
    return new Promise((resolve, reject) => {
      this.#fail = reject
      if (this.#lost !== undefined) return reject(this.#lost)
      const ended = (error?: Error & { code?: string }) => {
        if (this.#client !== client) return
        if (target.sslOptional && /does not support SSL/.test(String(error?.message))) return resolve(false)
        const unnamed = /^Connection terminated/.test(error?.message ?? 'Connection terminated')
        this.destroy(unnamed ? driverError(this.#connected ? 'CONNECTION_CLOSED' : 'CONNECT_CLOSED') : (error as Error))
      }
      // It tells of an end again and again; the first time says why.
      client.on('error', ended)
      client.on('end', ended)
      client.connect((error: Error | null) => {
        if (error) return ended(error)
        this.#connected = true
        resolve(true)
      })
    })
  }

  get isOpen(): boolean {
    return this.#connected
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Whether a caller has left something open, or its own SQL may have left something. */
  get needsCleaning(): boolean {
    return this.#lost === undefined && (this.used || this.#isInTransaction)
  }

  get #isInTransaction(): boolean {
    return this.#client?.getTransactionStatus() !== 'I'
  }

  /**
   * Sends statements as one unit, and gives what each answered. Fails with the first failure, once the server has undone
   * the unit and is ready for the next.
   */
  async send(statements: readonly Statement[], keepPlans = true): Promise<Answer[]> {
    const { answers, error } = await this.#exchange(statements, keepPlans)
    if (error !== undefined) throw error
    return answers
  }

  #exchange(statements: readonly Statement[], keepPlans: boolean): Promise<Outcome> {
    return new Promise((resolve) => {
      if (this.#lost !== undefined || this.#client === undefined) {
        return resolve({ answers: [], error: this.#lost ?? driverError('CONNECTION_CLOSED') })
      }
      const named = keepPlans && (this.#options.keepPlans === 'pooled' || (this.#options.keepPlans && this.#direct))
      const unit = new Unit(statements, named ? this.#plans : undefined, (outcome) => {
        this.#fail = undefined
        if (outcome.error === undefined) this.#notice(statements, outcome.answers)
        resolve(outcome)
      })
      this.#fail = (error) => unit.fail(error)
      try {
        this.#client.query(unit)
      } catch (error) {
        this.destroy(error as Error) // Half a unit is on its way.
      }
    })
  }

  /** Ends what a caller has left open and takes away what its own SQL may have left. */
  async clean(): Promise<void> {
    await this.end(this.#isInTransaction ? [rollback] : [])
  }

  /**
   * Sends a caller's own SQL behind its prelude, in a transaction that begins and ends in the same unit: where it fails,
   * the rollback that follows reaches the same process behind a pooler too.
   */
  async runCustom(statements: readonly Statement[]): Promise<Answer[]> {
    this.used = true
    const answers = await this.end([begin, ...statements, commit])
    return answers.slice(1, 1 + statements.length)
  }

  /** Sends what ends a transaction; behind it whatever the caller's own SQL has left goes away in the same unit. */
  async end(statements: readonly Statement[]): Promise<Answer[]> {
    if (!this.used) return this.send(statements)
    const { answers, error } = await this.#exchange([...statements, ...this.#reset], true)
    if (error !== undefined) {
      if (answers.length < statements.length) throw error
      this.destroy(error) // The transaction has ended as it should; what is left goes with the connection.
    }
    this.used = false
    return answers
  }

  /** Whether it keeps the process alive. */
  hold(alive: boolean): void {
    if (alive) this.#socket?.ref()
    else this.#socket?.unref()
  }

  /** Calls back once it has not been used for so long; the time begins anew with each call of this. */
  closesAfter(seconds: number, close: () => void): void {
    if (this.#idleTimer === undefined) this.#idleTimer = setTimeout(close, seconds * 1000).unref()
    else this.#idleTimer.refresh()
  }

  /** Says goodbye; for a connection without a unit under way. */
  async close(): Promise<void> {
    this.#lost ??= driverError('CONNECTION_CLOSED')
    clearTimeout(this.#idleTimer)
    this.#socket?.ref()
    // Where the other side is gone nobody answers.
    const timer = setTimeout(() => this.#socket?.destroy(), 1000)
    await this.#client?.end()
    clearTimeout(timer)
  }

  /** Throws the connection away at once, with what it has yet to answer. */
  destroy(error: Error): void {
    this.#fail?.(error)
    if (this.#lost !== undefined) return
    this.#lost = error
    clearTimeout(this.#idleTimer)
    this.#socket?.destroy()
    this.#tell.lost()
  }

  /** Throws a connection away on which nothing comes, and has the server stop what it may still be doing. */
  abandon(error: Error): void {
    this.destroy(error)
    this.#cancel()
    this.#tell.silent()
  }

  #cancel(): void {
    if (this.#client === undefined) return
    const { processID, secretKey } = this.#key
    if (processID !== null) cancelRequest(this.#options.target, processID, secretKey).catch(() => {})
  }

  /** A pooler announces a process of its own, or gives each unit to another one. */
  #notice(statements: readonly Statement[], answers: Answer[]): void {
    for (let i = 0; i < statements.length && i < 2; i++) {
      if (statements[i]?.tellsProcess) this.#direct = answers[i]?.values[0]?.at(-1) === this.#key.processID
    }
  }

  /** What the server hands out to cancel with; the driver's types leave it out. */
  get #key(): { processID: number | null; secretKey: number } {
    return this.#client as unknown as { processID: number | null; secretKey: number }
  }
}

/** A socket with one buffer for all that it reads: Node would make one of 64 KiB for each answer. */
function readingSocket(): Socket {
  const socket: Socket = new Socket({
    onread: {
      buffer: Buffer.allocUnsafe(65_536),
      callback(length: number, buffer: Buffer) {
        socket.emit('data', Buffer.from(buffer.subarray(0, length)))
        return true
      },
    },
  } as SocketConstructorOpts)
  return socket
}

export const begin = statement('begin')()
export const commit = statement('commit')()
const rollback = statement('rollback')()
