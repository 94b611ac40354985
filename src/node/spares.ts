import type { Connection } from '@libp2p/interface'
import type { Gauge, Log } from '../mesh/ports.ts'
import { endConnection } from './ending.ts'
import { CONNECTIONS_MAX } from './limits.ts'
import { isRelayed } from './paths.ts'
import { LINK_PROTOCOL } from './protocols.ts'

/** As long as two links count as opened at the same time: then it is decided which connection carries the link. */
const SPARE_MS = 10_000

export interface SparesComponents {
  /** Connection of the peer's link. */
  linkOf(peer: string): Connection | undefined
  log: Log
}

/**
 * Ends connections that nobody needs: when two peers dial each other at once, libp2p keeps both connections, and one of them carries the link. A
 * spare one stays only where the link runs through a relay and may move to it.
 */
export class Spares {
  readonly #components: SparesComponents
  readonly #afterMs: number
  /** As many as connections. */
  readonly #timers = new Map<Connection, NodeJS.Timeout>()

  constructor(components: SparesComponents, init: { afterMs?: number } = {}) {
    this.#components = components
    this.#afterMs = init.afterMs ?? SPARE_MS
  }

  /** To be called with a new connection, and with every connection of a peer that has a new link. */
  watch(connection: Connection): void {
    if (this.#timers.has(connection)) return
    this.#timers.set(connection, setTimeout(() => this.#look(connection), this.#afterMs).unref())
  }

  forget(connection: Connection): void {
    clearTimeout(this.#timers.get(connection))
    this.#timers.delete(connection)
  }

  gauges(): Gauge[] {
    return [{ name: 'watched connections', size: this.#timers.size, max: CONNECTIONS_MAX }]
  }

  stop(): void {
    for (const connection of [...this.#timers.keys()]) this.forget(connection)
  }

  #look(connection: Connection): void {
    this.forget(connection)
    const link = this.#components.linkOf(connection.remotePeer.toString())
    if (link === undefined || link === connection || connection.status !== 'open') return
    if (isRelayed(`${link.remoteAddr}`) && !isRelayed(`${connection.remoteAddr}`)) return
    // A link that is on its way, still without its name perhaps, or that hands over what is on it.
    if (connection.streams.some(({ protocol }) => protocol === LINK_PROTOCOL || protocol === '')) {
      this.watch(connection)
      return
    }
    this.#components.log.debug('a spare connection ends', { peer: connection.remotePeer.toString() })
    void endConnection(connection)
  }
}
