import type { IntegrationsDbError } from '../errors.ts'
import { timedOut } from './server-errors.ts'

/** What a call waits for, and can give up. */
type Awaited = { abandon(error: IntegrationsDbError): void }

/** Bounds one call, whatever it waits for at the time: a connection, the network, the server. */
export class CallTimer {
  readonly #seconds: number
  readonly #timer: NodeJS.Timeout
  #awaited: Awaited | undefined
  /** Whether what it waits for may change something that a failure leaves in place. */
  #saves = false
  #error: IntegrationsDbError | undefined

  /** `share` is how much of a call's time there is. */
  constructor(seconds: number, share = 1) {
    this.#seconds = seconds
    this.#timer = setTimeout(() => this.#expire(), seconds * share * 1000)
  }

  /** Says what is to be given up from now on; at once where the time is over. */
  waitsFor(saves: boolean, awaited: Awaited): void {
    this.#saves = saves
    this.#awaited = awaited
    if (this.#error !== undefined) awaited.abandon(this.#error)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#awaited = undefined
  }

  #expire(): void {
    this.#error = timedOut(this.#seconds, this.#saves)
    this.#awaited?.abandon(this.#error)
  }
}
