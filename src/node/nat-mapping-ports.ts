import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'
import type { Gauge } from '../mesh/ports.ts'

/** Node's own channel: each TCP socket of this thread that connects to somebody. */
const CHANNEL = 'net.client.socket'

/** As many as there are connections, twice: those that are being made are there as well. */
const SOCKETS_MAX = 1_024

/** The ports of this machine from which connections go out. libp2p does not say them, and the system chooses another for each. */
export class DialledPorts {
  /** `host:port` of the other side -> own port. At most SOCKETS_MAX. */
  readonly #ports = new Map<string, number>()
  readonly #onSocket = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return
    if (message.socket instanceof Socket) this.#watch(message.socket)
  }

  start(): void {
    subscribe(CHANNEL, this.#onSocket)
  }

  stop(): void {
    unsubscribe(CHANNEL, this.#onSocket)
    this.#ports.clear()
  }

  /** The own port of the connection there; undefined where none is known. */
  portTo(host: string, port: number): number | undefined {
    return this.#ports.get(`${host}:${port}`)
  }

  gauges(): Gauge[] {
    return [{ name: 'ports of dialled connections', size: this.#ports.size, max: SOCKETS_MAX }]
  }

  #watch(socket: Socket): void {
    socket.once('connect', () => {
      const { remoteAddress, remotePort, localPort } = socket
      if (remoteAddress === undefined || localPort === undefined || this.#ports.size >= SOCKETS_MAX) return
      const key = `${remoteAddress}:${remotePort}`
      this.#ports.set(key, localPort)
      socket.once('close', () => {
        if (this.#ports.get(key) === localPort) this.#ports.delete(key)
      })
    })
  }
}
