import { isIPv4 } from 'node:net'
import type { networkInterfaces } from 'node:os'
import type { UPnPNATClient } from '@libp2p/upnp-nat'
import type { AbortOptions, Log } from '../mesh/ports.ts'
import { type Control, order, RouterRefusal, readDescription } from './port-mapping-control.ts'
import { textOf } from './port-mapping-xml.ts'
import { placeOf, type Reach } from './reach.ts'
import { lansOf } from './subnet.ts'

type Gateway = Awaited<ReturnType<UPnPNATClient['getGateway']>>
type Mapping = Awaited<ReturnType<Gateway['map']>>

/** Shown in the router to everybody at home: it says what opened the port and nothing about who (S-29). */
const DESCRIPTION = 'libp2p-mesh'

/** After the end of a node that could not clean up, its port stays open for this long at most. */
const TTL_MS = 60 * 60 * 1000

/** Two renewals may fail. */
const RENEWALS_PER_TTL = 3

/** An order that failed is given again after this, or sooner where the lease is short. */
const RETRY_MS = 60_000

/** The stop of a node waits this long for the router. */
const STOP_MS = 1_000

/** A busy router may miss a question. */
const SILENCES_MAX = 3

/** Each listener has an address in each network that this machine has been in. */
const LEASES_MAX = 16

/** Ports that are asked for when others have the first one. */
const TRIES = 3
const RANDOM_PORTS = { first: 20_000, count: 29_152 }

/** Numbers of UPnP (WANIPConnection:2, section 2.5.16). */
const TAKEN = 718
const PERMANENT_ONLY = 725
const REASONS: Record<number, string> = {
  606: 'it does not allow it',
  [TAKEN]: 'another device has it',
  724: 'another device has it'
}

/** A port of this machine that others reach at the router, or that the router is asked for again and again. */
export interface Lease {
  host: string
  port: number
  /** Undefined while the router does not have it open. */
  externalPort: number | undefined
}

interface KeptLease extends Lease {
  /** Whatever the last order asked for, answered or not. */
  asked: number | undefined
  /** Until the router forgets it, as of the next order. */
  leftMs: number
  timer: NodeJS.Timeout | undefined
}

export interface HomeRouterComponents {
  log: Log
  interfaces: typeof networkInterfaces
  /** The router told its address. */
  answered(): void
  /** What `open` gives is not what it was. */
  changed(): void
}

/**
 * The router of the network that this machine is in: one, whichever it is at the time. The first that answers with a public address of its own is kept as long
 * as it does. Nothing that it says is believed but its own address, which must be a public one, and a port.
 */
export class HomeRouter implements Gateway {
  readonly id = 'home-router'
  readonly family = 'IPv4'
  readonly #components: HomeRouterComponents
  readonly #ttlMs: number
  /** By address and port of this machine. At most LEASES_MAX. */
  readonly #leases = new Map<string, KeptLease>()
  readonly #stopping = new AbortController()
  #location: URL | undefined
  #control: Control | undefined
  #external: string | undefined
  #addressTrouble: string | undefined
  #portTrouble: string | undefined
  /** Questions in a row that were not answered. */
  #silences = 0

  constructor(components: HomeRouterComponents, init: { ttlMs?: number } = {}) {
    this.#components = components
    this.#ttlMs = init.ttlMs ?? TTL_MS
  }

  /** Its address in the own network; empty while none has been met. */
  get host(): string {
    return this.#location?.hostname ?? ''
  }

  get port(): number {
    return Number(this.#location?.port ?? 0)
  }

  /** Its address on the internet. */
  get external(): string | undefined {
    return this.#external
  }

  /** One sentence; undefined while nothing is wrong. */
  get trouble(): string | undefined {
    return this.#addressTrouble ?? this.#portTrouble
  }

  /** The ports that are open and lead to this machine, which may have left the router's network. */
  open(): (Lease & { externalPort: number })[] {
    return [...this.#leases.values()].flatMap(({ host, port, externalPort }) =>
      externalPort === undefined || this.#localOf(this.host, host) === undefined ? [] : [{ host, port, externalPort }]
    )
  }

  /**
   * Somebody in the network says that the router describes itself there. It becomes this router unless there is one that serves us.
   *
   * @throws Error where it is none
   */
  async meet(location: URL, options: AbortOptions = {}): Promise<void> {
    if (!this.#wants(location)) return
    const control = await readDescription(location, options)
    const replaces = this.#localOf(this.host) !== undefined && location.hostname !== this.host
    if (replaces && reachOf(await externalOf(control, options)) !== 'global') return
    this.#stopping.signal.throwIfAborted()
    // Another one may have been met meanwhile.
    if (!this.#wants(location)) return
    if (location.href !== this.#location?.href)
      this.#components.log.info('a router answered', { host: location.hostname })
    this.#location = location
    this.#control = control
    this.#know(undefined)
    // What it says about itself can wait until somebody asks for it; it stands in `trouble`.
    await this.externalIp(options).catch(() => undefined)
    for (const lease of this.#leases.values()) void this.#renew(lease)
  }

  /** @throws Error where it does not tell, or where that leads nowhere; `trouble` says which */
  async externalIp(options: AbortOptions = {}): Promise<string> {
    let said = ''
    try {
      said = await externalOf(this.#controlled(), options)
    } catch (error) {
      options.signal?.throwIfAborted()
      this.#silences++
      this.#addressTrouble = this.#sentenceFor(error)
      if (this.#silences >= SILENCES_MAX) this.#know(undefined)
      throw error
    }
    this.#silences = 0
    if (reachOf(said) !== 'global') {
      this.#know(undefined)
      this.#addressTrouble = isIPv4(said)
        ? `The router at ${this.host} has the address ${said}, which is not public: there is another NAT behind it.`
        : `The router at ${this.host} does not say its address on the internet: it has none, or only one behind another NAT.`
      throw new Error('the router has no public address')
    }
    this.#addressTrouble = undefined
    this.#know(said)
    this.#components.answered()
    return said
  }

  /**
   * This machine has other addresses than before. Another network may look the same, so who does not answer now is out of use until it is met again, and
   * who does is asked for every port anew. Never rejects.
   */
  async moved(): Promise<void> {
    this.#components.changed()
    const control = this.#control
    if (control === undefined) return
    const answers = await this.externalIp({ signal: this.#stopping.signal }).catch(() => undefined)
    // Another one may have been met meanwhile.
    if (this.#control !== control || this.#stopping.signal.aborted) return
    if (answers === undefined) this.#know(undefined)
    else for (const lease of this.#leases.values()) void this.#renew(lease)
  }

  /** Opens a port and keeps it open. @throws Error where that fails; `trouble` says why */
  async map(port: number, host: string, options: AbortOptions = {}): Promise<Mapping> {
    if (this.#localOf(this.host, host) === undefined) throw new Error('it is in another network than the router')
    const externalHost = this.#external ?? (await this.externalIp(options))
    const key = `${host}:${port}`
    const known = this.#leases.get(key)
    if (known !== undefined && known.externalPort === undefined) throw new Error('the router is being asked')
    const lease = known ?? this.#keep(key, { host, port })
    if (known === undefined) await this.#renew(lease)
    const { externalPort } = lease
    if (externalPort === undefined) {
      clearTimeout(lease.timer)
      this.#leases.delete(key)
      throw new Error('the router opened no port')
    }
    return { externalHost, externalPort, internalHost: host, internalPort: port, protocol: 'TCP' }
  }

  async *mapAll(port: number, options: AbortOptions = {}): AsyncGenerator<Mapping, void, unknown> {
    yield await this.map(port, this.#localOf(this.host) ?? '', options)
  }

  async unmap(port: number, options: AbortOptions = {}): Promise<void> {
    const leases = [...this.#leases].filter(([, lease]) => lease.port === port)
    for (const [key, { timer }] of leases) {
      clearTimeout(timer)
      this.#leases.delete(key)
    }
    this.#components.changed()
    await Promise.allSettled(leases.map(async ([, lease]) => await this.#close(lease, options)))
  }

  /** Closes all ports, and waits a second for it at most. What the router was asked for and has not answered is closed as well. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node stops'))
    const signal = AbortSignal.timeout(STOP_MS)
    const ports = new Set([...this.#leases.values()].map(({ port }) => port))
    await Promise.all([...ports].map(async port => await this.unmap(port, { signal })))
  }

  /** Whether there is no router that serves us, or this is the same one at another place. */
  #wants({ href, hostname }: URL): boolean {
    const serves = this.#external !== undefined && this.#localOf(this.host) !== undefined
    return !serves || (hostname === this.host && href !== this.#location?.href)
  }

  /** This machine's address in the network of that one; the given one if it is there. */
  #localOf(router: string, wanted?: string): string | undefined {
    const networks = lansOf(this.#components.interfaces(), { loopback: false }).filter(lan => lan.contains(router))
    if (wanted === undefined) return networks[0]?.address
    const has = networks.some(({ subnets }) => subnets.some(subnet => subnet.startsWith(`${wanted}/`)))
    return has ? wanted : undefined
  }

  #keep(key: string, { host, port }: { host: string; port: number }): KeptLease {
    if (this.#leases.size >= LEASES_MAX) {
      const [oldest] = [...this.#leases].find(([, { externalPort }]) => externalPort === undefined) ?? []
      if (oldest === undefined) throw new Error('no more ports are opened')
      clearTimeout(this.#leases.get(oldest)?.timer)
      this.#leases.delete(oldest)
    }
    const lease = { host, port, externalPort: undefined, asked: undefined, leftMs: 0, timer: undefined }
    this.#leases.set(key, lease)
    return lease
  }

  /** Opens the port, again if it is open, and does so time and again until the lease is no more. */
  async #renew(lease: KeptLease): Promise<void> {
    clearTimeout(lease.timer)
    const before = lease.externalPort
    let waitMs = this.#ttlMs / RENEWALS_PER_TTL
    const soonMs = Math.min(RETRY_MS, waitMs)
    try {
      if (this.#localOf(this.host, lease.host) === undefined) {
        // This machine has left that address, and another one may have it now.
        lease.externalPort = undefined
        lease.asked = undefined
        waitMs = soonMs
      } else {
        lease.externalPort = await this.#openAt(this.#controlled(), lease)
        lease.leftMs = this.#ttlMs
        this.#portTrouble = undefined
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#portTrouble = this.#sentenceFor(error, lease)
      this.#components.log.debug('no port opened', { host: this.host, port: lease.port, error: `${error}` })
      if (lease.leftMs <= 0) lease.externalPort = undefined
      waitMs = soonMs
    }
    // It may have been given up meanwhile, or renewed at a router that was met meanwhile.
    if (this.#leases.get(`${lease.host}:${lease.port}`) !== lease) return
    clearTimeout(lease.timer)
    lease.leftMs -= waitMs
    lease.timer = setTimeout(() => void this.#renew(lease), waitMs).unref()
    if (lease.externalPort !== before) this.#components.changed()
  }

  async #openAt(control: Control, lease: KeptLease): Promise<number> {
    let port = lease.externalPort ?? lease.port
    for (let tries = 1; ; tries++) {
      try {
        await this.#add(control, lease, port, Math.ceil(this.#ttlMs / 1000))
        return port
      } catch (error) {
        if (!(error instanceof RouterRefusal) || error.code !== TAKEN || tries === TRIES) throw error
        port = RANDOM_PORTS.first + Math.floor(Math.random() * RANDOM_PORTS.count)
      }
    }
  }

  async #add(control: Control, lease: KeptLease, port: number, seconds: number): Promise<void> {
    lease.asked = port
    const args = {
      NewRemoteHost: '',
      NewExternalPort: port,
      NewProtocol: 'TCP',
      NewInternalPort: lease.port,
      NewInternalClient: lease.host,
      NewEnabled: 1,
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: seconds
    }
    try {
      await order(control, 'AddPortMapping', args, { signal: this.#stopping.signal })
    } catch (error) {
      if (!(error instanceof RouterRefusal) || error.code !== PERMANENT_ONLY || seconds === 0) throw error
      await this.#add(control, lease, port, 0)
    }
  }

  async #close(lease: KeptLease, options: AbortOptions): Promise<void> {
    const port = lease.externalPort ?? lease.asked
    if (this.#control === undefined || port === undefined) return
    const args = { NewRemoteHost: '', NewExternalPort: port, NewProtocol: 'TCP' }
    await order(this.#control, 'DeletePortMapping', args, options)
  }

  #controlled(): Control {
    this.#stopping.signal.throwIfAborted()
    if (this.#control === undefined) throw new Error('no router has been met')
    return this.#control
  }

  #know(external: string | undefined): void {
    const changed = this.#external !== external
    this.#external = external
    if (changed) this.#components.changed()
  }

  #sentenceFor(error: unknown, lease?: Lease): string {
    if (!(error instanceof RouterRefusal)) return `The router at ${this.host} does not answer any more.`
    const what = lease === undefined ? 'did not say its address' : `did not open port ${lease.port}`
    return `The router at ${this.host} ${what}: ${REASONS[error.code] ?? `error ${error.code}`}.`
  }
}

async function externalOf(control: Control, options: AbortOptions): Promise<string> {
  return textOf(await order(control, 'GetExternalIPAddress', {}, options), 'NewExternalIPAddress') ?? ''
}

/** Undefined for what is no address. */
function reachOf(host: string): Reach | undefined {
  return placeOf(`/ip4/${host}/tcp/1`)?.reach
}
