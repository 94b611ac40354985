import { generateKeyPair, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import { describe, expect, it } from 'vitest'
import { peerIdOf, publicKeyOf } from '../../src/protocol/index.ts'
import { keys } from './arbitraries.ts'
import { codeOf } from './proto.ts'

describe('peer id', () => {
  it('is the one that libp2p gives to the key, and gives the key back', () => {
    fc.assert(
      fc.property(keys, key => {
        const peer = peerIdOf(key)
        expect(peer).toBe(peerIdFromPublicKey(publicKeyFromRaw(key)).toString())
        expect(publicKeyOf(peer)).toEqual(key)
      }),
      { numRuns: 50 }
    )
  })

  it('of another key type is refused', async () => {
    const secp256k1 = peerIdFromPublicKey((await generateKeyPair('secp256k1')).publicKey).toString()
    expect(codeOf(() => publicKeyOf(secp256k1))).toBe('peer_id_malformed')
  })

  it('of the right length with another beginning is refused', () => {
    const bytes = new Uint8Array(38).fill(7)
    expect(codeOf(() => publicKeyOf(base58btc.baseEncode(bytes)))).toBe('peer_id_malformed')
    expect(
      codeOf(() =>
        publicKeyOf(base58btc.baseEncode(Uint8Array.of(0x00, 0x24, 0x08, 0x02, 0x12, 0x20, ...bytes.subarray(6))))
      )
    ).toBe('peer_id_malformed')
  })

  it('of a million characters is refused at once', () => {
    expect(codeOf(() => publicKeyOf('2'.repeat(1_000_000)))).toBe('peer_id_malformed')
  })

  it.each([
    '',
    '1',
    '12D3KooW',
    '12D3KooW0OIl',
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    'brisk-otter',
    ' 12D3KooWJv5WWHqLKVsVvrZ3CCVBv9LwBkFGmEdXpbeA9PcHqvVf',
    '2'.repeat(61)
  ])('malformed is refused: %j', text => {
    expect(codeOf(() => publicKeyOf(text))).toBe('peer_id_malformed')
  })

  it('needs 32 bytes of key', () => {
    expect(codeOf(() => peerIdOf(new Uint8Array(33)))).toBe('peer_id_malformed')
  })

  it('throws nothing but ProtocolError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 70 }), text => {
        codeOf(() => publicKeyOf(text))
      })
    )
  })
})
