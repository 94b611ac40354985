import type { networkInterfaces } from 'node:os'
import type { UPnPNATClient, UPnPNATComponents } from '@libp2p/upnp-nat'
import { multiaddr } from '@multiformats/multiaddr'
import type { Log, Netcheck } from '../mesh/ports.ts'
import { HomeRouter } from './port-mapping-router.ts'
import { searchRouters } from './port-mapping-search.ts'

/** One search while no router is known: a question a second, for this long, and the next one after a pause. */
const FIRST_ROUND_MS = 1_000
const FIRST_SEARCH_MS = 5_000
const FIRST_PAUSE_MS = 30_000

/** One packet at a time once a router is known, for the next network that this machine comes into. */
const ROUND_MS = 30_000
const SEARCH_MS = 60_000

type AddressManager = UPnPNATComponents['addressManager']

/** An address of the router that leads here. */
interface Applied {
  host: string
  port: number
  external: string
  externalPort: number
}

export interface PortMappingInit {
  /** Whether it is to run at all. */
  on: boolean
  /** How long the router keeps a port open without a word from here. @default an hour */
  ttlMs?: number
}

/**
 * Asks the home router to let others in. libp2p's service decides what is asked for and when; the search, the talk with the router and what is made of its
 * answers are ours, because anybody in the network can answer, and the usual packages end the process at a malformed packet, fetch any URL that they are
 * sent, know only routers of the second version of UPnP, and leave the port open at the end.
 */
export class PortMapping {
  readonly #log: Log
  readonly #interfaces: typeof networkInterfaces
  readonly #on: boolean
  readonly #onChange: () => void
  readonly #router: HomeRouter
  #applied: Applied[] = []
  #addressManager: AddressManager | undefined
  /** Maps what there is to map, now. */
  #map: (() => void) | undefined

  /** @param components `onChange`: this node has other addresses than before */
  constructor(
    components: { log: Log; interfaces: typeof networkInterfaces; onChange: () => void },
    init: PortMappingInit
  ) {
    this.#log = components.log
    this.#onChange = components.onChange
    this.#interfaces = components.interfaces
    this.#on = init.on
    this.#router = new HomeRouter(
      {
        ...components,
        // libp2p reads the answer in the turns after this one.
        answered: () => setImmediate(() => this.#map?.()),
        changed: () => this.#apply()
      },
      { ...(init.ttlMs !== undefined && { ttlMs: init.ttlMs }) }
    )
  }

  /** The libp2p services for it: none where it is off. */
  async services(): Promise<{ upnp?: (parts: UPnPNATComponents) => unknown }> {
    if (!this.#on) return {}
    const { uPnPNAT } = await import('@libp2p/upnp-nat')
    const upnp = ({ peerId, nodeInfo, logger, addressManager, events }: UPnPNATComponents): unknown => {
      this.#addressManager = addressManager
      const service = uPnPNAT({
        portMappingClient: this.#client(),
        autoConfirmAddress: true,
        initialGatewaySearchInterval: FIRST_PAUSE_MS,
        initialGatewaySearchTimeout: FIRST_SEARCH_MS,
        initialGatewaySearchMessageInterval: FIRST_ROUND_MS,
        gatewaySearchTimeout: SEARCH_MS,
        gatewaySearchMessageInterval: ROUND_MS
      })({ peerId, nodeInfo, logger, addressManager: this.#readOnly(addressManager), events })
      this.#map = () => mapNow(service)
      // libp2p itself waits for five seconds after each of them.
      events.addEventListener('transport:listening', () => setImmediate(() => this.#map?.()))
      return service
    }
    return { upnp }
  }

  /** This machine has other addresses than before: what does not lead here any more is an address no longer. Never rejects. */
  async moved(): Promise<void> {
    await this.#router.moved()
  }

  state(): Netcheck['upnp'] {
    if (!this.#on) return { state: 'off', addresses: [], detail: 'UPnP is off.' }
    const { host, trouble } = this.#router
    const addresses = this.#applied.map(({ external, externalPort }) => `/ip4/${external}/tcp/${externalPort}`)
    if (addresses.length > 0) {
      const ports = this.#applied.map(
        ({ external, externalPort, port }) => `${external}:${externalPort} to port ${port}`
      )
      return { state: 'mapped', addresses, detail: `The router at ${host} leads ${ports.join(', ')} of this machine.` }
    }
    const none = host === '' ? 'No UPnP router has answered.' : `The router at ${host} was asked for nothing yet.`
    return { state: 'none', addresses, detail: trouble ?? none }
  }

  #client(): UPnPNATClient {
    const router = this.#router
    const interfaces = this.#interfaces
    const log = this.#log
    return {
      async *findGateways({ signal, searchInterval = ROUND_MS } = {}) {
        const options = signal === undefined ? {} : { signal }
        const accept = async (location: URL): Promise<void> => {
          try {
            await router.meet(location, options)
          } catch (error) {
            log.debug('what answered is no router for us', { host: location.hostname, error: `${error}` })
            throw error
          }
        }
        while (signal?.aborted !== true)
          for await (const _ of searchRouters({ interfaces, forMs: searchInterval, accept, ...options })) yield router
      },
      async getGateway(location, options) {
        await router.meet(location, options)
        return router
      }
    }
  }

  /** What the router has open becomes an address of this node, and is one no longer when it has it no more. */
  #apply(): void {
    const addressManager = this.#addressManager
    if (addressManager === undefined) return
    const { external } = this.#router
    const now: Applied[] = external === undefined ? [] : this.#router.open().map(lease => ({ ...lease, external }))
    const gone = this.#applied.filter(one => !now.some(other => isSame(one, other)))
    const news = now.filter(one => !this.#applied.some(other => isSame(one, other)))
    for (const one of gone)
      addressManager.removePublicAddressMapping(one.host, one.port, one.external, one.externalPort, 'tcp')
    for (const one of news) {
      addressManager.addPublicAddressMapping(one.host, one.port, one.external, one.externalPort, 'tcp')
      // Said to others at once; AutoNAT may still find out that it does not work.
      addressManager.confirmObservedAddr(multiaddr(`/ip4/${one.external}/tcp/${one.externalPort}`), { ttl: 0 })
      const { external: to, externalPort, port } = one
      this.#log.info('the router opened a port', { external: to, externalPort, port })
    }
    this.#applied = now
    if (gone.length + news.length > 0) this.#onChange()
  }

  /** What libp2p's service sees: `#apply` alone says which addresses this node has. */
  #readOnly(all: AddressManager): AddressManager {
    const nothing = { value: () => undefined }
    return Object.create(all, {
      getAddressesWithMetadata: { value: () => all.getAddressesWithMetadata() },
      addPublicAddressMapping: nothing,
      removePublicAddressMapping: nothing,
      confirmObservedAddr: nothing
    })
  }
}

function isSame(one: Applied, other: Applied): boolean {
  return (
    one.host === other.host &&
    one.port === other.port &&
    one.external === other.external &&
    one.externalPort === other.externalPort
  )
}

/** The service's own way to begin before its five seconds are over. It heeds its errors itself. */
function mapNow(service: object): void {
  if ('mapIpAddresses' in service && typeof service.mapIpAddresses === 'function') service.mapIpAddresses()
}
