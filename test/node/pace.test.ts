import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace } from '../../src/node/pace.ts'

const INIT = { firstMs: 20, lastMs: 120, pauseMs: 400 }

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Pace', () => {
  it('works once for everybody who asks within a moment', () => {
    const work = vi.fn()
    const pace = new Pace({ work }, INIT)
    for (let i = 0; i < 100; i++) pace.ask()
    vi.advanceTimersByTime(19)
    expect(work).not.toHaveBeenCalled()
    vi.advanceTimersByTime(10_000)
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('forgets nobody who asks during the pause', () => {
    const work = vi.fn()
    const pace = new Pace({ work }, INIT)
    pace.ask()
    vi.advanceTimersByTime(130)
    pace.ask()
    vi.advanceTimersByTime(1_000)
    expect(work).toHaveBeenCalledTimes(2)
  })

  it('D-36: works no more than 2.4 times a second, however often it is asked', () => {
    const work = vi.fn()
    const pace = new Pace({ work }, INIT)
    for (let ms = 0; ms < 10_000; ms++) {
      pace.ask()
      vi.advanceTimersByTime(1)
    }
    expect(work.mock.calls.length).toBeGreaterThan(15)
    expect(work.mock.calls.length).toBeLessThanOrEqual(24)
  })

  it('does nothing more once it is stopped', () => {
    const work = vi.fn()
    const pace = new Pace({ work }, INIT)
    pace.ask()
    pace.stop()
    vi.advanceTimersByTime(10_000)
    expect(work).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})
