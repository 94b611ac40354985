import type { Peer, Result, SendResult, Status } from '../../src/control/methods.ts'

export const BOB = 'brisk-otter@mfzw-izlb-onsw-i2lo-m5zg-k4tf'
const BOB_PEER = '12D3KooWGRUFBBMjYVrZ6qN7bqgHkqVpNxWGFjMzTgDYuKSCnRxR'
const RELAY_PEER = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMFHZnnsTzqD'

export const sent: SendResult = {
  id: '0123456789abcdef0123456789abcdef',
  level: 'delivered',
  path: 'lan',
  ms: 12.4,
  reply: null,
  to: { instanceId: BOB, peerId: BOB_PEER, name: 'bob' },
  reason: null,
  repeated: false
}

export const peer: Peer = {
  instanceId: BOB,
  peerId: BOB_PEER,
  name: 'bob',
  trust: 'paired',
  path: 'direct',
  rttMs: 3.6,
  lastSeenAt: '2026-11-21T10:24:31.000Z',
  queued: 2
}

export const report: Status = {
  peerId: BOB_PEER,
  instanceId: BOB,
  addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${BOB_PEER}`],
  reachability: 'private',
  reachabilityReason: 'Two others could not dial this instance.',
  relays: [
    {
      peer: BOB_PEER,
      address: `/ip4/203.0.113.10/tcp/4001/p2p/${BOB_PEER}`,
      state: 'reserved',
      ageMs: 745_000,
      rttMs: 34.4
    },
    {
      peer: RELAY_PEER,
      address: `/ip4/203.0.113.11/tcp/4001/p2p/${RELAY_PEER}`,
      state: 'trying',
      problem: 'It cannot be reached.'
    }
  ],
  relay: null,
  peers: 1,
  version: '1.2.3',
  startedAt: '2026-11-21T10:00:00.000Z',
  outbox: { waiting: 3 },
  inbox: { open: 0, unknown: 1 },
  notices: { unread: 2 },
  pendingSettings: ['relayList'],
  gauges: [{ name: 'routes', size: 2, max: 1_000 }],
  issues: ['Port 4001 is taken.']
}

export const trusted: Result<'trust'> = {
  instanceId: BOB,
  peerId: BOB_PEER,
  trust: 'paired',
  before: 'unknown',
  connected: false
}

export const asking: Result<'requests'>[number] = {
  direction: 'incoming',
  instanceId: BOB,
  peerId: BOB_PEER,
  name: 'bob',
  purpose: 'tea',
  askedAt: '2026-11-21T10:24:31.000Z'
}

export const message: Result<'messages'>[number] = {
  id: sent.id,
  from: sent.to,
  at: '2026-11-21T10:24:31.000Z',
  state: 'done',
  inReplyTo: null,
  text: 'hi'
}

export const pinged: Result<'ping'> = {
  instanceId: BOB,
  peerId: BOB_PEER,
  name: 'bob',
  path: 'relayed',
  rttMs: 41.2,
  address: `/ip4/203.0.113.10/tcp/4001/p2p/${RELAY_PEER}/p2p-circuit/p2p/${BOB_PEER}`
}

export const checked: Result<'netcheck'> = {
  listeners: ['/ip4/192.168.5.7/tcp/4001'],
  interfaces: [
    { name: 'wlan0', address: '192.168.5.7', kind: 'private' },
    { name: 'docker0', address: '172.17.0.1', kind: 'inner' }
  ],
  multicast: { state: 'heard', detail: 'A question of ours came back on wlan0.' },
  upnp: { state: 'none', addresses: [], detail: 'No router answered.' },
  reachability: { verdict: 'private', reason: 'Two others could not dial this instance.' },
  addresses: [{ address: '/ip4/203.0.113.7/tcp/4001', verdict: 'unreachable' }],
  natMapping: { kind: 'different', seen: ['/ip4/203.0.113.7/tcp/4001', '/ip4/203.0.113.7/tcp/4002'] },
  relays: report.relays,
  ipv6: { global: false, detail: 'No interface has a global IPv6 address.' },
  advice: 'Add a second relay.'
}
