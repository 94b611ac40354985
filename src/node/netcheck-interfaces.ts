import type { NetworkInterfaceInfo } from 'node:os'
import type { Netcheck, NetcheckInterface } from '../mesh/ports.ts'
import { isInner } from './address-order.ts'
import { canonicalOf, placeOf } from './reach.ts'

type Interfaces = Record<string, NetworkInterfaceInfo[] | undefined>

/** The most useful first. What leads to containers only is last: it hides the others on a machine that has dozens. */
const RANK: Record<NetcheckInterface['kind'], number> = {
  public: 0,
  private: 1,
  'link-local': 2,
  loopback: 3,
  inner: 4
}

/** RFC 3927, RFC 4291. */
const LINK_LOCAL = /^(?:169\.254\.|fe[89ab][0-9a-f]:)/i

/** Each address of this machine once, ranked by how far it leads. */
export function interfacesOf(interfaces: Interfaces): NetcheckInterface[] {
  return Object.entries(interfaces)
    .flatMap(([name, infos = []]) =>
      infos.map(info => ({ name, address: canonicalOf(info.address), kind: kindOf(name, info) }))
    )
    .sort((one, other) => RANK[one.kind] - RANK[other.kind])
}

/** Whether a global unicast address stands on an interface that leads out of this machine. */
export function ipv6Of(found: readonly NetcheckInterface[]): Netcheck['ipv6'] {
  const global = found.find(({ address, kind }) => address.includes(':') && kind === 'public')
  return global === undefined
    ? { global: false, detail: 'No interface has a global IPv6 address.' }
    : { global: true, detail: `${global.address} on ${global.name}.` }
}

function kindOf(name: string, { address, family, internal }: NetworkInterfaceInfo): NetcheckInterface['kind'] {
  if (isInner(name)) return 'inner'
  if (internal) return 'loopback'
  if (LINK_LOCAL.test(address)) return 'link-local'
  // The port plays no part: where the address leads is asked in the one place that knows.
  const place = placeOf(`/${family === 'IPv4' ? 'ip4' : 'ip6'}/${address}/tcp/1`)
  return place?.reach === 'global' ? 'public' : 'private'
}
