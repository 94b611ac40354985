import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  hashOf,
  rootOf,
  SIGNED_MAX_BYTES,
  sealGroup,
  signedBytesOf,
  VerifiedRoots,
  verifyEnvelope
} from '../../src/protocol/index.ts'
import { envelopes } from './arbitraries.ts'
import { keyOf, verifyEd25519 } from './ed25519.ts'
import { bytesField, codeOf, join, numberField } from './proto.ts'

const key = keyOf(new Uint8Array(32).fill(1))
const other = keyOf(new Uint8Array(32).fill(2))
const partsOf = (count: number) => Array.from({ length: count }, (_, i) => new TextEncoder().encode(`part ${i}`))

describe('envelope', () => {
  it('proves itself alone, whatever the size of its group', async () => {
    for (const count of [1, 2, 3, 5, 64]) {
      const parts = partsOf(count)
      const group = await sealGroup(parts, key.sign)
      expect(group.map(envelope => envelope.signed)).toEqual(parts)
      for (const envelope of group) {
        const stored = decodeEnvelope(encodeEnvelope(envelope))
        expect(await verifyEnvelope(stored, key.publicKey, verifyEd25519)).toBe(true)
        expect(await verifyEnvelope(stored, other.publicKey, verifyEd25519)).toBe(false)
      }
    }
  })

  it('is signed once for its group', async () => {
    let signatures = 0
    let verifications = 0
    const group = await sealGroup(partsOf(20), bytes => {
      signatures++
      return key.sign(bytes)
    })
    const roots = new VerifiedRoots()
    const counting = (...args: Parameters<typeof verifyEd25519>) => {
      verifications++
      return verifyEd25519(...args)
    }
    for (const envelope of group) expect(await verifyEnvelope(envelope, key.publicKey, counting, roots)).toBe(true)
    expect([signatures, verifications]).toEqual([1, 1])
  })

  it('is no longer good once anything in it was changed, also where its root is known', async () => {
    const group = await sealGroup(partsOf(5), key.sign)
    const roots = new VerifiedRoots()
    for (const envelope of group) await verifyEnvelope(envelope, key.publicKey, verifyEd25519, roots)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(4),
        fc.constantFrom('signed', 'sig', 'sides', 'path'),
        fc.nat(),
        async (at, field, random) => {
          const envelope = group[at] as Envelope
          const changed = change(envelope, field, random)
          expect(await verifyEnvelope(changed, key.publicKey, verifyEd25519, roots)).toBe(false)
        }
      )
    )
  })

  it('is signed under a name of its own', () => {
    const root = hashOf(Uint8Array.of(1))
    const bytes = signedBytesOf(root)
    expect(new TextDecoder().decode(bytes.subarray(0, -32))).toBe('libp2p-mesh/1/envelope\0')
    expect(bytes.subarray(-32)).toEqual(root)
  })

  it('goes to bytes and back', () => {
    fc.assert(
      fc.property(envelopes, envelope => {
        expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual(envelope)
      })
    )
  })

  it('without a path has its leaf as root', async () => {
    const [envelope] = await sealGroup([Uint8Array.of(9)], key.sign)
    expect(envelope).toMatchObject({ sides: 0, path: [] })
    expect(rootOf(envelope as Envelope)).toEqual(hashOf(Uint8Array.of(0, 9)))
  })

  const signed = Uint8Array.of(1)
  const sig = new Uint8Array(64)
  const hash = new Uint8Array(32)
  it.each<[string, Envelope]>([
    ['nothing signed', { signed: new Uint8Array(0), sig, sides: 0, path: [] }],
    ['too much signed', { signed: new Uint8Array(SIGNED_MAX_BYTES + 1), sig, sides: 0, path: [] }],
    ['a short signature', { signed, sig: sig.subarray(1), sides: 0, path: [] }],
    ['a path of 13', { signed, sig, sides: 0, path: Array.from({ length: 13 }, () => hash) }],
    ['a short hash', { signed, sig, sides: 0, path: [hash.subarray(1)] }],
    ['a side without a sibling', { signed, sig, sides: 1, path: [] }],
    ['another side without a sibling', { signed, sig, sides: 2, path: [hash] }]
  ])('is refused with %s, written or read', (_, envelope) => {
    expect(codeOf(() => encodeEnvelope(envelope))).toBe('envelope_malformed')
    const bytes = join(
      bytesField(1, envelope.signed),
      bytesField(2, envelope.sig),
      numberField(3, envelope.sides),
      ...envelope.path.map(sibling => bytesField(4, sibling))
    )
    expect(codeOf(() => decodeEnvelope(bytes))).toBe('envelope_malformed')
  })

  it('is refused with two signed parts', () => {
    const bytes = join(bytesField(1, signed), bytesField(1, Uint8Array.of(2)), bytesField(2, sig))
    expect(codeOf(() => decodeEnvelope(bytes))).toBe('envelope_malformed')
  })
})

function change(envelope: Envelope, field: 'signed' | 'sig' | 'sides' | 'path', random: number): Envelope {
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === random % bytes.length ? byte ^ 1 : byte))
  switch (field) {
    case 'signed':
    case 'sig':
      return { ...envelope, [field]: flip(envelope[field]) }
    case 'sides':
      return { ...envelope, sides: envelope.sides ^ (1 << (random % envelope.path.length)) }
    case 'path': {
      const at = random % envelope.path.length
      return { ...envelope, path: envelope.path.with(at, flip(envelope.path[at] ?? new Uint8Array(1))) }
    }
  }
}
