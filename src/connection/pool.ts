import type { Options, RowList, Sql, UnsafeQueryOptions } from 'postgres'
import { IntegrationsDbError } from '../errors.ts'
import { applicationName, runCallersOwn } from './leftovers.ts'
import {
  isConnectionLost,
  isPlanLost,
  isStatementRefused,
  isValueRefused,
  timedOut,
  toIntegrationsDbError,
} from './server-errors.ts'
import { Sockets } from './sockets.ts'
import type { Effect, Rows, Statement } from './statement.ts'

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
  /** How long a call, or one statement of a transaction, may take in all. */
  callTimeoutSeconds: number
  /** Let the server keep plans, where it is reached directly. */
  keepPlans: boolean
}

/** One connection. Once it is lost the lane is thrown away: it never quietly becomes another connection. */
type Lane = {
  client: Sql<Record<string, never>>
  sockets: Sockets
  lost: boolean
  /** Lost without a word: nothing came within a call's time. */
  silent: boolean
  onLost: () => void
  /** Whether each message reaches the same server process, so that what it prepared is there for the next. */
  direct: boolean
  plans: Set<string>
}

type Waiter = { resolve(lane: Lane): void; reject(error: unknown): void }

function ended(): IntegrationsDbError {
  return new IntegrationsDbError('unavailable', 'this client was ended; create a new one')
}

/**
 * A statement whose values are bound. It costs the parse that plans save, so only values that must be in no statement's
 * text, and with it in no log of failing ones, travel this way.
 */
export type BoundStatement = { text: string; values: (string | null)[] }

/** Sends messages over a bounded number of connections. Created without connecting. */
export class Pool {
  readonly #url: string
  readonly #options: PoolOptions
  readonly #lanes = new Set<Lane>()
  readonly #idle: Lane[] = []
  readonly #waiting: Waiter[] = []
  #ended = false

  constructor(url: string, options: PoolOptions) {
    this.#url = url
    this.#options = options
  }

  /**
   * Sends the settings and one statement as one message, and gives the statement's rows.
   *
   * With `reads` it is sent once more where the connection was lost: nothing can have been changed. So is, without its
   * plan, any statement whose plan the server no longer has: then it did not run.
   */
  async run(
    settings: string,
    statement: Statement,
    { reads = false, byCaller = false }: Effect = {},
    deadline = this.deadline(),
  ): Promise<Rows> {
    const send = (once: Statement, retried = false): Promise<Rows> =>
      this.lend((connection) => {
        connection.saves = !reads
        return byCaller ? runCallersOwn(connection, settings, once) : connection.run(settings, once)
      }, deadline).catch((error) => {
        if (once.plan !== undefined && isPlanLost(error)) return send({ text: once.text }, true)
        if (reads && !retried && isConnectionLost(error)) return send(once, true)
        throw toIntegrationsDbError(error)
      })
    return send(statement)
  }

  /** When a call that begins now must have settled. */
  deadline(): number {
    return performance.now() + this.#options.callTimeoutSeconds * 1000
  }

  /** Lends one connection for one or several messages. */
  async lend<T>(use: (connection: Connection) => Promise<T>, deadline = this.deadline()): Promise<T> {
    if (driver === undefined) driver = (await import('postgres')).default
    const lane = await this.#acquire(deadline)
    const connection = new Connection(lane, this.#options, deadline)
    try {
      return await use(connection)
    } finally {
      // What is silent for one call is likely so for the next: that one need not find out for itself.
      if (lane.silent) for (const idle of this.#idle.splice(0)) this.#discard(idle)
      if (connection.reusable) this.#release(lane)
      else this.#discard(lane)
    }
  }

  /** Closes every connection, waiting for calls under way at most so long; those that wait for a connection fail. */
  async end(timeoutSeconds = 5): Promise<void> {
    this.#ended = true
    for (const { reject } of this.#waiting.splice(0)) reject(ended())
    await Promise.all([...this.#lanes].map((lane) => lane.client.end({ timeout: timeoutSeconds })))
    for (const { sockets } of this.#lanes) sockets.destroy()
  }

  async #acquire(deadline: number): Promise<Lane> {
    if (this.#ended) throw ended()
    for (let lane = this.#idle.pop(); lane !== undefined; lane = this.#idle.pop()) {
      if (!lane.lost) return lane
      this.#discard(lane)
    }
    return this.#lanes.size < this.#options.max ? this.#open() : this.#wait(deadline)
  }

  #wait(deadline: number): Promise<Lane> {
    const { acquireTimeoutSeconds, callTimeoutSeconds, max } = this.#options
    const seconds = Math.min(acquireTimeoutSeconds, callTimeoutSeconds)
    return new Promise((resolve, reject) => {
      const settled =
        <T>(settle: (outcome: T) => void) =>
        (outcome: T) => {
          clearTimeout(timer)
          settle(outcome)
        }
      const waiter = { resolve: settled(resolve), reject: settled(reject) }
      const timer = setTimeout(
        () => {
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
          reject(
            new IntegrationsDbError(
              'unavailable',
              `no connection became free within ${seconds} s: all ${max} are in use; raise max, or look for slow calls and long transactions`,
            ),
          )
        },
        Math.min(acquireTimeoutSeconds * 1000, deadline - performance.now()),
      )
      this.#waiting.push(waiter)
    })
  }

  #release(lane: Lane): void {
    const next = this.#waiting.shift()
    if (next) next.resolve(lane)
    else this.#idle.push(lane)
  }

  #discard(lane: Lane): void {
    this.#lanes.delete(lane)
    void lane.client.end({ timeout: 0 }).catch(() => {})
    lane.sockets.destroySoon()
    if (this.#waiting.length > 0 && !this.#ended) this.#release(this.#open())
  }

  #open(): Lane {
    const lane = openLane(this.#url, this.#options.connectTimeoutSeconds)
    this.#lanes.add(lane)
    return lane
  }
}

/** One lent connection. It is thrown away afterwards where its user says so, or where it broke. */
export class Connection {
  reusable = true
  /** Whether what is sent next can be saved by it; what only reads cannot, nor what a later commit saves. */
  saves = true
  readonly #lane: Lane
  readonly #options: PoolOptions
  #deadline: number

  constructor(lane: Lane, options: PoolOptions, deadline: number) {
    this.#lane = lane
    this.#options = options
    this.#deadline = deadline
  }

  /** Gives what is sent next the time of a call of its own: a transaction waits for its caller in between. */
  renew(): void {
    this.#deadline = performance.now() + this.#options.callTimeoutSeconds * 1000
  }

  /** What the server was told to prepare is not there any more. */
  forgetPlans(): void {
    this.#lane.plans.clear()
  }

  /** Sends one message as it is, and gives what its last statement answered. */
  async send(message: string): Promise<Answer> {
    const [answers] = await this.pipeline([message])
    return answers?.at(-1) as Answer
  }

  /**
   * Sends several messages without waiting in between, and gives what each statement of each answered.
   *
   * Each goes on after an earlier one failed, so this is for statements of a login without rights of its own, behind a
   * `begin` that sets their scope. Fails with the first failure once all are answered.
   */
  async pipeline(messages: (string | BoundStatement)[]): Promise<Answer[][]> {
    try {
      const { answers, processId } = await exchange(this.#lane, messages, this.#deadline, (sent) =>
        timedOut(this.#options.callTimeoutSeconds, sent && this.saves),
      )
      const settings = answers
        .flat()
        .find(({ columns }) => columns?.some(({ name }) => String(name) === 'pg_backend_pid'))
      const reached = settings?.[0]?.at(-1)
      // A pooler announces a process of its own, or gives each message to another one.
      if (reached !== undefined) this.#lane.direct = reached === processId
      return answers
    } catch (error) {
      if (!isStatementRefused(error) || this.#lane.silent) this.reusable = false
      throw error
    }
  }

  /** Sends the settings, which may be empty in a transaction that has them, and one statement. */
  async run(settings: string, { text, plan }: Statement): Promise<Rows> {
    const { plans, direct } = this.#lane
    if (plan === undefined || !direct || !this.#options.keepPlans) return toRows(await this.send(settings + text()))
    const prepare = plans.has(plan.name) ? '' : plan.prepare
    try {
      const rows = toRows(await this.send(settings + prepare + plan.execute()))
      plans.add(plan.name)
      return rows
    } catch (error) {
      // A refused value proves that the plan was made first; after any other failure that is unknown.
      if (isValueRefused(error)) plans.add(plan.name)
      else if (prepare !== '' || isPlanLost(error)) this.reusable = false
      throw error
    }
  }
}

/** What one statement answered: rows, columns and the command's tag. */
export type Answer = RowList<unknown[][]>

/** Sends messages back to back and waits for what each statement of each answers. */
async function exchange(
  lane: Lane,
  messages: (string | BoundStatement)[],
  deadline: number,
  failure: (sent: boolean) => IntegrationsDbError,
): Promise<{ answers: Answer[][]; processId: number | undefined }> {
  let queries: Sent[] = []
  let timer: NodeJS.Timeout | undefined
  const results = await new Promise<PromiseSettledResult<Answer | Answer[]>[]>((resolve, reject) => {
    // postgres.js takes statements between the failure of a connection and its end, and then never settles them.
    lane.onLost = () => reject(Object.assign(new Error('connection lost'), { code: 'CONNECTION_CLOSED' }))
    if (lane.lost) return lane.onLost()
    queries = messages.map((message) => send(lane.client, message))
    Promise.allSettled(queries).then(resolve)
    timer = setTimeout(
      () => {
        reject(failure(queries.some(({ state }) => state)))
        abandon(lane, queries)
      },
      Math.max(0, deadline - performance.now()),
    )
  }).finally(() => clearTimeout(timer))
  const answers = results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return 'command' in result.value ? [result.value] : result.value
  })
  return { answers, processId: queries[0]?.state?.pid }
}

/** Throws a connection away that says nothing, and cancels over another one what the server may still be doing. */
function abandon(lane: Lane, queries: Sent[]): void {
  lane.lost = true
  lane.silent = true
  const active = queries.find((query) => query.active)
  // Its own `cancel()` leaves a rejection that nobody can catch. The socket lasts as long as a discarded lane's may.
  active?.canceller(active).catch(() => {})
}

/** A query of postgres.js; `state` is set once it is on its way. */
type Sent = Promise<Answer | Answer[]> & {
  state?: { pid?: number }
  active: boolean
  canceller(query: Sent): Promise<void>
  parameters?: BoundStatement['values']
}

function send(client: Lane['client'], message: string | BoundStatement): Sent {
  // Without parameters postgres.js sends one simple-protocol message; `values` gives rows as arrays.
  if (typeof message === 'string') return client.unsafe(message).values() as unknown as Sent
  // With parameters it would ask for their types first, a round trip: it looks for them among the arguments alone, and
  // binds those that are set here as text, whose types the statement's casts say.
  const query = client.unsafe(message.text, [], { simple: false, prepare: false } as UnsafeQueryOptions)
  Object.assign(query, { parameters: [...message.values] })
  return query.values() as unknown as Sent
}

/** An answer's rows, with their columns' names. */
export function toRows(answer: Answer): Rows {
  return { names: answer.columns?.map((column) => column.name) ?? [], values: answer }
}

const dateAndJson = [114, 1082, 1083, 1114, 1115, 1182, 1184, 1185, 1231, 3802]

// Loaded by the first call: whoever imports the package for its types, its registry or a client that is never used does
// not pay for the driver, its sockets and its TLS.
let driver: typeof import('postgres') | undefined

function openLane(url: string, connectTimeoutSeconds: number): Lane {
  if (driver === undefined) throw new Error('a lane is opened for a call, which loads the driver first')
  const sockets = new Sockets()
  const client = driver(url, {
    max: 1,
    socket: sockets.open,
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
    connection: { application_name: applicationName },
  } as Options<Record<string, never>>) as unknown as Lane['client']
  const lane: Lane = {
    client,
    sockets,
    lost: false,
    silent: false,
    onLost: () => {},
    direct: false,
    plans: new Set(),
  }
  // Drizzle's columns parse these from text themselves.
  for (const type of dateAndJson) client.options.parsers[type] = (text: string) => text
  return lane
}
