import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net'

/**
 * How far an address leads. `never`: no honest peer is there, whoever says so: this machine under another name, the link, groups and broadcast,
 * addresses that wrap another one, the helpers of cloud machines, networks of documents and tests.
 */
export type Reach = 'global' | 'private' | 'loopback' | 'name' | 'never'

export interface Place {
  reach: Reach
  /** Literal address in the one spelling that all of them are compared in, or the name. */
  host: string
  /** Undefined for a name that stands for whole addresses (`/dnsaddr`). */
  port: number | undefined
  /** The socket leads to a relay, not to the peer. */
  relayed: boolean
}

/** RFC 1918, RFC 6598. */
const PRIVATE_V4 = [
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4']
] as const

/** RFC 4193. */
const PRIVATE_V6 = [['fc00::', 7, 'ipv6']] as const

/** Not global or private in IPv4 (RFC 6890), and the addresses at which a cloud's machines find their keys and their agents. */
const NEVER_V4 = [
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  ['168.63.129.16', 32, 'ipv4']
] as const
const NEVER_V6 = [
  ['fd00:ec2::', 32, 'ipv6'],
  ['fd20:ce::254', 128, 'ipv6']
] as const

/** The one block from which global unicast is given out (RFC 4291), and what is in it and is none: protocols and Teredo, documents, 6to4. */
const GLOBAL_V6 = ['2000::', 3, 'ipv6'] as const
const NOT_GLOBAL_V6 = [
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6']
] as const

/** A host, a TCP port, perhaps WebSockets on it, the peer; or all that of a relay, and the circuit behind it. Nothing else is dialled here. */
const SHAPE =
  /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/([^/]+)(?:\/tcp\/(\d{1,5})(?:\/tls)?(?:\/wss?)?)?(?:\/p2p\/[^/]+)?(\/p2p-circuit(?:\/p2p\/[^/]+)?)?$/

const PORT_MAX = 65_535

/** One list per family: the block list of Node takes an IPv4 address inside an IPv6 one for the one inside. */
const privateV4 = listOf(PRIVATE_V4)
const privateV6 = listOf(PRIVATE_V6)
const neverV4 = listOf(NEVER_V4)
const neverV6 = listOf(NEVER_V6)
const globalV6 = listOf([GLOBAL_V6])
const notGlobalV6 = listOf(NOT_GLOBAL_V6)

/** One spelling for each literal address: IPv6 has many for the same one. What is no address, or has a zone, stays as it is. */
export function canonicalOf(host: string): string {
  return isIPv6(host) && !host.includes('%') ? new SocketAddress({ address: host, family: 'ipv6' }).address : host
}

/** Where a multiaddr leads; undefined for what is none that this node could dial. */
export function placeOf(address: string): Place | undefined {
  const [, kind, written, digits, circuit] = SHAPE.exec(address) ?? []
  if (kind === undefined || written === undefined) return undefined
  const host = canonicalOf(written)
  const port = digits === undefined ? undefined : Number(digits)
  if ((port === undefined) !== (kind === 'dnsaddr') || port === 0 || (port ?? 0) > PORT_MAX) return undefined
  const relayed = circuit !== undefined
  if (kind === 'ip4') return isIPv4(host) ? { reach: reachOfV4(host), host, port, relayed } : undefined
  if (kind === 'ip6') return isIPv6(host) ? { reach: reachOfV6(host), host, port, relayed } : undefined
  return { reach: 'name', host, port, relayed }
}

function reachOfV4(host: string): Reach {
  if (neverV4.check(host, 'ipv4')) return 'never'
  if (host.startsWith('127.')) return 'loopback'
  return privateV4.check(host, 'ipv4') ? 'private' : 'global'
}

/** What wraps an IPv4 address (mapped, NAT64, 6to4) lies outside the global block or is taken out of it; a zone is a name on another machine. */
function reachOfV6(host: string): Reach {
  if (host.includes('%') || neverV6.check(host, 'ipv6')) return 'never'
  if (host === '::1') return 'loopback'
  if (privateV6.check(host, 'ipv6')) return 'private'
  return globalV6.check(host, 'ipv6') && !notGlobalV6.check(host, 'ipv6') ? 'global' : 'never'
}

function listOf(networks: ReadonlyArray<readonly [string, number, 'ipv4' | 'ipv6']>): BlockList {
  const list = new BlockList()
  for (const [address, prefix, family] of networks) list.addSubnet(address, prefix, family)
  return list
}
