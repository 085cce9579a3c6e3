import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { freePort } from './embedded.ts'

/** Another than the one that is installed: Debian's stable one may be of before 1.21. */
const program = process.env.TEST_PGBOUNCER ?? 'pgbouncer'
const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
const [, major = 0, minor = 0] = /PgBouncer (\d+)\.(\d+)/.exec(stdout ?? '') ?? []

export const hasPgBouncer = status === 0
/** Whether it keeps track of prepared statements by itself, as it does since 1.21. */
export const preparesStatements = hasPgBouncer && (Number(major) > 1 || Number(minor) >= 21)

/** The PgBouncer of this machine, so many server connections per login and database. */
export async function startPgBouncer(
  url: string,
  mode: 'transaction' | 'session' = 'transaction',
  size = 2,
  prepared = 0,
) {
  const { hostname, port } = new URL(url)
  const { logins, adminUrl } = inject('server')
  const { username, password } = new URL(adminUrl)
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-pgbouncer-'))
  chmodSync(folder, 0o755)
  const listen = await freePort()
  const users = [logins.scoped, logins.service].map((name) => `"${name}" "${logins.password}"`)
  writeFileSync(join(folder, 'users.txt'), [...users, `"${username}" "${password}"`].join('\n'))
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, 'users.txt')}
pool_mode = ${mode}
default_pool_size = ${size}
server_check_delay = 3600
${preparesStatements ? `max_prepared_statements = ${prepared}\n` : ''}`,
  )
  // It refuses to run as root.
  const asNobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const bouncer = spawn(program, [join(folder, 'pgbouncer.ini')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...asNobody,
  })
  await new Promise<void>((resolve, reject) => {
    let log = ''
    bouncer.stderr.on('data', (chunk) => {
      log += String(chunk)
      if (log.includes('process up')) resolve()
    })
    bouncer.once('exit', () => reject(new Error(`pgbouncer ended: ${log}`)))
  })
  return {
    address: { host: '127.0.0.1', port: listen },
    async stop() {
      bouncer.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
