import { setTimeout as pause } from 'node:timers/promises'

/** Waits for what comes by itself. */
export async function until(what: () => boolean | Promise<boolean>, seconds = 40, milliseconds = 50): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`it did not happen within ${seconds} s`)
    await pause(milliseconds)
  }
}
