import type { AutoNATv2Components } from '@libp2p/autonat-v2'
import type { Connection, PeerId, Topology } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Gauge, Log, Netcheck } from '../mesh/ports.ts'
import { ANSWER_MS, boundedQuestions } from './autonat-questions.ts'
import { AutoNatRequests } from './autonat-requests.ts'
import { failedAddresses, forgetFailures } from './autonat-results.ts'
import { isRelayed } from './paths.ts'
import { placeOf } from './reach.ts'

/** What asks, as libp2p names it; the answer comes on another one. */
const QUESTION = '/dial-request'

/** A new connection gets its link first: the peer dials back, and must not take that connection for the one to keep. */
const ASK_AFTER_MS = 3_000

/** How often those who are connected are asked again, and how many of them. */
const ASK_AGAIN_MS = 5 * 60_000
const ASK_MAX = 8

/** Rounds of asking: after these a verdict of success is asked about again, and after an hour without a new one it is over. */
const RENEW_ROUNDS = 6
const REACHED_ROUNDS = 12

/** Peers that can be asked, and addresses with a verdict; the oldest are dropped when there are too many. */
const PEERS_MAX = 64
const ADDRESSES_MAX = 32

export interface AutoNatInit {
  /** Whether it is to run at all. */
  on: boolean
  askAfterMs?: number
  askAgainMs?: number
}

export interface AutoNatComponents {
  log: Log
  /** Peers that the owner let in. */
  carries: (peer: string) => boolean
  /** A verdict changed. */
  onChange: () => void
}

/**
 * Has others dial this node, to know which of its addresses work, and dials others for the same reason (AutoNAT v2). The first version is not spoken: it
 * closes connections that are in use.
 */
export class AutoNat {
  readonly #components: AutoNatComponents
  readonly #init: AutoNatInit
  readonly #requests: AutoNatRequests
  /** Peers that speak it, the latest last. */
  readonly #able = new Map<string, PeerId>()
  /** With the rounds since. */
  readonly #reached = new Map<string, number>()
  /** As of the last question: they stay what they are until there is an answer to the next one. */
  #failed = new Set<string>()
  #askOne: ((peer: PeerId, connection: Connection) => void) | undefined
  #connections: AutoNATv2Components['connectionManager'] | undefined
  #service: unknown
  readonly #timers = new Set<NodeJS.Timeout>()
  #again: NodeJS.Timeout | undefined

  constructor(components: AutoNatComponents, init: AutoNatInit) {
    this.#components = components
    this.#init = init
    this.#requests = new AutoNatRequests(components)
  }

  /** The libp2p services for it: none where it is off. */
  async services(): Promise<{ autoNat?: (parts: AutoNATv2Components) => unknown; autoNatTimes?: () => unknown }> {
    if (!this.#init.on) return {}
    const { autoNATv2 } = await import('@libp2p/autonat-v2')
    const autoNat = ({
      registrar,
      addressManager,
      connectionManager,
      logger,
      randomWalk,
      peerStore
    }: AutoNATv2Components) => {
      this.#connections = connectionManager
      this.#service = autoNATv2({ timeout: ANSWER_MS })({
        registrar: this.#watched(registrar),
        addressManager: this.#heard(addressManager),
        connectionManager: this.#requests.guarded(connectionManager),
        logger,
        randomWalk,
        peerStore
      })
      return this.#service
    }
    return { autoNat, autoNatTimes: () => ({ start: () => this.#start(), stop: () => this.#stop() }) }
  }

  #start(): void {
    this.#again = setInterval(() => this.#nextRound(), this.#init.askAgainMs ?? ASK_AGAIN_MS).unref()
  }

  #stop(): void {
    clearInterval(this.#again)
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#requests.clear()
  }

  /** Asks some of those who are connected, about what is not known or did not work. */
  ask(): void {
    if (this.#service === undefined) return
    this.#failed = new Set([...this.#failures()].slice(-ADDRESSES_MAX))
    forgetFailures(this.#service)
    let asked = 0
    for (const [peer, id] of [...this.#able].reverse()) {
      const connection = this.#connections?.getConnections(id).find(each => this.#mayAsk(each))
      if (connection === undefined) this.#able.delete(peer)
      else if (asked++ < ASK_MAX) this.#askOne?.(id, connection)
    }
  }

  /** This machine is in another network: nothing that others found still counts. */
  forget(): void {
    if (this.#service === undefined) return
    forgetFailures(this.#service)
    const news = this.#reached.size + this.#failed.size > 0
    this.#reached.clear()
    this.#failed.clear()
    this.ask()
    if (news) this.#components.onChange()
  }

  /** What was found for each of these addresses, without peer id. */
  verdicts(addresses: readonly string[]): Netcheck['addresses'] {
    const failed = this.#failures()
    return addresses.map(address => {
      if (failed.has(address)) return { address, verdict: 'unreachable' }
      return { address, verdict: this.#reached.has(address) ? 'reachable' : 'unknown' }
    })
  }

  #nextRound(): void {
    let news = false
    for (const [address, rounds] of this.#reached) {
      if (rounds + 1 < REACHED_ROUNDS) this.#reached.set(address, rounds + 1)
      else news = this.#reached.delete(address)
    }
    this.ask()
    if (news) this.#components.onChange()
  }

  gauges(): Gauge[] {
    return [
      { name: 'peers that can dial back', size: this.#able.size, max: PEERS_MAX },
      { name: 'questions about addresses', size: this.#timers.size, max: PEERS_MAX },
      { name: 'reached addresses', size: this.#reached.size, max: ADDRESSES_MAX },
      { name: 'addresses nobody reaches', size: this.#failed.size, max: ADDRESSES_MAX },
      ...this.#requests.gauges()
    ]
  }

  /** The registrar, as AutoNAT sees it: its questions and those of others pass by here. */
  #watched(all: AutoNATv2Components['registrar']): AutoNATv2Components['registrar'] {
    const register: typeof all.register = async (protocol, topology, options) => {
      const { onConnect } = topology
      this.#askOne = (peer, connection) => onConnect?.(peer, boundedQuestions(connection))
      const mine: Topology = { ...topology, onConnect: (peer, connection) => this.#met(peer, connection) }
      return await all.register(protocol, mine, options)
    }
    const handle: typeof all.handle = async (protocol, handler, options) => {
      const asks = typeof protocol === 'string' && protocol.endsWith(QUESTION)
      await all.handle(protocol, asks ? this.#requests.bounded(handler) : handler, options)
    }
    return Object.create(all, { register: { value: register }, handle: { value: handle } })
  }

  /** The address manager, as AutoNAT sees it: what it says about an address is kept here too. */
  #heard(all: AutoNATv2Components['addressManager']): AutoNATv2Components['addressManager'] {
    const settle = (address: Multiaddr, reached: boolean): void => {
      const name = address.toString()
      const [into, outOf] = reached ? [this.#reached, this.#failed] : [this.#failed, this.#reached]
      const news = !into.has(name) || outOf.has(name)
      outOf.delete(name)
      into.delete(name)
      if (reached) this.#reached.set(name, 0)
      else this.#failed.add(name)
      const [oldest] = into.keys()
      if (into.size > ADDRESSES_MAX && oldest !== undefined) into.delete(oldest)
      if (!news) return
      this.#components.log.info(reached ? 'another node reached an address' : 'nobody reaches an address', {
        address: name
      })
      this.#components.onChange()
    }
    const isAnnounced = (address: Multiaddr): boolean =>
      all.getAddressesWithMetadata().some(each => each.type === 'announce' && each.multiaddr.equals(address))
    return Object.create(all, {
      getAddressesWithMetadata: {
        // What the settings announce counts as proved. Whether it is true is worth a question all the same.
        value: () =>
          all
            .getAddressesWithMetadata()
            .map(each =>
              each.type === 'announce' && !this.#isFresh(each.multiaddr.toString()) ? { ...each, expires: 0 } : each
            )
      },
      confirmObservedAddr: {
        value: (address: Multiaddr, options?: Parameters<typeof all.confirmObservedAddr>[1]) => {
          if (!isAnnounced(address)) all.confirmObservedAddr(address, options)
          settle(address, true)
        }
      },
      removeObservedAddr: {
        value: (address: Multiaddr) => {
          if (!isAnnounced(address)) all.removeObservedAddr(address)
          settle(address, false)
        }
      }
    })
  }

  #isFresh(address: string): boolean {
    return (this.#reached.get(address) ?? RENEW_ROUNDS) < RENEW_ROUNDS
  }

  #failures(): Set<string> {
    return new Set([...this.#failed, ...(this.#service === undefined ? [] : failedAddresses(this.#service))])
  }

  #met(peer: PeerId, connection: Connection): void {
    if (!this.#mayAsk(connection) || this.#timers.size >= PEERS_MAX) return
    const ask = (): void => {
      this.#timers.delete(timer)
      if (connection.status !== 'open') return
      const name = peer.toString()
      this.#able.delete(name)
      this.#able.set(name, peer)
      const [oldest] = this.#able.keys()
      if (this.#able.size > PEERS_MAX && oldest !== undefined) this.#able.delete(oldest)
      this.#askOne?.(peer, connection)
    }
    const timer = setTimeout(ask, this.#init.askAfterMs ?? ASK_AFTER_MS).unref()
    this.#timers.add(timer)
  }

  /**
   * Whether this peer's word counts: it is elsewhere on the internet, so it comes by the way that others would come, and we dialled it or the owner let it
   * in. Strangers that come by themselves could say anything.
   */
  #mayAsk({ remotePeer, remoteAddr, direction, status }: Connection): boolean {
    const address = remoteAddr.toString()
    if (status !== 'open' || isRelayed(address)) return false
    if (placeOf(address)?.reach !== 'global') return false
    return direction === 'outbound' || this.#components.carries(remotePeer.toString())
  }
}
