import { expect, it } from 'vitest'
import type { Status } from '../../src/control/methods.ts'
import { type Census, type CycleResult, startCycles } from '../integration/harness/cycles.ts'
import { startEnduranceNode } from '../integration/harness/endurance.ts'
import { slopeOf } from './slope.ts'

/** More are asked for by MESH_SOAK_CYCLES. */
const CYCLES = Math.max(20, Number(process.env['MESH_SOAK_CYCLES'] ?? '200'))
const WARM_UP = 5

/** At the end the friend is halted before the engine stops: nobody answers its goodbye. */
const FROZEN = 3

/** Of each side, under way while the engine stops. */
const TEXTS = 4

const RSS_SLOPE_MAX_BYTES = 50 * 1024
const STOP_MAX_MS = 5_000

/** Who restarts a gateway looks for the link at once. It takes a tenth of a second where the machine has no other work. */
const RELINK_MEDIAN_MAX_MS = 2_000

/** What the libraries plan for after a stop, such as a look at the addresses, ends within seconds. */
const LINGER_MAX_MS = 30_000

/** A census takes four collections. */
const CENSUS_EVERY = 10

/** On a machine with other work a cycle takes ten times as long as else. */
const CYCLE_MAX_MS = 4_000

it(`R-18: ${CYCLES} starts and stops in one process, with messages under way: nothing is left open, nothing lost`, {
  timeout: 120_000 + CYCLES * CYCLE_MAX_MS
}, async () => {
  const friend = await startEnduranceNode('friend')
  const cycles = await startCycles({
    name: 'cycles',
    listenAddrs: ['/ip4/127.0.0.1/tcp/0'],
    bootstrapList: friend.addresses
  })
  await cycles.call('approve', { who: friend.peerId })
  await friend.call('approve', { who: cycles.peerId })

  let said = 0
  const conversation = 'd0'.repeat(16)
  const cycle = async (freeze?: number): Promise<CycleResult> => {
    const cycling = cycles.cycle({ target: friend.peerId, texts: TEXTS, ...(freeze !== undefined && { freeze }) })
    for (let i = 0; freeze === undefined && i < TEXTS; i++)
      await friend.call('send', { target: cycles.peerId, text: `${said++}`, conversation, timeoutMs: 0 })
    return await cycling
  }
  // What is made once, at the first link for one, is there then.
  for (let i = 0; i < WARM_UP; i++) await cycle()
  const before = await cycles.census()
  const startedMs = performance.now()
  const all: CycleResult[] = []
  const seen: Census[] = []
  for (let i = 1; i <= CYCLES; i++) {
    all.push(await cycle())
    if (i % CENSUS_EVERY === 0) seen.push(await cycles.census())
  }
  const tookMs = performance.now() - startedMs
  const rss = seen.map(({ rssBytes }) => rssBytes)
  const slope = slopeOf(rss.slice(rss.length / 2)) / CENSUS_EVERY
  const links = all.map(({ linkMs }) => linkMs).toSorted((a, b) => a - b)
  const medianMs = links[Math.floor(links.length / 2)] ?? 0
  const frozen: CycleResult[] = []
  for (let i = 0; i < FROZEN; i++) {
    frozen.push(await cycle(friend.pid).finally(() => process.kill(friend.pid, 'SIGCONT')))
  }
  const slowest = (results: CycleResult[]): number => Math.max(...results.map(({ stopMs }) => stopMs))
  console.info(
    `${CYCLES} cycles in ${Math.round(tookMs)} ms, link again after ${Math.round(medianMs)} ms, ${Math.round(links.at(-1) ?? 0)} ms at most,`,
    `slowest stop ${Math.round(slowest(all))} ms, ${Math.round(slowest(frozen))} ms from a peer that is halted,`,
    `RSS ${Math.round(slope / 1024)} KiB per cycle, heap ${seen.map(({ heapBytes }) => Math.round(heapBytes / 1024)).join(' ')} KiB`,
    JSON.stringify(seen.at(-1))
  )

  // A timer that ends by itself within this time is none that was left behind.
  await expect
    .poll(async () => leftOpen(before, await cycles.census()), { timeout: LINGER_MAX_MS, interval: 500 })
    .toEqual([])
  expect(slope).toBeLessThanOrEqual(RSS_SLOPE_MAX_BYTES)
  expect(slowest([...all, ...frozen])).toBeLessThanOrEqual(STOP_MAX_MS)
  expect(medianMs).toBeLessThanOrEqual(RELINK_MEDIAN_MAX_MS)

  // Each cycle may have ended before its receipts left; the friend asks for them on the next link.
  const friendIsDone = async (): Promise<void> => {
    await expect
      .poll(async () => await friend.call<Status>('status'))
      .toMatchObject({ outbox: { waiting: 0 }, inbox: { open: 0, unknown: 0 } })
  }
  expect(await cycles.settle(said, friendIsDone)).toEqual({ count: said, twice: 0, outOfOrder: 0 })
  const written = (WARM_UP + CYCLES + FROZEN) * TEXTS
  expect((await friend.gauges()).shown).toEqual({ count: written, twice: 0, outOfOrder: 0 })
  expect(await friend.stop()).toBe(0)
  expect(await cycles.end()).toBe(0)
})

/** What there is more of than before, in words. */
function leftOpen(before: Census, now: Census): string[] {
  const counts = ({ resources, descriptors, listeners, warnings }: Census) =>
    ({ ...resources, descriptors, listeners, warnings: warnings.length }) as Record<string, number>
  const earlier = counts(before)
  return Object.entries(counts(now))
    .filter(([kind, count]) => count > (earlier[kind] ?? 0))
    .map(([kind, count]) => `${kind}: ${count}, before ${earlier[kind] ?? 0}`)
}
