import { expect, it } from 'vitest'
import type { SendResult, Status } from '../../src/control/methods.ts'
import { DISPATCHES_MAX } from '../../src/mesh/dispatch.ts'
import { type EnduranceNode, startEnduranceNode } from '../integration/harness/endurance.ts'

/** More than are served at once. */
const STUCK_CONVERSATIONS = DISPATCHES_MAX + 4

/** Of the peer whose texts hang, behind those; and of the other one. */
const MESSAGES = 150
const CONVERSATIONS = 8

/** Before anything hangs, for comparison: each conversation of either as often as the others. */
const ROUNDED = STUCK_CONVERSATIONS * CONVERSATIONS

const RECEIVED_P99_MS = 500

/** On a machine with other work received takes longer, but not for what hangs. */
const BUSY_FACTOR = 3

/** The channel may take its time, so that what hangs goes on hanging. */
const settings = { deliveryAckTimeoutMs: 600_000 }

it(`R-20: while ${STUCK_CONVERSATIONS} texts of one peer hang in a channel, another is heard, and received comes as soon as without them`, {
  timeout: 180_000
}, async () => {
  const hub = await startEnduranceNode('hub', { settings })
  const one = await startEnduranceNode('one', { settings: { bootstrapList: hub.addresses } })
  const other = await startEnduranceNode('other', { settings: { bootstrapList: hub.addresses } })
  for (const node of [one, other]) {
    await node.call('approve', { who: hub.peerId })
    await hub.call('approve', { who: node.peerId })
  }
  await expect.poll(async () => (await hub.call<Status>('status')).peers, { timeout: 20_000 }).toBe(2)

  const send = async (from: EnduranceNode, number: number, waitFor: 'received' | 'delivered', text?: string) => {
    const conversations = from === one ? STUCK_CONVERSATIONS : CONVERSATIONS
    const conversation = `${from === one ? 'ee' : 'dd'}${(number % conversations).toString(16)}`.padEnd(32, '0')
    return await from.call<SendResult>('send', {
      target: hub.peerId,
      conversation,
      text: text ?? `${Math.floor(number / conversations)}`,
      waitFor,
      timeoutMs: 60_000
    })
  }
  // One after the other from each: what is measured is what hangs, not how much the machine can do.
  const many = async (from: EnduranceNode, first: number, count: number): Promise<number[]> => {
    const took: number[] = []
    for (let number = first; number < first + count; number++) {
      const { level, ms } = await send(from, number, 'received')
      expect(level).toMatch(/received|delivered/)
      took.push(ms)
    }
    return took
  }
  const calm = (await Promise.all([many(one, 0, ROUNDED), many(other, 0, ROUNDED)])).flat()
  for (let i = 0; i < STUCK_CONVERSATIONS; i++) await send(one, i, 'received', 'stuck')
  const took = (await Promise.all([many(one, ROUNDED, MESSAGES), many(other, ROUNDED, MESSAGES)])).flat()
  console.info(
    `received: p99 ${p99(took)} ms, slowest ${Math.round(Math.max(...took))} ms of ${took.length}; before, p99 ${p99(calm)} ms`
  )

  // The other peer's are all shown, in order, and no second text of a conversation overtakes the one that hangs.
  for (let number = ROUNDED + MESSAGES; number < ROUNDED + MESSAGES + CONVERSATIONS; number++)
    expect((await send(other, number, 'delivered')).level).toBe('delivered')
  const count = 2 * ROUNDED + MESSAGES + CONVERSATIONS
  expect((await hub.gauges()).shown).toEqual({ count, twice: 0, outOfOrder: 0 })
  expect((await hub.call<Status>('status')).inbox.open).toBe(STUCK_CONVERSATIONS + MESSAGES)
  expect(p99(took)).toBeLessThanOrEqual(Math.max(RECEIVED_P99_MS, BUSY_FACTOR * p99(calm)))
  expect(await Promise.all([one, other, hub].map(node => node.stop()))).toEqual([0, 0, 0])
})

function p99(took: number[]): number {
  return Math.round(took.toSorted((a, b) => a - b)[Math.ceil(took.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY)
}
