import type { IntegrationsDbError } from '../errors.ts'
import { timedOut } from './server-errors.ts'

/** Bounds one call, whatever it waits for at the time: a connection, the network, the server. */
export class CallTimer {
  /** Whether what it waits for may change something that a failure leaves in place. */
  saves = false
  readonly #seconds: number
  readonly #timer: NodeJS.Timeout
  #giveUp: ((error: IntegrationsDbError) => void) | undefined
  #error: IntegrationsDbError | undefined

  /** `share` is how much of a call's time there is. */
  constructor(seconds: number, share = 1) {
    this.#seconds = seconds
    this.#timer = setTimeout(() => this.#expire(), seconds * share * 1000)
  }

  /** Says how to give up what the call waits for from now on; at once where its time is over. */
  waitsFor(saves: boolean, giveUp: (error: IntegrationsDbError) => void): void {
    this.saves = saves
    this.#giveUp = giveUp
    if (this.#error !== undefined) giveUp(this.#error)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#giveUp = undefined
  }

  #expire(): void {
    this.#error = timedOut(this.#seconds, this.saves)
    this.#giveUp?.(this.#error)
  }
}
