import postgres from 'postgres'
import type { Rows } from './drizzle.ts'
import { IntegrationsDbError } from './errors.ts'
import { toIntegrationsDbError } from './server-errors.ts'

/*
 * A fixed number of lanes, each a postgres.js client with exactly one connection.
 *
 * Calls share lanes: postgres.js pipelines their messages, and each is complete in itself. A transaction has a lane to
 * itself, from when the lane is empty until the transaction has ended. postgres.js could do this with reserve() and
 * begin(), but the one throws where nobody can catch it when its connection has died, and the other can leave its BEGIN
 * on a connection that other callers use (porsager/postgres#1189).
 */

export type PoolOptions = {
  /** Most connections at a time. */
  max: number
  /** How long a call waits for a connection before it fails with `unavailable`. */
  acquireTimeoutSeconds: number
  connectTimeoutSeconds: number
}

type Client = postgres.Sql<Record<string, never>>
type Lane = { client: Client; inFlight: number; exclusive: boolean; drained?: () => void }

/** Sends messages over a bounded number of connections. Created without connecting. */
export class Pool {
  readonly #url: string
  readonly #options: PoolOptions
  readonly #lanes: Lane[] = []
  readonly #waiting: ((lane: Lane) => void)[] = []
  #ended = false

  constructor(url: string, options: PoolOptions) {
    this.#url = url
    this.#options = options
  }

  /** Sends one message, several statements in one implicit transaction, and gives the rows of the last. */
  async send(message: string): Promise<Rows> {
    const lane = this.#share() ?? (await this.#wait((lane) => lane.inFlight++))
    try {
      return (await sendOn(lane, message)).rows
    } finally {
      this.#done(lane)
    }
  }

  /** Lends one connection that nobody else uses meanwhile. */
  async exclusively<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const lane = this.#claim() ?? (await this.#wait((lane) => (lane.exclusive = true)))
    if (lane.inFlight > 0) await new Promise<void>((resolve) => (lane.drained = resolve))
    const connection: Connection = { send: (message) => sendOn(lane, message), reusable: false }
    try {
      return await use(connection)
    } finally {
      if (connection.reusable) this.#release(lane)
      else this.#discard(lane)
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#lanes.map((lane) => lane.client.end({ timeout: 5 })))
  }

  /** The lane with the least to do, counted as used; undefined while transactions hold them all. */
  #share(): Lane | undefined {
    const lane = this.#leastBusy()
    if (lane !== undefined) lane.inFlight++
    return lane
  }

  #claim(): Lane | undefined {
    const lane = this.#leastBusy()
    if (lane !== undefined) lane.exclusive = true
    return lane
  }

  #leastBusy(): Lane | undefined {
    if (this.#ended) throw new IntegrationsDbError('unavailable', 'this client was ended; create a new one')
    let best: Lane | undefined
    for (const lane of this.#lanes) {
      if (!lane.exclusive && (best === undefined || lane.inFlight < best.inFlight)) best = lane
    }
    if ((best === undefined || best.inFlight > 0) && this.#lanes.length < this.#options.max) return this.#open()
    return best
  }

  #wait(take: (lane: Lane) => void): Promise<Lane> {
    const { acquireTimeoutSeconds, max } = this.#options
    return new Promise((resolve, reject) => {
      const waiter = (lane: Lane) => {
        clearTimeout(timer)
        take(lane)
        resolve(lane)
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(
          new IntegrationsDbError(
            'unavailable',
            `no connection became free within ${acquireTimeoutSeconds} s: transactions hold all ${max}; raise max or shorten them`,
          ),
        )
      }, acquireTimeoutSeconds * 1000)
      this.#waiting.push(waiter)
    })
  }

  #done(lane: Lane): void {
    lane.inFlight--
    if (lane.inFlight === 0) lane.drained?.()
  }

  #release(lane: Lane): void {
    lane.exclusive = false
    delete lane.drained
    while (!lane.exclusive && this.#waiting.length > 0) this.#waiting.shift()?.(lane)
  }

  #discard(lane: Lane): void {
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    void lane.client.end({ timeout: 0 }).catch(() => {})
    if (this.#waiting.length > 0 && !this.#ended) this.#release(this.#open())
  }

  #open(): Lane {
    const lane = { client: connect(this.#url, this.#options.connectTimeoutSeconds), inFlight: 0, exclusive: false }
    this.#lanes.push(lane)
    return lane
  }
}

/** One lent connection. It is thrown away afterwards unless its user has seen it back in its first state. */
export type Connection = { send: (message: string) => Promise<Result>; reusable: boolean }

/** What a message's last statement answered. */
export type Result = { rows: Rows; command: string }

type Answer = postgres.RowList<unknown[][]>

async function sendOn(lane: Lane, message: string): Promise<Result> {
  try {
    // Without parameters postgres.js sends one simple-protocol message; `values` gives rows as arrays.
    const answer = (await lane.client.unsafe(message).values()) as Answer | Answer[]
    // One statement answers with its rows, several with a list of such answers.
    const last = 'command' in answer ? answer : answer.at(-1)
    if (last === undefined) throw new IntegrationsDbError('invalid_input', 'query: the SQL text is empty')
    return { rows: { names: last.columns?.map((column) => column.name) ?? [], values: last }, command: last.command }
  } catch (error) {
    throw toIntegrationsDbError(error)
  }
}

const dateAndJson = [114, 1082, 1083, 1114, 1115, 1182, 1184, 1185, 1231, 3802]

function connect(url: string, connectTimeoutSeconds: number): Client {
  const client = postgres(url, {
    max: 1,
    connect_timeout: connectTimeoutSeconds,
    // A lookup of array types on every new connection that nothing here needs.
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'integrations-db' },
  }) as Client
  // Drizzle's columns parse these from text themselves.
  for (const type of dateAndJson) client.options.parsers[type] = (text: string) => text
  return client
}
