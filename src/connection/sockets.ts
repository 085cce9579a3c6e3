import { connect, type Socket } from 'node:net'

type Address = { host: string[]; port: number[]; path?: string | false }

/**
 * The sockets of one postgres.js client, as its option `socket`.
 *
 * Left to itself it says goodbye and waits for the server to close the connection. Over a network that has gone silent
 * that never comes: the socket stays, and with it the process.
 */
export class Sockets {
  #open: Socket[] = []
  #opened = 0

  /** Gives a socket that is still connecting: what is written meanwhile is sent afterwards. */
  readonly open = ({ host, port, path }: Address): Socket => {
    const i = this.#opened++ % host.length
    const address = path ? { path } : { host: host[i] ?? '', port: port[i] ?? 5432 }
    const socket = connect({ ...address, keepAlive: true, keepAliveInitialDelay: 30_000 })
    // As postgres.js notes them: for the certificate's name, and for its errors.
    Object.assign(socket, { host: host[i], port: port[i] })
    this.#open.push(socket)
    socket.once('close', () => {
      this.#open = this.#open.filter((one) => one !== socket)
    })
    return socket
  }

  /** Gives up those that are open now. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }

  /** The same once they have had time to say goodbye; keeps no process alive for it. */
  destroySoon(): void {
    setTimeout(() => this.destroy(), 5000).unref()
  }
}
