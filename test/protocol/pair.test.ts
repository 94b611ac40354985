import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePairFrame, encodePairFrame, PAIR_FRAME_MAX_BYTES, type PairFrame } from '../../src/protocol/index.ts'
import { pairFrames } from './arbitraries.ts'
import { bytesField, codeOf, join, numberField, textField } from './proto.ts'

const nothing = new Uint8Array(0)

describe('pair frame', () => {
  it('goes to bytes and back', () => {
    fc.assert(
      fc.property(pairFrames, frame => {
        expect(decodePairFrame(encodePairFrame(frame))).toEqual(frame)
      })
    )
  })

  it('is written field by field', () => {
    const request: PairFrame = { type: 'request', kind: 2, body: Uint8Array.of(9) }
    expect(encodePairFrame(request)).toEqual(
      new Uint8Array(bytesField(1, join(numberField(1, 2), bytesField(2, Uint8Array.of(9)))))
    )
    const answer: PairFrame = { type: 'answer', accepted: true, reason: 'blocked', label: 'otter' }
    expect(encodePairFrame(answer)).toEqual(
      new Uint8Array(bytesField(2, join(numberField(1, 1), numberField(2, 3), textField(3, 'otter'))))
    )
  })

  it('takes an answer without fields for a refusal, and a reason of a later version for a failure', () => {
    expect(decodePairFrame(bytesField(2, nothing))).toEqual({
      type: 'answer',
      accepted: false,
      reason: 'none',
      label: ''
    })
    expect(decodePairFrame(bytesField(2, numberField(2, 999)))).toEqual({
      type: 'answer',
      accepted: false,
      reason: 'failed',
      label: ''
    })
  })

  it.each<[string, Uint8Array, string]>([
    ['nothing', nothing, 'frame_malformed'],
    ['a request without a kind', bytesField(1, nothing), 'frame_malformed'],
    ['both', join(bytesField(1, numberField(1, 1)), bytesField(2, nothing)), 'frame_malformed'],
    ['a frame of a later version', bytesField(3, nothing), 'frame_unknown'],
    ['too much', new Uint8Array(PAIR_FRAME_MAX_BYTES + 1), 'frame_too_large']
  ])('is not read from %s', (_, bytes, code) => {
    expect(codeOf(() => decodePairFrame(bytes))).toBe(code)
  })

  it('is not written malformed or too large', () => {
    expect(codeOf(() => encodePairFrame({ type: 'request', kind: 0, body: nothing }))).toBe('frame_malformed')
    const body = new Uint8Array(PAIR_FRAME_MAX_BYTES)
    expect(codeOf(() => encodePairFrame({ type: 'request', kind: 1, body }))).toBe('frame_too_large')
  })
})
