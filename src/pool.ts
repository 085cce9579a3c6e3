import type { RowList, Sql, UnsafeQueryOptions } from 'postgres'
import type { Effect, Rows, Statement } from './drizzle.ts'
import { IntegrationsDbError } from './errors.ts'
import { applicationName, runCallersOwn } from './leftovers.ts'
import {
  isConnectionLost,
  isPlanLost,
  isStatementRefused,
  isValueRefused,
  toIntegrationsDbError,
} from './server-errors.ts'

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
  /** Let the server keep plans, where it is reached directly. */
  keepPlans: boolean
}

/** One connection. Once it is lost the lane is thrown away: it never quietly becomes another connection. */
type Lane = {
  client: Sql<Record<string, never>>
  lost: boolean
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
  async run(settings: string, statement: Statement, { reads = false, byCaller = false }: Effect = {}): Promise<Rows> {
    try {
      return await this.lend((connection) =>
        byCaller ? runCallersOwn(connection, settings, statement) : connection.run(settings, statement),
      )
    } catch (error) {
      if (statement.plan !== undefined && isPlanLost(error)) return this.run(settings, { text: statement.text })
      if (reads && isConnectionLost(error)) return this.run(settings, statement)
      throw toIntegrationsDbError(error)
    }
  }

  /** Lends one connection for one or several messages. */
  async lend<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    if (driver === undefined) driver = (await import('postgres')).default
    const lane = await this.#acquire()
    const connection = new Connection(lane, this.#options.keepPlans)
    try {
      return await use(connection)
    } finally {
      if (connection.reusable) this.#release(lane)
      else this.#discard(lane)
    }
  }

  /** Closes every connection, waiting for calls under way at most so long; those that wait for a connection fail. */
  async end(timeoutSeconds = 5): Promise<void> {
    this.#ended = true
    for (const { reject } of this.#waiting.splice(0)) reject(ended())
    await Promise.all([...this.#lanes].map((lane) => lane.client.end({ timeout: timeoutSeconds })))
  }

  async #acquire(): Promise<Lane> {
    if (this.#ended) throw ended()
    for (let lane = this.#idle.pop(); lane !== undefined; lane = this.#idle.pop()) {
      if (!lane.lost) return lane
      this.#discard(lane)
    }
    return this.#lanes.size < this.#options.max ? this.#open() : this.#wait()
  }

  #wait(): Promise<Lane> {
    const { acquireTimeoutSeconds, max } = this.#options
    return new Promise((resolve, reject) => {
      const settled =
        <T>(settle: (outcome: T) => void) =>
        (outcome: T) => {
          clearTimeout(timer)
          settle(outcome)
        }
      const waiter = { resolve: settled(resolve), reject: settled(reject) }
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
    if (next) next.resolve(lane)
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
export class Connection {
  reusable = true
  readonly #lane: Lane
  readonly #keepPlans: boolean

  constructor(lane: Lane, keepPlans: boolean) {
    this.#lane = lane
    this.#keepPlans = keepPlans
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
      const { answers, processId } = await exchange(this.#lane, messages)
      const settings = answers
        .flat()
        .find(({ columns }) => columns?.some(({ name }) => String(name) === 'pg_backend_pid'))
      const reached = settings?.[0]?.at(-1)
      // A pooler announces a process of its own, or gives each message to another one.
      if (reached !== undefined) this.#lane.direct = reached === processId
      return answers
    } catch (error) {
      if (!isStatementRefused(error)) this.reusable = false
      throw error
    }
  }

  /** Sends the settings, which may be empty in a transaction that has them, and one statement. */
  async run(settings: string, { text, plan }: Statement): Promise<Rows> {
    const { plans, direct } = this.#lane
    if (plan === undefined || !direct || !this.#keepPlans) return toRows(await this.send(settings + text()))
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
): Promise<{ answers: Answer[][]; processId: number | undefined }> {
  let queries: Sent[] = []
  const results = await new Promise<PromiseSettledResult<Answer | Answer[]>[]>((resolve, reject) => {
    // postgres.js takes statements between the failure of a connection and its end, and then never settles them.
    lane.onLost = () => reject(Object.assign(new Error('connection lost'), { code: 'CONNECTION_CLOSED' }))
    if (lane.lost) return lane.onLost()
    queries = messages.map((message) => send(lane.client, message))
    Promise.allSettled(queries).then(resolve)
  })
  const answers = results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return 'command' in result.value ? [result.value] : result.value
  })
  return { answers, processId: queries[0]?.state?.pid }
}

type Sent = Promise<Answer | Answer[]> & { state?: { pid?: number }; parameters?: BoundStatement['values'] }

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
  const client = driver(url, {
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
    connection: { application_name: applicationName },
  }) as Lane['client']
  const lane: Lane = { client, lost: false, onLost: () => {}, direct: false, plans: new Set() }
  // Drizzle's columns parse these from text themselves.
  for (const type of dateAndJson) client.options.parsers[type] = (text: string) => text
  return lane
}
