import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BACKOFF_FIRST_MS, BACKOFF_JITTER, BACKOFF_MAX_MS, backoffMs } from '../../src/mesh/backoff.ts'

const failures = fc.integer({ min: 1, max: 10_000 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('backoffMs', () => {
  it('doubles from one second to five minutes', () => {
    const waits = Array.from({ length: 11 }, (_, i) => backoffMs(i + 1, 0.5))
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000])
  })

  it('stays within half of its base either way, for any number of failures', () => {
    fc.assert(
      fc.property(failures, random, (n, r) => {
        const base = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (n - 1))
        const wait = backoffMs(n, r)
        expect(wait).toBeGreaterThanOrEqual(base * (1 - BACKOFF_JITTER))
        expect(wait).toBeLessThanOrEqual(base * (1 + BACKOFF_JITTER))
      })
    )
  })

  it('never shrinks with more failures, the luck being the same', () => {
    fc.assert(fc.property(failures, random, (n, r) => backoffMs(n + 1, r) >= backoffMs(n, r)))
  })
})
