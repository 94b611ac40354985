import {
  type Content,
  encodeContent,
  encodeFrame,
  encodePairFrame,
  encodeRouteRecord,
  type Frame,
  formatInstanceId,
  hashOf,
  type PairFrame,
  peerIdOf,
  type RouteRecord,
  rootOf,
  sealGroup,
  toHex
} from '../../src/protocol/index.ts'
import { broadcast, exchange } from './exchange.ts'
import { contentOf, conversationOf, crane, DAY_MS, EPOCH, heron, idOf, otter, TIME_MS } from './members.ts'
import { refused } from './refused.ts'

/**
 * Golden vectors: what an implementation in any language must write and read. Everything is fixed, Ed25519 signatures are deterministic, so
 * the files change only when the protocol does. Bytes stand as lower-case hex.
 */

const TOPIC = 'openclaw-mesh'

const route: RouteRecord = {
  peer: peerIdOf(otter.key.publicKey),
  seq: 300,
  addresses: ['/ip4/192.0.2.7/tcp/4001', '/ip6/2001:db8::7/udp/4001/quic-v1'],
  issuedMs: TIME_MS,
  expiresMs: TIME_MS + DAY_MS,
  label: otter.label
}

function contents(): [string, Content][] {
  const first = contentOf(1, 'hello')
  const { to: _, ...unaddressed } = first
  const caused = { root: idOf(0xa0), parent: idOf(0xa1), depth: 2, hops: [heron.fingerprint, crane.fingerprint] }
  return [
    ['a message', first],
    ['a reply that was caused by others', { ...contentOf(2, 'größe 小明 🦦'), inReplyTo: idOf(0xa1), trace: caused }],
    ['words of the host, with large numbers', { ...contentOf(3, 'x'), kind: 'host', seq: Number.MAX_SAFE_INTEGER }],
    ['a broadcast', { ...unaddressed, kind: 'broadcast', topic: TOPIC, conversation: conversationOf(TOPIC) }],
    [
      'a piece of a long body',
      { ...first, body: { type: 'chunk', index: 1, total: 3, data: Uint8Array.of(0, 1, 255) } }
    ],
    ['a sealed body', { ...first, body: { type: 'sealed', bytes: Uint8Array.of(9, 8, 7) } }],
    ['a route record', { ...first, kind: 'route', body: { type: 'plain', bytes: encodeRouteRecord(route) } }],
    ['a skipped seq', { ...first, kind: 'skip', seq: 300, body: { type: 'none' } }]
  ]
}

async function frames(): Promise<[string, Frame][]> {
  const [alone] = await sealGroup([encodeContent(contentOf(1, 'hello'))], otter.key.sign)
  const group = await sealGroup(
    [1, 2, 3].map(n => encodeContent(contentOf(n, 'hello'))),
    otter.key.sign
  )
  const last = group[2]
  if (alone === undefined || last === undefined) throw new Error('a group keeps its size')
  const hash = hashOf(alone.signed)
  return [
    [
      'a hello',
      {
        type: 'hello',
        hello: {
          version: 1,
          kinds: ['message', 'host', 'broadcast', 'route', 'skip'],
          maxFrameBytes: 65_536,
          epoch: EPOCH,
          timeMs: TIME_MS,
          admitted: true,
          label: crane.label
        }
      }
    ],
    [
      'a hello to a stranger',
      {
        type: 'hello',
        hello: { version: 1, kinds: [], maxFrameBytes: 65_536, epoch: EPOCH, timeMs: 1, admitted: false, label: '' }
      }
    ],
    ['an envelope alone', { type: 'envelope', envelope: alone }],
    ['the third envelope of three', { type: 'envelope', envelope: last }],
    [
      'receipts',
      {
        type: 'receipts',
        receipts: [
          { id: idOf(1), attempt: 1, hash, outcome: 'received', reason: 'none' },
          { id: idOf(1), attempt: 1, hash, outcome: 'delivered', reason: 'no_reply' },
          { id: idOf(1), attempt: 2, hash, outcome: 'answered', reason: 'none' },
          { id: idOf(2), attempt: 300, hash, outcome: 'rejected', reason: 'bad_signature' },
          { id: idOf(3), attempt: 1, hash, outcome: 'deferred', reason: 'overloaded', untilMs: TIME_MS }
        ]
      }
    ]
  ]
}

const PAIR_FRAMES: [string, PairFrame][] = [
  ['a request', { type: 'request', kind: 1, body: Uint8Array.of(1, 2, 3) }],
  ['an answer', { type: 'answer', accepted: true, reason: 'none', label: 'brisk-otter' }],
  ['a refusal', { type: 'answer', accepted: false, reason: 'unsupported', label: '' }]
]

/** File name -> what the file holds. */
export async function buildVectors(): Promise<Record<string, unknown>> {
  return {
    'keys.json': [otter, heron, crane].map(({ label, seed, key, fingerprint }) => ({
      seed,
      publicKey: toHex(key.publicKey),
      peerId: peerIdOf(key.publicKey),
      fingerprint,
      label,
      instanceId: formatInstanceId(label, fingerprint)
    })),
    'contents.json': contents().map(([what, content]) => ({
      what,
      content,
      signed: toHex(encodeContent(content)),
      hash: toHex(hashOf(encodeContent(content)))
    })),
    'groups.json': await Promise.all([1, 2, 3, 5].map(groupVector)),
    'frames.json': (await frames()).map(([what, frame]) => ({ what, frame, bytes: toHex(encodeFrame(frame)) })),
    'pair-frames.json': PAIR_FRAMES.map(([what, frame]) => ({ what, frame, bytes: toHex(encodePairFrame(frame)) })),
    'route-records.json': [
      { what: 'two addresses', record: route, bytes: toHex(encodeRouteRecord(route)) },
      {
        what: 'nothing listens',
        record: { ...route, addresses: [], label: '' },
        bytes: toHex(encodeRouteRecord({ ...route, addresses: [], label: '' }))
      }
    ],
    'broadcasts.json': [await broadcastVector()],
    'exchange.json': await exchange(),
    'refused.json': refused(route.peer)
  }
}

async function broadcastVector(): Promise<object> {
  const { content, data } = await broadcast()
  return { what: 'a text to the default topic', topic: TOPIC, conversation: conversationOf(TOPIC), content, data }
}

async function groupVector(size: number): Promise<object> {
  const signed = Array.from({ length: size }, (_, i) => encodeContent(contentOf(i + 1, `message ${i + 1}`)))
  const group = await sealGroup(signed, otter.key.sign)
  const [first] = group
  if (first === undefined) throw new Error('a group keeps its size')
  return {
    seed: otter.seed,
    root: toHex(rootOf(first)),
    sig: toHex(first.sig),
    envelopes: group.map(envelope => ({
      signed: toHex(envelope.signed),
      sides: envelope.sides,
      path: envelope.path.map(toHex)
    }))
  }
}

/** The text of a vector file: bytes as hex, everything else as it is. */
export function vectorText(value: unknown): string {
  const hexed = (_: string, part: unknown) => (part instanceof Uint8Array ? toHex(part) : part)
  return `${JSON.stringify(value, hexed, 2)}\n`
}
