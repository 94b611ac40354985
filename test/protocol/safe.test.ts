import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safe } from '../../src/protocol/index.ts'

/** Terminal and log attacks of S-17, whole, in halves and next to each other. */
const ATTACKS = [
  '\n',
  '\r\n',
  '\u001b[31m',
  '\u001b]52;c;ZXZpbA==\u0007',
  '\u001b]8;;http://evil.example\u001b\\',
  '\u009b2J',
  '\u0007',
  '\u0000',
  '\u007f',
  '\u0085',
  '\u202e',
  '\u2066',
  '\u2069',
  '\u200b',
  '\u200d',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ud800',
  '\udfff',
  '\u{e0041}',
  '\u{1bca0}',
  '\u3164',
  '\u00ad'
]

const strings = fc
  .array(
    fc.oneof(
      fc.constantFrom(...ATTACKS),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ unit: 'grapheme', maxLength: 4 })
    ),
    {
      maxLength: 30
    }
  )
  .map(parts => parts.join(''))

describe('safe', () => {
  it('leaves plain text alone', () => {
    for (const text of ['', 'brisk-otter', 'größe 小明 🦦', 'C:\\temp', 'a'.repeat(80)]) expect(safe(text)).toBe(text)
  })

  it('shows what it takes out', () => {
    expect(safe('a\nb')).toBe('a\\u000ab')
    expect(safe('\u001b[31mred')).toBe('\\u001b[31mred')
    expect(safe('\u202eevil')).toBe('\\u202eevil')
    expect(safe('\ud800')).toBe('\\ud800')
    expect(safe('\u{e0041}')).toBe('\\u{e0041}')
    expect(safe('\n\u0301')).toBe('\\u000a\\u0301')
    expect(safe('\u3164\u034f')).toBe('\\u3164\\u034f')
    expect(safe('a\u0308')).toBe('ä')
  })

  it('cuts at the length asked for', () => {
    expect(safe('a'.repeat(81))).toBe(`${'a'.repeat(79)}…`)
    expect(safe('🦦'.repeat(10), 5)).toBe('🦦🦦🦦🦦…')
    expect(safe('\n'.repeat(1_000_000), 10)).toBe('\\u000a\\u0…')
  })

  it('S-17: lets no control, format, bidi or surrogate through, in one line, in any string', () => {
    fc.assert(
      fc.property(strings, fc.integer({ min: 1, max: 120 }), (text, maxChars) => {
        const shown = safe(text, maxChars)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect(shown.isWellFormed()).toBe(true)
        expect([...shown].length).toBeLessThanOrEqual(maxChars)
      }),
      { numRuns: 20_000 }
    )
  })

  it('S-17: leaves safe text as it is', () => {
    fc.assert(
      fc.property(strings, text => {
        const shown = safe(text)
        expect(safe(shown)).toBe(shown)
      }),
      { numRuns: 5000 }
    )
  })
})
