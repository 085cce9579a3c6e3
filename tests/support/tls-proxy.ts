import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'

export const caFile = join(import.meta.dirname, '..', 'tls', 'ca.pem')

/** Speaks TLS, to whoever asks for it, in front of a server that does not; as `localhost`, by the tests' own authority. */
export async function startTlsProxy(target: { host: string; port: number }): Promise<{ port: number; stop(): void }> {
  const file = (name: string) => readFileSync(join(import.meta.dirname, '..', 'tls', name))
  const secureContext = createSecureContext({ cert: file('server.pem'), key: file('server.key') })
  const sockets = new Set<Socket>()
  const forward = (client: Socket) => {
    const server = connect(target.port, target.host)
    sockets.add(server)
    for (const socket of [client, server]) socket.on('error', () => {}).on('close', () => client.destroy())
    client.pipe(server).pipe(client)
  }
  const listener = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    client.once('data', (first) => {
      // SSLRequest has a length of 8 and a version that no protocol has.
      if (first.length === 8 && first.readUInt32BE(4) === 80_877_103) {
        client.write('S')
        forward(new TLSSocket(client, { isServer: true, secureContext }))
      } else {
        client.pause()
        client.unshift(first)
        forward(client)
      }
    })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as { port: number }).port,
    stop() {
      for (const socket of sockets) socket.destroy()
      listener.close()
    },
  }
}
