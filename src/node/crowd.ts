import type { Connection } from '@libp2p/interface'
import type { Gauge, Log } from '../mesh/ports.ts'
import { hostOf } from '../protocol/index.ts'
import { endConnection } from './ending.ts'
import { PEER_CONNECTIONS_MAX, STRANGERS_MAX, STRANGERS_PER_HOST_MAX } from './limits.ts'

export interface CrowdComponents {
  /** Whose connections are not counted: the owner let it in, or the settings name it. */
  welcome(peer: string): boolean
  connectionsOf(peer: string): Connection[]
  log: Log
}

export interface CrowdInit {
  max?: number
  perHostMax?: number
}

/**
 * Keeps strangers within their share of the connections. Past it the oldest stranger goes, of the same address first: what a flood pushes out is the
 * flood, a stranger that has just come has its moment to say what it wants, and those who are admitted never make room.
 */
export class Crowd {
  readonly #components: CrowdComponents
  readonly #max: number
  readonly #perHostMax: number
  /** Connections that strangers made, with the host they came from, the oldest first. */
  readonly #strangers = new Map<Connection, string>()

  constructor(components: CrowdComponents, init: CrowdInit = {}) {
    this.#components = components
    this.#max = init.max ?? STRANGERS_MAX
    this.#perHostMax = init.perHostMax ?? STRANGERS_PER_HOST_MAX
  }

  /** Counts a new connection. False where there is no room for it: it is ended. */
  opened(connection: Connection): boolean {
    const peer = connection.remotePeer.toString()
    if (this.#components.connectionsOf(peer).length > PEER_CONNECTIONS_MAX) {
      this.#components.log.debug('a peer has too many connections', { peer })
      connection.abort(new Error('too many connections'))
      return false
    }
    // Whom we dial is bounded by who asked for it.
    if (connection.direction === 'outbound' || this.#components.welcome(peer)) return true
    const host = hostOf(connection.remoteAddr.toString())
    this.#strangers.set(connection, host)
    const neighbours = [...this.#strangers].filter(([, other]) => other === host)
    if (neighbours.length > this.#perHostMax) this.#end(neighbours[0]?.[0])
    else if (this.#strangers.size > this.#max) this.#end(this.#strangers.keys().next().value)
    return true
  }

  /** It ended, or its peer is a stranger no more. */
  forget(connection: Connection): void {
    this.#strangers.delete(connection)
  }

  gauges(): Gauge[] {
    return [{ name: 'connections of strangers', size: this.#strangers.size, max: this.#max }]
  }

  #end(connection: Connection | undefined): void {
    if (connection === undefined) return
    this.#strangers.delete(connection)
    const peer = connection.remotePeer.toString()
    if (this.#components.welcome(peer)) return
    this.#components.log.debug('a stranger makes room', { peer })
    void endConnection(connection)
  }
}
