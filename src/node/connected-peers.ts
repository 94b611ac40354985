import type { Connection } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type { Connected, Gauge, Log, NetworkHandler } from '../mesh/ports.ts'
import type { Bootstrap } from './bootstrap.ts'
import type { Carriers } from './carriers.ts'
import type { Crowd } from './crowd.ts'
import { withDeadline } from './deadline.ts'
import { CONNECT_MS } from './dialler.ts'
import type { Gossip } from './gossip.ts'
import { isInstance } from './is-instance.ts'
import { CONNECTIONS_MAX } from './limits.ts'
import type { Links } from './links.ts'
import { bestOf, pathOf } from './paths.ts'
import type { PeerMemory } from './peer-memory.ts'
import type { Spares } from './spares.ts'

export interface ConnectedPeersComponents {
  /** All that libp2p has of this peer, open or not. */
  connectionsOf(peer: string): Connection[]
  gossip: Pick<Gossip, 'peerUp' | 'peerGone'>
  carriers: Pick<Carriers, 'carries' | 'closed'>
  crowd: Pick<Crowd, 'opened' | 'forget'>
  spares: Pick<Spares, 'watch' | 'forget'>
  memory: Pick<PeerMemory, 'tag' | 'forget'>
  bootstrap: Pick<Bootstrap, 'lost'>
  log: Log
}

/** What there is while the node runs. */
interface Running {
  handler: NetworkHandler
  links: Pick<Links, 'connectionOf' | 'lost'>
  /** Resolves when frames can flow over this connection. */
  openLink(connection: Connection, signal: AbortSignal): Promise<void>
}

/** The peers that are here: each from its first connection, which the mesh is told of, to the end of its last. */
export class ConnectedPeers {
  readonly #components: ConnectedPeersComponents
  readonly #relays: ReadonlySet<string>
  /** Peers that the handler was told of. As many as there are connections. */
  readonly #told = new Set<string>()
  #running: Running | undefined

  /** @param init `relays`: peers that the settings name as such */
  constructor(components: ConnectedPeersComponents, init: { relays: ReadonlySet<string> }) {
    this.#components = components
    this.#relays = init.relays
  }

  start(running: Running): void {
    this.#running = running
  }

  /** libp2p has stopped: nobody is here any more. */
  stop(): void {
    for (const peer of [...this.#told]) this.#gone(peer)
    this.#running = undefined
  }

  list(): Connected[] {
    const connected: Connected[] = []
    for (const peer of this.#told) {
      const link = this.#running?.links.connectionOf(peer)
      const connection = link ?? this.#best(peer)
      if (connection === undefined) continue
      const { rtt: rttMs } = connection
      connected.push({
        peer,
        path: pathOf(connection),
        address: connection.remoteAddr.toString(),
        linked: link !== undefined,
        ...(rttMs !== undefined && { rttMs })
      })
    }
    return connected
  }

  gauges(): Gauge[] {
    return [{ name: 'connected peers', size: this.#told.size, max: CONNECTIONS_MAX }]
  }

  opened(connection: Connection): void {
    const { crowd, spares, log } = this.#components
    const running = this.#running
    if (running === undefined || !crowd.opened(connection) || !isInstance(connection.remotePeer)) return
    this.tell(connection)
    const peer = connection.remotePeer.toString()
    spares.watch(connection)
    // Whoever dialled opens the link, also where no connect() of the mesh waits for it: after a bootstrap dial.
    if (connection.direction !== 'outbound' || !running.handler.hello(peer).admitted) return
    withDeadline(CONNECT_MS, signal => running.openLink(connection, signal)).catch((error: unknown) =>
      log.debug('no link over the new connection', {
        peer,
        code: error instanceof MeshError ? error.code : 'failed'
      })
    )
  }

  /** Says that a peer is here, once. A relay need not be an instance; where it is one, it says so by a link. */
  tell(connection: Connection, { isLink = false } = {}): void {
    const peer = connection.remotePeer.toString()
    if (this.#told.has(peer)) return
    const isRelay = this.#relays.has(peer) || this.#components.carriers.carries(peer)
    if (isRelay && !isLink && this.#running?.handler.hello(peer).admitted !== true) return
    this.#told.add(peer)
    this.#running?.handler.connected(peer, pathOf(connection), connection.remoteAddr.toString())
  }

  /** The peer's link is up over this connection, or has moved to it. */
  linked(connection: Connection): void {
    const { crowd, spares, memory } = this.#components
    this.#joinGossip(connection)
    for (const other of this.#components.connectionsOf(connection.remotePeer.toString())) {
      spares.watch(other)
      crowd.forget(other)
    }
    memory.tag(connection.remotePeer)
  }

  closed(connection: Connection): void {
    const { carriers, crowd, spares } = this.#components
    const peer = connection.remotePeer.toString()
    spares.forget(connection)
    crowd.forget(connection)
    carriers.closed(connection)
    if (this.#best(peer) === undefined) {
      this.#gone(peer)
      return
    }
    // Broadcasts may have run over the connection that closed.
    const link = this.#running?.links.connectionOf(peer)
    if (link !== undefined) this.#joinGossip(link)
  }

  #joinGossip(connection: Connection): void {
    const { gossip, log } = this.#components
    const report = (error: unknown): void =>
      log.warn('broadcasts with a peer do not work', { peer: connection.remotePeer.toString(), error: `${error}` })
    gossip.peerUp(connection).catch(report)
  }

  #gone(peer: string): void {
    const { bootstrap, gossip, memory, log } = this.#components
    memory.forget(peer)
    bootstrap.lost(peer)
    if (!this.#told.delete(peer)) return
    this.#running?.links.lost(peer)
    this.#running?.handler.disconnected(peer)
    const report = (error: unknown): void => log.debug('gossip did not forget a peer', { peer, error: `${error}` })
    gossip.peerGone(peer).catch(report)
  }

  #best(peer: string): Connection | undefined {
    return bestOf(this.#components.connectionsOf(peer))
  }
}
