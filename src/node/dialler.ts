import { setTimeout } from 'node:timers/promises'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { MeshError } from '../mesh/errors.ts'
import type { AbortOptions, Gauge } from '../mesh/ports.ts'
import type { Carriers } from './carriers.ts'
import { withDeadline } from './deadline.ts'
import { endConnection } from './ending.ts'
import { type Attempt, firstOf } from './first-of.ts'
import type { Gate } from './gate.ts'
import type { Links } from './links.ts'
import { isRelayed } from './paths.ts'
import { Recent } from './recent.ts'
import type { TransportManager } from './transport-manager.ts'

/** The head start of each way over the next one: a straight connection in the own network or country is made within it. */
const STAGGER_MS = 300

/** What a straight dial may take after a relay was faster: the handshakes of a few addresses that do not answer. */
const STRAIGHT_MS = 15_000

/** Until a relay that knows nothing of a peer is asked again, while a straight dial goes on: after a restart of both it knows in a moment. */
const RELAY_AGAIN_MS = 500

/** A straight way that is any good is there within this; what is learnt meanwhile has to wait for it. */
const BESIDE_MS = 5_000

/** Two handshakes through two machines, and the relay's connection before that. */
const RELAYED_MS = 10_000

/** Dial, handshake and both hellos. libp2p gives a dial 10 s, a hello has 5 s. */
export const CONNECT_MS = 15_000

/** Peers that speak libp2p, but not with us, are left alone for this long, and for twice as long at most: what is seen again every few seconds must not be dialled for ever. */
const FOREIGN = { forgetMs: 30 * 60 * 1000, max: 1024 }

/** Makes connections and the links on them, and puts what goes wrong into our codes. */
export class Dialler {
  readonly #libp2p: Libp2p
  readonly #gate: Gate
  readonly #foreign = new Recent(FOREIGN)
  readonly #keeps: (peer: string) => boolean
  readonly #transports: Pick<TransportManager, 'dial'>
  readonly #carriers: Carriers

  /** @param init `keeps`: whose connections stay although there is no link: a relay need not be an instance */
  constructor(
    components: {
      libp2p: Libp2p
      transports: Pick<TransportManager, 'dial'>
      gate: Gate
      carriers: Carriers
    },
    init: { keeps: (peer: string) => boolean }
  ) {
    this.#libp2p = components.libp2p
    this.#transports = components.transports
    this.#gate = components.gate
    this.#carriers = components.carriers
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
   * Dials those of the addresses that the gate lets through, or those that libp2p remembers where none is given. The straight ones first;
   * where they take their time, relays are tried beside them, and again for as long as a straight dial goes on.
   *
   * @throws MeshError `dial_failed` for what is no peer id, and where the gate lets nothing through; else what libp2p threw
   */
  async dial(peer: string, addresses: string[], options: AbortOptions = {}): Promise<Connection> {
    const id = peerIdOf(peer)
    if (addresses.length === 0) return await this.#libp2p.dial(id, options)
    const permit = this.#permit(peer, addresses)
    const straight = permit.addresses.filter(address => !isRelayed(address))
    const relayed = this.#carriers.health.inOrder(permit.addresses.filter(isRelayed))
    let goesOn = straight.length > 0
    const attempts = relayed.map(
      (address): Attempt<Connection> =>
        signal =>
          this.#askRelay(address, { again: () => goesOn, signal })
    )
    if (straight.length > 0)
      attempts.unshift(() =>
        this.#dialStraight(straight, options).finally(() => {
          goesOn = false
        })
      )
    try {
      if (attempts.length === 0) throw new MeshError('dial_failed', { peer, detail: 'no address to dial' })
      return await firstOf(attempts, { staggerMs: STAGGER_MS, ...options })
    } finally {
      permit.end()
    }
  }

  /**
   * A straight connection beside one through a relay. Past libp2p's queue, which gives back the connection that there is.
   *
   * @throws MeshError `dial_failed`
   */
  async dialBeside(peer: string, addresses: string[], options: AbortOptions = {}): Promise<Connection> {
    return await this.limited(peer, options, async signal => {
      const permit = this.#permit(
        peer,
        addresses.filter(address => !isRelayed(address))
      )
      // TCP ties a socket to the signal of its dial for as long as it lives: each has its own, which is silent once it is made.
      const attempts = permit.addresses.map(
        (address): Attempt<Connection> =>
          ends => {
            const dial = (end: AbortSignal): Promise<Connection> =>
              this.#transports.dial(multiaddr(address), { signal: end })
            return withDeadline(BESIDE_MS, dial, { signal: ends })
          }
      )
      try {
        if (attempts.length === 0) throw new MeshError('dial_failed', { peer, detail: 'no address to dial' })
        return await firstOf(attempts, { staggerMs: STAGGER_MS, signal })
      } finally {
        permit.end()
      }
    })
  }

  /** Goes on where a relay was faster: the link moves to the straight connection when there is one. Ends with its caller where nothing was. */
  async #dialStraight(addresses: string[], options: AbortOptions): Promise<Connection> {
    // The caller may go on, and its permit with it.
    const permit = this.#gate.permit(addresses)
    try {
      return await withDeadline(
        STRAIGHT_MS,
        signal =>
          this.#libp2p.dial(
            permit.addresses.map(address => multiaddr(address)),
            { signal }
          ),
        options
      )
    } finally {
      permit.end()
    }
  }

  #permit(peer: string, addresses: string[]): ReturnType<Gate['permit']> {
    const targets = addresses.map(address => withPeer(address, peer)?.toString()).filter(target => target !== undefined)
    return this.#gate.permit([...new Set(targets)])
  }

  /** An address that swallows everything takes long to fail: what a relay can do a moment later must not wait for that. */
  async #askRelay(address: string, init: { again: () => boolean; signal: AbortSignal }): Promise<Connection> {
    for (;;) {
      try {
        return await this.#dialRelayed(address, init.signal)
      } catch (error) {
        if (!init.again() || init.signal.aborted) throw error
      }
      await setTimeout(RELAY_AGAIN_MS, undefined, init)
    }
  }

  /** Past libp2p's queue, which makes all dials of a peer one, and would try the relay when everything else has failed. */
  async #dialRelayed(address: string, signal: AbortSignal): Promise<Connection> {
    const relay = address.slice(0, address.indexOf('/p2p-circuit'))
    const permit = this.#gate.permit([relay, address])
    const end = this.#carriers.begin(address)
    try {
      return await withDeadline(
        RELAYED_MS,
        deadline => this.#transports.dial(multiaddr(address), { signal: deadline }),
        {
          signal
        }
      )
    } catch (error) {
      // That its peer is away is not the relay's fault.
      if (!signal.aborted && !isAbsence(error)) this.#carriers.health.failed(address)
      throw error
    } finally {
      permit.end()
      end()
    }
  }

  /** Runs what dials under its time limit; libp2p's errors become ours. */
  async limited<T>(peer: string, options: AbortOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(CONNECT_MS, work, options)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (error instanceof MeshError) throw error
      throw new MeshError('dial_failed', { peer, retryable: true, cause: error })
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
        if (!this.#keeps(peer) && !this.#carriers.carries(peer)) void endConnection(connection)
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

function isAbsence(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NO_RESERVATION')
}
