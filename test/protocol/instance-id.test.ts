import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatInstanceId, parseInstanceId } from '../../src/protocol/index.ts'
import { fingerprints } from './arbitraries.ts'
import { codeOf } from './proto.ts'

const FINGERPRINT = 'abcd-efgh-ijkl-mnop-qrst-uv27'

describe('instance id', () => {
  it('reads label@fingerprint', () => {
    const text = formatInstanceId('brisk-otter', FINGERPRINT)
    expect(text).toBe(`brisk-otter@${FINGERPRINT}`)
    expect(parseInstanceId(text)).toEqual({ label: 'brisk-otter', fingerprint: FINGERPRINT })
  })

  it('is the fingerprint alone where there is no label', () => {
    expect(formatInstanceId('', FINGERPRINT)).toBe(FINGERPRINT)
  })

  it.each([
    FINGERPRINT,
    `@${FINGERPRINT}`,
    'ABCD-EFGH-IJKL-MNOP-QRST-UV27',
    'abcdefghijklmnopqrstuv27',
    '  abcd efgh ijkl mnop qrst uv27\n',
    'abcd\u2011efgh\u2013ijkl\u2014mnop-qrst\u00a0uv27',
    'abcdef-ghijkl-mnopqr-stuv27',
    'ＡＢＣＤ-efgh-ijkl-mnop-qrst-uv27'
  ])('is read as people write it: %j', text => {
    expect(parseInstanceId(text)).toEqual({ fingerprint: FINGERPRINT })
  })

  it('keeps a label in its canonical writing', () => {
    expect(parseInstanceId(` Anna 2 @ ${FINGERPRINT.toUpperCase()} `)).toEqual({
      label: 'Anna 2',
      fingerprint: FINGERPRINT
    })
  })

  it.each([
    '',
    '@',
    'brisk-otter',
    'brisk-otter@',
    `${FINGERPRINT}a`,
    FINGERPRINT.slice(1),
    FINGERPRINT.replace('a', '1'),
    FINGERPRINT.replace('a', '0'),
    `a@b@${FINGERPRINT}`,
    `\u202eevil@${FINGERPRINT}`,
    '12D3KooWJv5WWHqLKVsVvrZ3CCVBv9LwBkFGmEdXpbeA9PcHqvVf',
    '__proto__',
    'x'.repeat(100_000)
  ])('malformed is refused: %j', text => {
    expect(codeOf(() => parseInstanceId(text))).toBe('instance_id_malformed')
  })

  it('survives what happens to it on its way', () => {
    const label = fc.constantFrom('', 'brisk-otter', 'Anna 2', '小明')
    fc.assert(
      fc.property(
        fingerprints,
        label,
        fc.boolean(),
        fc.constantFrom('-', '', ' ', '\u2011'),
        (fingerprint, name, upper, dash) => {
          const written = fingerprint.replaceAll('-', dash)
          const text = formatInstanceId(name, upper ? written.toUpperCase() : written)
          expect(parseInstanceId(text)).toEqual(name === '' ? { fingerprint } : { label: name, fingerprint })
        }
      )
    )
  })

  it('throws nothing but ProtocolError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), text => {
        codeOf(() => parseInstanceId(text))
      }),
      { numRuns: 2000 }
    )
  })
})
