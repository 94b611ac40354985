import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fingerprintFromBytes,
  fingerprintOf,
  fingerprintToBytes,
  isFingerprint,
  shortFingerprint
} from '../../src/protocol/index.ts'
import { bytesOf, keys } from './arbitraries.ts'
import { codeOf } from './proto.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** Base32 by the book: five bits at a time. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map(five => ALPHABET[Number.parseInt(five, 2)]).join('')
}

describe('fingerprint', () => {
  it('is the first 120 bits of the SHA-256 of the key in grouped base32', () => {
    fc.assert(
      fc.property(keys, key => {
        const digest = createHash('sha256').update(key).digest().subarray(0, 15)
        expect(fingerprintOf(key)).toBe(base32(digest).replace(/(.{4})(?=.)/g, '$1-'))
      })
    )
  })

  it('goes to 15 bytes and back', () => {
    fc.assert(
      fc.property(bytesOf(15), bytes => {
        const text = fingerprintFromBytes(bytes)
        expect(isFingerprint(text)).toBe(true)
        expect(fingerprintToBytes(text)).toEqual(bytes)
      })
    )
  })

  it('shows its first two groups where the whole does not fit', () => {
    expect(shortFingerprint('abcd-efgh-ijkl-mnop-qrst-uvwx')).toBe('abcd-efgh')
  })

  it.each([
    '',
    'abcd',
    'ABCD-efgh-ijkl-mnop-qrst-uvwx',
    'abcdefghijklmnopqrstuvwx',
    'abcd-efgh-ijkl-mnop-qrst-uvw1',
    ' abcd-efgh-ijkl-mnop-qrst-uvwx',
    'abcd-efgh-ijkl-mnop-qrst-uvwx\n'
  ])('is strict about its writing: %j', text => {
    expect(isFingerprint(text)).toBe(false)
    expect(codeOf(() => fingerprintToBytes(text))).toBe('instance_id_malformed')
  })

  it('is made of 32 bytes of key and read from 15 only', () => {
    expect(codeOf(() => fingerprintOf(new Uint8Array(31)))).toBe('instance_id_malformed')
    expect(codeOf(() => fingerprintFromBytes(new Uint8Array(16)))).toBe('instance_id_malformed')
  })
})
