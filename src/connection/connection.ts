/*
 * One connection of node-postgres, and what goes over it. A unit is one or more statements before one Sync:
 *
 *   [Parse] Bind Execute   select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true), …
 *   [Parse] Bind Execute   select … from "organization_integrations" where …
 *   Sync
 *
 * PostgreSQL runs it as one implicit transaction: the settings end with it, and where one statement fails or is cancelled
 * it skips everything up to the Sync. So no statement runs without the scope before it. One round trip, warm or cold,
 * and nothing that a pooler in transaction mode would have to remember. A second statement in one text is refused by the
 * protocol. Where the server is reached directly, its plans are kept under each statement's name.
 *
 * node-postgres sends a Sync behind each query of its own; an object with a method `submit` says itself what is sent
 * (pg-cursor and pg-query-stream are such objects).
 */
import { Socket } from 'node:net'
import type { Client, Connection as Wire } from 'pg'
import { cancelRequest } from './cancel-request.ts'
import { driver } from './driver.ts'
import { resetStatements, wasReset } from './reset.ts'
import { driverError, isPlanLost } from './server-errors.ts'
import { type Rows, type Statement, statement } from './statement.ts'
import type { Target } from './target.ts'

/** What one statement answered: its rows, and the command's tag, such as `COMMIT` or `SELECT 2`. */
export type Answer = Rows & { tag: string }

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
    const socket = new Socket()
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
  send(statements: readonly Statement[], keepPlans = true): Promise<Answer[]> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined || this.#client === undefined)
        return reject(this.#lost ?? driverError('CONNECTION_CLOSED'))
      const named = keepPlans && (this.#options.keepPlans === 'pooled' || (this.#options.keepPlans && this.#direct))
      const unit = new Unit(statements, named ? this.#plans : undefined, {
        resolve: (answers) => {
          this.#fail = undefined
          this.#notice(statements, answers)
          resolve(answers)
        },
        reject: (error) => {
          this.#fail = undefined
          reject(error)
        },
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
    const answers = await this.send(this.used ? [...statements, ...resetStatements] : statements)
    if (this.used && !wasReset(answers)) this.destroy(driverError('CONNECTION_CLOSED'))
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
    const { processID, secretKey } = this.#key
    if (processID !== null) cancelRequest(this.#options.target, processID, secretKey).catch(() => {})
  }

  /** A pooler announces a process of its own, or gives each unit to another one. */
  #notice(statements: readonly Statement[], answers: Answer[]): void {
    const at = statements.findIndex(({ tellsProcess }) => tellsProcess)
    if (at >= 0) this.#direct = answers[at]?.values[0]?.at(-1) === this.#key.processID
  }

  /** What the server hands out to cancel with; the driver's types leave it out. */
  get #key(): { processID: number | null; secretKey: number } {
    return this.#client as unknown as { processID: number | null; secretKey: number }
  }
}

export const begin = statement('begin')()
export const commit = statement('commit')()
const rollback = statement('rollback')()

/** The columns of a statement's rows, and those whose values are more than text. */
type Columns = { names: string[]; parsed: (readonly [index: number, parse: (text: string) => unknown])[] }

const noColumns: Columns = { names: [], parsed: [] }

/** As Drizzle's columns expect them; dates and JSON they parse from text themselves. */
const parsers: Record<number, (text: string) => unknown> = {
  16: (text) => text === 't',
  17: (text) => Buffer.from(text.slice(2), 'hex'),
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
}

function columnsOf(fields: readonly { name: string; dataTypeID: number }[]): Columns {
  return {
    names: fields.map(({ name }) => name),
    parsed: fields.flatMap(({ dataTypeID }, i) => {
      const parse = parsers[dataTypeID]
      return parse === undefined ? [] : [[i, parse] as const]
    }),
  }
}

type Settle = { resolve(answers: Answer[]): void; reject(error: Error): void }

/** Statements before one Sync, as node-postgres takes them: what is sent, and what the server answers. */
class Unit {
  readonly #statements: readonly Statement[]
  /** Those that the server keeps for this connection; undefined where it shall keep none. */
  readonly #plans: Map<string, Columns> | undefined
  readonly #settle: Settle
  readonly #answers: Answer[] = []
  #columns: Columns
  #rows: unknown[][] = []
  #failure: Error | undefined

  constructor(statements: readonly Statement[], plans: Map<string, Columns> | undefined, settle: Settle) {
    this.#statements = statements
    this.#plans = plans
    this.#settle = settle
    this.#columns = this.#known()
  }

  submit(wire: Wire): void {
    wire.stream.cork()
    try {
      for (const one of this.#statements) this.#write(wire, one)
      wire.sync()
    } finally {
      wire.stream.uncork()
    }
  }

  #write(wire: Wire, { text, values, name = '' }: Statement): void {
    const kept = this.#plans === undefined ? '' : name
    if (kept === '' || !this.#plans?.has(kept)) {
      // Whether an earlier attempt got as far as this is unknown, and closing what is not there is no error.
      if (kept !== '') wire.close({ type: 'S', name: kept }, true)
      wire.parse({ name: kept, text, types: [] }, true)
      wire.bind({ statement: kept, values }, true)
      wire.describe({ type: 'P' }, true)
    } else wire.bind({ statement: kept, values }, true)
    wire.execute(null, true)
  }

  handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    this.#columns = columnsOf(fields)
  }

  handleDataRow({ fields }: { fields: unknown[] }): void {
    for (const [i, parse] of this.#columns.parsed) {
      if (fields[i] !== null) fields[i] = parse(fields[i] as string)
    }
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    const name = this.#statements[this.#answers.length]?.name
    if (name !== undefined) this.#plans?.set(name, this.#columns)
    this.#answers.push({ names: this.#columns.names, values: this.#rows, tag: text })
    this.#rows = []
    this.#columns = this.#known()
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' })
  }

  /** An error of the server is settled once it is ready again; whatever ends the connection comes through `fail`. */
  handleError(error: Error & { severity?: string; code?: string }, wire: Wire): void {
    if (error.severity === undefined) {
      this.fail(error)
      return
    }
    if (isPlanLost(error)) this.#plans?.clear()
    this.#failure = error
    wire.once('readyForQuery', () => this.#settle.reject(error))
  }

  handleReadyForQuery(): void {
    this.#settle.resolve(this.#answers)
  }

  handleCopyInResponse(wire: Wire & { sendCopyFail(reason: string): void }): void {
    wire.sendCopyFail('COPY is not supported here')
  }

  handleCopyData(): void {}

  handlePortalSuspended(): void {}

  fail(error: Error): void {
    this.#settle.reject(this.#failure ?? error)
  }

  #known(): Columns {
    const name = this.#statements[this.#answers.length]?.name
    return (name === undefined ? undefined : this.#plans?.get(name)) ?? noColumns
  }
}
