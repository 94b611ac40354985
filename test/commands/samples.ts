import type { Peer, Result, SendResult, Status } from '../../src/control/methods.ts'

export const BOB = 'brisk-otter@mfzw-izlb-onsw-i2lo-m5zg-k4tf'
const BOB_PEER = '12D3KooWGRUFBBMjYVrZ6qN7bqgHkqVpNxWGFjMzTgDYuKSCnRxR'

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
  reachability: 'unknown',
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
