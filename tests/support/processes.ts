import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/* What the system says of processes: out of /proc where it is, because small images have no ps. */

const linux = process.platform === 'linux'

export function childrenOf(parent: number): number[] {
  if (linux) {
    return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  }
  const all = execFileSync('ps', ['-A', '-o', 'ppid=', '-o', 'pid='], { encoding: 'utf8' })
  return [...all.matchAll(/(\d+) +(\d+)/g)].filter(([, of]) => Number(of) === parent).map(([, , pid]) => Number(pid))
}

/** A zombie does not count: it has given back all but its number. */
export function isRunning(pid: number): boolean {
  try {
    if (linux) return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
