import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SessionTurns } from '../../src/openclaw/session-turns.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** Work that runs until it is told to end. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = { running: false, ran: false, end: resolve }
  const run = async (): Promise<string> => {
    work.running = true
    work.ran = true
    await promise
    work.running = false
    return 'ran'
  }
  return { work, run }
}

describe('the turns of a session', () => {
  it('S-23: say what the one that runs is about, and nothing before and after', async () => {
    const turns = new SessionTurns()
    const [first, second] = [held(), held()]
    const running = [turns.run('a', first.run, { cause: 'one' }), turns.run('a', second.run, { cause: 'two' })]
    await vi.advanceTimersByTimeAsync(0)
    expect([turns.causeOf('a'), turns.causeOf('b')]).toEqual(['one', undefined])
    first.work.end()
    await vi.advanceTimersByTimeAsync(0)
    expect(turns.causeOf('a')).toBe('two')
    second.work.end()
    await Promise.all(running)
    expect(turns.causeOf('a')).toBeUndefined()
  })

  it('wait for the one before, and others go on meanwhile', async () => {
    const turns = new SessionTurns()
    const [first, second, other] = [held(), held(), held()]
    const running = [turns.run('a', first.run), turns.run('a', second.run), turns.run('b', other.run)]
    await vi.advanceTimersByTimeAsync(0)
    expect([first.work.running, second.work.running, other.work.running]).toEqual([true, false, true])
    first.work.end()
    await vi.advanceTimersByTimeAsync(0)
    expect([first.work.running, second.work.running]).toEqual([false, true])
    second.work.end()
    other.work.end()
    await expect(Promise.all(running)).resolves.toEqual(['ran', 'ran', 'ran'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('begin although the one before threw', async () => {
    const turns = new SessionTurns()
    const failed = turns.run('a', () => Promise.reject(new Error('broken')))
    await expect(failed).rejects.toThrow('broken')
    await expect(turns.run('a', async () => 'ran')).resolves.toBe('ran')
  })

  it('are given up after half a minute, or when we stop, and never overtake the one that runs', async () => {
    const turns = new SessionTurns()
    const long = held()
    const running = turns.run('a', long.run)
    const late = held()
    const gaveUp = turns.run('a', late.run)
    const stop = new AbortController()
    const stopped = turns.run('a', late.run, { signal: stop.signal })
    stop.abort()
    await expect(stopped).resolves.toBeUndefined()
    await expect(turns.run('a', late.run, { signal: stop.signal })).resolves.toBeUndefined()
    await vi.advanceTimersByTimeAsync(30_000)
    await expect(gaveUp).resolves.toBeUndefined()

    const next = held()
    const waiting = turns.run('a', next.run)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([long.work.running, next.work.ran, late.work.ran]).toEqual([true, false, false])
    long.work.end()
    next.work.end()
    await expect(Promise.all([running, waiting])).resolves.toEqual(['ran', 'ran'])
  })

  it('R-20: never run two of a session at once, whoever gives up or fails', async () => {
    vi.useRealTimers()
    const turn = fc.record({ session: fc.constantFrom('a', 'b'), fails: fc.boolean(), gaveUp: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 12 }), async planned => {
        const turns = new SessionTurns()
        const running = new Set<string>()
        let overlaps = 0
        const all = planned.map(async ({ session, fails, gaveUp }) => {
          const signal = gaveUp ? AbortSignal.abort() : undefined
          const work = async (): Promise<void> => {
            if (running.has(session)) overlaps += 1
            running.add(session)
            await new Promise(resolve => setImmediate(resolve))
            running.delete(session)
            if (fails) throw new Error('as planned')
          }
          await turns.run(session, work, { signal }).catch((error: Error) => expect(error.message).toBe('as planned'))
        })
        await Promise.all(all)
        expect(overlaps).toBe(0)
      }),
      { numRuns: 50 }
    )
  })
})
