import postgres from 'postgres'
import type { Rows } from './drizzle.ts'
import { IntegrationsDbError } from './errors.ts'
import { isConnectionLost, isStatementRefused, toIntegrationsDbError } from './server-errors.ts'

/*
 * A bounded number of lanes, each a postgres.js client with exactly one connection, each used by one caller at a time.
 *
 * Callers could share lanes and have postgres.js pipeline their messages, but then one slow statement holds up calls
 * that were never told they are waiting. postgres.js could lend connections with reserve() and begin(), but the one
 * throws where nobody can catch it when its connection has died, and the other can leave its BEGIN on a connection that
 * other callers use (porsager/postgres#1189).
 */

export type PoolOptions = {
  /** Most connections at a time. */
  max: number
  /** How long a call waits for a connection before it fails with `unavailable`. */
  acquireTimeoutSeconds: number
  connectTimeoutSeconds: number
}

/** One connection. Once it is lost the lane is thrown away: it never quietly becomes another connection. */
type Lane = { client: postgres.Sql<Record<string, never>>; lost: boolean; onLost: () => void }

/** Sends messages over a bounded number of connections. Created without connecting. */
export class Pool {
  readonly #url: string
  readonly #options: PoolOptions
  readonly #lanes = new Set<Lane>()
  readonly #idle: Lane[] = []
  readonly #waiting: ((lane: Lane) => void)[] = []
  #ended = false

  constructor(url: string, options: PoolOptions) {
    this.#url = url
    this.#options = options
  }

  /**
   * Sends one message, several statements in one implicit transaction, and gives the rows of the last.
   *
   * With `reads` it is sent once more where the connection was lost: nothing can have been changed.
   */
  async send(message: string, { reads = false } = {}): Promise<Rows> {
    try {
      return await this.lend(async (connection) => (await connection.send(message)).rows)
    } catch (error) {
      if (!reads || !isConnectionLost(error)) throw toIntegrationsDbError(error)
      return this.send(message)
    }
  }

  /** Lends one connection for one or several messages. */
  async lend<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const lane = await this.#acquire()
    const connection: Connection = {
      reusable: true,
      async send(message) {
        try {
          return await sendOn(lane, message)
        } catch (error) {
          if (!isStatementRefused(error)) connection.reusable = false
          throw error
        }
      },
    }
    try {
      return await use(connection)
    } finally {
      if (connection.reusable) this.#release(lane)
      else this.#discard(lane)
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all([...this.#lanes].map((lane) => lane.client.end({ timeout: 5 })))
  }

  async #acquire(): Promise<Lane> {
    if (this.#ended) throw new IntegrationsDbError('unavailable', 'this client was ended; create a new one')
    for (let lane = this.#idle.pop(); lane !== undefined; lane = this.#idle.pop()) {
      if (!lane.lost) return lane
      this.#discard(lane)
    }
    return this.#lanes.size < this.#options.max ? this.#open() : this.#wait()
  }

  #wait(): Promise<Lane> {
    const { acquireTimeoutSeconds, max } = this.#options
    return new Promise((resolve, reject) => {
      const waiter = (lane: Lane) => {
        clearTimeout(timer)
        resolve(lane)
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(
          new IntegrationsDbError(
            'unavailable',
            `no connection became free within ${acquireTimeoutSeconds} s: all ${max} are in use; raise max, or look for slow calls and long transactions`,
          ),
        )
      }, acquireTimeoutSeconds * 1000)
      this.#waiting.push(waiter)
    })
  }

  #release(lane: Lane): void {
    const next = this.#waiting.shift()
    if (next) next(lane)
    else this.#idle.push(lane)
  }

  #discard(lane: Lane): void {
    this.#lanes.delete(lane)
    void lane.client.end({ timeout: 0 }).catch(() => {})
    if (this.#waiting.length > 0 && !this.#ended) this.#release(this.#open())
  }

  #open(): Lane {
    const lane = openLane(this.#url, this.#options.connectTimeoutSeconds)
    this.#lanes.add(lane)
    return lane
  }
}

/** One lent connection. It is thrown away afterwards where its user says so, or where it broke. */
export type Connection = { send: (message: string) => Promise<Result>; reusable: boolean }

/** What a message's last statement answered. */
export type Result = { rows: Rows; command: string }

type Answer = postgres.RowList<unknown[][]>

async function sendOn(lane: Lane, message: string): Promise<Result> {
  const answer = await new Promise<Answer | Answer[]>((resolve, reject) => {
    // postgres.js takes statements between the failure of a connection and its end, and then never settles them.
    lane.onLost = () => reject(Object.assign(new Error('connection lost'), { code: 'CONNECTION_CLOSED' }))
    if (lane.lost) lane.onLost()
    // Without parameters it sends one simple-protocol message; `values` gives rows as arrays.
    else
      lane.client
        .unsafe(message)
        .values()
        .then(resolve as never, reject)
  })
  // One statement answers with its rows, several with a list of such answers.
  const last = 'command' in answer ? answer : answer.at(-1)
  if (last === undefined) throw new IntegrationsDbError('invalid_input', 'query: the SQL text is empty')
  return { rows: { names: last.columns?.map((column) => column.name) ?? [], values: last }, command: last.command }
}

const dateAndJson = [114, 1082, 1083, 1114, 1115, 1182, 1184, 1185, 1231, 3802]

function openLane(url: string, connectTimeoutSeconds: number): Lane {
  const client = postgres(url, {
    max: 1,
    connect_timeout: connectTimeoutSeconds,
    // It would end a connection between two statements of a transaction.
    max_lifetime: null,
    // A lookup of array types on every new connection that nothing here needs.
    fetch_types: false,
    onnotice: () => {},
    onclose: () => {
      lane.lost = true
      lane.onLost()
    },
    connection: { application_name: 'integrations-db' },
  }) as Lane['client']
  const lane: Lane = { client, lost: false, onLost: () => {} }
  // Drizzle's columns parse these from text themselves.
  for (const type of dateAndJson) client.options.parsers[type] = (text: string) => text
  return lane
}
