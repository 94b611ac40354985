import { encodeRouteRecord, fingerprintToBytes, fromHex, type RouteRecord, toHex } from '../../src/protocol/index.ts'
import { bytesField, join, numberField, textField } from '../protocol/proto.ts'
import { crane, DAY_MS, EPOCH, heron, idOf, otter, TIME_MS } from './members.ts'

/** Bytes that every implementation refuses, with the reader that meets them and the code of the error. */
interface Refused {
  what: string
  reader: 'frame' | 'envelope' | 'signed' | 'text' | 'route' | 'pair'
  bytes: string
  code: string
}

const FRAMES: Refused[] = [
  { what: 'nothing', reader: 'frame', bytes: '', code: 'frame_malformed' },
  { what: 'a kind of frame of a later version', reader: 'frame', bytes: '2200', code: 'frame_unknown' },
  { what: 'two kinds in one frame', reader: 'frame', bytes: '0a001a00', code: 'frame_malformed' },
  { what: 'the same kind twice', reader: 'frame', bytes: '1a001a00', code: 'frame_malformed' },
  { what: 'an overlong varint', reader: 'frame', bytes: '0a03088100', code: 'frame_malformed' },
  { what: 'a length past the end', reader: 'frame', bytes: '1a05', code: 'frame_malformed' },
  {
    what: 'a field that runs past its message',
    reader: 'frame',
    bytes: '0a02220801020304050607',
    code: 'frame_malformed'
  },
  { what: 'a wrong wire type', reader: 'frame', bytes: '0a020a00', code: 'frame_malformed' },
  { what: 'packed numbers', reader: 'frame', bytes: '0a0412020102', code: 'frame_malformed' },
  { what: 'a group', reader: 'frame', bytes: '4b4c', code: 'frame_malformed' },
  { what: 'a number above 32 bits', reader: 'frame', bytes: '0a06088080808010', code: 'frame_malformed' },
  { what: 'a time above 2^53 - 1', reader: 'frame', bytes: '0a09288080808080808010', code: 'frame_malformed' },
  { what: 'a truth value of 2', reader: 'frame', bytes: '0a023002', code: 'frame_malformed' },
  { what: 'a label with a lone surrogate', reader: 'frame', bytes: '0a053a03eda080', code: 'frame_malformed' },
  { what: 'no receipt', reader: 'frame', bytes: '1a00', code: 'receipt_malformed' },
  { what: 'an empty receipt', reader: 'frame', bytes: '1a020a00', code: 'receipt_malformed' },
  { what: 'an empty envelope', reader: 'frame', bytes: '1200', code: 'envelope_malformed' },
  { what: 'an empty hello', reader: 'frame', bytes: '0a00', code: 'frame_malformed' },
  { what: 'an empty pair request', reader: 'pair', bytes: '0a00', code: 'frame_malformed' }
]

const SIG = bytesField(2, new Uint8Array(64))
const SIBLING = bytesField(4, new Uint8Array(32))

const ENVELOPES: [string, Uint8Array][] = [
  ['a signature of 63 bytes', join(bytesField(1, signed()), bytesField(2, new Uint8Array(63)))],
  ['a sibling of 31 bytes', join(bytesField(1, signed()), SIG, bytesField(4, new Uint8Array(31)))],
  ['a side without a sibling', join(bytesField(1, signed()), SIG, numberField(3, 2), SIBLING)],
  ['a path of thirteen', join(bytesField(1, signed()), SIG, ...Array.from({ length: 13 }, () => SIBLING))]
]

const SIGNED: [string, Uint8Array, string?][] = [
  ['a later version', Uint8Array.of(8, 2, 16, 1), 'envelope_version'],
  ['a later kind', Uint8Array.of(8, 1, 16, 99), 'envelope_kind'],
  ['an id of 15 bytes', signed({ 3: bytesField(3, new Uint8Array(15)) })],
  ['a sender that does not own its key', signed({ 4: party(4, crane.fingerprint) })],
  ['no addressee', signed({ 6: undefined })],
  ['an addressee and a topic', signed({ 7: textField(7, 'openclaw-mesh') })],
  ['seq 0', signed({ 10: undefined })],
  ['an expiry at its own time', signed({ 13: numberField(13, TIME_MS) })],
  ['a life of 31 days and 1 ms', signed({ 13: numberField(13, TIME_MS + 31 * DAY_MS + 1) })],
  ['no trace', signed({ 14: undefined })],
  ['depth 0 under another root', signed({ 14: bytesField(14, id(1, 9)) })],
  ['depth 1 without a parent', signed({ 14: bytesField(14, join(id(1, 9), numberField(3, 1))) })],
  ['depth 17', signed({ 14: bytesField(14, join(id(1, 9), id(2, 8), numberField(3, 17))) })],
  ['no body', signed({ 15: undefined })],
  ['an empty text', signed({ 15: textField(15, '') }), 'text_empty'],
  [
    'a broadcast of 8,193 bytes',
    signed({
      2: numberField(2, 3),
      6: undefined,
      7: textField(7, 'openclaw-mesh'),
      15: bytesField(15, new Uint8Array(8193))
    }),
    'text_too_long'
  ],
  ['two bodies', signed({ 17: bytesField(17, Uint8Array.of(1)) })],
  ['a skip with a text', signed({ 2: numberField(2, 5) })],
  ['a route record as an answer', signed({ 2: numberField(2, 4), 11: id(11, 8) })],
  [
    'a topic that is not NFC',
    signed({ 2: numberField(2, 3), 6: undefined, 7: textField(7, 'cafe\u0301') }),
    'topic_malformed'
  ]
]

const ROUTE: RouteRecord = {
  peer: 'to be replaced',
  seq: 1,
  addresses: [],
  issuedMs: TIME_MS,
  expiresMs: TIME_MS + DAY_MS,
  label: ''
}

/** File content of refused.json. */
export function refused(peer: string): Refused[] {
  const route = encodeRouteRecord({ ...ROUTE, peer })
  const address = bytesField(3, new TextEncoder().encode('/ip4/192.0.2.7/tcp/4001'))
  return [
    ...FRAMES,
    ...ENVELOPES.map(([what, bytes]) => entryOf(what, 'envelope', bytes, 'envelope_malformed')),
    ...SIGNED.map(([what, bytes, code]) => entryOf(what, 'signed', bytes, code ?? 'envelope_malformed')),
    entryOf('a text that is not UTF-8', 'text', signed({ 15: bytesField(15, Uint8Array.of(0xff)) }), 'text_not_utf8'),
    entryOf('nine addresses', 'route', join(route, ...Array.from({ length: 9 }, () => address)), 'route_malformed'),
    entryOf('an address with a space', 'route', join(route, textField(3, '/ip4/ 192.0.2.7')), 'route_malformed')
  ]
}

/** "hello" from the otter to the heron, with other fields in the place of some; undefined leaves one out. */
function signed(change: Record<number, Uint8Array | undefined> = {}): Uint8Array {
  const fields: Record<number, Uint8Array | undefined> = {
    1: numberField(1, 1),
    2: numberField(2, 1),
    3: id(3, 1),
    4: party(4, otter.fingerprint),
    5: bytesField(5, otter.key.publicKey),
    6: party(6, heron.fingerprint),
    8: bytesField(8, fromHex(EPOCH) ?? new Uint8Array(0)),
    9: id(9, 0xc0),
    10: numberField(10, 1),
    12: numberField(12, TIME_MS),
    13: numberField(13, TIME_MS + DAY_MS),
    14: bytesField(14, id(1, 1)),
    15: textField(15, 'hello'),
    ...change
  }
  return join(...Object.values(fields).filter(field => field !== undefined))
}

function id(number: number, value: number): Uint8Array {
  return bytesField(number, fromHex(idOf(value)) ?? new Uint8Array(0))
}

function party(number: number, fingerprint: string): Uint8Array {
  return bytesField(number, fingerprintToBytes(fingerprint))
}

function entryOf(what: string, reader: Refused['reader'], bytes: Uint8Array, code: string): Refused {
  return { what, reader, bytes: toHex(bytes), code }
}
