import { createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { privateKeyOf, publicBytesOf } from '../../src/store/ed25519.ts'
import { signerOf } from '../../src/store/index.ts'

function signerFrom(seed: Uint8Array) {
  return signerOf({ seed, publicKey: publicBytesOf(createPublicKey(privateKeyOf(seed))) })
}

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

describe('signerOf', () => {
  it('agrees with RFC 8032, 7.1, test 2', async () => {
    const signer = signerFrom(hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'))
    expect(signer.publicKey).toEqual(hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'))
    const signature = hex(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
    )
    expect(await signer.sign(Uint8Array.of(0x72))).toEqual(signature)
    expect(await signer.verify(signer.publicKey, Uint8Array.of(0x72), signature)).toBe(true)
  })

  it('S-26: accepts no signature of other bytes, another key, or with a bit changed', async () => {
    const signer = signerFrom(new Uint8Array(32).fill(1))
    const other = signerFrom(new Uint8Array(32).fill(2))
    const bytes = new Uint8Array(100).fill(7)
    const signature = await signer.sign(bytes)
    expect(await signer.verify(other.publicKey, bytes, signature)).toBe(false)
    expect(await signer.verify(signer.publicKey, bytes.slice(1), signature)).toBe(false)
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = signature.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await signer.verify(signer.publicKey, bytes, changed), `bit ${bit}`).toBe(false)
    }
  })

  it('S-09: answers false, and never throws, for keys and signatures of any bytes', async () => {
    const signer = signerFrom(new Uint8Array(32).fill(1))
    const exact = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const key = fc.oneof(exact(32), fc.uint8Array({ maxLength: 70 }))
    const signature = fc.oneof(exact(64), fc.uint8Array({ maxLength: 130 }))
    await fc.assert(
      fc.asyncProperty(key, fc.uint8Array(), signature, async (k, bytes, s) => {
        expect(await signer.verify(k, bytes, s)).toBe(false)
      }),
      { numRuns: 500 }
    )
  })
})
