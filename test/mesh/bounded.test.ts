import { describe, expect, it } from 'vitest'
import { bounded, OVERDUE } from '../../src/mesh/bounded.ts'
import { FakeClock, settled } from '../fakes/clock.ts'

describe('bounded', () => {
  it('passes on what the call gives, and leaves no timer', async () => {
    const clock = new FakeClock()
    expect(await bounded(clock, 1_000, async () => 'done')).toBe('done')
    await expect(bounded(clock, 1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const thrown = bounded(clock, 1_000, () => {
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
    await settled()
    expect(clock.sleeping).toBe(0)
  })

  it('gives up at its bound, and tells the call so', async () => {
    const clock = new FakeClock()
    let given: AbortSignal | undefined
    const result = bounded(clock, 1_000, signal => {
      given = signal
      return new Promise(() => {})
    })
    await clock.advance(999)
    expect(given?.aborted).toBe(false)
    await clock.advance(1)
    expect(await result).toBe(OVERDUE)
    expect(given?.aborted).toBe(true)
  })

  it('rejects with the reason as soon as it is aborted, whatever the call does', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const result = bounded(clock, 1_000, () => new Promise(() => {}), stop)
    stop.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    expect(clock.sleeping).toBe(0)
    const after = bounded(clock, 1_000, async () => 'never', stop)
    await expect(after).rejects.toThrow('enough')
  })
})
