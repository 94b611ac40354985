import { describe, expect, it } from 'vitest'
import { type ReachabilityFacts, reachabilityOf } from '../../src/node/reachability.ts'

const OWN = '/ip4/46.0.0.2/tcp/4001'
const OTHER = '/ip4/47.0.0.2/tcp/4001'

const facts = (some: Partial<ReachabilityFacts>): ReachabilityFacts => ({
  addresses: [],
  upnp: { state: 'none', addresses: [], detail: '' },
  announced: [],
  autoNat: true,
  ...some
})

describe('S1.35: reachability', () => {
  it.each<[string, Partial<ReachabilityFacts>, string, string]>([
    [
      'one address that was reached is enough',
      {
        addresses: [
          { address: OTHER, verdict: 'unreachable' },
          { address: OWN, verdict: 'reachable' }
        ]
      },
      'public',
      'AutoNAT: 46.0.0.2 port 4001 was dialled back by another node.'
    ],
    [
      'a port that the router opened counts until somebody tried it in vain',
      { addresses: [{ address: OWN, verdict: 'unknown' }], upnp: { state: 'mapped', addresses: [OWN], detail: '' } },
      'public',
      'The router opened 46.0.0.2 port 4001 by UPnP; nobody outside has tried it yet.'
    ],
    [
      'tried in vain, it is private',
      {
        addresses: [{ address: OWN, verdict: 'unreachable' }],
        upnp: { state: 'mapped', addresses: [OWN], detail: '' }
      },
      'private',
      'AutoNAT: another node could not connect to 46.0.0.2 port 4001.'
    ],
    ['no public address', {}, 'private', 'No address of this machine is public, and no router opened a port.'],
    [
      'no public address, and no UPnP',
      { upnp: { state: 'off', addresses: [], detail: '' } },
      'private',
      'No address of this machine is public, and no router is asked to open a port.'
    ],
    [
      'not tried yet',
      { addresses: [{ address: OWN, verdict: 'unknown' }] },
      'unknown',
      'A public address is 46.0.0.2 port 4001; nobody outside has been asked yet.'
    ],
    [
      'announced, and nobody to ask',
      {
        addresses: [{ address: '/dns4/a.example/tcp/443/wss', verdict: 'unknown' }],
        announced: ['/dns4/a.example/tcp/443/wss'],
        autoNat: false
      },
      'unknown',
      'announceAddrs says a.example port 443; without AutoNAT nobody outside is asked.'
    ],
    [
      'one failed, another one may still work',
      {
        addresses: [
          { address: OWN, verdict: 'unreachable' },
          { address: OTHER, verdict: 'unknown' }
        ]
      },
      'unknown',
      'A public address is 47.0.0.2 port 4001; nobody outside has been asked yet.'
    ]
  ])('%s', (_, some, verdict, reason) => {
    expect(reachabilityOf(facts(some))).toEqual({ verdict, reason })
  })
})
