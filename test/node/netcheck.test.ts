import type { NetworkInterfaceInfo } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { netcheckSchema } from '../../src/control/network-methods.ts'
import { type NetcheckComponents, Netcheckup } from '../../src/node/netcheck.ts'
import { interfacesOf, ipv6Of } from '../../src/node/netcheck-interfaces.ts'
import { ownInterfaces } from '../../src/node/own-interfaces.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { testNode } from './test-node.ts'

const RELAY = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMFHZnnsTzqD'

const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const info = (address: string, internal = false): NetworkInterfaceInfo => {
  const place = { address, netmask: '', mac: '00:00:00:00:00:00', internal, cidr: null }
  return address.includes(':') ? { ...place, family: 'IPv6', scopeid: 0 } : { ...place, family: 'IPv4' }
}

describe('interfaces', () => {
  it('are ranked by how far they lead, those for containers last', () => {
    const found = interfacesOf({
      docker0: [info('172.17.0.1'), info('2a01:4f8::7')],
      veth1a2b: [info('fe80::2')],
      lo: [info('127.0.0.1', true), info('::1', true)],
      eth0: [info('169.254.3.4'), info('192.168.5.7'), info('fe80::1'), info('2a01:4f8:0::8')],
      tun0: [info('100.64.1.2')],
      ppp0: [info('93.184.216.34')],
      wlan0: [info('fd00::1')]
    })
    expect(found.map(({ name, address, kind }) => `${name} ${address} ${kind}`)).toEqual([
      'eth0 2a01:4f8::8 public',
      'ppp0 93.184.216.34 public',
      'eth0 192.168.5.7 private',
      'tun0 100.64.1.2 private',
      'wlan0 fd00::1 private',
      'eth0 169.254.3.4 link-local',
      'eth0 fe80::1 link-local',
      'lo 127.0.0.1 loopback',
      'lo ::1 loopback',
      'docker0 172.17.0.1 inner',
      'docker0 2a01:4f8::7 inner',
      'veth1a2b fe80::2 inner'
    ])
    expect(ipv6Of(found)).toEqual({ global: true, detail: '2a01:4f8::8 on eth0.' })
  })

  it.each([
    ['of one machine only', { docker0: [info('2a01:4f8::7')] }],
    ['unique local', { eth0: [info('fd00::1')] }],
    ['of documents', { eth0: [info('2001:db8::1')] }],
    ['IPv4', { eth0: [info('93.184.216.34')] }]
  ])('have no global IPv6 where the addresses are %s', (_, interfaces) => {
    expect(ipv6Of(interfacesOf(interfaces))).toMatchObject({ global: false })
  })
})

const quiet: NetcheckComponents = {
  listeners: () => [],
  interfaces: () => ({}),
  multicast: async () => ({ state: 'off', detail: 'mDNS is off.' }),
  upnp: () => ({ state: 'off', addresses: [], detail: 'UPnP is off.' }),
  reachability: () => ({ verdict: 'unknown', reason: 'Nobody outside has been asked yet.' }),
  addresses: () => [],
  natMapping: () => ({ kind: 'unknown', seen: [] }),
  relays: async () => []
}

describe('a netcheck', () => {
  it('puts together what the parts know', async () => {
    const parts = {
      multicast: { state: 'heard', detail: 'on eth0' },
      upnp: { state: 'mapped', addresses: ['/ip4/93.184.216.34/tcp/4001'], detail: 'One port.' },
      reachability: { verdict: 'public', reason: 'Two others dialled it.' },
      addresses: [{ address: '/ip4/93.184.216.34/tcp/4001', verdict: 'reachable' }],
      natMapping: { kind: 'same', seen: ['/ip4/93.184.216.34/tcp/4001'] },
      relays: [{ peer: RELAY, address: `/ip4/9.9.9.9/tcp/4001/p2p/${RELAY}`, state: 'reserved', ageMs: 1, rttMs: 2 }]
    } as const
    const found = await new Netcheckup({
      listeners: () => [
        '/ip4/192.168.5.7/tcp/4001',
        '/ip4/192.168.5.7/tcp/4001',
        `/ip4/192.168.5.7/tcp/4002/ws/p2p/${RELAY}`,
        `/ip4/9.9.9.9/tcp/4001/p2p/${RELAY}/p2p-circuit`
      ],
      interfaces: () => ({ eth0: [info('192.168.5.7')] }),
      multicast: async () => parts.multicast,
      upnp: () => ({ ...parts.upnp, addresses: [...parts.upnp.addresses] }),
      reachability: () => parts.reachability,
      addresses: () => [...parts.addresses],
      natMapping: () => ({ ...parts.natMapping, seen: [...parts.natMapping.seen] }),
      relays: async () => [...parts.relays]
    }).run()
    expect(found).toEqual({
      ...parts,
      listeners: ['/ip4/192.168.5.7/tcp/4001', '/ip4/192.168.5.7/tcp/4002/ws'],
      interfaces: [{ name: 'eth0', address: '192.168.5.7', kind: 'private' }],
      ipv6: { global: false, detail: 'No interface has a global IPv6 address.' },
      advice: 'All is well: others can connect from anywhere.'
    })
    expect(netcheckSchema.parse(found)).toEqual(found)
  })

  it('says what it can where the system keeps its interfaces to itself', async () => {
    const interfaces = ownInterfaces((): never => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    })
    const listeners = () => ['/ip4/192.168.5.7/tcp/4001']
    const found = await new Netcheckup({ ...quiet, interfaces, listeners }).run()
    expect(found).toMatchObject({ interfaces: [], listeners: listeners(), ipv6: { global: false } })
  })

  it('ends with its signal', async () => {
    const end = new AbortController()
    const multicast: NetcheckComponents['multicast'] = ({ signal }) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
    const run = new Netcheckup({ ...quiet, multicast }).run({ signal: end.signal })
    end.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    await expect(new Netcheckup(quiet).run({ signal: end.signal })).rejects.toThrow('enough')
  })

  it('of a node on loopback names its socket, and says that nobody else can connect', async () => {
    const interfaces = () => ({ lo: [info('127.0.0.1', true)], eth0: [info('192.168.5.7')] })
    const { node } = await testNode({ interfaces })
    await node.start(new RecordingHandler())
    stops.push(() => node.stop())
    const found = await node.diagnostics.netcheck()
    expect(netcheckSchema.parse(found)).toEqual(found)
    expect(found.listeners.map(address => `${address}/p2p/${node.peer}`)).toEqual(node.addresses())
    expect(found).toMatchObject({
      multicast: { state: 'off', detail: 'mDNS is off: discovery is "bootstrap".' },
      reachability: { verdict: 'private' },
      relays: [],
      advice: expect.stringMatching(/^Only programs of this machine can connect/)
    })
  })
})
