import { type Content, type Fingerprint, fingerprintOf, hashOf, ID_BYTES, toHex } from '../../src/protocol/index.ts'
import { keyOf, type TestKey } from '../protocol/ed25519.ts'

/** Who speaks in the golden vectors, and what all of them have in common. Everything is fixed. */

export const TIME_MS = 1_800_000_000_000
export const DAY_MS = 24 * 60 * 60 * 1000
export const EPOCH = '0102030405060708'

export interface Member {
  label: string
  seed: string
  key: TestKey
  fingerprint: Fingerprint
}

export const otter = memberOf('brisk-otter', 0x01)
export const heron = memberOf('calm-heron', 0x42)
export const crane = memberOf('小明', 0xfe)

export const idOf = (n: number) => n.toString(16).padStart(32, '0')

/** Every topic is one conversation, whose id follows from its name. */
export function conversationOf(topic: string): string {
  return toHex(hashOf(new TextEncoder().encode(`libp2p-mesh/1/topic\0${topic}`)).subarray(0, ID_BYTES))
}

/** Message `n` of the otter to the heron. */
export function contentOf(n: number, text: string): Content {
  const id = idOf(n)
  return {
    kind: 'message',
    id,
    from: otter.fingerprint,
    key: otter.key.publicKey,
    to: heron.fingerprint,
    epoch: EPOCH,
    conversation: idOf(0xc0),
    seq: n,
    timeMs: TIME_MS,
    expiresMs: TIME_MS + 7 * DAY_MS,
    trace: { root: id, depth: 0, hops: [] },
    body: { type: 'plain', bytes: new TextEncoder().encode(text) }
  }
}

function memberOf(label: string, byte: number): Member {
  const seed = new Uint8Array(32).fill(byte)
  const key = keyOf(seed)
  return { label, seed: toHex(seed), key, fingerprint: fingerprintOf(key.publicKey) }
}
