import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Body,
  BROADCAST_TEXT_MAX_BYTES,
  type Content,
  decodeContent,
  EXPIRY_MAX_MS,
  encodeContent,
  fingerprintOf,
  peekContent,
  SIGNED_MAX_BYTES,
  TEXT_MAX_BYTES,
  textOf
} from '../../src/protocol/index.ts'
import { contents } from './arbitraries.ts'
import { bytesField, codeOf, join, numberField, textField } from './proto.ts'

const KEY = new Uint8Array(32).fill(7)
const ID = '0123456789abcdef'.repeat(2)
const OTHER_ID = 'f'.repeat(32)
const TO = fingerprintOf(new Uint8Array(32).fill(8))
const plain = (text: string): Body => ({ type: 'plain', bytes: new TextEncoder().encode(text) })

const MESSAGE: Content = {
  kind: 'message',
  id: ID,
  from: fingerprintOf(KEY),
  key: KEY,
  to: TO,
  epoch: 'ab'.repeat(8),
  conversation: OTHER_ID,
  seq: 1,
  timeMs: 1_800_000_000_000,
  expiresMs: 1_800_000_000_001,
  trace: { root: ID, depth: 0, hops: [] },
  body: plain('hello')
}

const { to: _, ...UNADDRESSED } = MESSAGE
const BROADCAST: Content = { ...UNADDRESSED, kind: 'broadcast', topic: 'openclaw-mesh' }
const SKIP: Content = { ...MESSAGE, kind: 'skip', body: { type: 'none' } }
const CAUSED: Content = { ...MESSAGE, trace: { root: OTHER_ID, parent: OTHER_ID, depth: 1, hops: [TO] } }

/** Fields of an encoded MESSAGE, to be put together in other ways. */
const FIELDS: Record<number, Uint8Array> = {
  1: numberField(1, 1),
  2: numberField(2, 1),
  3: bytesField(3, Buffer.from(ID, 'hex')),
  4: encodedFrom(),
  5: bytesField(5, KEY),
  6: encodedTo(),
  8: bytesField(8, Buffer.from(MESSAGE.epoch, 'hex')),
  9: bytesField(9, Buffer.from(OTHER_ID, 'hex')),
  10: numberField(10, 1),
  12: numberField(12, MESSAGE.timeMs),
  13: numberField(13, MESSAGE.expiresMs),
  14: bytesField(14, bytesField(1, Buffer.from(ID, 'hex'))),
  15: textField(15, 'hello')
}

function encodedFrom(): Uint8Array {
  return encodeContent(MESSAGE).subarray(22, 39)
}

function encodedTo(): Uint8Array {
  return encodeContent(MESSAGE).subarray(73, 90)
}

/** An encoded MESSAGE with some fields exchanged (empty: left out) or added. */
function altered(changes: Record<number, Uint8Array>): Uint8Array {
  return join(...Object.values({ ...FIELDS, ...changes }))
}

const nothing = new Uint8Array(0)

describe('content', () => {
  it('goes to bytes and back', () => {
    fc.assert(
      fc.property(contents, content => {
        const signed = encodeContent(content)
        expect(decodeContent(signed)).toEqual(content)
        expect(peekContent(signed)).toEqual({ id: content.id })
      }),
      { numRuns: 500 }
    )
  })

  it('is written field by field in the order of the file', () => {
    expect(encodeContent(MESSAGE)).toEqual(altered({}))
  })

  it('has text in UTF-8', () => {
    const text = 'größe 小明 🦦\n\ufeff'
    expect(textOf(decodeContent(encodeContent({ ...MESSAGE, body: plain(text) })))).toBe(text)
    expect(textOf({ ...MESSAGE, body: plain('\ufeffhello') })).toBe('\ufeffhello')
  })

  it.each([
    ['a stray byte', [0x61, 0xff]],
    ['a lone surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong form', [0xc0, 0x80]],
    ['a cut character', [0xf0, 0x9f, 0xa6]]
  ])('S-27: has no text with %s', (_name, bytes) => {
    const content = decodeContent(altered({ 15: bytesField(15, Uint8Array.from(bytes)) }))
    expect(codeOf(() => textOf(content))).toBe('text_not_utf8')
  })

  it('has no text without a plain body', () => {
    expect(codeOf(() => textOf(SKIP))).toBe('envelope_malformed')
  })

  it('fits the largest text and the deepest trace', () => {
    const hops = Array.from({ length: 16 }, () => TO)
    const trace = { root: OTHER_ID, parent: OTHER_ID, depth: 16, hops }
    const content: Content = {
      ...MESSAGE,
      trace,
      inReplyTo: OTHER_ID,
      seq: Number.MAX_SAFE_INTEGER,
      body: plain('x'.repeat(TEXT_MAX_BYTES))
    }
    const signed = encodeContent(content)
    expect(signed.length).toBeLessThan(TEXT_MAX_BYTES + 1024)
    expect(decodeContent(signed)).toEqual(content)
  })

  it.each<[string, Content, string?]>([
    ['an id in capitals', { ...MESSAGE, id: ID.toUpperCase() }],
    ['a short conversation', { ...MESSAGE, conversation: 'ab' }],
    ['an epoch of 16 bytes', { ...MESSAGE, epoch: ID }],
    ['seq 0', { ...MESSAGE, seq: 0 }],
    ['half a seq', { ...MESSAGE, seq: 1.5 }],
    ['an unsafe seq', { ...MESSAGE, seq: 2 ** 53 }],
    ['a key of 31 bytes', { ...MESSAGE, key: KEY.subarray(1) }],
    ['a sender that does not own the key', { ...MESSAGE, from: TO }],
    ['no addressee', UNADDRESSED],
    ['a label in the address', { ...MESSAGE, to: `otter@${TO}` }],
    ['a message to a topic', { ...MESSAGE, topic: 'openclaw-mesh' }],
    ['a broadcast to somebody', { ...BROADCAST, to: TO }],
    ['a broadcast without a topic', { ...UNADDRESSED, kind: 'broadcast' }],
    ['a topic with a space', { ...BROADCAST, topic: 'a b' }, 'topic_malformed'],
    ['no time', { ...MESSAGE, timeMs: 0 }],
    ['an expiry that is not later', { ...MESSAGE, expiresMs: MESSAGE.timeMs }],
    ['a life beyond 31 days', { ...MESSAGE, expiresMs: MESSAGE.timeMs + EXPIRY_MAX_MS + 1 }],
    ['a broadcast that is a reply', { ...BROADCAST, inReplyTo: OTHER_ID }],
    ['a skip that is a reply', { ...SKIP, inReplyTo: OTHER_ID }],
    ['a first envelope with another root', { ...MESSAGE, trace: { root: OTHER_ID, depth: 0, hops: [] } }],
    ['a first envelope with a parent', { ...MESSAGE, trace: { root: ID, parent: OTHER_ID, depth: 0, hops: [] } }],
    ['a first envelope with hops', { ...MESSAGE, trace: { root: ID, depth: 0, hops: [TO] } }],
    ['a later envelope without a parent', { ...CAUSED, trace: { root: OTHER_ID, depth: 1, hops: [] } }],
    ['depth 17', { ...CAUSED, trace: { ...CAUSED.trace, depth: 17 } }],
    ['17 hops', { ...CAUSED, trace: { ...CAUSED.trace, hops: Array.from({ length: 17 }, () => TO) } }],
    ['a message without a body', { ...MESSAGE, body: { type: 'none' } }],
    ['a skip with a body', { ...SKIP, body: plain('x') }],
    ['a broadcast in pieces', { ...BROADCAST, body: { type: 'chunk', index: 0, total: 1, data: KEY } }],
    ['a piece past the last', { ...MESSAGE, body: { type: 'chunk', index: 2, total: 2, data: KEY } }],
    ['too many pieces', { ...MESSAGE, body: { type: 'chunk', index: 0, total: 4097, data: KEY } }],
    ['an empty text', { ...MESSAGE, body: plain('') }, 'text_empty'],
    ['a text too long', { ...MESSAGE, body: plain('x'.repeat(TEXT_MAX_BYTES + 1)) }, 'text_too_long'],
    ['a broadcast too long', { ...BROADCAST, body: plain('x'.repeat(BROADCAST_TEXT_MAX_BYTES + 1)) }, 'text_too_long'],
    [
      'a sealed body too long',
      { ...MESSAGE, body: { type: 'sealed', bytes: new Uint8Array(TEXT_MAX_BYTES + 1) } },
      'text_too_long'
    ]
  ])('is not written with %s', (_name, content, code = 'envelope_malformed') => {
    expect(codeOf(() => encodeContent(content))).toBe(code)
  })

  it.each<[string, Record<number, Uint8Array>, string?]>([
    ['version 2', { 1: numberField(1, 2) }, 'envelope_version'],
    ['no version', { 1: nothing }, 'envelope_version'],
    ['kind 99', { 2: numberField(2, 99) }, 'envelope_kind'],
    ['no kind', { 2: nothing }, 'envelope_kind'],
    ['version 2 and kind 99', { 1: numberField(1, 2), 2: numberField(2, 99) }, 'envelope_version'],
    ['no id', { 3: nothing }],
    ['an id of 15 bytes', { 3: bytesField(3, new Uint8Array(15)) }],
    ['another sender', { 4: bytesField(4, new Uint8Array(15)) }],
    ['another key', { 5: bytesField(5, new Uint8Array(32)) }],
    ['a short key', { 5: bytesField(5, KEY.subarray(1)) }],
    ['no addressee', { 6: nothing }],
    ['an addressee of 16 bytes', { 6: bytesField(6, new Uint8Array(16)) }],
    ['a topic besides', { 7: textField(7, 'openclaw-mesh') }],
    ['a short epoch', { 8: bytesField(8, new Uint8Array(7)) }],
    ['no conversation', { 9: nothing }],
    ['no seq', { 10: nothing }],
    ['seq 2^53', { 10: numberField(10, 2 ** 53) }],
    ['seq 2^64 - 1', { 10: numberField(10, 2n ** 64n - 1n) }],
    ['a short reply id', { 11: bytesField(11, new Uint8Array(3)) }],
    ['no time', { 12: nothing }],
    ['no expiry', { 13: nothing }],
    ['no trace', { 14: nothing }],
    ['an empty trace', { 14: bytesField(14, nothing) }],
    [
      '10,000 hops',
      {
        14: bytesField(
          14,
          new Uint8Array(20_000).fill(0x22).map((byte, i) => (i % 2 === 0 ? byte : 0))
        )
      }
    ],
    ['no body', { 15: nothing }],
    ['an empty text', { 15: bytesField(15, nothing) }, 'text_empty'],
    ['a text too long', { 15: bytesField(15, new Uint8Array(TEXT_MAX_BYTES + 1)) }, 'text_too_long'],
    ['two bodies', { 17: bytesField(17, KEY) }],
    ['an id twice', { 18: FIELDS[3] ?? nothing }],
    ['a body twice', { 18: textField(15, 'other') }],
    ['an overlong seq', { 10: numberField(10, 1, 1) }],
    ['a group', { 18: Uint8Array.of(0x9b, 0x01, 0x9c, 0x01) }]
  ])('is not read with %s', (_name, changes, code = 'envelope_malformed') => {
    expect(codeOf(() => decodeContent(altered(changes)))).toBe(code)
  })

  it('S-27: is not read with a broadcast topic that is not UTF-8', () => {
    const changes = { 2: numberField(2, 3), 6: nothing, 7: bytesField(7, Uint8Array.of(0x61, 0xed, 0xa0, 0x80)) }
    expect(codeOf(() => decodeContent(altered(changes)))).toBe('envelope_malformed')
  })

  it('tolerates fields of later versions, in any order', () => {
    const later = { 0: bytesField(99, KEY), 18: numberField(18, 5), 19: numberField(200, 2n ** 64n - 1n) }
    expect(decodeContent(altered(later))).toEqual(MESSAGE)
    expect(decodeContent(join(...Object.values(FIELDS).reverse()))).toEqual(MESSAGE)
  })

  it('is not read when it is too long, whatever the fields are', () => {
    const signed = altered({ 18: bytesField(99, new Uint8Array(SIGNED_MAX_BYTES)) })
    expect(codeOf(() => decodeContent(signed))).toBe('envelope_malformed')
  })

  it('tells the id of what it refuses, where there is one', () => {
    expect(peekContent(altered({ 2: numberField(2, 99), 15: nothing }))).toEqual({ id: ID })
    expect(peekContent(altered({ 3: bytesField(3, KEY) }))).toEqual({})
    expect(peekContent(Uint8Array.of(0xff))).toEqual({})
    expect(peekContent(nothing)).toEqual({})
  })
})
