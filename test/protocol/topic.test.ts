import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTopic, parseTopic } from '../../src/protocol/index.ts'
import { codeOf } from './proto.ts'

describe('topic', () => {
  it.each(['openclaw-mesh', 'a', '7', 'team/ops:2', 'mesh_1.0', '运维', 'ä'.repeat(64)])('takes %j', text => {
    expect(parseTopic(text)).toBe(text)
    expect(isTopic(text)).toBe(true)
  })

  it.each([
    '',
    ' ',
    '-a',
    '/a',
    'a b',
    'a\nb',
    'a\u0000',
    'a\u202e',
    'a\ud800',
    '🦦',
    'x'.repeat(65),
    'x'.repeat(100_000)
  ])('refuses %j', text => {
    expect(isTopic(text)).toBe(false)
    expect(codeOf(() => parseTopic(text))).toBe('topic_malformed')
  })

  it('is NFC on the wire', () => {
    expect(isTopic('a\u0308')).toBe(false)
    expect(parseTopic(' a\u0308 ')).toBe('ä')
  })

  it('accepts on the wire exactly what parsing leaves as it is', () => {
    const chars = fc.oneof(
      fc.constantFrom('a', 'ä', 'a\u0308', '-', '/', '运'),
      fc.string({ unit: 'binary', maxLength: 1 })
    )
    fc.assert(
      fc.property(fc.array(chars, { maxLength: 6 }), parts => {
        const text = parts.join('')
        let parsed: string | undefined
        codeOf(() => {
          parsed = parseTopic(text)
        })
        expect(isTopic(text)).toBe(parsed === text)
        if (parsed !== undefined) expect(parseTopic(parsed)).toBe(parsed)
      }),
      { numRuns: 2000 }
    )
  })
})
