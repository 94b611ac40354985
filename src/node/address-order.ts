import type { NetworkInterfaceInfo } from 'node:os'
import { canonicalOf, placeOf } from './reach.ts'

/** Networks inside one machine, for its containers and virtual machines: nobody else is in them. By the names that their makers give them. */
const INNER_NAME = /^(?:docker|br-|veth|virbr|vnet|lxc|lxd|podman|cni|cali|flannel|vmnet|vboxnet|bridge\d|vEthernet)/i

interface AddressOrderInit {
  /** Addresses that the settings announce. */
  announced: readonly string[]
  /** As `os.networkInterfaces()` gives them. */
  interfaces: Record<string, NetworkInterfaceInfo[] | undefined>
}

/**
 * The addresses of this node, the most useful first, for a ticket and a route record hold eight: what is announced, public or at a relay, then the own
 * networks, then those inside this machine, then what leads nowhere else. The order is kept otherwise.
 */
export function inOrder(addresses: readonly string[], { announced, interfaces }: AddressOrderInit): string[] {
  const inner = new Set<string>()
  for (const [name, infos = []] of Object.entries(interfaces))
    if (INNER_NAME.test(name)) for (const { address } of infos) inner.add(canonicalOf(address))
  const rankOf = (address: string): number => {
    const place = placeOf(address)
    if (announced.some(each => address === each || address.startsWith(`${each}/p2p/`))) return 0
    if (place === undefined) return 3
    if (place.relayed || place.reach === 'global' || place.reach === 'name') return 0
    if (place.reach !== 'private') return 3
    return inner.has(place.host) ? 2 : 1
  }
  return addresses
    .map(address => ({ address, rank: rankOf(address) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ address }) => address)
}
