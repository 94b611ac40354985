import fc from 'fast-check'
import {
  type Body,
  type Content,
  ENVELOPE_KINDS,
  type Envelope,
  type EnvelopeKind,
  EXPIRY_MAX_MS,
  type Frame,
  fingerprintOf,
  type Hello,
  type PairFrame,
  peerIdOf,
  REASONS,
  type Receipt,
  type RejectReason,
  ROUTE_TTL_MS,
  type RouteRecord
} from '../../src/protocol/index.ts'

const hex = (bytes: number) => bytesOf(bytes).map(value => Buffer.from(value).toString('hex'))
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
/** Leaves room for an expiry below 2^53. */
const time = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - EXPIRY_MAX_MS })
const uint32 = fc.integer({ min: 1, max: 0xffff_ffff })
const labels = fc.constantFrom('', 'brisk-otter', 'Anna 2', 'минск', '小明', 'τρία.τέσσερα')

export function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length })
}

const ids = hex(16)
export const keys = bytesOf(32)
export const fingerprints = keys.map(fingerprintOf)
const kinds = fc.constantFrom(...(Object.keys(ENVELOPE_KINDS) as EnvelopeKind[]))
const reasons = fc.constantFrom(...(Object.keys(REASONS) as RejectReason[]))
const someBytes = fc.uint8Array({ minLength: 1, maxLength: 200 })

const plain = someBytes.map((bytes): Body => ({ type: 'plain', bytes }))
const sealed = someBytes.map((bytes): Body => ({ type: 'sealed', bytes }))
const chunk = fc
  .record({ total: fc.integer({ min: 1, max: 4096 }), part: fc.nat(), data: someBytes })
  .map(({ total, part, data }): Body => ({ type: 'chunk', index: part % total, total, data }))

const BODIES: Record<EnvelopeKind, fc.Arbitrary<Body>> = {
  message: fc.oneof(plain, chunk, sealed),
  host: fc.oneof(plain, chunk, sealed),
  broadcast: fc.oneof(plain, sealed),
  route: plain,
  skip: fc.constant({ type: 'none' })
}

export const contents: fc.Arbitrary<Content> = kinds.chain(kind =>
  fc
    .record({
      id: ids,
      key: keys,
      to: fingerprints,
      topic: fc.constantFrom('openclaw-mesh', 'team/ops:2', '运维'),
      epoch: hex(8),
      conversation: ids,
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      inReplyTo: optional(ids),
      timeMs: time,
      lifeMs: fc.integer({ min: 1, max: EXPIRY_MAX_MS }),
      caused: optional(
        fc.record({
          root: ids,
          parent: ids,
          depth: fc.integer({ min: 1, max: 16 }),
          hops: fc.array(fingerprints, { maxLength: 4 })
        })
      ),
      body: BODIES[kind]
    })
    .map(({ to, topic, lifeMs, caused, inReplyTo, ...rest }) => ({
      ...rest,
      kind,
      from: fingerprintOf(rest.key),
      ...(kind === 'broadcast' ? { topic } : { to }),
      ...((kind === 'message' || kind === 'host') && inReplyTo !== undefined && { inReplyTo }),
      expiresMs: rest.timeMs + lifeMs,
      trace: caused ?? { root: rest.id, depth: 0, hops: [] }
    }))
)

export const envelopes: fc.Arbitrary<Envelope> = fc
  .record({
    signed: someBytes,
    sig: bytesOf(64),
    path: fc.array(bytesOf(32), { maxLength: 12 }),
    random: fc.nat()
  })
  .map(({ random, ...rest }) => ({ ...rest, sides: random % 2 ** rest.path.length }))

const hellos: fc.Arbitrary<Hello> = fc.record({
  version: uint32,
  kinds: fc.uniqueArray(kinds),
  maxFrameBytes: uint32,
  epoch: hex(8),
  timeMs: time,
  admitted: fc.boolean(),
  label: labels
})

const receipts: fc.Arbitrary<Receipt> = fc
  .record({ id: ids, attempt: uint32, hash: bytesOf(32), reason: reasons })
  .chain(base =>
    fc.oneof(
      fc.constantFrom('received', 'delivered', 'answered').map((outcome): Receipt => ({ ...base, outcome })),
      fc.constant<Receipt>({ ...base, outcome: 'rejected', reason: base.reason === 'none' ? 'expired' : base.reason }),
      time.map((untilMs): Receipt => ({ ...base, outcome: 'deferred', untilMs }))
    )
  )

export const frames: fc.Arbitrary<Frame> = fc.oneof(
  hellos.map((hello): Frame => ({ type: 'hello', hello })),
  envelopes.map((envelope): Frame => ({ type: 'envelope', envelope })),
  fc.array(receipts, { minLength: 1, maxLength: 20 }).map((list): Frame => ({ type: 'receipts', receipts: list }))
)

export const pairFrames: fc.Arbitrary<PairFrame> = fc.oneof(
  fc
    .record({ kind: uint32, body: fc.uint8Array({ maxLength: 200 }) })
    .map((r): PairFrame => ({ type: 'request', ...r })),
  fc
    .record({ accepted: fc.boolean(), reason: reasons, label: labels })
    .map((a): PairFrame => ({ type: 'answer', ...a }))
)

export const routeRecords: fc.Arbitrary<RouteRecord> = fc
  .record({
    peer: keys.map(peerIdOf),
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    addresses: fc.array(
      fc.constantFrom('/ip4/192.0.2.7/tcp/4001', '/ip6/2001:db8::7/tcp/4001', '/dns4/a.example/tcp/443/wss'),
      {
        maxLength: 8
      }
    ),
    issuedMs: time,
    lifeMs: fc.integer({ min: 1, max: ROUTE_TTL_MS }),
    label: labels
  })
  .map(({ lifeMs, ...rest }) => ({ ...rest, expiresMs: rest.issuedMs + lifeMs }))
