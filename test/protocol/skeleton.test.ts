import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseLabel, skeletonOf } from '../../src/protocol/index.ts'
import { confusablePairs } from './confusables.ts'

it('S-28: 500 pairs of labels that read alike have one skeleton each', () => {
  const pairs = confusablePairs()
  expect(pairs.length).toBeGreaterThanOrEqual(500)
  for (const [one, other] of pairs) {
    expect(parseLabel(one)).not.toBe(parseLabel(other))
    expect(skeletonOf(parseLabel(other)), `${one} ${other}`).toBe(skeletonOf(parseLabel(one)))
  }
})

it.each([
  ['otter', 'utter'],
  ['anna', 'hanna'],
  ['node-1', 'node-2'],
  ['минск', 'киев'],
  ['小明', '小红'],
  ['alice', 'alicia']
])('S-28: %s and %s are told apart', (one, other) => {
  expect(skeletonOf(one)).not.toBe(skeletonOf(other))
})

it('is of any text, and of Latin letters the same in any case', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => typeof skeletonOf(text) === 'string'))
  const check = (text: string): boolean => skeletonOf(text) === skeletonOf(text.toUpperCase())
  fc.assert(fc.property(fc.stringMatching(/^[a-z0-9-]{1,32}$/), check))
})
