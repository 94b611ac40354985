import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame, type Frame, type Hello } from '../../src/protocol/index.ts'
import { bytesField, codeOf, join, numberField, textField } from './proto.ts'

const HELLO: Hello = {
  version: 1,
  kinds: ['message', 'skip'],
  maxFrameBytes: 65_536,
  epoch: '0102030405060708',
  timeMs: 1_800_000_000_000,
  admitted: true,
  label: 'brisk-otter'
}

const FIELDS: Record<number, Uint8Array> = {
  1: numberField(1, 1),
  2: join(numberField(2, 1), numberField(2, 5)),
  3: numberField(3, 65_536),
  4: bytesField(4, Buffer.from(HELLO.epoch, 'hex')),
  5: numberField(5, HELLO.timeMs),
  6: numberField(6, 1),
  7: textField(7, 'brisk-otter')
}

const frameOf = (hello: Hello): Frame => ({ type: 'hello', hello })
const altered = (changes: Record<number, Uint8Array>) =>
  bytesField(1, join(...Object.values({ ...FIELDS, ...changes })))
const read = (changes: Record<number, Uint8Array>) => decodeFrame(altered(changes))
const nothing = new Uint8Array(0)

describe('hello', () => {
  it('is written field by field', () => {
    expect(encodeFrame(frameOf(HELLO))).toEqual(new Uint8Array(altered({})))
    expect(read({})).toEqual(frameOf(HELLO))
  })

  it('leaves out kinds that this side does not know, and repeated ones', () => {
    const kinds = join(numberField(2, 99), numberField(2, 5), numberField(2, 5), numberField(2, 0))
    expect(read({ 2: kinds })).toEqual(frameOf({ ...HELLO, kinds: ['skip'] }))
    expect(read({ 2: nothing })).toEqual(frameOf({ ...HELLO, kinds: [] }))
  })

  it('goes without a label, and without one that this side cannot read', () => {
    expect(read({ 7: nothing })).toEqual(frameOf({ ...HELLO, label: '' }))
    expect(read({ 7: textField(7, '\u202eevil') })).toEqual(frameOf({ ...HELLO, label: '' }))
    expect(decodeFrame(encodeFrame(frameOf({ ...HELLO, label: '' })))).toEqual(frameOf({ ...HELLO, label: '' }))
  })

  it.each<[string, Record<number, Uint8Array>]>([
    ['no version', { 1: nothing }],
    ['no frame size', { 3: nothing }],
    ['no epoch', { 4: nothing }],
    ['a long epoch', { 4: bytesField(4, new Uint8Array(9)) }],
    ['no time', { 5: nothing }],
    ['257 kinds', { 2: join(...Array.from({ length: 257 }, () => numberField(2, 1))) }],
    ['packed kinds', { 2: bytesField(2, Uint8Array.of(1, 5)) }],
    ['a label that is not UTF-8', { 7: bytesField(7, Uint8Array.of(0xff)) }]
  ])('is not read with %s', (_, changes) => {
    expect(codeOf(() => read(changes))).toBe('frame_malformed')
  })

  it('is not written malformed', () => {
    expect(codeOf(() => encodeFrame(frameOf({ ...HELLO, version: 0 })))).toBe('frame_malformed')
    expect(codeOf(() => encodeFrame(frameOf({ ...HELLO, maxFrameBytes: 2 ** 32 })))).toBe('frame_malformed')
    expect(codeOf(() => encodeFrame(frameOf({ ...HELLO, epoch: 'x' })))).toBe('frame_malformed')
    expect(codeOf(() => encodeFrame(frameOf({ ...HELLO, timeMs: Number.NaN })))).toBe('frame_malformed')
    expect(codeOf(() => encodeFrame(frameOf({ ...HELLO, label: 'a\nb' })))).toBe('label_malformed')
  })
})
