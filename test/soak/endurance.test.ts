import { expect, it } from 'vitest'
import type { Status } from '../../src/control/methods.ts'
import {
  befriend,
  type CutRequest,
  type EnduranceNode,
  linked,
  startEnduranceNode
} from '../integration/harness/endurance.ts'

const MIB = 1024 * 1024

/** The predecessor went deaf at the 33rd. */
const MESSAGES = 20_000
const QUARTER = MESSAGES / 4

/** A text of 200 characters with everything that a row of it and its indexes take; both boxes hold one each. */
const ROW_MAX_BYTES = 3 * 1024
const LOG_MAX_BYTES = 20 * MIB

/** So many texts in eight conversations, each of which counts when it was shown. */
function flooded(from: EnduranceNode, to: EnduranceNode, { count, atOnce }: { count: number; atOnce: number }) {
  return from.flood({ target: to.peerId, count, conversations: 8, level: 'delivered', bytes: 200, atOnce })
}

it(`D-13: ${MESSAGES} messages each way over one connection and one stream: all acknowledged, memory flat`, {
  timeout: 400_000
}, async () => {
  const one = await startEnduranceNode('one')
  const other = await startEnduranceNode('other', { settings: { bootstrapList: one.addresses } })
  const both = [one, other]
  await befriend(one, other)
  const [link] = (await one.gauges()).links
  const flood = (from: EnduranceNode, to: EnduranceNode) => flooded(from, to, { count: QUARTER, atOnce: 256 })

  const memory: { heapBytes: number; rssBytes: number }[][] = []
  for (let quarter = 1; quarter <= 4; quarter++) {
    const results = await Promise.all([flood(one, other), flood(other, one)])
    for (const { levels } of results) expect(levels).toEqual({ delivered: QUARTER })
    memory.push(await Promise.all(both.map(node => node.memory())))
    const perSecond = results.map(({ ms }) => Math.round((QUARTER / ms) * 1000))
    console.info(`${quarter * QUARTER}: ${perSecond.join(' and ')} messages/s`, JSON.stringify(memory.at(-1)))
  }

  for (const [index, node] of both.entries()) {
    const gauges = await node.gauges()
    expect(gauges).toMatchObject({
      connections: 1,
      opened: 1,
      // The link, gossip each way, and a ping or an identify for a moment.
      peak: { connections: 1, links: 1, streams: expect.toSatisfy((count: number) => count <= 6) },
      links: [expect.stringMatching(/ open$/)],
      shown: { count: MESSAGES, twice: 0, outOfOrder: 0 },
      linkUps: 1,
      linkDowns: 0,
      tcp: 1,
      complaints: [],
      ends: []
    })
    expect(gauges.storeBytes).toBeLessThan(2 * MESSAGES * ROW_MAX_BYTES + LOG_MAX_BYTES)
    expect(await node.call<Status>('status')).toMatchObject({
      peers: 1,
      outbox: { waiting: 0 },
      inbox: { open: 0, unknown: 0 }
    })
    const [first, , , last] = memory.map(quarter => quarter[index])
    // 15,000 messages each way lie between the two: 70 bytes for each would be seen.
    expect((last?.heapBytes ?? 0) - (first?.heapBytes ?? 0)).toBeLessThan(2 * MIB)
    expect((last?.rssBytes ?? 0) - (first?.rssBytes ?? 0)).toBeLessThan(192 * MIB)
  }
  expect((await one.gauges()).links).toEqual([link])
  expect(await Promise.all(both.map(node => node.stop()))).toEqual([0, 0])
})

const CUT_MESSAGES = 1_500
const CUTS: CutRequest['how'][] = ['close', 'abort', 'reset']

it(`${3 * CUTS.length} reconnects in the middle of ${CUT_MESSAGES} messages each way: every one shown once, in order, and one link in the end`, {
  timeout: 200_000
}, async () => {
  const one = await startEnduranceNode('one')
  const other = await startEnduranceNode('other', { settings: { bootstrapList: one.addresses } })
  const both = [one, other]
  await befriend(one, other)
  const flood = (from: EnduranceNode, to: EnduranceNode) => flooded(from, to, { count: CUT_MESSAGES, atOnce: 8 })
  const floods = Promise.all([flood(one, other), flood(other, one)])
  let under = true
  void floods.finally(() => {
    under = false
  })
  let cuts = 0
  for (const victim of [...both, one]) {
    for (const how of CUTS) {
      const before = (await victim.gauges()).shown.count
      // Something is on its way again.
      await expect.poll(async () => (await victim.gauges()).shown.count, { timeout: 20_000 }).toBeGreaterThan(before)
      cuts += Number(under)
      await victim.cut(how)
      await linked(one, other)
    }
  }
  for (const { levels } of await floods) expect(levels).toEqual({ delivered: CUT_MESSAGES })
  // Else this was a test of something else.
  expect(cuts).toBe(3 * CUTS.length)
  for (const node of both) {
    await expect.poll(async () => (await node.gauges()).connections, { timeout: 20_000 }).toBe(1)
    const gauges = await node.gauges()
    expect(gauges).toMatchObject({ shown: { count: CUT_MESSAGES, twice: 0, outOfOrder: 0 }, tcp: 1, complaints: [] })
    expect(gauges.linkUps - gauges.linkDowns).toBe(1)
    expect(gauges.linkDowns).toBeGreaterThanOrEqual(cuts)
    expect(await node.call<Status>('status')).toMatchObject({ outbox: { waiting: 0 }, inbox: { open: 0, unknown: 0 } })
  }
  await linked(one, other)
  expect(await Promise.all(both.map(node => node.stop()))).toEqual([0, 0])
})
