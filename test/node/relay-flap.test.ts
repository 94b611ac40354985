import type { Connection } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Issues } from '../../src/node/issues.ts'
import { Relays } from '../../src/node/relays.ts'
import { logInto } from './test-node.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const ADDRESS = `/ip4/9.9.9.9/tcp/4001/p2p/${PEER}`

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A relay that gives a slot each time, and takes it back after a while. */
function flapping(heldMs: number): { relays: Relays; asked: () => number; changes: () => number } {
  let lose: (peer: string) => void = () => undefined
  let changes = 0
  const reserve = vi.fn(async () => {
    setTimeout(() => lose(PEER), heldMs)
  })
  const connection = {
    ...{ status: 'open', direction: 'outbound', remoteAddr: { toString: () => ADDRESS } },
    // Open, and dead.
    newStream: () => new Promise(() => undefined)
  }
  const relays = new Relays(
    {
      reservations: {
        reserve,
        onLost: listener => {
          lose = listener
        }
      },
      dial: async () => connection as unknown as Connection,
      issues: new Issues(),
      log: logInto([]),
      onChange: () => changes++,
      nowMs: () => performance.now()
    },
    { relays: [{ peer: PEER, addresses: [ADDRESS] }] }
  )
  return { relays, asked: () => reserve.mock.calls.length, changes: () => changes }
}

it('S-15: asks a relay that grants and hangs up ever less often, so that peers are not told of it all the time', async () => {
  const { relays, asked, changes } = flapping(10)
  relays.start()
  await vi.advanceTimersByTimeAsync(10 * 60_000)
  expect(asked()).toBeGreaterThan(20)
  expect(asked()).toBeLessThan(60)
  expect(changes()).toBe(2 * asked())
  relays.stop()
})

it('R-15: asks one that held its slot for long again at once', async () => {
  const { relays, asked } = flapping(60_000)
  relays.start()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked()).toBe(1)
  await vi.advanceTimersByTimeAsync(1_100)
  expect(asked()).toBe(2)
  await vi.advanceTimersByTimeAsync(61_200)
  expect(asked()).toBe(3)
  relays.stop()
})

it('a relay that does not answer is measured for three seconds, and no longer than whoever asks waits', async () => {
  const { relays } = flapping(60_000)
  relays.start()
  await vi.advanceTimersByTimeAsync(1)
  const measured = relays.measured()
  await vi.advanceTimersByTimeAsync(3_000)
  expect(await measured).toMatchObject([{ peer: PEER, state: 'reserved' }])
  const end = new AbortController()
  const given = relays.measured({ signal: end.signal })
  end.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  relays.stop()
})
