import type { NetworkInterfaceInfo } from 'node:os'
import { afterEach, expect, it } from 'vitest'
import { OwnRoute } from '../../src/mesh/own-route.ts'
import { inOrder } from '../../src/node/address-order.ts'
import { decodeContent, decodeRouteRecord } from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { FakeStore } from '../fakes/store.ts'
import { testNode } from './test-node.ts'

const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const info = (address: string): NetworkInterfaceInfo => ({
  address,
  netmask: '255.255.0.0',
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: `${address}/16`
})

const bridges = Array.from({ length: 9 }, (_, index) => `172.${17 + index}.0.1`)
const interfaces = {
  ...Object.fromEntries(bridges.map((address, index) => [index === 0 ? 'docker0' : `br-${index}`, [info(address)]])),
  wlan0: [info('192.168.5.7')]
}
const RELAY = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMFHZnnsTzqD'

it('puts what is announced, public or at a relay first, then the own network, then bridges, then loopback', () => {
  const inner = bridges.map(address => `/ip4/${address}/tcp/4001`)
  const lan = '/ip4/192.168.5.7/tcp/4001'
  const first = [
    '/dns4/home.example.org/tcp/443',
    // A port forwarded from a network that this machine is not in.
    `/ip4/10.3.3.3/tcp/4001/p2p/${RELAY}`,
    '/ip4/9.9.9.9/tcp/4001',
    `/ip4/10.0.0.1/tcp/4001/p2p/${RELAY}/p2p-circuit`
  ]
  const given = ['/ip4/127.0.0.1/tcp/4001', ...inner, lan, ...first.toReversed()]
  const announced = ['/dns4/home.example.org/tcp/443', '/ip4/10.3.3.3/tcp/4001']
  const [one = '', other = '', ...rest] = first
  expect(inOrder(given, { announced, interfaces })).toEqual([
    other,
    one,
    ...rest,
    lan,
    ...inner,
    '/ip4/127.0.0.1/tcp/4001'
  ])
})

it('has relays and the own network among the eight of a route record, however many public addresses there are', () => {
  const temporary = Array.from({ length: 12 }, (_, index) => `/ip6/2a00::${index + 1}/tcp/4001`)
  const circuits = Array.from({ length: 4 }, (_, index) => `/ip4/9.9.9.${index}/tcp/4001/p2p/${RELAY}/p2p-circuit`)
  const lan = '/ip4/192.168.5.7/tcp/4001'
  expect(inOrder([...temporary, ...circuits, lan], { announced: [], interfaces }).slice(0, 8)).toEqual([
    ...temporary.slice(0, 3),
    ...circuits.slice(0, 3),
    lan,
    temporary[3]
  ])
})

it('says the announced address among the eight of a route record, however many others there are', async () => {
  const announced = '/ip4/10.3.3.3/tcp/4001'
  const listenAddrs = Array.from({ length: 9 }, (_, index) => `/ip4/127.0.0.${index + 1}/tcp/0`)
  const { node } = await testNode({ listenAddrs, announceAddrs: [announced] })
  await node.start(new RecordingHandler())
  stops.push(() => node.stop())
  expect(node.addresses()).toHaveLength(10)
  const me = new FakeInstance('me')
  const route = new OwnRoute(
    {
      network: { peer: me.peer, addresses: by => node.addresses(by) },
      store: new FakeStore(),
      signer: me.signer,
      clock: new FakeClock()
    },
    { self: me.instance, label: () => 'me' }
  )
  const { body } = decodeContent((await route.envelopeFor(new FakeInstance('bob').instance, { near: true })).signed)
  if (body.type !== 'plain') throw new Error('no record')
  const { addresses } = decodeRouteRecord(body.bytes)
  expect(addresses).toHaveLength(8)
  expect(addresses[0]).toContain(announced)
})
