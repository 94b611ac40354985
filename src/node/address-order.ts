import type { NetworkInterfaceInfo } from 'node:os'
import { canonicalOf, placeOf } from './reach.ts'

/** Networks inside one machine, for its containers and virtual machines: nobody else is in them. By the names that their makers give them. */
const INNER_NAME = /^(?:docker|br-|veth|virbr|vnet|lxc|lxd|podman|cni|cali|flannel|vmnet|vboxnet|bridge\d|vEthernet)/i

/** Whether an interface of this name leads to nobody but containers and virtual machines of this machine. */
export function isInner(name: string): boolean {
  return INNER_NAME.test(name)
}

interface AddressOrderInit {
  /** Addresses that the settings announce. */
  announced: readonly string[]
  /** As `os.networkInterfaces()` gives them. */
  interfaces: Record<string, NetworkInterfaceInfo[] | undefined>
}

/** Of each of these at most so many stand before the others: a machine may have many temporary IPv6 addresses that no router lets anybody reach. */
const PUBLIC_FIRST = 3
const RELAYED_FIRST = 3

/**
 * The addresses of this node, the most useful first, for a ticket and a route record hold eight: what is announced, some public ones, some at relays, then the own
 * networks, the rest of those, then those inside this machine, then what leads nowhere else. The order is kept otherwise.
 */
export function inOrder(addresses: readonly string[], { announced, interfaces }: AddressOrderInit): string[] {
  const inner = new Set<string>()
  for (const [name, infos = []] of Object.entries(interfaces))
    if (isInner(name)) for (const { address } of infos) inner.add(canonicalOf(address))
  const left = { global: PUBLIC_FIRST, relayed: RELAYED_FIRST }
  const rankOf = (address: string): number => {
    const place = placeOf(address)
    if (announced.some(each => address === each || address.startsWith(`${each}/p2p/`))) return 0
    if (place === undefined) return 6
    if (place.relayed) return left.relayed-- > 0 ? 2 : 4
    if (place.reach === 'global' || place.reach === 'name') return left.global-- > 0 ? 1 : 4
    if (place.reach !== 'private') return 6
    return inner.has(place.host) ? 5 : 3
  }
  return addresses
    .map(address => ({ address, rank: rankOf(address) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ address }) => address)
}
