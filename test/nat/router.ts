import { Customer, type Line, type Uplink } from './customer.ts'
import type { Namespace } from './namespace.ts'
import type { Namespaces } from './namespaces.ts'
import { CARRIER, HOME, type Nat, rulesOf, UPNP_CHAIN } from './nat-rules.ts'

export interface RouterInit {
  name: string
  nat: Nat
  /** Whom it serves: the devices of a home, or the routers of homes. */
  serves: 'home' | 'carrier'
  uplink: Uplink
}

/** The router of a home, or the one in which a provider puts many homes behind one address: real NAT by iptables. */
export class Router extends Customer implements Uplink {
  readonly #namespaces: Namespaces
  readonly #tables: string
  /** The first three numbers of the addresses behind it. */
  readonly #inside: string
  #plugged = 0

  constructor(namespaces: Namespaces, { name, nat, serves, uplink }: RouterInit) {
    super(namespaces, { name, uplink, device: 'wan' })
    this.#namespaces = namespaces
    this.#inside = serves === 'home' ? HOME : CARRIER
    // Debian's miniupnpd writes to the legacy tables, and rules of one connection must stand in one place.
    this.#tables = nat === 'upnp' ? 'iptables-legacy' : 'iptables'
    this.addSwitch('lan')
    this.ip('addr', 'add', `${this.#inside}.1/24`, 'dev', 'lan')
    for (const rule of rulesOf(nat, `${this.#inside}.2`)) this.run(this.#tables, ...rule)
    this.forward()
  }

  get network(): string {
    return `${this.#inside}.0/24`
  }

  /** A device in the network behind it. */
  host(name: string): Customer {
    return new Customer(this.#namespaces, { name, uplink: this })
  }

  plug(customer: Namespace, device: string): Line {
    const port = `p${++this.#plugged}`
    customer.cable(device, this, port)
    this.ip('link', 'set', port, 'master', 'lan')
    return { address: `${this.#inside}.${this.#plugged + 1}`, prefix: 24, gateway: `${this.#inside}.1` }
  }

  /** The TCP ports that are open from outside because somebody behind asked for them. */
  mappings(): number[] {
    const rules = this.run(this.#tables, '-t', 'nat', '-S', UPNP_CHAIN)
    return [...rules.matchAll(/-p tcp .*--dport (\d+)/g)].map(([, port]) => Number(port))
  }
}
