import { Socket } from 'node:net'
import type { Connection } from 'pg'
import { driver } from './driver.ts'
import type { Target } from './target.ts'

const patienceMilliseconds = 5000

/** Asks a server to stop what one of its processes does, over a connection of its own. Nobody waits for it. */
export async function cancelRequest(target: Target, processId: number, secretKey: number): Promise<void> {
  const pg = await driver()
  const socket = new Socket()
  setTimeout(() => socket.destroy(), patienceMilliseconds).unref()
  // These methods node-postgres's own cancel uses; its types leave them out.
  const wire = new pg.Connection({ ssl: target.ssl, stream: () => socket }) as Connection & {
    connect(port: number | string, host?: string): void
    requestSsl(): void
    cancel(processId: number, secretKey: number): void
  }
  wire.on('error', () => {})
  wire.on(target.ssl ? 'sslconnect' : 'connect', () => wire.cancel(processId, secretKey))
  if (target.ssl) wire.on('connect', () => wire.requestSsl())
  if (target.host?.startsWith('/')) wire.connect(`${target.host}/.s.PGSQL.${target.port}`)
  else wire.connect(target.port, target.host)
}
