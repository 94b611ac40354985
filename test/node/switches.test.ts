import { expect, it } from 'vitest'
import { Issues } from '../../src/node/issues.ts'
import { listenList } from '../../src/node/listen-list.ts'
import { switchesOf } from '../../src/node/switches.ts'

const ALL = {
  listenAddrs: ['/ip4/0.0.0.0/tcp/0'],
  enableWebSocket: true,
  enableNATTraversal: true,
  enableIdentify: true,
  enableAutoNAT: true,
  enableUPnP: true,
  enableCircuitRelay: true,
  enableCircuitRelayServer: true
}
const ON = { webSocket: true, identify: true, autoNat: true, upnp: true, relayClient: true, relayServer: true }

it('S1.33: the master switch rules all of NAT traversal, identify included, and not WebSockets', () => {
  expect(switchesOf(ALL)).toEqual(ON)
  expect(switchesOf({ ...ALL, enableNATTraversal: false })).toEqual({
    ...{ identify: false, autoNat: false, upnp: false, relayClient: false, relayServer: false },
    webSocket: true
  })
})

it.each([
  ['S1.30', 'enableWebSocket', { webSocket: false }],
  ['S1.34', 'enableIdentify', { identify: false, autoNat: false }],
  ['S1.35', 'enableAutoNAT', { autoNat: false }],
  ['S1.36', 'enableUPnP', { upnp: false }],
  ['S1.37', 'enableCircuitRelay', { relayClient: false }],
  ['S1.38', 'enableCircuitRelayServer', { relayServer: false }]
])('%s: %s switches its own part, and what cannot be without it', (_, key, off) => {
  expect(switchesOf({ ...ALL, [key]: false })).toEqual({ ...ON, ...off })
})

it('a node that listens on loopback alone asks no router and nobody else about it', () => {
  expect(switchesOf({ ...ALL, listenAddrs: ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'] })).toEqual({
    ...ON,
    autoNat: false,
    upnp: false
  })
})

it('S1.30: listens for WebSockets beside each host where the settings name no place for them', () => {
  const issues = new Issues()
  const list = ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002', '/ip6/::/tcp/4001']
  expect(listenList(list, { issues }, { webSocket: true })).toEqual([
    ...list,
    '/ip4/0.0.0.0/tcp/0/ws',
    '/ip6/::/tcp/0/ws'
  ])
  const named = ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/8080/ws']
  expect(listenList(named, { issues }, { webSocket: true })).toEqual(named)
  expect(issues.list()).toEqual([])
  expect(listenList(named, { issues }, { webSocket: false })).toEqual(named.slice(0, 1))
  expect(issues.list()).toEqual(['Cannot listen on /ip4/0.0.0.0/tcp/8080/ws: the setting enableWebSocket is off.'])
})
