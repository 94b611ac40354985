import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  decodeContent,
  decodeEnvelope,
  decodeFrame,
  decodePairFrame,
  decodeRouteRecord,
  ENVELOPE_KINDS,
  fingerprintOf,
  fingerprintToBytes,
  parseInstanceId,
  peerIdOf,
  publicKeyOf,
  REASONS,
  RECEIPT_LEVELS,
  RECEIPT_REFUSALS,
  rootOf,
  textOf,
  toHex,
  VerifiedRoots,
  verifyEnvelope
} from '../../src/protocol/index.ts'
import { buildVectors, vectorText } from '../vectors/build.ts'
import { keyOf, verifyEd25519 } from './ed25519.ts'
import { bytesField, codeOf, join, numberField, textField } from './proto.ts'

const FOLDER = new URL('../vectors/', import.meta.url)
const DOMAIN = 'libp2p-mesh/1/envelope\0'

const hex = z.string().regex(/^([0-9a-f]{2})*$/)
const read = <T>(file: string, schema: z.ZodType<T>): T[] =>
  z
    .array(schema)
    .min(1)
    .parse(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')))
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const sha256 = (...parts: Uint8Array[]) =>
  createHash('sha256')
    .update(join(...parts))
    .digest('hex')
/** As a vector file shows it. */
const shown = (value: unknown): unknown => JSON.parse(vectorText(value))

const keySchema = z.strictObject({
  seed: hex,
  publicKey: hex,
  peerId: z.string(),
  fingerprint: z.string(),
  label: z.string(),
  instanceId: z.string()
})
const contentSchema = z.strictObject({
  kind: z.enum(['message', 'host', 'broadcast', 'route', 'skip']),
  id: hex,
  from: z.string(),
  key: hex,
  to: z.string().optional(),
  topic: z.string().optional(),
  epoch: hex,
  conversation: hex,
  seq: z.number(),
  inReplyTo: hex.optional(),
  timeMs: z.number(),
  expiresMs: z.number(),
  trace: z.strictObject({ root: hex, parent: hex.optional(), depth: z.number(), hops: z.array(z.string()) }),
  body: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('plain'), bytes: hex }),
    z.strictObject({ type: z.literal('sealed'), bytes: hex }),
    z.strictObject({ type: z.literal('chunk'), index: z.number(), total: z.number(), data: hex }),
    z.strictObject({ type: z.literal('none') })
  ])
})
const groupSchema = z.strictObject({
  seed: hex,
  root: hex,
  sig: hex,
  envelopes: z.array(z.strictObject({ signed: hex, sides: z.number(), path: z.array(hex) }))
})
const frameSchema = z.strictObject({ what: z.string(), frame: z.looseObject({ type: z.string() }), bytes: hex })

describe('golden vectors', () => {
  it('are what the implementation writes', async () => {
    const vectors = await buildVectors()
    expect(
      readdirSync(FOLDER)
        .filter(name => name.endsWith('.json'))
        .sort()
    ).toEqual(Object.keys(vectors).sort())
    for (const [file, value] of Object.entries(vectors)) {
      expect(readFileSync(new URL(file, FOLDER), 'utf8'), file).toBe(vectorText(value))
    }
  })

  it('of keys agree with Node, with libp2p and with RFC 4648', () => {
    for (const { seed, publicKey, peerId, fingerprint, label, instanceId } of read('keys.json', keySchema)) {
      const key = bytesOf(publicKey)
      expect(toHex(keyOf(bytesOf(seed)).publicKey)).toBe(publicKey)
      expect(peerIdFromPublicKey(publicKeyFromRaw(key)).toString()).toBe(peerId)
      expect(peerIdOf(key)).toBe(peerId)
      expect(toHex(publicKeyOf(peerId))).toBe(publicKey)
      expect(fingerprint).toBe(grouped(base32(sha256(key).slice(0, 30))))
      expect(fingerprintOf(key)).toBe(fingerprint)
      expect(parseInstanceId(instanceId)).toEqual({ label, fingerprint })
    }
  })

  it('of contents agree with a second writer', () => {
    const schema = z.strictObject({ what: z.string(), content: contentSchema, signed: hex, hash: hex })
    for (const { what, content, signed, hash } of read('contents.json', schema)) {
      expect(toHex(writeContent(content)), what).toBe(signed)
      expect(sha256(bytesOf(signed)), what).toBe(hash)
      expect(shown(decodeContent(bytesOf(signed))), what).toEqual(content)
    }
  })

  it('of groups agree with RFC 6962 and RFC 8032 by Node', async () => {
    const sizes: number[] = []
    for (const { seed, root, sig, envelopes } of read('groups.json', groupSchema)) {
      const { publicKey } = keyOf(bytesOf(seed))
      const roots = new VerifiedRoots()
      sizes.push(envelopes.length)
      expect(await verifyEd25519(publicKey, join(new TextEncoder().encode(DOMAIN), bytesOf(root)), bytesOf(sig))).toBe(
        true
      )
      for (const { signed, sides, path } of envelopes) {
        expect(climb(signed, sides, path)).toBe(root)
        const envelope = { signed: bytesOf(signed), sig: bytesOf(sig), sides, path: path.map(bytesOf) }
        expect(toHex(rootOf(envelope))).toBe(root)
        expect(await verifyEnvelope(envelope, publicKey, verifyEd25519, roots)).toBe(true)
      }
    }
    expect(sizes).toEqual([1, 2, 3, 5])
  })

  it('of frames agree with a second writer', () => {
    for (const { what, frame, bytes } of read('frames.json', frameSchema)) {
      expect(toHex(writeFrame(frame)), what).toBe(bytes)
      expect(shown(decodeFrame(bytesOf(bytes))), what).toEqual(frame)
    }
  })

  it('of pair frames and route records are read', () => {
    for (const { what, frame, bytes } of read('pair-frames.json', frameSchema)) {
      expect(shown(decodePairFrame(bytesOf(bytes))), what).toEqual(frame)
    }
    const schema = z.strictObject({ what: z.string(), record: z.looseObject({}), bytes: hex })
    for (const { what, record, bytes } of read('route-records.json', schema)) {
      expect(shown(decodeRouteRecord(bytesOf(bytes))), what).toEqual(record)
    }
  })

  it('of refused bytes are refused with their code', () => {
    const readers = {
      frame: decodeFrame,
      envelope: decodeEnvelope,
      signed: decodeContent,
      text: (bytes: Uint8Array) => textOf(decodeContent(bytes)),
      route: decodeRouteRecord,
      pair: decodePairFrame
    }
    const schema = z.strictObject({
      what: z.string(),
      reader: z.enum(['frame', 'envelope', 'signed', 'text', 'route', 'pair']),
      bytes: hex,
      code: z.string()
    })
    for (const { what, reader, bytes, code } of read('refused.json', schema)) {
      expect(
        codeOf(() => readers[reader](bytesOf(bytes))),
        what
      ).toBe(code)
    }
  })
})

function base32(text: string): string {
  const bits = Array.from(bytesOf(text), byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map(five => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)]).join('')
}

function grouped(text: string): string {
  return (text.match(/.{4}/g) ?? []).join('-')
}

/** From a leaf to the root, with Node's SHA-256. */
function climb(signed: string, sides: number, path: string[]): string {
  let hash = sha256(Uint8Array.of(0), bytesOf(signed))
  for (const [i, sibling] of path.entries()) {
    const left = ((sides >> i) & 1) === 1
    hash = sha256(Uint8Array.of(1), bytesOf(left ? sibling : hash), bytesOf(left ? hash : sibling))
  }
  return hash
}

const idField = (number: number, id: string | undefined) => (id === undefined ? [] : [bytesField(number, bytesOf(id))])
const nonZero = (number: number, value: number) => (value === 0 ? [] : [numberField(number, value)])
const party = (number: number, name: string) => bytesField(number, fingerprintToBytes(name))

function writeContent(content: z.infer<typeof contentSchema>): Uint8Array {
  const { trace, body } = content
  const parts = [
    numberField(1, 1),
    numberField(2, ENVELOPE_KINDS[content.kind]),
    ...idField(3, content.id),
    party(4, content.from),
    ...idField(5, content.key),
    ...(content.to === undefined ? [] : [party(6, content.to)]),
    ...(content.topic === undefined ? [] : [textField(7, content.topic)]),
    ...idField(8, content.epoch),
    ...idField(9, content.conversation),
    numberField(10, content.seq),
    ...idField(11, content.inReplyTo),
    numberField(12, content.timeMs),
    numberField(13, content.expiresMs),
    bytesField(
      14,
      join(
        ...idField(1, trace.root),
        ...idField(2, trace.parent),
        ...nonZero(3, trace.depth),
        ...trace.hops.map(hop => party(4, hop))
      )
    )
  ]
  if (body.type === 'plain') parts.push(bytesField(15, bytesOf(body.bytes)))
  if (body.type === 'sealed') parts.push(bytesField(17, bytesOf(body.bytes)))
  if (body.type === 'chunk') {
    const { index, total, data } = body
    parts.push(bytesField(16, join(...nonZero(1, index), numberField(2, total), bytesField(3, bytesOf(data)))))
  }
  return join(...parts)
}

const anyFrameSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    hello: z.strictObject({
      version: z.number(),
      kinds: z.array(z.enum(['message', 'host', 'broadcast', 'route', 'skip'])),
      maxFrameBytes: z.number(),
      epoch: hex,
      timeMs: z.number(),
      admitted: z.boolean(),
      label: z.string()
    })
  }),
  z.strictObject({
    type: z.literal('envelope'),
    envelope: z.strictObject({ signed: hex, sig: hex, sides: z.number(), path: z.array(hex) })
  }),
  z.strictObject({
    type: z.literal('receipts'),
    receipts: z.array(
      z.strictObject({
        id: hex,
        attempt: z.number(),
        hash: hex,
        outcome: z.enum(['received', 'delivered', 'answered', 'rejected', 'deferred']),
        reason: z.string(),
        untilMs: z.number().optional()
      })
    )
  })
])

function writeFrame(value: unknown): Uint8Array {
  const frame = anyFrameSchema.parse(value)
  if (frame.type === 'hello') {
    const { hello } = frame
    const parts = [
      numberField(1, hello.version),
      ...hello.kinds.map(kind => numberField(2, ENVELOPE_KINDS[kind])),
      numberField(3, hello.maxFrameBytes),
      ...idField(4, hello.epoch),
      numberField(5, hello.timeMs),
      ...nonZero(6, hello.admitted ? 1 : 0),
      ...(hello.label === '' ? [] : [textField(7, hello.label)])
    ]
    return bytesField(1, join(...parts))
  }
  if (frame.type === 'envelope') {
    const { signed, sig, sides, path } = frame.envelope
    const siblings = path.map(hash => bytesField(4, bytesOf(hash)))
    return bytesField(
      2,
      join(bytesField(1, bytesOf(signed)), bytesField(2, bytesOf(sig)), ...nonZero(3, sides), ...siblings)
    )
  }
  const levels: Record<string, number> = { ...RECEIPT_LEVELS, ...RECEIPT_REFUSALS }
  const reasons: Record<string, number> = REASONS
  const receipts = frame.receipts.map(receipt => [
    ...idField(1, receipt.id),
    numberField(2, receipt.attempt),
    ...idField(3, receipt.hash),
    numberField(4, levels[receipt.outcome] ?? 0),
    ...nonZero(5, reasons[receipt.reason] ?? 0),
    ...nonZero(6, receipt.untilMs ?? 0)
  ])
  return bytesField(3, join(...receipts.map(parts => bytesField(1, join(...parts)))))
}
