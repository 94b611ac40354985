import type { Connection } from '@libp2p/interface'
import type { Gauge } from '../mesh/ports.ts'
import { endConnection } from './ending.ts'
import { isRelayed, relayOf } from './paths.ts'
import { RelayHealth } from './relay-health.ts'

/** Circuits that are being dialled: more than all dials of the mesh at once, each with some relays. */
const PENDING_MAX = 256

export interface CarriersComponents {
  /** All that are open. */
  connections(): Connection[]
  /** Whose connections stay in any case: the settings name it, or it has a link. */
  keeps(peer: string): boolean
}

/** The relays of others that this node goes through at present. They are connected as long as they carry something, and are nobody's peers for that. */
export class Carriers {
  readonly health = new RelayHealth()
  readonly #components: CarriersComponents
  /** Dials under way, by relay. */
  readonly #pending = new Map<string, number>()

  constructor(components: CarriersComponents) {
    this.#components = components
  }

  /** A dial through the relay of this circuit address begins. The result is to be called at its end. */
  begin(address: string): () => void {
    const relay = relayOf(address)
    if (relay === undefined || this.#pending.size >= PENDING_MAX) return () => undefined
    this.#pending.set(relay, (this.#pending.get(relay) ?? 0) + 1)
    return () => {
      const left = (this.#pending.get(relay) ?? 1) - 1
      if (left > 0) this.#pending.set(relay, left)
      else this.#pending.delete(relay)
      this.#release(address)
    }
  }

  carries(peer: string): boolean {
    const { connections } = this.#components
    return this.#pending.has(peer) || connections().some(({ remoteAddr }) => relayOf(`${remoteAddr}`) === peer)
  }

  /** A connection ended, and with it what its relay did for it. */
  closed({ remoteAddr, status }: Connection): void {
    const address = remoteAddr.toString()
    if (!isRelayed(address)) return
    this.health[status === 'aborted' ? 'failed' : 'served'](address)
    this.#release(address)
  }

  gauges(): Gauge[] {
    return [{ name: 'circuits being dialled', size: this.#pending.size, max: PENDING_MAX }, ...this.health.gauges()]
  }

  /** A relay goes with the last connection that it carried. */
  #release(address: string): void {
    const relay = relayOf(address)
    if (relay === undefined || this.carries(relay) || this.#components.keeps(relay)) return
    for (const connection of this.#components.connections())
      if (connection.remotePeer.toString() === relay && connection.direction === 'outbound')
        void endConnection(connection)
  }
}
