import type { BootstrapComponents } from '@libp2p/bootstrap'
import type { PeerDiscovery, PeerInfo } from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import type { AbortOptions, Gauge, Log, Netcheck } from '../mesh/ports.ts'
import type { Gate } from './gate.ts'
import type { Issues } from './issues.ts'
import { Mdns } from './mdns.ts'
import { type MdnsTrouble, sentenceOf } from './mdns-trouble.ts'
import { probeMulticast } from './multicast-probe.ts'
import { isLoopback } from './paths.ts'
import type { ListedPeer } from './peer-list.ts'
import { MDNS_SERVICE_TAG } from './protocols.ts'

const MDNS_ISSUE = 'mdns'

export interface DiscoveryInit {
  mode: 'mdns' | 'bootstrap' | 'dht'
  bootstrap: ListedPeer[]
  listenAddrs: string[]
  serviceTag?: string
}

export type DiscoveryModule = (components: MulticastDNSComponents & BootstrapComponents) => PeerDiscovery

/**
 * Who is out there: mDNS on the own network, and the bootstrap list in every mode. Says each sighting; dials nobody.
 */
export class Discovery {
  readonly #log: Log
  readonly #issues: Issues
  readonly #gate: Gate
  readonly #init: DiscoveryInit
  #onSeen: ((peer: string, addresses: string[]) => void) | undefined
  #mdns: Mdns | undefined

  constructor(components: { log: Log; issues: Issues; gate: Gate }, init: DiscoveryInit) {
    this.#log = components.log
    this.#issues = components.issues
    this.#gate = components.gate
    this.#init = init
  }

  /** Modules for libp2p; those that the settings do not ask for are not even loaded. */
  async modules(): Promise<DiscoveryModule[]> {
    const modules: DiscoveryModule[] = []
    if (this.#init.mode === 'mdns') modules.push(await this.#mdnsModule())
    if (this.#init.bootstrap.length > 0) modules.push(await this.#bootstrapModule())
    return modules
  }

  start(onSeen: (peer: string, addresses: string[]) => void): void {
    this.#onSeen = onSeen
  }

  /**
   * Asks the network, once the node listens: a query of another node that comes before there is an address to say stays without an answer. Never
   * rejects: no trouble of multicast may end the node.
   */
  async announce(): Promise<void> {
    await this.#mdns?.start()
  }

  /** Whether a question of ours is heard where this node asks by mDNS. */
  async multicast(options: AbortOptions = {}): Promise<Netcheck['multicast']> {
    if (this.#init.mode !== 'mdns') return { state: 'off', detail: `mDNS is off: discovery is "${this.#init.mode}".` }
    return await probeMulticast(this.#mdnsInit(), options)
  }

  gauges(): Gauge[] {
    return this.#mdns?.gauges() ?? []
  }

  stop(): void {
    this.#mdns?.stop()
    this.#onSeen = undefined
  }

  async #mdnsModule(): Promise<DiscoveryModule> {
    this.#mdns = new Mdns(
      {
        log: this.#log,
        events: {
          seen: (peer, addresses) => this.#seen(peer, this.#gate.dialable(addresses, 'neighbour')),
          trouble: trouble => this.#trouble(trouble)
        }
      },
      this.#mdnsInit()
    )
    return await this.#mdns.module()
  }

  #mdnsInit(): { serviceTag: string; loopback: boolean } {
    return {
      serviceTag: this.#init.serviceTag ?? MDNS_SERVICE_TAG,
      // A program that listens on loopback alone may meet others of its kind there; for all others a loopback address is a wrong number.
      loopback: this.#init.listenAddrs.every(isLoopback)
    }
  }

  async #bootstrapModule(): Promise<DiscoveryModule> {
    const { bootstrap } = await import('@libp2p/bootstrap')
    const list = this.#init.bootstrap.flatMap(target => target.addresses)
    return ({ peerStore, logger, connectionManager: real }) => {
      // Dialling is ours, with the retries that this module does not have.
      const connectionManager = Object.create(real, { openConnection: { value: async () => undefined } })
      const module = bootstrap({ list, timeout: 0 })({ peerStore, logger, connectionManager })
      module.addEventListener('peer', event => this.#bootstrapSeen(event.detail))
      return module
    }
  }

  #bootstrapSeen({ id, multiaddrs }: PeerInfo): void {
    const peer = id.toString()
    const addresses = multiaddrs
      .map(address => address.toString())
      .map(address => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`))
    // They stand in the settings, or came from libp2p's resolver, for which anybody can speak.
    this.#seen(peer, this.#gate.dialable(addresses, 'stranger'))
  }

  #seen(peer: string, addresses: string[]): void {
    if (addresses.length > 0) this.#onSeen?.(peer, addresses)
  }

  #trouble(trouble: MdnsTrouble | undefined): void {
    if (trouble === undefined) {
      if (this.#issues.clear(MDNS_ISSUE)) this.#log.info('mdns works')
      return
    }
    if (this.#issues.report(MDNS_ISSUE, sentenceOf(trouble))) this.#log.warn('mdns does not work', { ...trouble })
  }
}
