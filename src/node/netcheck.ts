import type { networkInterfaces } from 'node:os'
import type { AbortOptions, Netcheck, Reachability, RelayState } from '../mesh/ports.ts'
import { adviceOf } from './netcheck-advice.ts'
import { interfacesOf, ipv6Of } from './netcheck-interfaces.ts'
import { isRelayed, withoutPeer } from './paths.ts'

/** What the parts of the node know. What waits for the network has a bound of its own. */
export interface NetcheckComponents {
  /** Sockets that are open, circuits of relays among them. */
  listeners(): string[]
  interfaces: typeof networkInterfaces
  multicast(options: AbortOptions): Promise<Netcheck['multicast']>
  upnp(): Netcheck['upnp']
  reachability(): Reachability
  /** As AutoNAT found each. */
  addresses(): Netcheck['addresses']
  natMapping(): Netcheck['natMapping']
  /** With round trips that are measured for this. */
  relays(options: AbortOptions): Promise<RelayState[]>
}

/** Puts together what this machine and its networks allow. It is for the owner: the addresses of this machine are in it. */
export class Netcheckup {
  readonly #components: NetcheckComponents

  constructor(components: NetcheckComponents) {
    this.#components = components
  }

  /** Takes a second or two, also without any network. */
  async run(options: AbortOptions = {}): Promise<Netcheck> {
    options.signal?.throwIfAborted()
    const { listeners, multicast, upnp, reachability, addresses, natMapping, relays } = this.#components
    const [heard, relayStates] = await Promise.all([multicast(options), relays(options)])
    const interfaces = interfacesOf(this.#components.interfaces())
    const facts = {
      // A circuit is no socket of this machine; it stands among the relays.
      listeners: [...new Set(listeners())].filter(address => !isRelayed(address)).map(withoutPeer),
      interfaces,
      multicast: heard,
      upnp: upnp(),
      reachability: reachability(),
      addresses: addresses(),
      natMapping: natMapping(),
      relays: relayStates,
      ipv6: ipv6Of(interfaces)
    }
    return { ...facts, advice: adviceOf(facts) }
  }
}
