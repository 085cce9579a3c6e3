import type { Failure } from '../admin/connection.ts'
import type { Outcome } from './command.ts'
import { progressBar } from './progress.ts'

/* What the commands share that plan first and change something only with --apply. */

export const planned = 'nothing was changed; say --apply to do it'

export function applying(apply = false) {
  return { apply, onProgress: progressBar() }
}

/** `left` is how much there was to do. */
export function summary(
  { lines, done, failures, left }: { lines: string[]; done: string; failures: Failure[]; left: number },
  apply = false,
): Omit<Outcome, 'report'> {
  const failed = failures.map(({ what, message }) => `failed: ${what}: ${message}`)
  const end = left === 0 ? 'nothing left to do' : apply ? done : planned
  const text = [...lines, ...failed, failures.length > 0 ? 'the others were done; run it again' : end].join('\n')
  return { text, findings: failures.length > 0 }
}
