import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy in front of a server: counts round trips, adds latency, cuts connections. */
export type TcpProxy = {
  /** The given URL with the proxy's address. */
  through(url: string): string
  /** Round trips since the last reset: how often a client spoke after it was last spoken to. */
  roundTrips: number
  /** Everything clients have sent since the last reset. */
  sent: Buffer[]
  /** Called after each of them, once it is on its way. */
  onSent: (() => void) | undefined
  reset(): void
  /** Breaks every connection as a network failure would. */
  cut(): void
  /** How many connections have been made. */
  connections: number
  stop(): Promise<void>
}

export async function startProxy(target: { host: string; port: number }, delayMilliseconds = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    proxy.connections++
    const upstream = connect(target.port, target.host)
    client.setNoDelay(true)
    upstream.setNoDelay(true)
    let clientsTurn = true
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (from === client) {
          proxy.sent.push(Buffer.from(chunk))
          if (clientsTurn) proxy.roundTrips++
          clientsTurn = false
        } else clientsTurn = true
        if (delayMilliseconds === 0) to.write(chunk)
        else setTimeout(() => to.write(chunk), delayMilliseconds)
        if (from === client) proxy.onSent?.()
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0

  const proxy: TcpProxy = {
    roundTrips: 0,
    sent: [],
    onSent: undefined,
    connections: 0,
    through(url) {
      const proxied = new URL(url)
      proxied.hostname = '127.0.0.1'
      proxied.port = String(port)
      return proxied.href
    },
    reset() {
      proxy.roundTrips = 0
      proxy.sent = []
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async stop() {
      proxy.cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}

/** Host and port of a database URL. */
export function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port || 5432) }
}
