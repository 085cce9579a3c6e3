import { IntegrationsDbError } from '../errors.ts'
import type { CallTimer } from './call-timer.ts'
import { begin, type Connection, commit } from './connection.ts'
import type { Pool } from './pool.ts'
import type { Replicas } from './replicas.ts'
import type { Scope } from './scope.ts'
import { toIntegrationsDbError } from './server-errors.ts'
import type { Effect, Rows, Run, Statement } from './statement.ts'
import type { Answer } from './unit.ts'

/** How the calls of one scope reach the server: each as a unit of its own, or all in one transaction. */
export type Session = {
  run: Run
  /** One transaction, whatever the session: what `work` sends is kept only where it calls `commitWith` and that succeeds. */
  inTwoSteps<T>(work: (steps: TwoSteps) => Promise<T>): Promise<T>
}

/** Two round trips: one question, and after its answer the statements that depend on it. */
type TwoSteps = {
  query(statement: Statement): Promise<Rows>
  /** The rest as one unit, with the commit where the transaction is its own. */
  commitWith(...statements: Statement[]): Promise<Rows[]>
}

/** Runs each call as one unit of its own, reads on a replica where there is one. */
export function unitSession(pool: () => Promise<Pool>, scope: Scope, replicas?: Replicas): Session {
  return {
    async run(one, effect = {}) {
      if (replicas === undefined || !(effect.reads || effect.selects))
        return (await pool()).run(scope.prelude, one, effect)
      const { rows, timer } = await replicas.run(scope, one, effect)
      return rows ?? (await pool()).run(scope.prelude, one, effect, timer)
    },
    // One call, and so one call's time.
    inTwoSteps: async (work) => {
      const to = await pool()
      const timer = to.timer()
      return withTransaction(to, timer, scope, timer, ({ run, commitWith }) => work({ query: run, commitWith }))
    },
  }
}

/**
 * Runs a statement in one transaction, and after its answer further ones in a second; two round trips.
 *
 * The first is committed before the second is sent.
 */
export async function inTwoTransactions(
  pool: Pool,
  scope: Scope,
  first: Statement,
  second: (answer: Rows) => Statement[],
): Promise<Rows[]> {
  const timer = pool.timer()
  const send = async (connection: Connection, statements: Statement[]) => {
    timer.waitsFor(true, connection)
    return (await connection.send([scope.prelude, ...statements])).slice(1)
  }
  try {
    return await pool.withConnection(timer, async (connection) => {
      const [answer] = await send(connection, [first])
      return send(connection, second(answer as Rows))
    })
  } catch (error) {
    throw toIntegrationsDbError(error)
  } finally {
    timer.stop()
  }
}

/** Runs several calls in one transaction on a connection of their own, and commits it where `work` succeeds. */
export async function inTransaction<T>(pool: Pool, scope: Scope, work: (session: Session) => Promise<T>): Promise<T> {
  return withTransaction(pool, pool.timer(), scope, undefined, async (transaction) => {
    const { run, send } = transaction
    const value = await work({
      run,
      inTwoSteps: (talk) => talk({ query: run, commitWith: (...statements) => send(statements) }),
    })
    await transaction.commitWith()
    return value
  })
}

/**
 * A connection that `work` has for itself; what it does not commit is rolled back before anybody else has it. Without a
 * time for the `whole` each unit has that of a call.
 */
async function withTransaction<T>(
  pool: Pool,
  opening: CallTimer,
  scope: Scope,
  whole: CallTimer | undefined,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  let connected = false
  try {
    return await pool.withConnection(opening, async (connection) => {
      connected = true
      if (whole === undefined) opening.stop()
      const transaction = new Transaction(connection, scope, () => pool.timer(), whole)
      try {
        return await work(transaction)
      } finally {
        await transaction.over()
      }
    })
  } catch (error) {
    throw connected ? error : toIntegrationsDbError(error) // What a callback throws is its caller's.
  } finally {
    opening.stop()
  }
}

/**
 * Statements of one transaction. `begin` and the settings travel with the first: until then nothing is sent. They go one
 * unit at a time, so that none is on its way when an earlier one fails; after a failure none is sent any more.
 */
class Transaction {
  readonly #connection: Connection
  readonly #scope: Scope
  readonly #startTimer: () => CallTimer
  readonly #whole: CallTimer | undefined
  #state: 'not begun' | 'open' | 'ended' = 'not begun'
  #failure: unknown
  #last: Promise<unknown> = Promise.resolve()

  constructor(connection: Connection, scope: Scope, startTimer: () => CallTimer, whole: CallTimer | undefined) {
    this.#connection = connection
    this.#scope = scope
    this.#startTimer = startTimer
    this.#whole = whole
  }

  readonly run = async (one: Statement, { custom = false }: Effect = {}): Promise<Rows> => {
    const [rows] = await this.send([one], custom)
    return rows as Rows
  }

  readonly send = (statements: Statement[], custom = false): Promise<Rows[]> =>
    this.#inOrder(() => {
      if (custom) this.#connection.used = true
      return this.#unit(statements, false)
    })

  /** Sends the last statements with the commit. Nothing is sent where nothing was before, nor after a failure. */
  readonly commitWith = async (...statements: Statement[]): Promise<Rows[]> => {
    if (statements.length === 0) {
      await this.#last
      // The callback may have caught a failure, but the server has given the transaction up all the same.
      if (this.#failure !== undefined) throw this.#failure
      if (this.#state === 'not begun') return []
    }
    return this.#inOrder(async () => {
      const answers = await this.#unit(statements, true)
      const { tag } = answers[statements.length] as Answer
      if (tag !== 'COMMIT') {
        throw new IntegrationsDbError('conflict', `commit was answered with ${tag}: nothing was saved; try again`)
      }
      return answers.slice(0, statements.length)
    })
  }

  /** Waits for what is under way; nothing is sent any more. */
  async over(): Promise<void> {
    this.#state = 'ended'
    await this.#last
  }

  #inOrder<T>(send: () => Promise<T>): Promise<T> {
    const next = this.#last.then(async () => {
      if (this.#state === 'ended') {
        throw new IntegrationsDbError(
          'invalid_input',
          'the transaction has ended; await every call inside its callback',
        )
      }
      if (this.#failure !== undefined) throw this.#failure
      try {
        return await send()
      } catch (error) {
        this.#failure = toIntegrationsDbError(error)
        throw this.#failure
      }
    })
    this.#last = next.catch(() => {})
    return next
  }

  /** What one unit's own statements answered, its commit included. */
  async #unit(statements: readonly Statement[], commits: boolean): Promise<Answer[]> {
    const opening = this.#state === 'not begun' ? [begin, this.#scope.prelude] : []
    this.#state = 'open'
    const timer = this.#whole ?? this.#startTimer()
    timer.waitsFor(commits, this.#connection)
    try {
      const answers = commits
        ? await this.#connection.end([...opening, ...statements, commit])
        : await this.#connection.send([...opening, ...statements])
      return answers.slice(opening.length)
    } finally {
      if (timer !== this.#whole) timer.stop()
    }
  }
}
