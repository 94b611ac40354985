import { describe, expect, it } from 'vitest'
import type { RelayState } from '../../src/mesh/ports.ts'
import { adviceOf, type Facts } from '../../src/node/netcheck-advice.ts'

/** A machine in a home network on which all works, and of which nobody outside has said anything. */
const HOME: Facts = {
  listeners: ['/ip4/127.0.0.1/tcp/4001', '/ip4/192.168.5.7/tcp/4001'],
  interfaces: [
    { name: 'wlan0', address: '192.168.5.7', kind: 'private' },
    { name: 'lo', address: '127.0.0.1', kind: 'loopback' },
    { name: 'docker0', address: '172.17.0.1', kind: 'inner' }
  ],
  multicast: { state: 'heard', detail: '' },
  upnp: { state: 'none', addresses: [], detail: '' },
  reachability: { verdict: 'unknown', reason: '' },
  addresses: [],
  natMapping: { kind: 'unknown', seen: [] },
  relays: [],
  ipv6: { global: false, detail: '' }
}

const reachability = (verdict: Facts['reachability']['verdict']): Partial<Facts> => ({
  reachability: { verdict, reason: '' }
})
const PRIVATE = reachability('private')
const PUBLIC = reachability('public')
const SILENT: Partial<Facts> = { multicast: { state: 'silent', detail: '' } }
const DIFFERENT: Partial<Facts> = { natMapping: { kind: 'different', seen: [] } }
const SAME: Partial<Facts> = { natMapping: { kind: 'same', seen: [] } }
const UPNP_OFF: Partial<Facts> = { upnp: { state: 'off', addresses: [], detail: '' } }

const relay = (state: RelayState['state'], problem?: string): RelayState => ({
  peer: '12D3KooWrelay',
  address: '/ip4/203.0.113.10/tcp/4001/p2p/12D3KooWrelay',
  state,
  ...(problem !== undefined && { problem })
})
const relays = (...states: RelayState[]): Partial<Facts> => ({ relays: states })
const IN = relay('reserved')
const OUT = relay('trying', '12D3KooWrelay does not let this instance reserve.')

const CASES: [string, Partial<Facts>[], RegExp][] = [
  ['nothing listens', [{ listeners: [] }, SILENT, PRIVATE], /^Nothing listens here.*listenAddrs/],
  ['nothing listens, and a relay lets others in', [{ listeners: [] }, PRIVATE, relays(IN, IN)], /^All is well/],
  [
    'only loopback listens',
    [{ listeners: ['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001'] }],
    /^Only programs of this/
  ],
  ['there is no network', [{ interfaces: HOME.interfaces.slice(1) }, SILENT], /^This machine has no network/],
  [
    'there is no network, so that loopback is all that listens',
    [{ interfaces: HOME.interfaces.slice(1), listeners: ['/ip4/127.0.0.1/tcp/4001'] }],
    /^This machine has no network/
  ],
  ['private, no relay, a port for each destination', [PRIVATE, DIFFERENT], /^Add a relay.*another port/],
  ['private, no relay, and multicast is not heard', [PRIVATE, DIFFERENT, SILENT], /^Let UDP port 5353/],
  ['the same, and UPnP is off', [PRIVATE, DIFFERENT, UPNP_OFF], /^Add a relay.*another port/],
  ['private, no relay, UPnP off', [PRIVATE, SAME, UPNP_OFF], /^Set enableUPnP/],
  ['private, no relay, no UPnP in the router', [PRIVATE, SAME], /^Add a relay.*announceAddrs/],
  [
    'private, and no relay lets anybody in',
    [PRIVATE, relays(OUT, OUT)],
    /^No relay.* does not let this instance reserve/
  ],
  ['unknown, and no relay lets anybody in', [relays(relay('trying'))], /^No relay.*has answered yet\.$/],
  [
    'private, and one relay of two is missing',
    [PRIVATE, relays(IN, OUT)],
    /^Others can connect, but a relay is missing/
  ],
  ['public, and a relay is missing', [PUBLIC, relays(OUT)], /^Others can connect, but a relay is missing/],
  ['multicast is not heard', [SILENT], /^Let UDP port 5353/],
  ['public, and multicast is not heard', [PUBLIC, SILENT], /^Let UDP port 5353/],
  ['private, and one relay', [PRIVATE, relays(IN)], /^Add a second relay/],
  ['private, and two relays', [PRIVATE, DIFFERENT, relays(IN, IN)], /^All is well.*through a relay/],
  ['private, one relay and a spare one', [PRIVATE, relays(IN, relay('spare'))], /^All is well.*through a relay/],
  ['public', [PUBLIC], /^All is well: others can connect from anywhere\.$/],
  ['mDNS is off', [PUBLIC, { multicast: { state: 'off', detail: '' } }], /^All is well/],
  ['nobody outside has said anything', [], /^All is well in this network; .*add a relay/]
]

describe('the advice', () => {
  it.each(CASES)('where %s', (_, changes, expected) => {
    const advice = adviceOf(Object.assign({}, HOME, ...changes))
    expect(advice).toMatch(expected)
    expect(advice).toMatch(/^[^\n]{20,200}\.$/)
  })
})
