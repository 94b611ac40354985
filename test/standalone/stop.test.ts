import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { stopOnSignals } from '../../src/standalone/stop.ts'

// Emitting is what Node does when the signal arrives; a real one would also reach the test runner.
const signal = (name: NodeJS.Signals): boolean => process.emit(name)

describe('a stop', () => {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`begins with ${name} and is forced by the next`, () => {
      const forced: string[] = []
      using stop = stopOnSignals({ force: reason => forced.push(reason) })
      expect(stop.signal.aborted).toBe(false)
      signal(name)
      expect(stop.signal.aborted).toBe(true)
      expect(forced).toEqual([])
      signal('SIGTERM')
      expect(forced).toEqual(['second signal'])
    })
  }

  it('is forced when it takes too long', async () => {
    const forced: string[] = []
    using stop = stopOnSignals({ force: reason => forced.push(reason) }, { maxMs: 10 })
    stop.now()
    stop.now()
    await expect.poll(() => forced).toEqual(['took too long'])
  })

  it('is over when disposed: no force, no listeners', async () => {
    const before = process.listenerCount('SIGTERM')
    {
      using stop = stopOnSignals({ force: () => expect.fail('forced') }, { maxMs: 1 })
      stop.now()
      expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    }
    // Longer than the limit above.
    await sleep(20)
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})
