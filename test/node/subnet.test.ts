import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { isNeighbour, isSubnetEdge, lansKey, lansOf } from '../../src/node/subnet.ts'

const of = (cidr: string, more: Partial<NetworkInterfaceInfo> = {}): NetworkInterfaceInfo => {
  const [address = ''] = cidr.split('/')
  const about = { address, cidr, netmask: '', mac: '', internal: false }
  return {
    ...about,
    ...(address.includes(':') ? { family: 'IPv6', scopeid: 0 } : { family: 'IPv4' }),
    ...more
  } as NetworkInterfaceInfo
}

const HOME = {
  lo: [of('127.0.0.1/8', { internal: true }), of('::1/128', { internal: true })],
  eth0: [of('192.168.1.5/24'), of('fd00:1::5/64'), of('fe80::5/64')],
  docker0: [of('172.17.0.1/16')]
}

describe('the networks of this machine', () => {
  it('are those of its interfaces that have neighbours', () => {
    const lans = lansOf(HOME, { loopback: false })
    expect(lans.map(({ name, address, subnets }) => ({ name, address, subnets }))).toEqual([
      { name: 'eth0', address: '192.168.1.5', subnets: ['192.168.1.5/24', 'fd00:1::5/64'] },
      { name: 'docker0', address: '172.17.0.1', subnets: ['172.17.0.1/16'] }
    ])
  })

  it('are loopback alone for who listens there alone', () => {
    expect(lansOf(HOME, { loopback: true }).map(({ name, subnets }) => [name, ...subnets])).toEqual([
      ['lo', '127.0.0.1/8']
    ])
  })

  it.each([
    ['the end of a tunnel', '100.64.3.4/32'],
    ['a tunnel that takes everything', '10.8.0.2/0'],
    ['an interface without IPv4', 'fd00:2::5/64']
  ])('are without %s', (_, cidr) => {
    expect(lansOf({ tun0: [of(cidr)] }, { loopback: false })).toEqual([])
  })

  it('are sixteen at most', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`br${i}`, [of(`10.0.${i}.1/24`)]]))
    expect(lansOf(many, { loopback: false })).toHaveLength(16)
  })

  it('are the same in another order, and others with another address', () => {
    const keyOf = (interfaces: Record<string, NetworkInterfaceInfo[]>): string =>
      lansKey(lansOf(interfaces, { loopback: false }))
    expect(keyOf({ docker0: HOME.docker0, eth0: HOME.eth0.toReversed() })).toBe(keyOf(HOME))
    expect(keyOf({ ...HOME, eth0: [of('192.168.1.6/24')] })).not.toBe(keyOf(HOME))
  })
})

describe('S-16: an address that mDNS showed', () => {
  const lans = lansOf(HOME, { loopback: false })

  it.each([
    '/ip4/192.168.1.77/tcp/4001',
    '/ip4/172.17.3.4/tcp/4001/ws',
    '/ip6/fd00:1::9/tcp/4001',
    '/ip4/192.168.1.5/tcp/1'
  ])('is a neighbour inside an own subnet: %s', address => {
    expect(isNeighbour(address, lans)).toBe(true)
  })

  it.each([
    '/ip4/192.168.2.77/tcp/4001',
    '/ip4/127.0.0.1/tcp/4001',
    '/ip4/8.8.8.8/tcp/443',
    '/ip4/0.0.0.0/tcp/4001',
    '/ip6/fd00:2::9/tcp/4001',
    '/ip6/::1/tcp/4001',
    '/ip6/fe80::9/tcp/4001',
    '/ip6/::ffff:8.8.8.8/tcp/443',
    '/dns4/router.local/tcp/80',
    '/dns4/192.168.1.77/tcp/80',
    '/ip4/192.168.1.77/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit',
    '/ip4/192.168.1.77.evil.example/tcp/80',
    '/ip4/192.168.1.77',
    '/unix/192.168.1.77',
    ''
  ])('is no neighbour: "%s"', address => {
    expect(isNeighbour(address, lans)).toBe(false)
  })
})

it.each([
  ['192.168.1.255', true],
  ['192.168.1.0', true],
  ['192.168.1.254', false],
  ['172.17.255.255', true],
  ['172.17.1.255', false],
  ['100.64.3.4', false],
  ['fd00:1::', false],
  ['example.org', false]
])('S-16: %s is the edge of a network of this machine: %s', (host, edge) => {
  expect(isSubnetEdge(host, { ...HOME, tun0: [of('100.64.3.4/32')], tun1: [of('10.9.0.1/31')] })).toBe(edge)
})
