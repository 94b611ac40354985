import type { networkInterfaces } from 'node:os'
import type { AddressSource, Gauge } from '../mesh/ports.ts'
import { withoutPeer } from './paths.ts'
import { canonicalOf, type Place, placeOf } from './reach.ts'
import { isNeighbour, isSubnetEdge, lansOf } from './subnet.ts'

/** Below it are the services of a machine; a peer that must share a port with the web uses 443. */
const PORT_MIN = 1_024
const PORT_HTTPS = 443

/** Addresses of dials that are under way: as many dials at once as libp2p has by default, with eight addresses each. */
const PERMITS_MAX = 800

export interface GateComponents {
  /** Where this node listens, as multiaddrs with or without /p2p/. */
  ownAddresses(): string[]
  interfaces: typeof networkInterfaces
}

/** Who sends us there: somebody, or the mesh with addresses that it asked about when they came in. */
type GateSource = AddressSource | 'permitted'

export interface GateInit {
  listenAddrs: string[]
  /** Addresses that stand in the settings. */
  settings: string[]
}

/**
 * The one place that decides which addresses are dialled, by where the address leads and by who says so (S-16):
 *
 * | said by | is dialled |
 * |---|---|
 * | the settings | everything but what is `never` anybody's |
 * | a ticket that the owner pasted | literal addresses, global and private |
 * | a peer's route record from within our network | literal addresses: global, and those in our own subnets |
 * | mDNS | literal addresses in our own subnets |
 * | a dial of ours, for addresses that came by one of the ways above (`permitted`) | literal addresses, global and private |
 * | anybody else: identify, discovery by others, a record from afar | literal global addresses |
 *
 * Names only from the settings: they may lead anywhere, and elsewhere tomorrow. Ports below 1024 only 443. Loopback only where we listen on nothing
 * else. Never our own sockets; the edges of our subnets only by settings, and this machine's own addresses, whatever the port, only by settings, ticket and mDNS, by
 * which two instances on one machine meet, and so by a dial of ours to what they named. What libp2p would dial by itself goes by the last row.
 */
export class Gate {
  readonly #components: GateComponents
  readonly #settings: ReadonlySet<string>
  readonly #loopback: boolean
  /** Full addresses that a dial of ours goes to at present, and how many do. At most PERMITS_MAX. */
  readonly #permits = new Map<string, number>()

  constructor(components: GateComponents, init: GateInit) {
    this.#components = components
    this.#settings = new Set(init.settings.flatMap(entry => [withoutPeer(entry), withoutPeer(relayOf(entry))]))
    this.#loopback =
      init.listenAddrs.length > 0 && init.listenAddrs.every(address => placeOf(portless(address))?.reach === 'loopback')
  }

  /** Whether this source may send us to this address. */
  allows(address: string, source: GateSource): boolean {
    const place = placeOf(address)
    if (place === undefined || place.reach === 'never' || this.#isOwn(place)) return false
    if (this.#settings.has(withoutPeer(address)) || this.#settings.has(withoutPeer(relayOf(address)))) return true
    if (place.reach === 'name' || place.port === undefined || this.#isEdge(place)) return false
    if (place.port < PORT_MIN && place.port !== PORT_HTTPS) return false
    if (place.reach === 'loopback') return this.#loopback
    if (source === 'ticket' || source === 'permitted') return true
    if (source !== 'neighbour' && this.#isThisMachine(place)) return false
    const near = (): boolean => this.#isNear(place)
    if (source === 'neighbour') return !place.relayed && near()
    return place.reach === 'global' || (source === 'record' && near())
  }

  /** Those that this source may send us to. */
  dialable(addresses: string[], source: AddressSource): string[] {
    return addresses.filter(address => this.allows(address, source))
  }

  /** Whether libp2p may go there: a dial of ours does at present, or anybody may say it. */
  passes(address: string): boolean {
    return this.#permits.has(address) || this.allows(address, 'stranger')
  }

  /**
   * The addresses, with /p2p/, that a dial of ours may go to. The mesh has asked for each when it came in; here it is looked at once more. They pass
   * until `end`.
   */
  permit(addresses: string[]): { addresses: string[]; end(): void } {
    const good = addresses
      .filter(address => this.allows(address, 'permitted'))
      .slice(0, PERMITS_MAX - this.#permits.size)
    for (const address of good) this.#permits.set(address, (this.#permits.get(address) ?? 0) + 1)
    let open = true
    const end = (): void => {
      if (!open) return
      open = false
      for (const address of good) {
        const count = (this.#permits.get(address) ?? 1) - 1
        if (count === 0) this.#permits.delete(address)
        else this.#permits.set(address, count)
      }
    }
    return { addresses: good, end }
  }

  gauges(): Gauge[] {
    return [{ name: 'gate permits', size: this.#permits.size, max: PERMITS_MAX }]
  }

  /** Of a circuit, the socket goes to the relay: what is said here of its place holds for that. */
  #isOwn({ host, port }: Place): boolean {
    return this.#components.ownAddresses().some(own => {
      const place = placeOf(own)
      return place !== undefined && !place.relayed && place.host === host && place.port === port
    })
  }

  #isThisMachine({ host }: Place): boolean {
    return Object.values(this.#components.interfaces()).some(infos =>
      infos?.some(({ address }) => canonicalOf(address) === host)
    )
  }

  #isEdge({ host }: Place): boolean {
    return isSubnetEdge(host, this.#components.interfaces())
  }

  #isNear({ host }: Place): boolean {
    const lans = lansOf(this.#components.interfaces(), { loopback: false })
    return isNeighbour(`/ip${host.includes(':') ? 6 : 4}/${host}/tcp/1`, lans)
  }
}

/** The socket of a circuit goes to its relay, so it may go where the settings let us go. */
function relayOf(address: string): string {
  const end = address.indexOf('/p2p-circuit')
  return end < 0 ? address : address.slice(0, end)
}

/** A listen address may leave the port to the system. */
function portless(address: string): string {
  return address.replace(/\/tcp\/0(?=\/|$)/, '/tcp/1')
}
