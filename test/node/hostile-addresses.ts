import type { NetworkInterfaceInfo } from 'node:os'

/** A relay that somebody names. */
const RELAY = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMFHZnnsTzqD'

/** Hosts at which no peer is, and at which something else may be. */
const V4 = [
  ['0.0.0.0', '0.0.0.1', '0.1.2.3'],
  ['127.0.0.1', '127.0.0.2', '127.0.1.1', '127.1.2.3', '127.255.255.254'],
  ['169.254.0.1', '169.254.169.254', '169.254.170.2', '169.254.255.255', '100.100.100.200', '168.63.129.16'],
  [
    '192.0.0.1',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.254',
    '198.51.100.7',
    '203.0.113.9'
  ],
  ['224.0.0.1', '224.0.0.251', '232.1.1.1', '239.255.255.250', '240.0.0.1', '250.1.2.3', '255.255.255.255']
].flat()

const V6 = [
  [
    '::',
    '::1',
    '::2',
    '::7f00:1',
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '::ffff:a00:1',
    '::ffff:c0a8:101',
    '::ffff:0:7f00:1'
  ],
  [
    '64:ff9b::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::7f00:1',
    '100::1',
    'fe80::1',
    'fe80::a9fe:a9fe',
    'febf::1',
    'fec0::1'
  ],
  [
    '2001::1',
    '2001:0:7f00:1::',
    '2001:10::1',
    '2001:20::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::',
    '3fff::1'
  ],
  [
    'ff01::1',
    'ff02::1',
    'ff02::fb',
    'ff05::2',
    'ff0e::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '4000::1',
    '5f00::1',
    'e000::1'
  ]
].flat()

/** Networks of others: private, shared, unique local. A ticket may name them, nobody else. */
const PRIVATE = [
  '/ip4/10.0.0.1',
  '/ip4/10.255.0.1',
  '/ip4/172.16.0.1',
  '/ip4/172.31.255.1',
  '/ip4/192.168.0.1',
  '/ip4/192.168.255.1',
  '/ip4/100.64.0.1',
  '/ip4/100.127.0.1',
  '/ip6/fc00::1',
  '/ip6/fd00::1'
]

/** Names, whatever they resolve to. */
const NAMES = [
  'localhost',
  'localhost.',
  'LOCALHOST',
  'ip6-localhost',
  'metadata.google.internal',
  'printer.local',
  'router.lan',
  'internal',
  'kubernetes.default.svc',
  '127.0.0.1.nip.io',
  'localtest.me',
  'vm',
  'example.org'
].flatMap(name => [`/dns4/${name}`, `/dns6/${name}`, `/dns/${name}`])

/** Services that answer whoever comes. */
const SERVICE_PORTS = [
  0, 1, 7, 21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 161, 389, 445, 465, 587, 631, 636, 853, 873, 993, 1023
]

/** Strange ways to say an address, that a looser reader might take for one. */
const STRANGE = [
  '/ip4/127.1/tcp/PORT',
  '/ip4/0x7f000001/tcp/PORT',
  '/ip4/2130706433/tcp/PORT',
  '/ip4/0177.0.0.1/tcp/PORT',
  '/ip4/8.8.8.8/ipcidr/24/tcp/PORT',
  '/ip6/0:0:0:0:0:0:0:1/tcp/PORT',
  '/ip6/0:0:0:0:0:ffff:7f00:1/tcp/PORT',
  '/ip6/0000:0000:0000:0000:0000:0000:0000:0001/tcp/PORT',
  '/ip6/0::0:1/tcp/PORT',
  '/ip6/::FFFF:7F00:1/tcp/PORT',
  '/ip6/2001:0DB8:0::1/tcp/PORT',
  '/ip6/FE80:0::1/tcp/PORT',
  '/ip6/::ffff:127.0.0.1/tcp/PORT',
  '/ip6/::127.0.0.1/tcp/PORT',
  '/ip6/fe80::1%lo/tcp/PORT',
  '/ip6zone/lo/ip6/fe80::1/tcp/PORT',
  '/ip6zone/lo/ip6/::1/tcp/PORT',
  '/unix/%2Frun%2Fsocket',
  '/memory/1',
  '/dnsaddr/bootstrap.libp2p.io',
  '/dnsaddr/localhost',
  '/ip4/127.0.0.1/udp/PORT',
  '/ip4/127.0.0.1/udp/PORT/quic-v1',
  '/ip4/8.8.8.8/udp/PORT/quic-v1/webtransport',
  '/ip4/127.0.0.1/tcp/PORT/http',
  '/ip4/8.8.8.8/tcp/PORT/ip4/127.0.0.1/tcp/PORT',
  `/ip4/127.0.0.1/tcp/PORT/p2p/${RELAY}/p2p-circuit`,
  `/ip4/169.254.169.254/tcp/PORT/p2p/${RELAY}/p2p-circuit`,
  `/dns4/localhost/tcp/PORT/p2p/${RELAY}/p2p-circuit`,
  `/ip4/8.8.8.8/tcp/PORT/p2p/${RELAY}/p2p-circuit/p2p/${RELAY}/p2p-circuit`,
  `/ip4/8.8.8.8/tcp/PORT/p2p/${RELAY}/p2p-circuit/ip4/127.0.0.1/tcp/PORT`,
  '/p2p-circuit',
  `/p2p/${RELAY}/p2p-circuit`,
  '/tcp/PORT',
  '/ip4/127.0.0.1'
]

/** Every address that nobody but the owner may send us to, at one port: where a decoy listens, say. */
export function hostileAddresses(port: number): string[] {
  return [
    ...V4.map(host => `/ip4/${host}/tcp/${port}`),
    ...V6.map(host => `/ip6/${host}/tcp/${port}`),
    ...['127.0.0.1', '169.254.169.254', '0.0.0.0'].map(host => `/ip4/${host}/tcp/${port}/ws`),
    ...V4.map(host => `/ip4/${host}/tcp/443`),
    ...NAMES.map(name => `${name}/tcp/${port}`),
    ...SERVICE_PORTS.map(service => `/ip4/127.0.0.1/tcp/${service}`),
    ...SERVICE_PORTS.map(service => `/ip4/93.184.216.34/tcp/${service}`),
    ...STRANGE.map(address => address.replaceAll('PORT', String(port)))
  ]
}

/** Addresses in networks that are not ours. */
export function privateAddresses(port: number): string[] {
  return PRIVATE.map(host => `${host}/tcp/${port}`)
}

/** An address of this machine, and other ways to write it. */
export const OWN_V6 = ['2a01:4f8::1', '2a01:04f8:0:0::1', '2A01:4F8:0:0:0:0:0:1', '2a01:4f8::0001', '2a01:4f8::0.0.0.1']

/** What a machine with these interfaces may not be sent to by any peer: itself under each of its names, and the edges of its network. */
export const OWN_INTERFACES: NodeJS.Dict<NetworkInterfaceInfo[]> = {
  lo: [networkOf('127.0.0.1', 8, true)],
  // A network with a decoy in it: near, and still loopback.
  lan0: [networkOf('127.1.2.1', 24)],
  eth0: [networkOf('192.168.77.2', 24), networkOf('2a01:4f8::1', 64)]
}

/** The machine itself, which a ticket may name, since two instances may share one. */
export function ownAddresses(port: number): string[] {
  return [`/ip4/192.168.77.2/tcp/${port}`, ...OWN_V6.map(host => `/ip6/${host}/tcp/${port}`)]
}

export function edgeAddresses(port: number): string[] {
  return ['192.168.77.0', '192.168.77.255'].map(host => `/ip4/${host}/tcp/${port}`)
}

function networkOf(address: string, prefix: number, internal = false): NetworkInterfaceInfo {
  const common = { address, netmask: '', mac: '00:00:00:00:00:00', internal, cidr: `${address}/${prefix}` }
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' }
}

export const HOSTILE = hostileAddresses(4_001)
