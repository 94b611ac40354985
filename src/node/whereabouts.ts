import type { networkInterfaces } from 'node:os'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Log } from '../mesh/ports.ts'
import { inOrder } from './address-order.ts'
import { echo } from './echo.ts'
import { type NetworkChange, NetworkWatch } from './network-watch.ts'
import { isRelayed, withoutPeer } from './paths.ts'
import { isPublic } from './public-addresses.ts'
import type { Relays } from './relays.ts'
import type { TransportManager } from './transport-manager.ts'

/** After a change of network a connection that is alive answers within this; the mesh is to be back within 10 s. */
const PROBE_MS = 2_000

export interface WhereaboutsComponents {
  libp2p: Libp2p
  transports: Pick<TransportManager, 'getAddrs'>
  relays: Relays
  interfaces: typeof networkInterfaces
  wallMs: () => number
  log: Log
  /** What was found out about the network does not hold any more. */
  onMoved(): void
}

export interface WhereaboutsEvents {
  /** This machine is in another network, or slept. */
  moved(): void
  /** This node is reached at other addresses than before. */
  readdressed(): void
}

/** Where this node is: its addresses, and what to do when it comes to be somewhere else. */
export class Whereabouts {
  readonly #components: WhereaboutsComponents
  readonly #announced: string[]
  readonly #interfaces: typeof networkInterfaces
  readonly #watch: NetworkWatch
  #events: WhereaboutsEvents | undefined

  constructor(components: WhereaboutsComponents, init: { announceAddrs: string[] }) {
    this.#components = components
    this.#announced = init.announceAddrs
    this.#interfaces = components.interfaces
    this.#watch = new NetworkWatch({
      interfaces: this.#interfaces,
      wallMs: components.wallMs,
      onChange: change => this.#changed(change)
    })
  }

  start(events: WhereaboutsEvents): void {
    this.#events = events
    this.#watch.start()
    this.#components.relays.start()
  }

  stop(): void {
    this.#events = undefined
    this.#watch.stop()
    this.#components.relays.stop()
  }

  /** As `Network.addresses`. */
  addresses(by?: 'everywhere'): string[] {
    const { libp2p, transports, relays } = this.#components
    const suffix = `/p2p/${libp2p.peerId}`
    const said = libp2p.getMultiaddrs().map(address => address.toString())
    // libp2p says a public address of this very machine only when somebody has proved it. Until then nobody could be told of it to do so.
    const own = transports
      .getAddrs()
      .map(address => address.toString())
      .filter(isPublic)
    const relayed = relays.addresses()
    const full = [...said, ...[...own, ...relayed].map(address => `${address}${suffix}`)]
    const all = inOrder([...new Set(full)], { announced: this.#announced, interfaces: this.#interfaces() })
    return by === undefined ? all : all.filter(isPublic)
  }

  /** Those that mean the same everywhere and lead straight here, without peer id. */
  ownPublic(): string[] {
    return this.addresses('everywhere')
      .filter(address => !isRelayed(address))
      .map(withoutPeer)
  }

  /** A relay, a router or others say that this node is reached elsewhere: peers are to be told. */
  addressesChanged(): void {
    this.#events?.readdressed()
  }

  #changed(change: NetworkChange): void {
    const { libp2p, relays, log, onMoved } = this.#components
    log.info(change === 'woke' ? 'this machine slept' : 'this machine has other addresses')
    onMoved()
    relays.retry()
    this.#events?.moved()
    void Promise.all(libp2p.getConnections().map(connection => this.#outlives(connection))).then(alive => {
      // Whoever was thought to be connected when the others were dialled has its turn now.
      if (alive.includes(false)) this.#events?.moved()
    })
  }

  /** Ends a connection that is dead. Never rejects. */
  async #outlives(connection: Connection): Promise<boolean> {
    try {
      await echo(connection, { timeoutMs: PROBE_MS })
      return true
    } catch (error) {
      // Who says that it knows no ping is alive.
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') return true
      this.#components.log.debug('a connection did not outlive the change', { peer: connection.remotePeer.toString() })
      connection.abort(error instanceof Error ? error : new Error('no answer after a change of network'))
      return false
    }
  }
}
