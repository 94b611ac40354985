import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { MeshError } from '../mesh/errors.ts'
import type { AbortOptions, Gauge } from '../mesh/ports.ts'
import { endConnection } from './ending.ts'
import type { Gate } from './gate.ts'
import type { Links } from './links.ts'
import { Recent } from './recent.ts'

/** Peers that speak libp2p, but not with us, are left alone for this long, and for twice as long at most: what is seen again every few seconds must not be dialled for ever. */
const FOREIGN = { forgetMs: 30 * 60 * 1000, max: 1024 }

/** Makes connections and the links on them, and puts what goes wrong into our codes. */
export class Dialler {
  readonly #libp2p: Libp2p
  readonly #gate: Gate
  readonly #foreign = new Recent(FOREIGN)
  readonly #keeps: (peer: string) => boolean

  /** @param init `keeps`: whose connections stay although there is no link: a relay need not be an instance */
  constructor(components: { libp2p: Libp2p; gate: Gate }, init: { keeps: (peer: string) => boolean }) {
    this.#libp2p = components.libp2p
    this.#gate = components.gate
    this.#keeps = init.keeps
  }

  /** @throws MeshError `dial_failed` for a peer that was found to be no instance of this mesh */
  refuseForeign(peer: string): void {
    if (this.isForeign(peer)) throw foreignError(peer)
  }

  isForeign(peer: string): boolean {
    return this.#foreign.has(peer)
  }

  /** It opened a link: it is an instance, whatever it was before. */
  foundInstance(peer: string): void {
    this.#foreign.delete(peer)
  }

  stop(): void {
    this.#foreign.clear()
  }

  /**
   * Dials those of the addresses that the gate lets through, or those that libp2p remembers where none is given. Dials of the same peer become one.
   *
   * @throws MeshError `dial_failed` for what is no peer id, and where the gate lets nothing through; else what libp2p threw
   */
  async dial(peer: string, addresses: string[], options: AbortOptions = {}): Promise<Connection> {
    const id = peerIdOf(peer)
    if (addresses.length === 0) return await this.#libp2p.dial(id, options)
    const targets = addresses.map(address => withPeer(address, peer)?.toString()).filter(target => target !== undefined)
    const permit = this.#gate.permit([...new Set(targets)])
    try {
      if (permit.addresses.length === 0) throw new MeshError('dial_failed', { peer, detail: 'no address to dial' })
      return await this.#libp2p.dial(
        permit.addresses.map(address => multiaddr(address)),
        options
      )
    } finally {
      permit.end()
    }
  }

  gauges(): Gauge[] {
    return [...this.#foreign.gauges('foreign peers'), ...this.#gate.gauges()]
  }

  /** @throws MeshError as `Links.open`; else what libp2p threw */
  async openLink(links: Links, connection: Connection, signal: AbortSignal): Promise<void> {
    try {
      await links.open(connection, { signal })
    } catch (error) {
      if (error instanceof MeshError) throw error
      const peer = connection.remotePeer.toString()
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
        this.#foreign.add(peer)
        if (!this.#keeps(peer)) void endConnection(connection)
        throw foreignError(peer, error)
      }
      // A connection that opens no stream is dead, whatever it says: the next try makes a new one.
      connection.abort(new Error('no stream could be opened', { cause: error }))
      throw error
    }
  }
}

function foreignError(peer: string, cause?: Error): MeshError {
  return new MeshError('dial_failed', { peer, detail: 'it is no instance of this mesh', ...(cause && { cause }) })
}

/** @throws MeshError `dial_failed` for what is no peer id */
export function peerIdOf(peer: string): PeerId {
  try {
    return peerIdFromString(peer)
  } catch (error) {
    throw new MeshError('dial_failed', { peer, detail: 'not a peer id', cause: error })
  }
}

/** The address with its peer id; undefined for what is no address or names somebody else. */
function withPeer(address: string, peer: string): Multiaddr | undefined {
  try {
    const target = multiaddr(address)
    const named = target.getComponents().findLast(component => component.name === 'p2p')?.value
    if (named === peer && !address.endsWith('/p2p-circuit')) return target
    return named === undefined || address.endsWith('/p2p-circuit') ? target.encapsulate(`/p2p/${peer}`) : undefined
  } catch {
    return undefined
  }
}
