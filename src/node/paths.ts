import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { Connection } from '@libp2p/interface'
import type { Path } from '../mesh/ports.ts'

/** Networks that do not cross the internet: loopback, private, shared (CGNAT), link-local and unique local (RFC 6890, RFC 6598, RFC 4193). */
const LOCAL_NETWORKS = [
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6']
] as const

const RANK: Record<Path, number> = { lan: 0, direct: 1, relayed: 2 }

const local = new BlockList()
for (const [address, prefix, family] of LOCAL_NETWORKS) local.addSubnet(address, prefix, family)

export function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}

/** Peer id of the relay in a circuit address. */
export function relayOf(address: string): string | undefined {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)?.[1]
}

/** The address without the peer at its end. */
export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

/** How a connection to this multiaddr runs. A name that says nothing about its network counts as direct. */
export function pathOfAddress(address: string): Path {
  if (isRelayed(address)) return 'relayed'
  const host = hostOf(address)
  if (host === undefined) return 'direct'
  return local.check(host, isIPv4(host) ? 'ipv4' : 'ipv6') ? 'lan' : 'direct'
}

export function pathOf(connection: Pick<Connection, 'remoteAddr'>): Path {
  return pathOfAddress(connection.remoteAddr.toString())
}

export function isLoopback(address: string): boolean {
  const host = hostOf(address)
  return host !== undefined && (host === '::1' || host.startsWith('127.'))
}

/** The open connection that messages should take: straight before relayed, the nearest first. */
export function bestOf<T extends Pick<Connection, 'remoteAddr' | 'status'>>(connections: T[]): T | undefined {
  return connections
    .filter(connection => connection.status === 'open')
    .sort((one, other) => RANK[pathOf(one)] - RANK[pathOf(other)])
    .at(0)
}

function hostOf(address: string): string | undefined {
  const host = /^\/ip[46]\/([^/]+)/.exec(address)?.[1]
  return host !== undefined && (isIPv4(host) || isIPv6(host)) ? host : undefined
}
