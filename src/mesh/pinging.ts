import { MeshError } from './errors.ts'
import type { AbortOptions, Network } from './ports.ts'
import type { Presence } from './presence.ts'
import type { MeshHandlers, PingResult } from './requests.ts'
import { admittedTarget, type Target } from './resolve.ts'
import type { RouteTable } from './route-table.ts'
import type { Trust } from './trust.ts'

/** Round trips are told to a hundredth of a millisecond: on one machine they take a few of them. */
const HUNDREDTHS = 100

export interface PingingComponents {
  network: Network
  trust: Trust
  routes: RouteTable
  presence: Pick<Presence, 'addressesOf'>
}

/** How far away a peer is at present, and by which way. */
export class Pinging {
  readonly #components: PingingComponents
  readonly #self: { instance: string; peer: string }

  constructor(components: PingingComponents, init: { self: { instance: string; peer: string } }) {
    this.#components = components
    this.#self = init.self
  }

  handlers(): Pick<MeshHandlers, 'ping'> {
    return { ping: async ({ who }, options) => await this.ping(who, options) }
  }

  /**
   * One round trip over the connection that messages to this peer take; where there is none, it is made first.
   *
   * @throws {MeshError} `unknown_target`, `ambiguous_target`, `self_target`, `not_trusted`, `blocked`, `refused_by_peer`, `dial_failed`
   */
  async ping(who: string, options: AbortOptions = {}): Promise<PingResult> {
    const { network, trust, routes } = this.#components
    const target = admittedTarget(who, { trust, routes, self: this.#self })
    const { instanceId, peer, name } = target
    try {
      if (!this.#connected(peer)) await this.#connect(target, options)
      const { rttMs, path, address } = await network.diagnostics.ping(peer, options)
      return { instanceId, peerId: peer, name, path, rttMs: Math.round(rttMs * HUNDREDTHS) / HUNDREDTHS, address }
    } catch (error) {
      if (!(error instanceof MeshError)) throw error
      // The person named an instance, and a network knows peer ids only.
      const { retryable } = error
      throw new MeshError(error.code, { ...error.details, retryable, peer: instanceId, cause: error })
    }
  }

  async #connect({ peer }: Target, options: AbortOptions): Promise<void> {
    const { network, presence } = this.#components
    const addresses = presence.addressesOf(peer)
    try {
      await network.connect(peer, addresses, options)
    } catch (error) {
      // A peer that opens no link, as it has not admitted this instance, is not out of reach.
      if (this.#connected(peer)) return
      if (addresses.length > 0 || !(error instanceof MeshError)) throw error
      throw new MeshError('dial_failed', { retryable: true, detail: 'no address of it is known', cause: error })
    }
  }

  #connected(peer: string): boolean {
    return this.#components.network.connections().some(connection => connection.peer === peer)
  }
}
