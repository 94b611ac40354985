import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkWire, type Shape, WireError } from '../../src/protocol/wire.ts'
import { bytesField, join, numberField, textField, varint } from './proto.ts'

const INNER: Shape = { 1: { type: 'uint32' }, 2: { type: 'bytes' } }
const SHAPE: Shape = {
  1: { type: 'uint32' },
  2: { type: 'uint64' },
  3: { type: 'bool' },
  4: { type: 'string' },
  5: { type: 'bytes', repeated: true },
  6: { type: INNER, oneof: true },
  7: { type: 'bytes', oneof: true }
}

const some = Uint8Array.of(1, 2, 3)
const check = (...parts: Uint8Array[]) => checkWire(join(...parts), SHAPE)

describe('checkWire', () => {
  it('accepts known fields in any order and says which were there', () => {
    expect(check(bytesField(7, some), numberField(1, 7), bytesField(5, some), bytesField(5, some))).toEqual({
      fields: 2 ** 7 + 2 ** 1 + 2 ** 5,
      unknown: false
    })
    expect(check()).toEqual({ fields: 0, unknown: false })
  })

  it('skips unknown fields of every wire type that is in use', () => {
    const fixed64 = join(varint(20 * 8 + 1), new Uint8Array(8))
    const fixed32 = join(varint(21 * 8 + 5), new Uint8Array(4))
    const negative = join(varint(22 * 8), new Uint8Array(9).fill(0xff), Uint8Array.of(1))
    expect(check(fixed64, fixed32, negative, bytesField(536870911, some), numberField(1, 1))).toEqual({
      fields: 2,
      unknown: true
    })
  })

  it('takes numbers up to their type', () => {
    check(numberField(1, 0xffff_ffff))
    check(numberField(2, Number.MAX_SAFE_INTEGER))
    check(numberField(3, 1))
  })

  it.each([
    ['a uint32 above 2^32 - 1', numberField(1, 2 ** 32)],
    ['a uint64 above 2^53 - 1', numberField(2, 2 ** 53)],
    ['a uint64 of 64 bits', numberField(2, 2n ** 64n - 1n)],
    ['a bool above 1', numberField(3, 2)],
    ['an overlong zero', numberField(1, 0, 1)],
    ['an overlong varint', numberField(1, 5, 2)],
    ['a varint without an end', join(varint(8), new Uint8Array(12).fill(0x80))],
    ['an unknown varint of 11 bytes', join(varint(22 * 8), new Uint8Array(10).fill(0x80), Uint8Array.of(1))],
    ['field number 0', numberField(0, 1)],
    ['bytes where a number belongs', Uint8Array.of(1 * 8 + 2, 5)],
    ['a number where bytes belong', join(numberField(5, 1), Uint8Array.of(7))],
    ['fixed bytes where a number belongs', Uint8Array.of(1 * 8 + 5, 5)],
    ['a field twice', join(numberField(1, 1), numberField(1, 1))],
    ['a choice twice', join(bytesField(7, some), bytesField(7, some))],
    ['two members of a choice', join(bytesField(6, numberField(1, 1)), bytesField(7, some))],
    ['a length past the end', Uint8Array.of(5 * 8 + 2, 4, 1, 2, 3)],
    ['a length of 2^32 - 1', join(varint(5 * 8 + 2), varint(0xffff_ffff))],
    ['an unknown length past the end', Uint8Array.of(10 * 8 + 2, 9)],
    ['a truncated fixed64', join(varint(20 * 8 + 1), new Uint8Array(7))],
    ['a group', Uint8Array.of(10 * 8 + 3, 10 * 8 + 4)],
    ['wire type 7', Uint8Array.of(10 * 8 + 7)],
    [
      'a field of an inner message that runs past it',
      join(Uint8Array.of(6 * 8 + 2, 3, 2 * 8 + 2, 3, 9), numberField(1, 7))
    ],
    ['an inner field twice', bytesField(6, join(numberField(1, 1), numberField(1, 1)))],
    ['a lone surrogate', bytesField(4, Uint8Array.of(0xed, 0xa0, 0x80))],
    ['an overlong UTF-8 slash', bytesField(4, Uint8Array.of(0xc0, 0xaf))],
    ['a cut character', bytesField(4, Uint8Array.of(0xe2, 0x82))]
  ])('refuses %s', (_, bytes) => {
    expect(() => checkWire(bytes, SHAPE)).toThrow(WireError)
  })

  it('throws nothing but WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        try {
          checkWire(bytes, SHAPE)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
      { numRuns: 5000 }
    )
  })

  it('refuses every proper prefix that ends inside a field', () => {
    const whole = join(numberField(2, 300), textField(4, 'words'), bytesField(6, numberField(1, 300)))
    const ends = new Set([0, 3, 10, 15])
    for (let length = 0; length <= whole.length; length++) {
      const prefix = () => checkWire(whole.subarray(0, length), SHAPE)
      if (ends.has(length)) expect(prefix, `${length} bytes`).not.toThrow()
      else expect(prefix, `${length} bytes`).toThrow(WireError)
    }
  })
})
