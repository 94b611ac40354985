import { describe, expect, it } from 'vitest'
import {
  decodeFrame,
  encodeFrame,
  FRAME_MAX_BYTES,
  type Frame,
  RECEIPTS_MAX,
  type Receipt
} from '../../src/protocol/index.ts'
import { bytesField, codeOf, join, numberField } from './proto.ts'

const RECEIPT: Receipt = {
  id: '0123456789abcdef'.repeat(2),
  attempt: 1,
  hash: new Uint8Array(32).fill(3),
  outcome: 'received',
  reason: 'none'
}

const FIELDS: Record<number, Uint8Array> = {
  1: bytesField(1, Buffer.from(RECEIPT.id, 'hex')),
  2: numberField(2, 1),
  3: bytesField(3, RECEIPT.hash),
  4: numberField(4, 1)
}

const frameOf = (...receipts: Receipt[]): Frame => ({ type: 'receipts', receipts })
const encoded = (changes: Record<number, Uint8Array>) =>
  bytesField(1, join(...Object.values({ ...FIELDS, ...changes })))
const read = (...changes: Record<number, Uint8Array>[]) => decodeFrame(bytesField(3, join(...changes.map(encoded))))
const nothing = new Uint8Array(0)
const deferred: Receipt = { ...RECEIPT, outcome: 'deferred', reason: 'overloaded', untilMs: 1_800_000_000_000 }

describe('receipts', () => {
  it('are written field by field', () => {
    expect(encodeFrame(frameOf(RECEIPT))).toEqual(new Uint8Array(bytesField(3, encoded({}))))
    expect(read({}, {})).toEqual(frameOf(RECEIPT, RECEIPT))
  })

  it('of a full batch fit one frame', () => {
    const full = frameOf(...Array.from({ length: RECEIPTS_MAX }, () => ({ ...deferred, attempt: 0xffff_ffff })))
    const bytes = encodeFrame(full)
    expect(bytes.length).toBeLessThan(FRAME_MAX_BYTES)
    expect(decodeFrame(bytes)).toEqual(full)
    expect(codeOf(() => encodeFrame(frameOf(...Array.from({ length: RECEIPTS_MAX + 1 }, () => RECEIPT))))).toBe(
      'receipt_malformed'
    )
    expect(codeOf(() => encodeFrame(frameOf()))).toBe('receipt_malformed')
  })

  it('of a later version are read as far as they can be', () => {
    expect(read({ 4: numberField(4, 9) }, {})).toEqual(frameOf(RECEIPT))
    expect(read({ 4: numberField(4, 4), 5: numberField(5, 999) })).toEqual(
      frameOf({ ...RECEIPT, outcome: 'rejected', reason: 'failed' })
    )
    expect(read({ 7: bytesField(7, new Uint8Array(64)), 8: numberField(8, 1) })).toEqual(frameOf(RECEIPT))
  })

  it('that reject without a reason say failed', () => {
    expect(read({ 4: numberField(4, 4) })).toEqual(frameOf({ ...RECEIPT, outcome: 'rejected', reason: 'failed' }))
  })

  it('hold a time where they defer, and only there', () => {
    expect(decodeFrame(encodeFrame(frameOf(deferred)))).toEqual(frameOf(deferred))
    expect(read({ 6: numberField(6, 5) })).toEqual(frameOf(RECEIPT))
    expect(codeOf(() => read({ 4: numberField(4, 5) }))).toBe('receipt_malformed')
  })

  it.each<[string, Record<number, Uint8Array>]>([
    ['no id', { 1: nothing }],
    ['no attempt', { 2: nothing }],
    ['no hash', { 3: nothing }],
    ['a short hash', { 3: bytesField(3, new Uint8Array(31)) }],
    ['no level', { 4: nothing }],
    ['a short signature', { 7: bytesField(7, new Uint8Array(63)) }]
  ])('are not read with %s', (_, changes) => {
    expect(codeOf(() => read({}, changes))).toBe('receipt_malformed')
  })

  it('are not read when there is none, or too many', () => {
    expect(codeOf(() => decodeFrame(bytesField(3, nothing)))).toBe('receipt_malformed')
    expect(codeOf(() => read(...Array.from({ length: RECEIPTS_MAX + 1 }, () => ({}))))).toBe('receipt_malformed')
  })

  it.each<[string, Receipt]>([
    ['a bad id', { ...RECEIPT, id: 'x' }],
    ['attempt 0', { ...RECEIPT, attempt: 0 }],
    ['a short hash', { ...RECEIPT, hash: RECEIPT.hash.subarray(1) }],
    ['a rejection without a reason', { ...RECEIPT, outcome: 'rejected' }],
    ['a time that nothing waits for', { ...RECEIPT, untilMs: 1 }],
    ['a deferral without a time', { ...RECEIPT, outcome: 'deferred' }],
    ['a deferral to nowhen', { ...deferred, untilMs: Number.NaN }]
  ])('are not written with %s', (_, receipt) => {
    expect(codeOf(() => encodeFrame(frameOf(receipt)))).toBe('receipt_malformed')
  })
})
