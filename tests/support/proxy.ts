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
  /** Asked of each of them before it is passed on; what it gives is waited for. */
  hold: ((chunk: Buffer) => Promise<unknown> | undefined) | undefined
  reset(): void
  /** Breaks every connection as a network failure would. */
  cut(): void
  /**
   * Goes silent as a network does: nothing is closed, and nobody is told when one side gives up. What clients send, or
   * what they are answered after so many bytes more, is swallowed, on the connections there are or on later ones too.
   */
  silence(what: 'requests' | 'answers', options?: { after?: number; later?: boolean }): void
  /** Lets later connections through again. Those that went silent stay so. */
  speak(): void
  /** How many connections have been made. */
  connections: number
  stop(): Promise<void>
}

export async function startProxy(target: { host: string; port: number }, delayMilliseconds = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  type Silence = { requests: number; answers: number }
  const open = new Set<Silence>()
  let ofLater: Silence | undefined
  // Half open, so that one side's goodbye is answered by the other and not by the proxy.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    proxy.connections++
    const upstream = connect({ ...target, allowHalfOpen: true })
    client.setNoDelay(true)
    upstream.setNoDelay(true)
    let clientsTurn = true
    const left: Silence = ofLater ? { ...ofLater } : { requests: Infinity, answers: Infinity }
    open.add(left)
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
        const direction = from === client ? 'requests' : 'answers'
        const passes = chunk.subarray(0, Math.min(chunk.length, left[direction]))
        left[direction] -= passes.length
        const held = from === client ? proxy.hold?.(chunk) : undefined
        if (held !== undefined) {
          from.pause()
          held.finally(() => {
            to.write(passes)
            from.resume()
          })
        } else if (passes.length > 0 && delayMilliseconds === 0) to.write(passes)
        else if (passes.length > 0) setTimeout(() => to.write(passes), delayMilliseconds)
        if (from === client) proxy.onSent?.()
      })
      from.on('end', () => {
        if (Number.isFinite(Math.min(left.requests, left.answers))) return
        if (delayMilliseconds === 0) to.end()
        else setTimeout(() => to.end(), delayMilliseconds)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        if (Number.isFinite(Math.min(left.requests, left.answers))) return
        open.delete(left)
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
    hold: undefined,
    connections: 0,
    silence(what, { after = 0, later = false } = {}) {
      for (const left of open) left[what] = after
      if (later) ofLater = { requests: Infinity, answers: Infinity, [what]: after }
    },
    speak() {
      ofLater = undefined
    },
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
