import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type { AbortOptions, Connected, Log, Network, NetworkHandler } from '../mesh/ports.ts'
import type { Frame } from '../protocol/index.ts'
import { Bootstrap, type BootstrapPeer } from './bootstrap.ts'
import { withDeadline } from './deadline.ts'
import { Dialler, peerIdOf } from './dialler.ts'
import type { Discovery } from './discovery.ts'
import { endConnection } from './ending.ts'
import type { Gossip } from './gossip.ts'
import { isInstance } from './is-instance.ts'
import type { Issues } from './issues.ts'
import { LINK_STREAMS_MAX, Links, type LinksInit } from './links.ts'
import type { Listening } from './listening.ts'
import { PAIR_STREAMS_MAX, PairProtocol } from './pair-protocol.ts'
import { bestOf, pathOf } from './paths.ts'
import { LINK_PROTOCOL, PAIR_PROTOCOL } from './protocols.ts'
import { Spares } from './spares.ts'
import { Strikes } from './strikes.ts'

/** Dial, handshake and both hellos. libp2p gives a dial 10 s, a hello has 5 s. */
const CONNECT_MS = 15_000

/** Keeps linked peers when the connection manager has to let somebody go (S-11). */
const LINK_TAG = 'libp2p-mesh-link'
const LINK_TAG_VALUE = 100

export interface NodeComponents {
  libp2p: Libp2p
  gossip: Gossip
  discovery: Discovery
  listening: Listening
  issues: Issues
  log: Log
}

export interface NodeTuning {
  links?: LinksInit
  pairTimeoutMs?: number
  /** How long a second connection of a linked peer stays. */
  spareMs?: number
}

/** The Network port over libp2p. */
export class MeshNode implements Network {
  readonly peer: string
  readonly #components: NodeComponents
  readonly #log: Log
  readonly #strikes = new Strikes()
  readonly #dialler: Dialler
  readonly #pair: PairProtocol
  readonly #spares: Spares
  readonly #bootstrap: Bootstrap
  readonly #tuning: NodeTuning
  /** Peers that the handler was told of. As many as there are connections. */
  readonly #connected = new Set<string>()
  #running: { handler: NetworkHandler; links: Links } | undefined

  constructor(components: NodeComponents, init: { bootstrap: BootstrapPeer[] } & NodeTuning) {
    const { libp2p, log } = components
    this.peer = libp2p.peerId.toString()
    this.#components = components
    this.#log = log
    this.#tuning = init
    const bootstrapPeers = new Set(init.bootstrap.map(target => target.peer))
    this.#dialler = new Dialler({ libp2p }, { keeps: peer => bootstrapPeers.has(peer) })
    this.#pair = new PairProtocol(
      { log, strikes: this.#strikes },
      { ...(init.pairTimeoutMs !== undefined && { timeoutMs: init.pairTimeoutMs }) }
    )
    this.#spares = new Spares(
      { linkOf: peer => this.#running?.links.connectionOf(peer), log },
      { ...(init.spareMs !== undefined && { afterMs: init.spareMs }) }
    )
    this.#bootstrap = new Bootstrap(
      {
        dial: async target => void (await this.#dialler.dial(target.peer, target.addresses)),
        connected: peer => this.#best(peer) !== undefined,
        log
      },
      { peers: init.bootstrap }
    )
  }

  async start(handler: NetworkHandler, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const { libp2p, gossip, discovery, listening } = this.#components
    const links = this.#createLinks(handler)
    this.#running = { handler, links }
    // Before the first connection, so that the first identify already names them.
    await libp2p.handle(LINK_PROTOCOL, (stream, connection) => this.#accept(links, stream, connection), {
      maxInboundStreams: LINK_STREAMS_MAX,
      maxOutboundStreams: LINK_STREAMS_MAX,
      runOnLimitedConnection: true
    })
    await libp2p.handle(PAIR_PROTOCOL, (stream, connection) => this.#pair.handle(stream, connection), {
      maxInboundStreams: PAIR_STREAMS_MAX,
      maxOutboundStreams: PAIR_STREAMS_MAX,
      runOnLimitedConnection: true
    })
    libp2p.addEventListener('connection:open', event => this.#onOpen(event.detail))
    libp2p.addEventListener('connection:close', event => this.#onClose(event.detail))
    discovery.start((peer, addresses) => this.#onSeen(peer, addresses))
    await libp2p.start()
    gossip.start(handler)
    await listening.start()
    await discovery.announce()
    this.#bootstrap.start()
  }

  async stop(): Promise<void> {
    const { libp2p, discovery, listening } = this.#components
    this.#bootstrap.stop()
    discovery.stop()
    listening.stop()
    this.#dialler.stop()
    this.#spares.stop()
    for (const peer of this.#running?.links.peers() ?? []) this.#running?.links.drop(peer)
    await libp2p.stop()
    for (const peer of [...this.#connected]) this.#gone(peer)
    this.#strikes.clear()
    this.#running = undefined
  }

  addresses(): string[] {
    return this.#components.libp2p.getMultiaddrs().map(address => address.toString())
  }

  issues(): string[] {
    return this.#components.issues.list()
  }

  async connect(peer: string, addresses: string[], options: AbortOptions = {}): Promise<void> {
    if (peer === this.peer) throw new MeshError('self_target', { peer })
    const links = this.#running?.links
    if (links === undefined) throw new MeshError('dial_failed', { peer, detail: 'the node does not run' })
    if (links.linked(peer)) return
    this.#dialler.refuseForeign(peer)
    try {
      await withDeadline(
        CONNECT_MS,
        async signal => {
          const connection = this.#best(peer) ?? (await this.#dialler.dial(peer, addresses, { signal }))
          await this.#dialler.openLink(links, connection, signal)
        },
        options
      )
    } catch (error) {
      options.signal?.throwIfAborted()
      if (error instanceof MeshError) throw error
      throw new MeshError('dial_failed', { peer, retryable: true, cause: error })
    }
  }

  async disconnect(peer: string): Promise<void> {
    this.#running?.links.drop(peer)
    await Promise.all(this.#connectionsOf(peer).map(endConnection))
  }

  send(peer: string, frame: Frame): boolean {
    return this.#running?.links.send(peer, frame) ?? false
  }

  connections(): Connected[] {
    const connected: Connected[] = []
    for (const peer of this.#connected) {
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

  publish(topic: string, data: Uint8Array): Promise<{ recipients: number }> {
    return this.#components.gossip.publish(topic, data)
  }

  #createLinks(handler: NetworkHandler): Links {
    return new Links(
      {
        self: this.peer,
        log: this.#log,
        strikes: this.#strikes,
        handler: {
          hello: peer => handler.hello(peer),
          up: (connection, hello) => {
            const peer = connection.remotePeer.toString()
            this.#onUp(connection)
            handler.linkUp(peer, hello, pathOf(connection))
          },
          down: peer => handler.linkDown(peer),
          refused: (peer, hello) => handler.refused(peer, hello),
          frame: (peer, frame) => {
            if (frame.type === 'envelope') handler.envelope(peer, frame.envelope)
            else handler.receipts(peer, frame.receipts)
          },
          drained: peer => handler.drained(peer)
        }
      },
      this.#tuning.links
    )
  }

  #accept(links: Links, stream: Parameters<Links['accept']>[0], connection: Connection): void {
    if (!isInstance(connection.remotePeer)) {
      stream.abort(new Error('not an instance'))
      return
    }
    this.#tell(connection)
    this.#dialler.foundInstance(connection.remotePeer.toString())
    links.accept(stream, connection)
  }

  #onSeen(peer: string, addresses: string[]): void {
    if (peer === this.peer || !isInstance(peerIdOf(peer)) || this.#dialler.isForeign(peer)) return
    if (this.#best(peer) !== undefined) return
    this.#running?.handler.discovered(peer, addresses)
  }

  #onOpen(connection: Connection): void {
    const running = this.#running
    if (running === undefined || !isInstance(connection.remotePeer)) return
    this.#tell(connection)
    const peer = connection.remotePeer.toString()
    this.#spares.watch(connection)
    // Whoever dialled opens the link, also where no connect() of the mesh waits for it: after a bootstrap dial.
    if (connection.direction !== 'outbound' || !running.handler.hello(peer).admitted) return
    withDeadline(CONNECT_MS, signal => this.#dialler.openLink(running.links, connection, signal)).catch(
      (error: unknown) =>
        this.#log.debug('no link over the new connection', {
          peer,
          code: error instanceof MeshError ? error.code : 'failed'
        })
    )
  }

  #tell(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    if (this.#connected.has(peer)) return
    this.#connected.add(peer)
    this.#running?.handler.connected(peer, pathOf(connection), connection.remoteAddr.toString())
  }

  #onClose(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    this.#spares.forget(connection)
    if (this.#best(peer) === undefined) {
      this.#gone(peer)
      return
    }
    // Broadcasts may have run over the connection that closed.
    const link = this.#running?.links.connectionOf(peer)
    if (link !== undefined) this.#joinGossip(link)
  }

  #onUp(connection: Connection): void {
    this.#joinGossip(connection)
    for (const other of this.#connectionsOf(connection.remotePeer.toString())) this.#spares.watch(other)
    this.#tag(connection.remotePeer, LINK_TAG_VALUE)
  }

  #joinGossip(connection: Connection): void {
    const report = (error: unknown): void =>
      this.#log.warn('broadcasts with a peer do not work', {
        peer: connection.remotePeer.toString(),
        error: `${error}`
      })
    this.#components.gossip.peerUp(connection).catch(report)
  }

  #gone(peer: string): void {
    if (!this.#connected.delete(peer)) return
    this.#running?.links.lost(peer)
    this.#running?.handler.disconnected(peer)
    const report = (error: unknown): void =>
      this.#log.debug('gossip did not forget a peer', { peer, error: `${error}` })
    this.#components.gossip.peerGone(peer).catch(report)
    this.#tag(peerIdOf(peer), undefined)
    this.#bootstrap.lost(peer)
  }

  #tag(id: PeerId, value: number | undefined): void {
    const tag = value === undefined ? undefined : { value }
    this.#components.libp2p.peerStore
      .merge(id, { tags: { [LINK_TAG]: tag } })
      .catch((error: unknown) => this.#log.debug('peer not tagged', { peer: id.toString(), error: `${error}` }))
  }

  #best(peer: string): Connection | undefined {
    return bestOf(this.#connectionsOf(peer))
  }

  #connectionsOf(peer: string): Connection[] {
    return this.#components.libp2p.getConnections(peerIdOf(peer))
  }
}
