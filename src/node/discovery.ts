import type { EventEmitter } from 'node:events'
import type { BootstrapComponents } from '@libp2p/bootstrap'
import type { PeerDiscovery, PeerInfo, Startable } from '@libp2p/interface'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import type { Log } from '../mesh/ports.ts'
import type { BootstrapPeer } from './bootstrap.ts'
import type { Issues } from './issues.ts'
import { multicastTrouble } from './multicast.ts'
import { isLoopback } from './paths.ts'
import { MDNS_SERVICE_TAG } from './protocols.ts'

/** How often the network is asked again whether it can do multicast. */
const PROBE_MS = 30_000

/** Addresses of one sighting that are passed on. */
const ADDRESSES_MAX = 8

const MDNS_ISSUE = 'mdns'

export interface DiscoveryInit {
  mode: 'mdns' | 'bootstrap' | 'dht'
  bootstrap: BootstrapPeer[]
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
  readonly #init: DiscoveryInit
  #onSeen: ((peer: string, addresses: string[]) => void) | undefined
  #startMdns: (() => Promise<void>) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(components: { log: Log; issues: Issues }, init: DiscoveryInit) {
    this.#log = components.log
    this.#issues = components.issues
    this.#init = init
  }

  /** Modules for libp2p; those that the settings do not ask for are not even loaded. */
  async modules(): Promise<DiscoveryModule[]> {
    const modules: DiscoveryModule[] = []
    if (this.#init.mode === 'mdns') modules.push(await this.#mdns())
    if (this.#init.bootstrap.length > 0) modules.push(await this.#bootstrap())
    return modules
  }

  start(onSeen: (peer: string, addresses: string[]) => void): void {
    this.#onSeen = onSeen
  }

  /**
   * Asks the network, once the node listens: a query of another node that comes before there is an address to say stays without an answer,
   * and two nodes started at once would then miss each other until the next one, ten seconds later.
   */
  async announce(): Promise<void> {
    if (this.#startMdns === undefined) return
    await this.#startMdns()
    void this.#probe()
    this.#timer = setInterval(() => void this.#probe(), PROBE_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#onSeen = undefined
  }

  async #mdns(): Promise<DiscoveryModule> {
    const { mdns } = await import('@libp2p/mdns')
    // A program that listens on loopback alone may meet others of its kind there; for all others a loopback address is a wrong number.
    const loopback = this.#init.listenAddrs.every(isLoopback)
    return components => {
      const module = mdns({ serviceTag: this.#init.serviceTag ?? MDNS_SERVICE_TAG })(components)
      module.addEventListener('peer', event => this.#seen(event.detail, loopback))
      return this.#contained(module)
    }
  }

  async #bootstrap(): Promise<DiscoveryModule> {
    const { bootstrap } = await import('@libp2p/bootstrap')
    const list = this.#init.bootstrap.flatMap(target => target.addresses)
    return ({ peerStore, logger, connectionManager: real }) => {
      // Dialling is ours, with the retries that this module does not have.
      const connectionManager = Object.create(real, { openConnection: { value: async () => undefined } })
      const module = bootstrap({ list, timeout: 0 })({ peerStore, logger, connectionManager })
      module.addEventListener('peer', event => this.#seen(event.detail, true))
      return module
    }
  }

  /** No trouble of multicast may end the node: a start that throws and a socket that breaks are issues. */
  #contained(module: PeerDiscovery): PeerDiscovery {
    const service = module as PeerDiscovery & Startable & { mdns?: EventEmitter }
    const start = service.start.bind(service)
    service.start = () => undefined
    this.#startMdns = async () => {
      try {
        await start()
        service.mdns?.on('error', error => this.#trouble(codeOf(error)))
        service.mdns?.on('warning', error => this.#log.debug('mdns warning', { reason: codeOf(error) }))
      } catch (error) {
        this.#trouble(codeOf(error))
      }
    }
    return service
  }

  async #probe(): Promise<void> {
    const trouble = await multicastTrouble().catch(codeOf)
    if (trouble !== undefined) this.#trouble(trouble)
    else if (this.#issues.clear(MDNS_ISSUE)) this.#log.info('multicast works again')
  }

  #trouble(code: string): void {
    const sentence = `mDNS does not work on this network (${code}): instances nearby are not found by themselves.`
    if (this.#issues.report(MDNS_ISSUE, sentence)) this.#log.warn('mdns does not work', { code })
  }

  #seen(info: PeerInfo, loopback: boolean): void {
    const peer = info.id.toString()
    const addresses = info.multiaddrs
      .map(address => address.toString())
      .filter(address => loopback || !isLoopback(address))
      .map(address => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`))
      .slice(0, ADDRESSES_MAX)
    if (addresses.length > 0) this.#onSeen?.(peer, addresses)
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'unknown'
}
