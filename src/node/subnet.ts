import { BlockList, isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/** Interfaces that mDNS runs on. A container host has dozens, and each gets every query. */
const LANS_MAX = 16

/** A network wider than this is no neighbourhood but a tunnel that takes everything. */
const WIDEST_BITS = { 4: 8, 6: 32 } as const

/** A network of one address has no neighbours: the end of a tunnel. */
const NARROWEST_BITS = { 4: 31, 6: 127 } as const

/** An interface with neighbours. */
export interface Lan {
  name: string
  /** The IPv4 address that says on which interface to send and to listen. */
  address: string
  /** As `10.0.0.1/24`, sorted; two lans with the same name and subnets are the same. */
  subnets: string[]
  contains(host: string): boolean
}

/**
 * The networks of this machine on which others can be met by mDNS.
 *
 * @param interfaces as `os.networkInterfaces()` gives them
 * @param init `loopback`: only this machine itself, for nodes that listen there alone
 */
export function lansOf(
  interfaces: Record<string, NetworkInterfaceInfo[] | undefined>,
  init: { loopback: boolean }
): Lan[] {
  const lans: Lan[] = []
  for (const [name, infos = []] of Object.entries(interfaces)) {
    const usable = infos.filter(info => info.internal === init.loopback && info.cidr !== null && isNeighbourhood(info))
    const address = usable.find(info => info.family === 'IPv4')?.address
    if (address === undefined) continue
    const subnets = usable.map(info => `${info.address}/${bitsOf(info)}`).sort()
    const list = new BlockList()
    for (const info of usable) list.addSubnet(info.address, bitsOf(info), info.family === 'IPv4' ? 'ipv4' : 'ipv6')
    const contains = (host: string): boolean => isIP(host) !== 0 && list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6')
    lans.push({ name, address, subnets, contains })
  }
  return lans.slice(0, LANS_MAX)
}

/** Text that changes whenever the networks do. */
export function lansKey(lans: Lan[]): string {
  return lans
    .map(({ name, subnets }) => `${name} ${subnets.join(' ')}`)
    .sort()
    .join('\n')
}

/** Is this the address of a neighbour? Only a literal address with a port can be one: names and relays lead elsewhere. */
export function isNeighbour(address: string, lans: Lan[]): boolean {
  const host = /^\/ip[46]\/([^/]+)\/(?:tcp|udp)\/\d+(?:\/|$)/.exec(address)?.[1]
  if (host === undefined || address.includes('/p2p-circuit')) return false
  return lans.some(lan => lan.contains(host))
}

/** Is this the first or the last address of a network of this machine? The last one reaches everybody in it, the first one once did. */
export function isSubnetEdge(host: string, interfaces: Record<string, NetworkInterfaceInfo[] | undefined>): boolean {
  if (isIP(host) !== 4) return false
  const number = numberOf(host)
  return Object.values(interfaces)
    .flatMap((infos = []) => infos)
    .some(info => {
      const bits = bitsOf(info)
      // A network of two addresses has no edges, one of one address neither.
      if (info.family !== 'IPv4' || !(bits >= 0 && bits < NARROWEST_BITS[4])) return false
      const size = 2 ** (32 - bits)
      const first = Math.floor(numberOf(info.address) / size) * size
      return number === first || number === first + size - 1
    })
}

function numberOf(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}

/** Link-local IPv6 addresses mean nothing without their interface, which a multiaddr does not carry to another machine. */
function isNeighbourhood(info: NetworkInterfaceInfo): boolean {
  const family = info.family === 'IPv4' ? 4 : 6
  const bits = bitsOf(info)
  if (family === 6 && /^fe[89ab]/i.test(info.address)) return false
  return bits >= WIDEST_BITS[family] && bits <= NARROWEST_BITS[family]
}

function bitsOf(info: NetworkInterfaceInfo): number {
  return Number(info.cidr?.split('/')[1])
}
