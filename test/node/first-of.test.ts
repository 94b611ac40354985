import { describe, expect, it, vi } from 'vitest'
import { type Attempt, firstOf } from '../../src/node/first-of.ts'

/** Takes so long, or as long as its signal; writes down what came of it. */
function way(name: string, ms: number, log: string[], init: { fails?: boolean } = {}): Attempt<string> {
  return signal => {
    log.push(`${name} begins`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => (init.fails ? reject(new Error(`${name} fails`)) : resolve(name)), ms)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        log.push(`${name} is stopped`)
        reject(signal.reason)
      })
    })
  }
}

describe('the first of several ways', () => {
  it('is the first one alone where it is quick', async () => {
    const log: string[] = []
    expect(await firstOf([way('straight', 10, log), way('relay', 10, log)], { staggerMs: 500 })).toBe('straight')
    expect(log).toEqual(['straight begins', 'straight is stopped'])
  })

  it('is a later one where the first takes its time, and the first is told to stop', async () => {
    const log: string[] = []
    expect(await firstOf([way('straight', 60_000, log), way('relay', 10, log)], { staggerMs: 20 })).toBe('relay')
    expect(log).toEqual(['straight begins', 'relay begins', 'straight is stopped', 'relay is stopped'])
  })

  it('goes on at once where one fails', async () => {
    vi.useFakeTimers()
    try {
      const log: string[] = []
      const result = firstOf([way('straight', 10, log, { fails: true }), way('relay', 10, log)], { staggerMs: 60_000 })
      await vi.advanceTimersByTimeAsync(20)
      expect(await result).toBe('relay')
    } finally {
      vi.useRealTimers()
    }
  })

  it('fails with the first error where all fail, and begins each once', async () => {
    const log: string[] = []
    const ways = [
      way('a', 30, log, { fails: true }),
      way('b', 1, log, { fails: true }),
      way('c', 1, log, { fails: true })
    ]
    await expect(firstOf(ways, { staggerMs: 5 })).rejects.toThrow('a fails')
    expect(log.filter(line => line.endsWith('begins'))).toEqual(['a begins', 'b begins', 'c begins'])
  })

  it('ends with the reason of its caller, before and during', async () => {
    const log: string[] = []
    const during = new AbortController()
    const result = firstOf([way('a', 60_000, log)], { staggerMs: 5, signal: during.signal })
    during.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    expect(log).toEqual(['a begins', 'a is stopped'])
    const before = AbortSignal.abort(new Error('too late'))
    await expect(firstOf([way('b', 1, log)], { staggerMs: 5, signal: before })).rejects.toThrow('too late')
    expect(log).not.toContain('b begins')
  })
})
