import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type EmbeddedOptions, startEmbeddedServer } from '../../src/testing/embedded.ts'
import { childrenOf, isRunning } from './processes.ts'

export { dataFolder, freePort, loadEmbeddedPostgres, serverOptions } from '../../src/testing/embedded.ts'

/** A running PostgreSQL, reached as an administrator. */
export type Server = { adminUrl: string; kind: string; stop(): Promise<void> }

/** One that can also be stopped in the middle and started again. */
export type EmbeddedServer = Server & {
  restart(): Promise<void>
  /** SIGKILL to every process of it at once, and `start` to bring it back on the same files. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Where its files are, and what it has logged so far. */
  folder: string
  log(): string
}

/** A real server out of an npm package: no Docker, nothing installed, nothing left behind. */
export async function startEmbedded(
  Embedded?: EmbeddedOptions['Embedded'],
  flags: string[] = [],
): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ Embedded, flags })
  return {
    ...server,
    kind: 'embedded',
    restart: async () => {
      await server.halt()
      await server.start()
    },
    // What a process has written the system keeps when it dies: with fsync=off only a machine that dies loses a commit.
    kill: async () => {
      const postmaster = Number.parseInt(readFileSync(join(server.folder, 'postmaster.pid'), 'utf8'), 10)
      // Stopped, it starts no other process while the list is read, and hears nothing of the SIGINT that halt() sends.
      process.kill(postmaster, 'SIGSTOP')
      const children = childrenOf(postmaster)
      const halted = server.halt()
      for (const pid of [...children, postmaster]) process.kill(pid, 'SIGKILL')
      await halted
      // A server refuses to start while a process of the one before has its shared memory.
      while (children.some(isRunning)) await pause(2)
    },
  }
}
