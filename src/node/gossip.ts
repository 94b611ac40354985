import {
  type GossipSub,
  type GossipSubComponents,
  gossipsub,
  type Message,
  TopicValidatorResult
} from '@libp2p/gossipsub'
import { type Connection, type PeerId, type StreamHandler, serviceDependencies, type Topology } from '@libp2p/interface'
import { MeshError } from '../mesh/errors.ts'
import type { Gauge, Log, NetworkHandler } from '../mesh/ports.ts'
import { BROADCAST_TEXT_MAX_BYTES } from '../protocol/index.ts'
import { plain } from './frame-reader.ts'
import { isInstance } from './is-instance.ts'
import { CONNECTIONS_MAX } from './limits.ts'

/** A broadcast's text with the envelope around it: ids, trace, key, signature and Merkle path take under 2 KiB. */
const DATA_MAX_BYTES = BROADCAST_TEXT_MAX_BYTES + 4 * 1024

/** gossipsub sends whole messages and their control lists; nothing of ours comes near this. */
const RPC_MAX_BYTES = 256 * 1024

/** Far below every threshold of gossipsub (graylist -80): neither heard nor told. Also what keeps a revoked peer out at once. */
const STRANGER_SCORE = -10_000

/** One stream each way; a second while one is replaced. */
const STREAMS_MAX = 2

export interface GossipInit {
  topics: string[]
}

/**
 * Broadcasts over gossipsub, among linked peers only.
 *
 * gossipsub learns of its peers from the registrar, which names every libp2p node that speaks it. It gets a registrar of ours instead: a
 * peer is named when its link is up, so a stranger is never subscribed or sent to, and a peer that was admitted a minute after it connected is
 * told our topics then. Streams from strangers are refused before anything is read.
 */
export class Gossip {
  readonly #log: Log
  readonly #topics: string[]
  readonly #topologies = new Set<Topology>()
  readonly #members = new Map<string, PeerId>()
  #handler: NetworkHandler | undefined
  #service: GossipSub | undefined

  constructor(components: { log: Log }, init: GossipInit) {
    this.#log = components.log
    this.#topics = init.topics
  }

  /** The libp2p service. */
  service(components: GossipSubComponents): GossipSub {
    const { privateKey, peerId, peerStore, registrar, connectionManager, logger } = components
    const ours = Object.create(registrar, {
      handle: {
        value: (protocol: string, handler: StreamHandler, options: object) =>
          registrar.handle(protocol, this.#guarded(handler), options)
      },
      register: { value: (_protocol: string, topology: Topology) => this.#register(topology) },
      unregister: { value: () => this.#topologies.clear() }
    })
    const service = gossipsub({
      allowedTopics: this.#topics,
      allowPublishToZeroTopicPeers: true,
      emitSelf: false,
      fallbackToFloodsub: false,
      // Small meshes: everybody who listens gets it from the author, whatever the mesh of the topic looks like at that moment.
      floodPublish: true,
      globalSignaturePolicy: 'StrictSign',
      runOnLimitedConnection: true,
      maxInboundStreams: STREAMS_MAX,
      maxOutboundStreams: STREAMS_MAX,
      maxInboundDataLength: RPC_MAX_BYTES,
      maxOutboundBufferSize: RPC_MAX_BYTES * 4,
      // An office, a house or a container host is one address to the others: its peers must not weigh each other down.
      scoreParams: { IPColocationFactorWeight: 0, appSpecificScore: peer => this.#score(peer) }
    })({ privateKey, peerId, peerStore, registrar: ours, connectionManager, logger })
    // It would have identify name its peers; here links do.
    Object.defineProperty(service, serviceDependencies, { value: [] })
    this.#service = service
    return service
  }

  /** Called once libp2p runs. */
  start(handler: NetworkHandler): void {
    const service = this.#running()
    this.#handler = handler
    for (const topic of this.#topics) {
      service.topicValidators.set(topic, (carrier, message) => this.#validate(carrier, message))
      service.subscribe(topic)
    }
  }

  /** A link is up, or moved to another connection: the two are members for each other until the peer is gone. */
  async peerUp(connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    this.#members.set(peer.toString(), peer)
    for (const topology of this.#topologies) await topology.onConnect?.(peer, connection)
  }

  async peerGone(id: string): Promise<void> {
    const peer = this.#members.get(id)
    if (peer === undefined) return
    this.#members.delete(id)
    for (const topology of this.#topologies) await topology.onDisconnect?.(peer)
  }

  /** @throws MeshError `topic_unknown`, `text_too_long` */
  async publish(topic: string, data: Uint8Array): Promise<{ recipients: number }> {
    if (!this.#topics.includes(topic)) throw new MeshError('topic_unknown', { detail: topic })
    if (data.length > DATA_MAX_BYTES) throw new MeshError('text_too_long', { detail: `${data.length} bytes` })
    const { recipients } = await this.#running().publish(topic, data)
    return { recipients: recipients.length }
  }

  gauges(): Gauge[] {
    return [{ name: 'broadcast members', size: this.#members.size, max: CONNECTIONS_MAX }]
  }

  async #validate(carrier: PeerId, message: Message): Promise<TopicValidatorResult> {
    const { data, topic } = message
    if (this.#handler === undefined || data === undefined) return TopicValidatorResult.Ignore
    if (data.length > DATA_MAX_BYTES) return TopicValidatorResult.Reject
    const verdict = await this.#handler.broadcast(carrier.toString(), topic, plain(data))
    if (verdict === 'accept') return TopicValidatorResult.Accept
    return verdict === 'reject' ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore
  }

  #guarded(handler: StreamHandler): StreamHandler {
    return async (stream, connection) => {
      const peer = connection.remotePeer.toString()
      if (!isInstance(connection.remotePeer) || this.#handler?.hello(peer).admitted !== true) {
        this.#log.debug('broadcasts of a stranger refused', { peer })
        stream.abort(new Error('not admitted'))
        return
      }
      await handler(stream, connection)
    }
  }

  async #register(topology: Topology): Promise<string> {
    this.#topologies.add(topology)
    return `gossip-${this.#topologies.size}`
  }

  #score(peer: string): number {
    return this.#handler?.hello(peer).admitted === true ? 0 : STRANGER_SCORE
  }

  #running(): GossipSub {
    if (this.#service === undefined) throw new MeshError('internal', { detail: 'gossip before libp2p' })
    return this.#service
  }
}
