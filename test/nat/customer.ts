import { Namespace } from './namespace.ts'
import type { Namespaces } from './namespaces.ts'

/** What a customer gets with its cable: an address in the prefix, and the gateway to everywhere else. */
export interface Line {
  address: string
  prefix: number
  gateway: string
}

/** The internet or a router: whoever gives others a cable. */
export interface Uplink {
  /** Makes the interface `device` in that namespace, with a cable to here; the rest is up to the customer. */
  plug(customer: Namespace, device: string): Line
}

/** A namespace with one interface to somebody who leads to everywhere. */
export class Customer extends Namespace {
  /** On that interface. */
  readonly address: string

  constructor(namespaces: Namespaces, init: { name: string; uplink: Uplink; device?: string }) {
    super(namespaces, init.name)
    const device = init.device ?? 'v0'
    const { address, prefix, gateway } = init.uplink.plug(this, device)
    this.ip('addr', 'add', `${address}/${prefix}`, 'dev', device)
    this.ip('route', 'add', 'default', 'via', gateway)
    this.address = address
  }
}
