import type { TcpProxy } from '../support/proxy.ts'

/*
 * Moments within a command, counted in messages rather than in time: most of a command's time is its own start, and a
 * long statement would draw most of the rest.
 */

/** After so many messages, and so many milliseconds later. */
export type Moment = { messages: number; milliseconds: number }

/** How long after each message of a run the next one followed; the last message only says goodbye. */
export async function listenTo(proxy: TcpProxy, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  proxy.onSent = () => times.push(performance.now())
  await run()
  proxy.onSent = undefined
  return times.slice(1).map((time, i) => time - (times[i] ?? time))
}

/** Any message is as likely as any other, and so is any instant until the next. */
export function randomMoment(pauses: number[], random: () => number): Moment {
  const messages = 1 + Math.floor(random() * pauses.length)
  return { messages, milliseconds: Math.floor(random() * (pauses[messages - 1] ?? 0)) }
}

/** Strikes once, when the moment has come, unless it is called off before. */
export function strikeAt({ messages, milliseconds }: Moment, proxy: TcpProxy, strike: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  proxy.reset()
  proxy.onSent = () => {
    if (proxy.sent.length < messages) return
    proxy.onSent = undefined
    // A timer is never earlier than a millisecond.
    if (milliseconds === 0) strike()
    else timer = setTimeout(strike, milliseconds)
  }
  return () => {
    proxy.onSent = undefined
    clearTimeout(timer)
  }
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
