import type { Connection, PeerId } from '@libp2p/interface'
import type { Log } from '../mesh/ports.ts'
import { withDeadline } from './deadline.ts'

/** Fresh enough for status; the connection monitor finds dead connections by itself. */
const INTERVAL_MS = 60_000

/** A round trip longer than this is no number that anybody needs. */
const TIMEOUT_MS = 10_000

export interface PingerComponents {
  /** Round trip of one ping, ms. */
  ping(peer: PeerId, options: { signal: AbortSignal }): Promise<number>
  /** Connections of the linked peers. */
  linked(): Connection[]
  log: Log
}

/** Measures round trips: when a link comes up, and every minute. */
export class Pinger {
  readonly #components: PingerComponents
  readonly #rtt = new WeakMap<Connection, number>()
  /** Pings under way. */
  readonly #busy = new Map<Connection, AbortController>()
  #timer: NodeJS.Timeout | undefined

  constructor(components: PingerComponents, init: { intervalMs?: number } = {}) {
    this.#components = components
    const tick = (): void => {
      for (const connection of components.linked()) this.measure(connection)
    }
    this.#timer = setInterval(tick, init.intervalMs ?? INTERVAL_MS).unref()
  }

  rttMs(connection: Connection): number | undefined {
    return this.#rtt.get(connection)
  }

  /** Measures in the background; one ping per connection at a time, which ends with its connection: libp2p would wait for an answer all the same. */
  measure(connection: Connection): void {
    if (this.#busy.has(connection) || connection.status !== 'open' || this.#timer === undefined) return
    const end = new AbortController()
    const closed = (): void => end.abort(new Error('the connection is gone'))
    connection.addEventListener('close', closed, { once: true })
    this.#busy.set(connection, end)
    const ping = (signal: AbortSignal): Promise<number> => this.#components.ping(connection.remotePeer, { signal })
    withDeadline(TIMEOUT_MS, ping, { signal: end.signal })
      .then(
        rttMs => this.#rtt.set(connection, rttMs),
        (error: unknown) =>
          this.#components.log.debug('no answer to a ping', {
            peer: connection.remotePeer.toString(),
            reason: error instanceof Error ? error.name : 'unknown'
          })
      )
      .finally(() => {
        this.#busy.delete(connection)
        connection.removeEventListener('close', closed)
      })
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const end of this.#busy.values()) end.abort(new Error('the node stops'))
  }
}
