import { expect, it } from 'vitest'
import type { Status } from '../../src/control/methods.ts'
import {
  befriend,
  type CutRequest,
  type EnduranceNode,
  linked,
  startEnduranceNode
} from '../integration/harness/endurance.ts'
import { slopeOf } from './slope.ts'

const MIB = 1024 * 1024

/** A round is what two instances say to each other in half an hour of a busy day: 12 of them are CI's, more are asked for by MESH_SOAK_ROUNDS. */
const ROUNDS = Math.max(4, Number(process.env['MESH_SOAK_ROUNDS'] ?? '12'))

/** Of each side in each round. */
const MESSAGES = 300

/** Ends of the link in each round, each in another way. */
const CUTS: CutRequest['how'][] = ['close', 'abort', 'reset']

const SLOPE_MAX_BYTES = 0.5 * MIB
const GROWTH_MAX_BYTES = 5 * MIB

/** A round takes seconds, and on a machine with much other work half a minute. */
const ROUND_MAX_MS = 90_000

/**
 * Memories with a bound that fill up with what was seen, and are full some time; all others are as full after a round as they were after the round
 * before it.
 */
const MEMORIES = new Set([
  'repeats',
  'roots of messages',
  'gaps passed',
  'conversations with a seq',
  'bytes kept of messages',
  'bytes kept of messages of one peer',
  'conversations remembered'
])

interface Sample {
  heapBytes: number
  cpuMs: number
  descriptors: number
  timers: number
  tcp: number
  gauges: Status['gauges']
}

async function sample(node: EnduranceNode): Promise<Sample> {
  const { heapBytes, cpuMs } = await node.memory()
  const { descriptors, resources, tcp } = await node.gauges()
  const { gauges } = await node.call<Status>('status')
  return { heapBytes, cpuMs, descriptors, timers: resources['Timeout'] ?? 0, tcp, gauges }
}

const flood = (from: EnduranceNode, to: EnduranceNode) =>
  from.flood({ target: to.peerId, count: MESSAGES, conversations: 8, level: 'delivered', bytes: 200, atOnce: 16 })

it(`R-19: ${ROUNDS} rounds of ${MESSAGES} messages each way and ${CUTS.length} lost links: heap, descriptors, timers and gauges stay flat`, {
  timeout: ROUNDS * ROUND_MAX_MS
}, async () => {
  const one = await startEnduranceNode('one')
  const other = await startEnduranceNode('other', { settings: { bootstrapList: one.addresses } })
  const both = [one, other]
  await befriend(one, other)

  const samples: Sample[][] = [[], []]
  for (let round = 1; round <= ROUNDS; round++) {
    const floods = Promise.all([flood(one, other), flood(other, one)])
    for (const how of CUTS) {
      await both[round % 2]?.cut(how)
      await linked(one, other)
    }
    for (const { levels } of await floods) expect(levels).toEqual({ delivered: MESSAGES })
    await linked(one, other)
    for (const [index, node] of both.entries()) samples[index]?.push(await sample(node))
  }

  for (const [index, node] of both.entries()) {
    const all = samples[index] ?? []
    const half = all.slice(Math.floor(all.length / 2))
    const [before] = half
    const heaps = half.map(({ heapBytes }) => heapBytes)
    // Each round sends and receives.
    const slope = (slopeOf(heaps) / (2 * MESSAGES)) * 1_000
    console.info(
      `heap ${all.map(({ heapBytes }) => (heapBytes / MIB).toFixed(1)).join(' ')} MiB, ${Math.round(slope / 1024)} KiB per 1,000 messages,`,
      JSON.stringify({ ...all.at(-1), gauges: all.at(-1)?.gauges.filter(({ size }) => size > 0) })
    )
    expect(slope).toBeLessThanOrEqual(SLOPE_MAX_BYTES)
    expect((heaps.at(-1) ?? 0) - (heaps[0] ?? 0)).toBeLessThanOrEqual(GROWTH_MAX_BYTES)
    for (const { descriptors, timers, tcp, gauges } of half) {
      expect(tcp).toBe(1)
      expect(Math.abs(descriptors - (before?.descriptors ?? 0))).toBeLessThanOrEqual(2)
      expect(timers).toBeLessThanOrEqual((before?.timers ?? 0) + 4)
      for (const { name, size, max } of gauges) {
        expect(size, name).toBeLessThanOrEqual(max)
        if (MEMORIES.has(name)) continue
        const first = before?.gauges.find(gauge => gauge.name === name)?.size ?? 0
        expect(size, name).toBeLessThanOrEqual(first + 2)
      }
    }
    const { shown, complaints } = await node.gauges()
    expect(shown).toEqual({ count: ROUNDS * MESSAGES, twice: 0, outOfOrder: 0 })
    expect(complaints).toEqual([])
    expect(await node.call<Status>('status')).toMatchObject({ outbox: { waiting: 0 }, inbox: { open: 0, unknown: 0 } })
  }
  expect(await Promise.all(both.map(node => node.stop()))).toEqual([0, 0])
})
