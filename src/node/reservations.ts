import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import {
  type Connection,
  type PeerId,
  type Stream,
  type StreamHandler,
  serviceDependencies,
  type Transport
} from '@libp2p/interface'

/** A slot at a relay, as the transport of libp2p keeps it. */
interface Slot {
  relay: PeerId
}

/** What is used of the transport's own store of reservations: it asks, renews before the end, and says when one is gone. */
interface SlotStore {
  addRelay(relay: PeerId, type: 'configured'): Promise<Slot>
  /** Peers that were no relay once, and are not asked again. */
  relayFilter: { remove?(id: Uint8Array): boolean }
  hasReservation(relay: PeerId): boolean
  addEventListener(type: 'relay:removed', listener: (event: CustomEvent<Slot>) => void): void
}

/**
 * The circuit relay transport, and the reservations that this node holds through it.
 *
 * libp2p would reserve by listening on `<relay>/p2p-circuit`, which it does once: a listener is never renewed after its relay restarted
 * (js-libp2p issue 3601), and every try leaves another one behind. So nothing listens here. The transport's store is asked for a slot as often as need
 * be, and accepts circuits while there is one.
 */
export class Reservations {
  readonly #isRelay: (peer: string) => boolean
  #store: SlotStore | undefined
  #onLost: ((peer: string) => void) | undefined

  /** @param components `isRelay`: whether the settings name this peer as a relay */
  constructor(components: { isRelay: (peer: string) => boolean }) {
    this.#isRelay = components.isRelay
  }

  /** Builds the transport with libp2p's own maker. */
  transport(
    make: (components: CircuitRelayTransportComponents) => Transport,
    components: CircuitRelayTransportComponents
  ): Transport {
    const { peerId, peerStore, connectionManager, transportManager, addressManager } = components
    const { upgrader, connectionGater, events, logger, randomWalk, registrar: all } = components
    const registrar: typeof all = Object.create(all, {
      handle: {
        value: (protocol: string, handler: StreamHandler, options: object) =>
          all.handle(protocol, this.#guarded(handler), options)
      }
    })
    const transport = make({
      ...{ peerId, peerStore, connectionManager, transportManager, addressManager },
      ...{ upgrader, connectionGater, events, logger, randomWalk, registrar }
    })
    // It asks for identify to look for relays by itself, which it never does here.
    Object.defineProperty(transport, serviceDependencies, { value: [] })
    this.#store = (transport as Transport & { reservationStore: SlotStore }).reservationStore
    this.#store.addEventListener('relay:removed', event => this.#onLost?.(event.detail.relay.toString()))
    return transport
  }

  /** A reservation ended without our asking for it. */
  onLost(listener: (peer: string) => void): void {
    this.#onLost = listener
  }

  /** Asks for a slot over the connection that there is. @throws what libp2p threw: refused, no relay, no answer in 5 s */
  async reserve(relay: PeerId): Promise<void> {
    const store = this.#running()
    // What was no relay yesterday may be one today: its owner was told so, and has switched it on.
    store.relayFilter.remove?.(relay.toMultihash().bytes)
    await store.addRelay(relay, 'configured')
  }

  has(relay: PeerId): boolean {
    return this.#store?.hasReservation(relay) === true
  }

  /** Circuits come from our relays only: for anybody else the transport would go and reserve a slot there first, as often as he likes. */
  #guarded(handler: StreamHandler): StreamHandler {
    return (stream: Stream, connection: Connection) => {
      const peer = connection.remotePeer
      if (this.#isRelay(peer.toString()) && this.has(peer)) return handler(stream, connection)
      stream.abort(new Error('no relay of ours'))
    }
  }

  #running(): SlotStore {
    if (this.#store === undefined) throw new Error('there is no relay transport')
    return this.#store
  }
}
