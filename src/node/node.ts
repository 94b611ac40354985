import type { Connection, Libp2p } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type {
  AbortOptions,
  AddressSource,
  Connected,
  Diagnostics,
  Gauge,
  Log,
  Network,
  NetworkHandler
} from '../mesh/ports.ts'
import { type Frame, type PairAnswer, type PairBody, refusing } from '../protocol/index.ts'
import { Bootstrap } from './bootstrap.ts'
import { Carriers } from './carriers.ts'
import { ConnectedPeers } from './connected-peers.ts'
import { Crowd } from './crowd.ts'
import { type DiagnosticsComponents, NodeDiagnostics } from './diagnostics.ts'
import { Dialler, peerIdOf } from './dialler.ts'
import type { Discovery } from './discovery.ts'
import { endConnection } from './ending.ts'
import type { Gate } from './gate.ts'
import type { Gossip } from './gossip.ts'
import { isInstance } from './is-instance.ts'
import type { Issues } from './issues.ts'
import { LINK_STREAMS_MAX, Links, type LinksInit } from './links.ts'
import type { Listening } from './listening.ts'
import { PAIR_STREAMS_MAX, PairProtocol } from './pair-protocol.ts'
import { bestOf, isRelayed, pathOf } from './paths.ts'
import type { ListedPeer } from './peer-list.ts'
import { PeerMemory } from './peer-memory.ts'
import { LINK_PROTOCOL, PAIR_PROTOCOL } from './protocols.ts'
import { Spares } from './spares.ts'
import { Strikes } from './strikes.ts'
import type { TransportManager } from './transport-manager.ts'
import type { Whereabouts } from './whereabouts.ts'

/** What a request is told that comes while the node stops. */
const NOBODY_HOME = refusing('overloaded')

export interface NodeComponents {
  libp2p: Libp2p
  gossip: Gossip
  discovery: Discovery
  listening: Listening
  gate: Gate
  whereabouts: Whereabouts
  transports: Pick<TransportManager, 'dial'>
  issues: Issues
  /** What the parts of the node found out about its networks. */
  outlook: Omit<DiagnosticsComponents, 'connectionOf'> & { gauges(): Gauge[] }
  log: Log
}

type NodeLists = Record<'bootstrap' | 'relays', ListedPeer[]>

export interface NodeTuning {
  links?: LinksInit
  pairTimeoutMs?: number
  /** How long a second connection of a linked peer stays. */
  spareMs?: number
}

/** The Network port over libp2p. */
export class MeshNode implements Network {
  readonly peer: string
  readonly diagnostics: Diagnostics
  readonly #components: NodeComponents
  readonly #log: Log
  readonly #strikes = new Strikes()
  readonly #carriers: Carriers
  readonly #dialler: Dialler
  readonly #pair: PairProtocol
  readonly #spares: Spares
  readonly #crowd: Crowd
  readonly #bootstrap: Bootstrap
  readonly #peers: ConnectedPeers
  readonly #tuning: NodeTuning
  #running: { handler: NetworkHandler; links: Links } | undefined

  constructor(components: NodeComponents, init: NodeLists & NodeTuning) {
    const { libp2p, log } = components
    this.peer = libp2p.peerId.toString()
    this.#components = components
    this.diagnostics = new NodeDiagnostics({
      ...components.outlook,
      connectionOf: peer => this.#running?.links.connectionOf(peer) ?? this.#best(peer)
    })
    this.#log = log
    this.#tuning = init
    const listed = new Set([...init.bootstrap, ...init.relays].map(({ peer }) => peer))
    this.#carriers = new Carriers({
      connections: () => libp2p.getConnections(),
      keeps: peer => listed.has(peer) || this.#running?.links.linked(peer) === true
    })
    const { transports, gate, gossip } = components
    this.#dialler = new Dialler(
      { libp2p, transports, gate, carriers: this.#carriers },
      { keeps: peer => listed.has(peer) }
    )
    this.#pair = new PairProtocol(
      {
        log,
        strikes: this.#strikes,
        answer: async (peer, address, body) => (await this.#running?.handler.asked(peer, address, body)) ?? NOBODY_HOME
      },
      { ...(init.pairTimeoutMs !== undefined && { timeoutMs: init.pairTimeoutMs }) }
    )
    this.#spares = new Spares(
      { linkOf: peer => this.#running?.links.connectionOf(peer), log },
      { ...(init.spareMs !== undefined && { afterMs: init.spareMs }) }
    )
    this.#crowd = new Crowd({
      welcome: peer => listed.has(peer) || this.#running?.handler.hello(peer).admitted === true,
      connectionsOf: peer => this.#connectionsOf(peer),
      log
    })
    this.#bootstrap = new Bootstrap(
      {
        dial: async target => void (await this.#dialler.dial(target.peer, target.addresses)),
        connected: peer => this.#best(peer) !== undefined,
        log
      },
      { peers: init.bootstrap }
    )
    this.#peers = new ConnectedPeers(
      {
        connectionsOf: peer => this.#connectionsOf(peer),
        carriers: this.#carriers,
        crowd: this.#crowd,
        spares: this.#spares,
        memory: new PeerMemory({ libp2p, log }),
        bootstrap: this.#bootstrap,
        gossip,
        log
      },
      { relays: new Set(init.relays.map(({ peer }) => peer)) }
    )
  }

  async start(handler: NetworkHandler, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const { libp2p, gossip, discovery, listening, whereabouts } = this.#components
    const links = this.#createLinks(handler)
    this.#running = { handler, links }
    const openLink = (connection: Connection, signal: AbortSignal): Promise<void> =>
      this.#dialler.openLink(links, connection, signal)
    this.#peers.start({ handler, links, openLink })
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
    libp2p.addEventListener('connection:open', event => this.#peers.opened(event.detail))
    libp2p.addEventListener('connection:close', event => this.#peers.closed(event.detail))
    discovery.start((peer, addresses) => this.#onSeen(peer, addresses))
    await libp2p.start()
    gossip.start(handler)
    await listening.start()
    await discovery.announce()
    this.#bootstrap.start()
    const moved = (): void => {
      this.#bootstrap.retry()
      handler.moved()
    }
    whereabouts.start({ moved, readdressed: () => handler.readdressed() })
  }

  async stop(): Promise<void> {
    const { libp2p, discovery, listening, whereabouts } = this.#components
    whereabouts.stop()
    this.#bootstrap.stop()
    discovery.stop()
    listening.stop()
    this.#dialler.stop()
    this.#spares.stop()
    for (const peer of this.#running?.links.peers() ?? []) this.#running?.links.drop(peer)
    await libp2p.stop()
    this.#peers.stop()
    this.#strikes.clear()
    this.#pair.clear()
    this.#running = undefined
  }

  addresses(by?: 'everywhere'): string[] {
    return this.#components.whereabouts.addresses(by)
  }

  /** A straight connection to a relay, the one that there is or a new one. */
  async dialRelay({ peer, addresses }: ListedPeer): Promise<Connection> {
    const there = this.#connectionsOf(peer).find(
      ({ status, remoteAddr }) => status === 'open' && !isRelayed(`${remoteAddr}`)
    )
    return there ?? (await this.#dialler.dial(peer, addresses))
  }

  dialable(addresses: string[], source: AddressSource): string[] {
    return this.#components.gate.dialable(addresses, source)
  }

  gauges(): Gauge[] {
    const { gossip, discovery, outlook } = this.#components
    return [
      ...this.#peers.gauges(),
      ...this.#crowd.gauges(),
      ...this.#pair.gauges(),
      ...(this.#running?.links.gauges() ?? []),
      ...this.#strikes.gauges(),
      ...this.#dialler.gauges(),
      ...this.#spares.gauges(),
      ...this.#carriers.gauges(),
      ...gossip.gauges(),
      ...discovery.gauges(),
      ...outlook.gauges()
    ]
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
    await this.#dialler.limited(peer, options, async signal => {
      const connection = this.#best(peer) ?? (await this.#dialler.dial(peer, addresses, { signal }))
      await this.#dialler.openLink(links, connection, signal)
    })
  }

  async straighten(peer: string, addresses: string[], options: AbortOptions = {}): Promise<void> {
    await this.#dialler.dialBeside(peer, addresses, options)
  }

  async ask(peer: string, addresses: string[], body: PairBody, options: AbortOptions = {}): Promise<PairAnswer> {
    if (peer === this.peer) throw new MeshError('self_target', { peer })
    if (this.#running === undefined) throw new MeshError('dial_failed', { peer, detail: 'the node does not run' })
    return await this.#dialler.limited(peer, options, async signal => {
      const connection = this.#best(peer) ?? (await this.#dialler.dial(peer, addresses, { signal }))
      return await this.#pair.ask(connection, body, signal)
    })
  }

  async disconnect(peer: string): Promise<void> {
    this.#running?.links.drop(peer)
    await Promise.all(this.#connectionsOf(peer).map(endConnection))
  }

  send(peer: string, frame: Frame): boolean {
    return this.#running?.links.send(peer, frame) ?? false
  }

  connections(): Connected[] {
    return this.#peers.list()
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
            this.#peers.linked(connection)
            handler.linkUp(peer, hello, pathOf(connection))
          },
          moved: (from, to) => {
            this.#peers.linked(to)
            if (pathOf(from) !== pathOf(to)) handler.pathChanged(to.remotePeer.toString(), pathOf(to))
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
    this.#peers.tell(connection, { isLink: true })
    this.#dialler.foundInstance(connection.remotePeer.toString())
    links.accept(stream, connection)
  }

  #onSeen(peer: string, addresses: string[]): void {
    if (peer === this.peer || !isInstance(peerIdOf(peer)) || this.#dialler.isForeign(peer)) return
    if (this.#connectionsOf(peer).some(each => each.status === 'open' && pathOf(each) !== 'relayed')) return
    this.#running?.handler.discovered(peer, addresses)
  }

  #best(peer: string): Connection | undefined {
    return bestOf(this.#connectionsOf(peer))
  }

  #connectionsOf(peer: string): Connection[] {
    return this.#components.libp2p.getConnections(peerIdOf(peer))
  }
}
