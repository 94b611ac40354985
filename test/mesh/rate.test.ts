import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rate } from '../../src/mesh/rate.ts'
import { FakeClock } from '../fakes/clock.ts'

describe('Rate', () => {
  it('never lets more through than burst plus rate, and always lets an idle key through', async () => {
    const waits = fc.array(fc.nat(4_000), { maxLength: 60 })
    const property = fc.asyncProperty(waits, async waitsMs => {
      const clock = new FakeClock()
      const rate = new Rate({ clock }, { perSecond: 2, burst: 5, keysMax: 4 })
      let passed = 0
      for (const waitMs of waitsMs) {
        clock.tick(waitMs)
        if (rate.left('a') >= 1) {
          rate.take('a')
          passed++
        }
        expect(passed).toBeLessThanOrEqual(5 + (2 * clock.monotonicMs()) / 1_000)
      }
      clock.tick(500)
      expect(rate.left('a')).toBeGreaterThanOrEqual(1)
    })
    await fc.assert(property)
  })

  it('goes into debt down to minus its burst, and gets out of it with time', () => {
    const clock = new FakeClock()
    const rate = new Rate({ clock }, { perSecond: 1, burst: 3, keysMax: 4 })
    expect(rate.take('a', 100)).toBe(-3)
    expect(rate.take('a')).toBe(-3)
    clock.tick(4_000)
    expect(rate.left('a')).toBe(1)
  })

  it('remembers a bounded number of keys, the last used ones', () => {
    const rate = new Rate({ clock: new FakeClock() }, { perSecond: 1, burst: 3, keysMax: 2 })
    for (const key of ['a', 'b', 'a', 'c']) rate.take(key, 3)
    expect([rate.left('a'), rate.left('b'), rate.left('c')]).toEqual([-3, 3, 0])
  })
})
