import { describeHolder, type Holder } from '../admin/holders.ts'
import type { Failure } from '../admin/steps.ts'
import type { Outcome } from './command.ts'
import { progressBar } from './progress.ts'

/* Shared by the commands that print a plan and change something only with --apply. */

export const planned = 'dry run: pass --apply to make these changes'

export function applying({ apply = false, terminate = false }: { apply?: boolean; terminate?: boolean }) {
  return { apply, terminate, onProgress: progressBar() }
}

/** A line per session that was in the way. */
export function heldUp(what: string, holders: Holder[]): string[] {
  return holders.map((holder) => `${what}: ${describeHolder(holder)}`)
}

type Work = { failures: Failure[]; ended: Holder[] }

/** `left` is how much there was to do. */
export function summary(
  { lines, done, failures, ended, left }: Work & { lines: string[]; done: string; left: number },
  apply = false,
): Omit<Outcome, 'report'> {
  const failed = failures.map(({ what, message }) => `failed: ${what}: ${message}`)
  const end = left === 0 ? 'nothing left to do' : apply ? done : planned
  const again = apply ? 'the others were done; run it again' : 'run it again'
  const text = [...lines, ...heldUp('ended', ended), ...failed, failures.length > 0 ? again : end].join('\n')
  return { text, findings: failures.length > 0 }
}
