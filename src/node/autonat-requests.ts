import { AsyncLocalStorage } from 'node:async_hooks'
import type { AutoNATv2Components } from '@libp2p/autonat-v2'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Gauge } from '../mesh/ports.ts'
import { isRelayed } from './paths.ts'
import { placeOf } from './reach.ts'

/** Dials for others in a minute: of one peer, which asks when its addresses change, of all strangers, and of all whom the owner let in. */
const PER_PEER_MAX = 8
const STRANGERS_MAX = 30
const ADMITTED_MAX = 30
const MINUTE_MS = 60_000

/** An honest peer has one public address of each family, and a second port for WebSockets. */
const PER_REQUEST_MAX = 4

type ConnectionManager = AutoNATv2Components['connectionManager']

/** What one question may still cost. */
interface Request {
  peer: string
  /** From where it came. */
  host: string | undefined
  /** Addresses that may still be dialled for it. */
  left: number
}

/**
 * What others may have this node dial. libp2p's server dials every address that anybody names, as many as fit into a message, also elsewhere. Here a stranger
 * has itself dialled and nobody else, whom the owner let in any public address of its own, and everybody a few times a minute.
 */
export class AutoNatRequests {
  readonly #carries: (peer: string) => boolean
  readonly #current = new AsyncLocalStorage<Request>()
  /** Dials of this minute by peer. At most STRANGERS_MAX and ADMITTED_MAX, as each has caused one. */
  readonly #dials = new Map<string, number>()
  #strangers = 0
  #admitted = 0
  #minute: NodeJS.Timeout | undefined

  constructor(components: { carries: (peer: string) => boolean }) {
    this.#carries = components.carries
  }

  /** The handler of questions, bounded. */
  bounded(handler: StreamHandler): StreamHandler {
    return async (stream: Stream, connection: Connection) => {
      const address = connection.remoteAddr.toString()
      const peer = connection.remotePeer.toString()
      if (isRelayed(address)) {
        // The relay would be dialled, not the peer.
        stream.abort(new Error('no dials for peers behind a relay'))
        return
      }
      const request = { peer, host: placeOf(address)?.host, left: PER_REQUEST_MAX }
      await this.#current.run(request, async () => await handler(stream, connection))
    }
  }

  /** The connection manager, as the server of AutoNAT sees it: it asks here before each dial. */
  guarded(all: ConnectionManager): ConnectionManager {
    return Object.create(all, {
      isDialable: {
        value: async (address: Multiaddr, options?: object) =>
          this.#permits(address) && (await all.isDialable(address, options))
      },
      openConnection: { value: all.openConnection.bind(all) },
      getConnections: { value: all.getConnections.bind(all) },
      getMaxConnections: { value: all.getMaxConnections.bind(all) }
    })
  }

  clear(): void {
    clearTimeout(this.#minute)
    this.#minute = undefined
    this.#dials.clear()
    this.#strangers = 0
    this.#admitted = 0
  }

  gauges(): Gauge[] {
    return [{ name: 'peers that were dialled back', size: this.#dials.size, max: STRANGERS_MAX + ADMITTED_MAX }]
  }

  /** Outside of a question nobody else decides what is dialled. */
  #permits(address: Multiaddr): boolean {
    const request = this.#current.getStore()
    if (request === undefined) return true
    const place = placeOf(address.toString())
    if (place?.reach !== 'global' || place.relayed) return false
    const admitted = this.#carries(request.peer)
    if (place.host !== request.host && !admitted) return false
    const own = this.#dials.get(request.peer) ?? 0
    if (request.left === 0 || own >= PER_PEER_MAX) return false
    if (admitted ? this.#admitted >= ADMITTED_MAX : this.#strangers >= STRANGERS_MAX) return false
    request.left--
    this.#dials.set(request.peer, own + 1)
    if (admitted) this.#admitted++
    else this.#strangers++
    this.#minute ??= setTimeout(() => this.clear(), MINUTE_MS).unref()
    return true
  }
}
