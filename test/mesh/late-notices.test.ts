import { beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { DEAD_LETTERS_MAX, LateNotices, OVERDUE_MS } from '../../src/mesh/late-notices.ts'
import { OwnerNotices } from '../../src/mesh/owner-notices.ts'
import type { OutboxRow, OutboxState } from '../../src/mesh/ports.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Trust } from '../../src/mesh/trust.ts'
import { ALICE, BOB, idOf, outboxRow } from '../contract/store-rows.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeNotices } from '../fakes/notices.ts'
import { FakeStore } from '../fakes/store.ts'

const MINUTE_MS = 60_000

let clock: FakeClock
let store: FakeStore
let log: FakeLog
let shown: FakeNotices
let late: LateNotices
let refusing: boolean

/** One more life over the same store. */
function live(): LateNotices {
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [] })
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  const notices = new OwnerNotices({ store, clock, log, trust, routes, notices: shown })
  const admitters = { isRefusing: () => refusing }
  const next = new LateNotices({ store, clock, log, trust, admitters, notices }, { program: 'openclaw p2p' })
  next.start()
  return next
}

beforeEach(() => {
  clock = new FakeClock()
  store = new FakeStore()
  log = new FakeLog()
  shown = new FakeNotices()
  refusing = false
  admit(ALICE)
  late = live()
})

function admit(instance: string, level: 'paired' | 'blocked' = 'paired'): void {
  const before = store.trust.get(instance)?.revision ?? 0
  const record = { instance, peers: [], level, sinceMs: 0, how: 'command' as const, tombstone: false }
  expect(store.trust.put({ ...record, revision: before })).toBeDefined()
}

function send(seqs: number[], change: Partial<OutboxRow> = {}): void {
  store.outbox.insert(seqs.map(seq => outboxRow(seq, { createdMs: clock.wallMs(), expiresMs: 4e12, ...change })))
  late.committed()
}

function settle(seqs: number[], state: OutboxState): void {
  late.changed(seqs.map(seq => store.outbox.advance(idOf(seq), state) ?? expect.fail(`${seq} stays`)))
}

async function restart(): Promise<void> {
  late.stop()
  late = live()
  await settled()
}

const unread = () => store.notices.unread(1_000).map(({ text }) => text)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('what waits', () => {
  it('is told once after 10 minutes, and not before', async () => {
    send([1])
    await clock.advance(OVERDUE_MS - 1)
    expect(unread()).toEqual([])
    await clock.advance(2_000)
    expect(unread()).toEqual([
      `1 message to ${ALICE} waits, the oldest for more than 10 minutes; that goes on by itself. See: openclaw p2p outbox`
    ])
    expect(shown.of('owner')).toHaveLength(1)
    await clock.advance(24 * 60 * MINUTE_MS)
    expect([unread().length, shown.of('owner').length]).toEqual([1, 1])
  })

  it('for somebody who is not let in any more does not go on by itself, and is not said to', async () => {
    send([1])
    admit(ALICE, 'blocked')
    await clock.advance(OVERDUE_MS + MINUTE_MS)
    expect(unread()).toEqual([
      `1 message to ${ALICE} waits, the oldest for more than 10 minutes; nothing goes to it while it is not let in here: approve it again. See: openclaw p2p outbox`
    ])
  })

  it('for somebody who refuses this instance now does not go on by itself either', async () => {
    send([1])
    refusing = true
    await clock.advance(OVERDUE_MS + MINUTE_MS)
    expect(unread()).toEqual([expect.stringContaining('minutes; it does not let this instance in any more, and its')])
  })

  it('is told after a restart in between, once', async () => {
    send([1])
    await clock.advance(OVERDUE_MS - MINUTE_MS)
    await restart()
    await clock.advance(2 * MINUTE_MS)
    expect(shown.of('owner')).toHaveLength(1)
    await restart()
    await clock.advance(30 * MINUTE_MS)
    expect(shown.of('owner')).toHaveLength(1)
  })

  it('a thousand messages to one peer are one notice, however they come', async () => {
    for (let i = 0; i < 10; i++) {
      send(range(i * 100 + 1, i * 100 + 100))
      await clock.advance(MINUTE_MS / 2)
    }
    await clock.advance(OVERDUE_MS)
    expect(unread()).toEqual([expect.stringMatching(/^1000 messages to .* wait, /)])
    expect(shown.of('owner')).toHaveLength(1)
  })

  it('S-12: messages to 40 peers are 16 notices and one for the rest', async () => {
    send([1])
    for (const seq of range(2, 40)) send([seq], { instance: `${ALICE.slice(0, -2)}${10 + seq}` })
    await clock.advance(OVERDUE_MS + MINUTE_MS)
    expect(unread()).toHaveLength(17)
    expect(unread().at(-1)).toBe('Messages to 24 more peers wait; see: openclaw p2p outbox')
  })

  it('a clock that was set forward by an hour is noticed within 10 minutes', async () => {
    send([1])
    await clock.advance(MINUTE_MS)
    clock.jump(60 * MINUTE_MS)
    await clock.advance(OVERDUE_MS)
    expect(unread()).toHaveLength(1)
  })

  it('skips are nothing that anybody waits for', async () => {
    send([1], { kind: 'skip' })
    await clock.advance(24 * 60 * MINUTE_MS)
    expect(unread()).toEqual([])
  })
})

describe('what became of it', () => {
  it('the news of its arrival follows, and that it waits is not listed any more', async () => {
    send([1, 2, 3])
    await clock.advance(OVERDUE_MS + MINUTE_MS)
    settle([1, 2], 'delivered')
    await clock.advance(2_000)
    expect(unread()).toEqual([
      expect.stringContaining('3 messages to'),
      `2 messages to ${ALICE} that waited have arrived after all.`
    ])
    settle([3], 'received')
    await clock.advance(2_000)
    expect(unread()).toEqual([`3 messages to ${ALICE} that waited have arrived after all.`])
    settle([3], 'delivered')
    await clock.advance(MINUTE_MS)
    expect(unread()).toHaveLength(1)
  })

  it('what was read is counted anew', async () => {
    send([1, 2])
    await clock.advance(OVERDUE_MS + MINUTE_MS)
    settle([1], 'delivered')
    await clock.advance(2_000)
    store.notices.read(1_000)
    settle([2], 'delivered')
    await clock.advance(2_000)
    expect(unread()).toEqual([`1 message to ${ALICE} that waited has arrived after all.`])
  })

  it('what arrives in time is no news', async () => {
    send([1])
    await clock.advance(OVERDUE_MS - MINUTE_MS)
    settle([1], 'delivered')
    await clock.advance(60 * MINUTE_MS)
    expect(unread()).toEqual([])
  })

  it('what ends without arriving is told in any case, and at the next start where nobody told it', async () => {
    send([1, 2])
    send([3], { instance: BOB })
    settle([1], 'rejected')
    settle([3], 'expired')
    late.stop()
    store.outbox.advance(idOf(2), 'expired')
    late = live()
    await clock.advance(2_000)
    expect(unread()).toEqual([
      `2 messages to ${ALICE} did not arrive (1 refused, 1 expired). See: openclaw p2p outbox`,
      `1 message to ${BOB} did not arrive (1 expired). See: openclaw p2p outbox`
    ])
    await restart()
    await clock.advance(60 * MINUTE_MS)
    expect(unread()).toHaveLength(2)
  })

  it('of a refusal that the sender heard nothing is told', async () => {
    send([1])
    settle([1], 'rejected')
    store.aftermath.sayEnded(idOf(1))
    await clock.advance(60 * MINUTE_MS)
    expect(unread()).toEqual([])
  })

  it('what expired and arrives all the same is told', async () => {
    send([1])
    settle([1], 'expired')
    await clock.advance(2_000)
    settle([1], 'delivered')
    await clock.advance(2_000)
    expect(unread()).toEqual([
      expect.stringContaining('did not arrive'),
      `1 message to ${ALICE} that waited has arrived after all.`
    ])
  })
})

it(`of more than ${DEAD_LETTERS_MAX} dead letters the oldest are dismissed, and the owner is told`, async () => {
  send(range(1, DEAD_LETTERS_MAX + 5))
  settle(range(1, DEAD_LETTERS_MAX + 5), 'rejected')
  await clock.advance(10_000)
  expect(store.aftermath.deadLetterCount()).toBe(DEAD_LETTERS_MAX)
  expect(store.aftermath.get(idOf(5))?.dismissed).toBe(true)
  expect(store.aftermath.get(idOf(6))?.dismissed).toBe(false)
  expect(unread()).toEqual(
    expect.arrayContaining([
      `More than 1000 messages did not arrive and were not dismissed: the oldest 5 are not listed any more.`,
      `1005 messages to ${ALICE} did not arrive (1005 refused). See: openclaw p2p outbox`
    ])
  )
})

it('R-09: a store that fails takes note of nothing and tells nothing, and is asked again', async () => {
  send([1])
  store.failure = new MeshError('store_failed')
  await clock.advance(OVERDUE_MS + MINUTE_MS)
  expect([shown.of('owner').length, log.at('warn').length > 0, log.at('error').length]).toEqual([0, true, 0])
  store.failure = undefined
  await clock.advance(2 * MINUTE_MS)
  expect(shown.of('owner')).toHaveLength(1)
})
