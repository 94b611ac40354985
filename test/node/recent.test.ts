import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Recent } from '../../src/node/recent.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Recent', () => {
  it('tells what is news, and forgets after one to two times its time', () => {
    const recent = new Recent({ forgetMs: 1_000, max: 10 })
    expect([recent.add('a'), recent.add('a')]).toEqual([true, false])
    vi.advanceTimersByTime(1_999)
    expect(recent.has('a')).toBe(true)
    vi.advanceTimersByTime(1)
    expect(recent.has('a')).toBe(false)
    expect(recent.add('a')).toBe(true)
  })

  it('keeps what is added again and again, without it ever being news', () => {
    const recent = new Recent({ forgetMs: 1_000, max: 10 })
    recent.add('a')
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(900)
      expect(recent.add('a')).toBe(false)
    }
  })

  it('keeps a bounded number, whatever is added', () => {
    const recent = new Recent({ forgetMs: 1_000, max: 10 })
    const news = Array.from({ length: 1_000 }, (_, i) => recent.add(`${i}`)).filter(Boolean)
    expect(news).toHaveLength(10)
    expect(recent.has('999')).toBe(false)
  })

  it('needs no timer while it is empty', () => {
    const recent = new Recent({ forgetMs: 1_000, max: 10 })
    recent.add('a')
    recent.add('b')
    recent.delete('a')
    expect([recent.has('a'), recent.has('b')]).toEqual([false, true])
    vi.advanceTimersByTime(5_000)
    expect(vi.getTimerCount()).toBe(0)
    recent.add('c')
    recent.clear()
    expect([recent.has('c'), vi.getTimerCount()]).toEqual([false, 0])
  })
})
