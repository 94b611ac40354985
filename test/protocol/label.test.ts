import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLabel, peerLabel } from '../../src/protocol/index.ts'
import { codeOf } from './proto.ts'

describe('label', () => {
  it.each([
    'brisk-otter',
    'a',
    '7',
    'Anna 2',
    'gateway_2.lan',
    'größe',
    'минск-1',
    'τρία',
    'サーバー1号',
    '小明',
    '서울-1',
    'मेरा-पीसी',
    'เครื่อง1',
    'שלום',
    'x'.repeat(32)
  ])('takes %j as it is', text => {
    expect(parseLabel(text)).toBe(text.normalize('NFKC'))
  })

  it('is NFKC without space around it', () => {
    expect(parseLabel(' ｏｔｔｅｒ１ ')).toBe('otter1')
    expect(parseLabel('gro\u0308ße')).toBe('größe')
    expect(parseLabel('ﬁsh')).toBe('fish')
  })

  it.each([
    ['empty', ''],
    ['blank', '   '],
    ['33 characters', 'x'.repeat(33)],
    ['far too long', 'x'.repeat(100_000)],
    ['two spaces', 'a  b'],
    ['an at sign', 'a@b'],
    ['a slash', 'a/b'],
    ['a dash first', '-rf'],
    ['a dot first', '.hidden'],
    ['a line feed', 'a\nb'],
    ['an escape', 'a\u001b[31mb'],
    ['a bidi override', 'a\u202eb'],
    ['a zero width joiner', 'a\u200db'],
    ['a zero width space', 'a\u200bb'],
    ['an invisible letter', 'a\u3164b'],
    ['a lone surrogate', 'a\ud800b'],
    ['an emoji', 'otter🦦'],
    ['piled marks', 'z\u0335\u0358\u0361a'],
    ['a mark of all scripts on a Cyrillic letter', 'а\u0301б']
  ])('refuses %s', (_, text) => {
    expect(codeOf(() => parseLabel(text))).toBe('label_malformed')
  })

  it.each([
    ['Latin with a Cyrillic a', 'p\u0430ypal'],
    ['Latin with a Greek o', 'g\u03bfogle'],
    ['Cyrillic with a Latin o', 'м\u006fсква'],
    ['Latin with Han', '小明mac'],
    ['Hangul with kana', '서울サ'],
    ['Latin with Armenian', 'h\u0578st'],
    ['Latin with Arabic digits', 'otter\u0661'],
    ['Cherokee that looks Latin', '\u13a0\u13b3']
  ])('S-28: refuses %s', (_, text) => {
    expect(codeOf(() => parseLabel(text))).toBe('label_malformed')
  })

  it('S-28: gives back what it accepts, with nothing unseen in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), text => {
        const label = peerLabel(text)
        if (label === '') return
        expect(parseLabel(label)).toBe(label)
        expect(label.normalize('NFKC')).toBe(label)
        expect(label).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{S}@/\\]/u)
        expect([...label].length).toBeLessThanOrEqual(32)
      }),
      { numRuns: 2000 }
    )
  })

  it('of a peer that cannot be read is empty', () => {
    expect(peerLabel('\u202eevil')).toBe('')
    expect(peerLabel('brisk-otter')).toBe('brisk-otter')
  })
})
