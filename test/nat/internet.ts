import type { Sandbox } from '../host/harness/sandbox.ts'
import { Customer, type Line, type Uplink } from './customer.ts'
import { Namespace } from './namespace.ts'
import { Namespaces } from './namespaces.ts'
import type { Nat } from './nat-rules.ts'
import { Router } from './router.ts'
import { startUpnp } from './upnp-daemon.ts'

/**
 * Each line is a network of its own, 45.0.0.0/24, 46.0.0.0/24 and so on: they are given out on the real internet, because what libp2p takes for private
 * or reserved it neither announces nor dials.
 */
const FIRST_NETWORK = 45
const LAST_NETWORK = 89

/** A router in the middle, and lines from it to machines with public addresses and to the routers of homes. No cable leads out of it. */
export class Internet implements Uplink, AsyncDisposable {
  readonly #namespaces: Namespaces
  readonly #core: Namespace
  #next = FIRST_NETWORK

  private constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
    this.#core = new Namespace(namespaces, 'core')
    this.#core.forward()
  }

  static async create(): Promise<Internet> {
    const namespaces = await Namespaces.create()
    try {
      return new Internet(namespaces)
    } catch (error) {
      await namespaces[Symbol.asyncDispose]()
      throw error
    }
  }

  get sandbox(): Sandbox {
    return this.#namespaces.sandbox
  }

  /** A machine with a public address and nothing in between. */
  machine(name: string): Customer {
    return new Customer(this.#namespaces, { name, uplink: this })
  }

  /** The router of a home. @param uplink where its line leads to, when that is not the internet itself */
  async router(name: string, nat: Nat, uplink: Uplink = this): Promise<Router> {
    const router = new Router(this.#namespaces, { name, nat, serves: 'home', uplink })
    if (nat === 'upnp') await startUpnp(router, this.sandbox)
    return router
  }

  /** The router in which a provider puts many homes behind one address. */
  carrier(name: string, nat: Exclude<Nat, 'upnp'>): Router {
    return new Router(this.#namespaces, { name, nat, serves: 'carrier', uplink: this })
  }

  plug(customer: Namespace, device: string): Line {
    const number = this.#next++
    if (number > LAST_NETWORK) throw new Error('no network is left')
    const line = { address: `${number}.0.0.10`, prefix: 24, gateway: `${number}.0.0.1` }
    customer.cable(device, this.#core, `p${number}`)
    this.#core.ip('addr', 'add', `${line.gateway}/${line.prefix}`, 'dev', `p${number}`)
    return line
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces[Symbol.asyncDispose]()
  }
}
