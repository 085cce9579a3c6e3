import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import type { Admin } from './connection.ts'
import { type Attempt, HeldUp, type Holder, type Patience } from './holders.ts'

/* Many small transactions of one command, of which none may stop the others. */

/** A database, its administrator's URL; without `apply` nothing is changed. */
export type Target = Patience & { url: string; apply?: boolean; onProgress?: Progress }
/** One step that did not work, and who was in its way; the others went on. */
export type Failure = { what: string; message: string; holders?: Holder[] }
/** Told after each step how many of all are done. */
export type Progress = (done: number, all: number) => void
/** A transaction of its own. */
export type Step = { what: string; run: (tx: Admin) => PromiseLike<unknown> }

/**
 * The first time a step waits for a lock hardly at all: those that nobody holds up are done within seconds. Then those
 * that were held up share some time, but none gets less or more than this.
 */
const waiting = { first: 0.1, shared: 10, atLeast: 0.25, atMost: 2 }
/** A queue of attackers is ended one after the other. */
const terminating = { first: 0.5, shared: 60, atLeast: 0.25, atMost: 15 }
/** A plan is read at once or not at all. */
export const planSeconds = 5

/** One after the other; a step that fails does not stop the next, a server that is gone does. */
export async function each(
  attempt: Attempt,
  { terminate = false }: Patience,
  steps: readonly Step[],
  onProgress: Progress = () => {},
): Promise<Failure[]> {
  const failures: Failure[] = []
  let done = 0
  /** Those that were held up. */
  const round = async (some: readonly Step[], seconds: number, isLast: boolean): Promise<Step[]> => {
    const heldUp: Step[] = []
    for (const step of some) {
      const failure = await failureOf(attempt, step, seconds)
      if (failure?.holders !== undefined && !isLast) {
        heldUp.push(step)
        continue
      }
      if (failure !== undefined) failures.push(failure)
      onProgress(++done, steps.length)
    }
    return heldUp
  }
  const seconds = terminate ? terminating : waiting
  const left = await round(steps, seconds.first, false)
  await round(left, Math.min(seconds.atMost, Math.max(seconds.atLeast, seconds.shared / left.length)), true)
  return failures
}

/** What a step failed for; throws where the server is gone. */
export async function failureOf(attempt: Attempt, { what, run }: Step, seconds: number): Promise<Failure | undefined> {
  try {
    await attempt(seconds, run)
    return undefined
  } catch (error) {
    const { message, sqlState } = toIntegrationsDbError(error)
    if (sqlState === undefined && !(error instanceof IntegrationsDbError)) throw error
    return { what, message, ...(error instanceof HeldUp ? { holders: error.holders } : {}) }
  }
}
