import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { KEEP_MS, Retention, WINDOW_KEEP_MS } from '../../src/mesh/retention.ts'
import { contactRow, inboxRow, outboxRow, ticketRow } from '../contract/store-rows.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const HOUR_MS = 60 * 60 * 1000
const MINUTE_MS = 60 * 1000

let clock: FakeClock
let store: FakeStore
let log: FakeLog
let retention: Retention

beforeEach(() => {
  clock = new FakeClock()
  store = new FakeStore({ wallMs: () => clock.wallMs() })
  log = new FakeLog()
  retention = new Retention({ store, clock, log })
})

afterEach(() => {
  retention.stop()
})

const has = (seq: number) => [
  store.outbox.get(outboxRow(seq).id) !== undefined,
  store.inbox.get(inboxRow(seq).instance, inboxRow(seq).id) !== undefined
]

function keep(seq: number, ageMs: number): void {
  const atMs = clock.wallMs() - ageMs
  store.outbox.insert([outboxRow(seq, { state: 'answered', expiresMs: atMs })])
  store.inbox.insert([inboxRow(seq, { state: 'done', receivedMs: atMs })])
}

it('S-05: forgets rows once no copy of them can be fresh any more, and not before', async () => {
  keep(1, KEEP_MS)
  keep(2, KEEP_MS - HOUR_MS)
  retention.start()
  expect(has(1)).toEqual([true, true])
  await clock.advance(MINUTE_MS)
  expect([has(1), has(2)]).toEqual([
    [false, false],
    [true, true]
  ])
  await clock.advance(HOUR_MS)
  expect(has(2)).toEqual([false, false])
  // Damaged rows that are kept for a look hold texts too.
  expect(store.pruned).toBe(2)
})

it('takes a store full of old rows in pieces, and leaves no timer at its end', async () => {
  const old = Array.from({ length: 5_000 }, (_, i) => outboxRow(i + 1, { state: 'delivered', expiresMs: 1 }))
  store.outbox.insert(old)
  retention.start()
  await clock.advance(MINUTE_MS)
  expect([has(512), has(513)].map(([sent]) => sent)).toEqual([false, true])
  await clock.advance(10_000)
  expect([has(1_024), has(1_025)].map(([sent]) => sent)).toEqual([false, true])
  await clock.advance(80_000)
  expect(has(5_000)[0]).toBe(false)
  retention.stop()
  await clock.advance(0)
  expect(clock.sleeping).toBe(0)
})

it('S-12: forgets requests after a week, and tickets a day after their end', async () => {
  const nowMs = clock.wallMs()
  const ages = [7 * 24 * HOUR_MS, 7 * 24 * HOUR_MS - HOUR_MS]
  for (const [index, ageMs] of ages.entries()) store.contacts.put(contactRow(index + 1, { createdMs: nowMs - ageMs }))
  store.tickets.insert(ticketRow(1, { expiresMs: nowMs - 24 * HOUR_MS }), 0)
  store.tickets.insert(ticketRow(2, { expiresMs: nowMs - 23 * HOUR_MS }), 0)
  const left = () => [store.contacts.pending('incoming').length, store.tickets.all().length]
  retention.start()
  await clock.advance(MINUTE_MS)
  expect(left()).toEqual([1, 1])
  await clock.advance(HOUR_MS)
  expect(left()).toEqual([0, 0])
})

it('R-09: comes back after a store that failed', async () => {
  keep(1, KEEP_MS)
  retention.start()
  store.failure = new MeshError('store_failed')
  await clock.advance(MINUTE_MS)
  store.failure = undefined
  expect([has(1), log.at('warn').length]).toEqual([[true, true], 1])
  await clock.advance(HOUR_MS)
  expect(has(1)).toEqual([false, false])
})

describe('windows', () => {
  const DAY_MS = 24 * HOUR_MS
  const next = () => store.inbox.nextSeq(inboxRow(1).instance, inboxRow(1).epoch, inboxRow(1).conversation)

  beforeEach(() => {
    store.inbox.insert([inboxRow(1, { state: 'done', receivedMs: clock.wallMs() })])
  })

  it('S-05, S-12: is forgotten once nothing that moved it can come again, and not before', async () => {
    retention.start()
    await clock.advance(KEEP_MS + DAY_MS)
    expect([has(1)[1], next()]).toEqual([false, 2])
    await clock.advance(WINDOW_KEEP_MS - KEEP_MS - 2 * DAY_MS)
    expect(next()).toBe(2)
    await clock.advance(2 * DAY_MS)
    expect(next()).toBe(1)
    expect(store.inbox.kept()).toEqual({ entries: 0, bytes: 0, conversations: 0 })
  })

  it('S-05, R-12: stays while a clock that was right jumps ten years ahead, however long', async () => {
    retention.start()
    await clock.advance(2 * HOUR_MS)
    clock.jump(3_650 * DAY_MS)
    await clock.advance(3 * DAY_MS)
    expect([has(1)[1], next()]).toEqual([false, 2])
    clock.jump(-3_650 * DAY_MS)
    await clock.advance(3 * HOUR_MS)
    expect(next()).toBe(2)
  })

  it('S-05, R-12: stays where the clock is wrong at the start and set within the hour', async () => {
    clock.jump(3_650 * DAY_MS)
    retention.start()
    await clock.advance(30 * MINUTE_MS)
    clock.jump(-3_650 * DAY_MS)
    await clock.advance(3 * HOUR_MS)
    expect(next()).toBe(2)
  })

  it('S-12: is kept as long as rows of its conversation are, whatever its age', () => {
    store.inbox.insert([inboxRow(2)])
    expect(store.inbox.pruneWindows(Number.MAX_SAFE_INTEGER, 10)).toBe(0)
  })
})
