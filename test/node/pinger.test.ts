import type { Connection } from '@libp2p/interface'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { Pinger } from '../../src/node/pinger.ts'
import { type LogLine, logInto } from './test-node.ts'

/** A connection as far as a ping needs one. */
function connection(): Connection & EventTarget {
  return Object.assign(new EventTarget(), { status: 'open', remotePeer: 'bob' }) as unknown as Connection & EventTarget
}

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

function pinger(ping: (signal: AbortSignal) => Promise<number>) {
  const log: LogLine[] = []
  const signals: AbortSignal[] = []
  const made = new Pinger({
    ping: (_peer, { signal }) => {
      signals.push(signal)
      return ping(signal)
    },
    linked: () => [],
    log: logInto(log)
  })
  onTestFinished(() => made.stop())
  return { pinger: made, signals, log }
}

const never = (): Promise<number> => new Promise(() => undefined)
let before = 0

afterEach(() => expect(timers()).toBeLessThanOrEqual(before))

it('measures one ping at a time per connection', async () => {
  before = timers()
  const answer = Promise.withResolvers<number>()
  const { pinger: made, signals } = pinger(() => answer.promise)
  const [one, other] = [connection(), connection()]
  made.measure(one)
  made.measure(one)
  made.measure(other)
  expect(signals).toHaveLength(2)
  expect(made.rttMs(one)).toBeUndefined()
  answer.resolve(12)
  await turn()
  expect([made.rttMs(one), made.rttMs(other)]).toEqual([12, 12])
  made.measure(one)
  expect(signals).toHaveLength(3)
  await turn()
})

it('a ping without an answer ends with its connection, and with the node', async () => {
  before = timers()
  const { pinger: made, signals, log } = pinger(never)
  const [one, other] = [connection(), connection()]
  made.measure(one)
  made.measure(other)
  expect(timers()).toBe(before + 2)
  one.dispatchEvent(new Event('close'))
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  made.stop()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  await turn()
  expect(timers()).toBe(before)
  expect(log).toHaveLength(2)
  made.measure(other)
  expect(signals).toHaveLength(2)
})
