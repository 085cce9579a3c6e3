import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'

/*
 * What ends a server and removes its files when the process that started it is gone, killed ones included: no handler of
 * that process would run. Another process waits for the end of a pipe, which the system closes whatever happened. A
 * text, because a file in TypeScript is none that plain Node could run.
 */
const script = `
const { readFileSync, rmSync } = require('node:fs')
const { join } = require('node:path')
const folder = process.argv[1]
function remove() {
  try {
    process.kill(parseInt(readFileSync(join(folder, 'postmaster.pid'), 'utf8'), 10), 'SIGQUIT')
  } catch {}
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  } catch {}
}
process.stdin.resume().on('close', () => {
  remove()
  // A server that was just starting, or ending, may have written once more.
  setTimeout(remove, 500)
  setTimeout(remove, 2000)
})`

/** Watches over a data folder until it is released. Keeps no process alive. */
export function guard(folder: string): { release(): void } {
  const watcher = spawn(process.execPath, ['-e', script, folder], {
    // Ctrl-C goes to a whole group; this one must see the others end. Not in a directory that somebody may want to remove.
    detached: true,
    cwd: tmpdir(),
    stdio: ['pipe', 'ignore', 'ignore'],
    windowsHide: true,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  watcher.unref()
  const pipe = watcher.stdin as typeof watcher.stdin & { unref(): void }
  pipe.unref()
  pipe.on('error', () => {}) // Somebody killed the watcher: what it is for is then missing, the server is not.
  return { release: () => void watcher.kill('SIGKILL') }
}
