import { describe, expect, it } from 'vitest'
import { QuerySchedule } from '../../src/node/query-schedule.ts'

const FIRST_MS = [250, 500, 1_000, 2_000, 4_000, 8_000]

/** Times of the queries until `endMs`, when nobody else asks. */
function queries(schedule: QuerySchedule, endMs: number): number[] {
  const times: number[] = []
  for (let atMs = 0; atMs < endMs; atMs += schedule.asked()) times.push(atMs)
  return times
}

describe('mDNS queries', () => {
  it('S1.54: come close together when the network is new', () => {
    const schedule = new QuerySchedule({ random: () => 0.5 })
    expect(queries(schedule, 30_000)).toEqual([0, 250, 750, 1_750, 3_750, 7_750, 15_750, 25_750])
  })

  it('D-36: come every ten seconds in the long run, not every second', () => {
    for (const random of [0, 0.5, 0.999]) {
      const count = queries(new QuerySchedule({ random: () => random }), 3_600_000).length
      expect(count).toBeLessThan(3_600 / 9 + FIRST_MS.length + 1)
      expect(count).toBeGreaterThan(3_600 / 11)
    }
  })

  it('D-36: are left to others who ask the same, but never for long', () => {
    const schedule = new QuerySchedule({ random: () => 0.5 })
    expect(schedule.othersAsked()).toBe(undefined)
    queries(schedule, 15_000)
    expect(schedule.fresh).toBe(false)
    expect([1, 2, 3, 4].map(() => schedule.othersAsked())).toEqual([10_000, 10_000, undefined, undefined])
    schedule.asked()
    expect(schedule.othersAsked()).toBe(10_000)
  })

  it('begin anew on a new network', () => {
    const schedule = new QuerySchedule()
    queries(schedule, 60_000)
    schedule.restart()
    expect(schedule.fresh).toBe(true)
    expect(FIRST_MS.map(() => schedule.asked())).toEqual(FIRST_MS)
  })
})
