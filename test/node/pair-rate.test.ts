import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PairRate } from '../../src/node/pair-rate.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

function taken(rate: PairRate, count: number, address: (index: number) => string): number {
  return Array.from({ length: count }, (_, index) => rate.take(address(index))).filter(Boolean).length
}

it('S-25: ten questions of an address are looked at in a minute, whatever its ports', () => {
  const rate = new PairRate()
  expect(taken(rate, 100, index => `/ip4/192.0.2.7/tcp/${1_000 + index}`)).toBe(10)
  expect(taken(rate, 1, () => '/ip4/192.0.2.8/tcp/1')).toBe(1)
  expect(taken(rate, 100, index => `/ip6/2001:db8::${index}/tcp/1`)).toBe(10)
  vi.advanceTimersByTime(59_999)
  expect(rate.take('/ip4/192.0.2.7/tcp/1')).toBe(false)
  vi.advanceTimersByTime(1)
  expect(taken(rate, 20, () => '/ip4/192.0.2.7/tcp/1')).toBe(10)
})

it('S-25: and sixty of all addresses together; what is refused takes nothing from others', () => {
  const rate = new PairRate()
  expect(taken(rate, 100, () => '/ip4/192.0.2.7/tcp/1')).toBe(10)
  expect(taken(rate, 1_000, index => `/ip4/10.1.${index % 250}.${(index * 7) % 250}/tcp/1`)).toBe(50)
  expect(rate.gauges()).toEqual([{ name: 'addresses that asked', size: 51, max: 60 }])
  vi.advanceTimersByTime(60_000)
  expect(rate.gauges()[0]?.size).toBe(0)
  expect(taken(rate, 1_000, index => `/ip4/10.2.${index % 250}.${(index * 7) % 250}/tcp/1`)).toBe(60)
})
