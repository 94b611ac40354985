import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { encode } from 'dns-packet'
import { framed, writeMessage } from '../../test/vectors/reference/wire.mjs'

const VECTORS = new URL('../../test/vectors/', import.meta.url)
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const SERVICE = '_libp2p-mesh._udp.local'
const PEER = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'

interface Vector {
  bytes?: string
  signed?: string
  data?: string
  reader?: string
  frame?: { type: string }
  envelopes?: { signed: string; sides: number; path: string[] }[]
  sig?: string
}

/** What each reader is meant to read, and what it is meant to refuse, from the golden vectors: everything else is made of these. */
export function corpora() {
  const refused = vectors('refused')
  const refusedBy = (reader: string): Uint8Array[] => bytesOf(refused.filter(vector => vector.reader === reader))
  const frames = vectors('frames')
  const contents = vectors('contents').map(({ signed = '' }) => hex(signed))
  const groups = vectors('groups').flatMap(({ envelopes = [], sig = '' }) =>
    envelopes.map(({ signed, sides, path }) =>
      writeMessage('Envelope', { signed: hex(signed), sig: hex(sig), sides, path: path.map(hex) })
    )
  )
  const pair = [
    ...bytesOf(vectors('pair-frames')),
    ...refusedBy('pair'),
    ...[
      writeMessage('TicketProof', { ticket: Buffer.alloc(8, 1), proof: Buffer.alloc(32, 2), label: 'otter' }),
      writeMessage('ContactRequest', { label: 'otter', purpose: 'to talk' })
    ].map((body, i) => writeMessage('PairFrame', { request: { kind: i + 1, body } }))
  ]
  return {
    frames: [...bytesOf(frames), ...refusedBy('frame'), ...bytesOf(vectors('exchange')).map(unprefixed)].map(framed),
    receipts: bytesOf(frames.filter(({ frame }) => frame?.type === 'receipts')).map(framed),
    pair: pair.map(framed),
    envelopes: [...groups, ...vectors('broadcasts').map(({ data = '' }) => hex(data)), ...refusedBy('envelope')],
    contents: [...contents, ...refusedBy('signed'), ...refusedBy('text')],
    routes: [...bytesOf(vectors('route-records')), ...refusedBy('route')],
    tickets: [
      writeMessage('Ticket', {
        key: Buffer.alloc(32, 3),
        secret: Buffer.alloc(16, 4),
        expiresMs: 1_800_000_000_000,
        addresses: ['/ip4/192.0.2.7/tcp/4001', '/ip6/2001:db8::7/tcp/4001'].map(address => Buffer.from(address)),
        label: 'brisk-otter'
      })
    ],
    packets: packets(),
    lines: lines().map(line => Buffer.from(line))
  }
}

/** The text of a ticket with these bytes in it, under a checksum that holds. */
export function ticketText(payload: Uint8Array): string {
  const checksum = createHash('sha256').update('libp2p-mesh/1/ticket\0').update(payload).digest().subarray(0, 4)
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of [...payload, ...checksum]) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(value >>> (bits - 5)) & 31]
    value &= (1 << bits) - 1
  }
  return `mesh1${text}${bits > 0 ? BASE32[(value << (5 - bits)) & 31] : ''}`
}

function vectors(name: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`${name}.json`, VECTORS), 'utf8')) as Vector[]
}

function bytesOf(all: Vector[]): Buffer[] {
  return all.map(({ bytes = '' }) => hex(bytes))
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

/** The exchange has its frames with their lengths, of one byte or two. */
function unprefixed(frame: Buffer): Buffer {
  return frame.subarray((frame[0] ?? 0) < 0x80 ? 1 : 2)
}

function packets(): Uint8Array[] {
  const name = `${'a'.repeat(63)}.${SERVICE}`
  const address = `dnsaddr=/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`
  const pointer = { name: SERVICE, type: 'PTR' as const, class: 'IN' as const, ttl: 120, data: name }
  const text = { name, type: 'TXT' as const, class: 'IN' as const, ttl: 120, data: address }
  const question = { name: SERVICE, type: 'PTR' as const, class: 'IN' as const }
  return [
    encode({ type: 'query', id: 1, questions: [question] }),
    encode({ type: 'response', id: 0, answers: [pointer, text, text] }),
    encode({ type: 'response', id: 0, answers: [pointer], additionals: [text] }),
    encode({
      type: 'response',
      id: 7,
      answers: [
        pointer,
        { name, type: 'SRV', data: { port: 4001, target: name } },
        { name, type: 'A', data: '127.0.0.1' }
      ]
    })
  ]
}

function lines(): string[] {
  const calls: [string, unknown][] = [
    ['status', {}],
    ['send', { target: PEER, text: 'hello', waitFor: 'delivered', timeoutMs: 1, conversation: '0'.repeat(32) }],
    ['broadcast', { text: 'hello', topic: 'mesh' }],
    ['approve', { who: PEER, name: 'friend' }],
    ['trust', { who: PEER, level: 'blocked' }],
    ['invite', { ttlMs: 1_000, uses: 1, name: 'guest' }],
    ['join', { ticket: 'mesh1aaaa' }],
    ['request', { who: PEER, purpose: 'to talk' }],
    ['notices', { readUpTo: 1 }],
    ['message', { id: '0'.repeat(32) }]
  ]
  return [
    ...calls.map(([method, params], id) => JSON.stringify({ t: 'call', id, method, params })),
    JSON.stringify({ t: 'abort', id: 1 }),
    JSON.stringify({ t: 'ok', id: 1, value: { a: [1, 2, null, 'x'] } }),
    JSON.stringify({ t: 'fail', id: 1, code: 'internal', details: { detail: 'x' } }),
    '{"t":"call","id":1,"method":"__proto__","params":{"__proto__":{"polluted":1},"constructor":{}}}'
  ]
}
