import { expect, it, vi } from 'vitest'
import { Strikes } from '../../src/node/strikes.ts'

it('puts a peer out after its last strike and forgives it later', () => {
  vi.useFakeTimers()
  const strikes = new Strikes({ max: 3, forgiveMs: 1_000 })
  expect(strikes.add('p')).toBe(1)
  vi.advanceTimersByTime(900)
  strikes.add('p')
  vi.advanceTimersByTime(900)
  expect(strikes.out('p')).toBe(false)
  strikes.add('p')
  expect(strikes.out('p')).toBe(true)
  expect(strikes.out('other')).toBe(false)
  vi.advanceTimersByTime(1_000)
  expect(strikes.out('p')).toBe(false)
  expect(strikes.count('p')).toBe(0)
  vi.useRealTimers()
})

it('S-12: remembers a bounded number of peers, the newest', () => {
  const strikes = new Strikes()
  for (let peer = 0; peer < 5_000; peer++) strikes.add(`p${peer}`)
  const remembered = [...Array(5_000).keys()].filter(peer => strikes.count(`p${peer}`) > 0)
  expect(remembered).toHaveLength(1_024)
  expect(remembered.at(-1)).toBe(4_999)
  strikes.clear()
  expect(strikes.count('p4999')).toBe(0)
})
