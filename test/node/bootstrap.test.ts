import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Bootstrap } from '../../src/node/bootstrap.ts'
import { logInto } from './test-node.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const target = { peer: PEER, addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${PEER}`] }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('dials with growing waits until the peer is there, and again when it was lost', async () => {
  let there = false
  const dial = vi.fn(async () => {
    if (!there) throw new Error('away')
  })
  const bootstrap = new Bootstrap({ dial, connected: () => false, log: logInto([]) }, { peers: [target] })
  bootstrap.start()
  await vi.advanceTimersByTimeAsync(1)
  expect(dial).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1_100)
  expect(dial).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(10 * 60_000)
  const away = dial.mock.calls.length
  expect(away).toBeGreaterThan(10)
  expect(away).toBeLessThan(20)
  there = true
  await vi.advanceTimersByTimeAsync(70_000)
  expect(dial).toHaveBeenCalledTimes(away + 1)
  await vi.advanceTimersByTimeAsync(10 * 60_000)
  expect(dial).toHaveBeenCalledTimes(away + 1)
  bootstrap.lost('somebody else')
  bootstrap.lost(PEER)
  await vi.advanceTimersByTimeAsync(1_100)
  expect(dial).toHaveBeenCalledTimes(away + 2)
  bootstrap.stop()
  bootstrap.lost(PEER)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(dial).toHaveBeenCalledTimes(away + 2)
})

it('does not dial a peer that is connected', async () => {
  const dial = vi.fn(async () => undefined)
  const bootstrap = new Bootstrap({ dial, connected: () => true, log: logInto([]) }, { peers: [target] })
  bootstrap.start()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(dial).not.toHaveBeenCalled()
  bootstrap.stop()
})

it('R-14: a peer that is being dialled while the network changes is dialled again as soon as that dial ends', async () => {
  const ends: (() => void)[] = []
  const dial = vi.fn(() => new Promise<void>((_, reject) => ends.push(() => reject(new Error('no route')))))
  const bootstrap = new Bootstrap({ dial, connected: () => false, log: logInto([]) }, { peers: [target] })
  bootstrap.start()
  await vi.advanceTimersByTimeAsync(1)
  // Away for so long that the waits have grown.
  while (dial.mock.calls.length < 6) {
    ends.pop()?.()
    await vi.advanceTimersByTimeAsync(70_000)
  }
  bootstrap.retry()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(dial).toHaveBeenCalledTimes(6)
  ends.pop()?.()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(dial).toHaveBeenCalledTimes(7)
  bootstrap.stop()
  ends.pop()?.()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(dial).toHaveBeenCalledTimes(7)
})
