import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { AckTracker, type Settled } from '../../src/mesh/ack-tracker.ts'
import type { OutboxRow, OutboxState } from '../../src/mesh/ports.ts'
import type { ReceiptLevel, RejectReason } from '../../src/protocol/index.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const ID = 'a1'.repeat(16)

let clock: FakeClock
let store: FakeStore
let tracker: AckTracker
let stop: AbortController
/** Whether the disk has spoiled the answer. */
let unreadable: boolean

const open = (): AckTracker =>
  new AckTracker(
    { outbox: store.outbox, clock, log: new FakeLog() },
    {
      replyOf: row => {
        if (unreadable) throw new Error('spoiled')
        return row.replyId === undefined ? undefined : `text of ${row.replyId}`
      }
    }
  )

function setUp(): void {
  clock = new FakeClock()
  store = new FakeStore()
  tracker = open()
  stop = new AbortController()
  unreadable = false
  store.outbox.insert([rowOf(ID)])
}

function rowOf(id: string): OutboxRow {
  return {
    id,
    instance: 'i',
    peer: 'p',
    conversation: id,
    seq: 1,
    kind: 'message',
    envelope: new Uint8Array(1),
    hash: new Uint8Array(32),
    state: 'queued',
    createdMs: 0,
    expiresMs: 1_000_000
  }
}

function advance(state: OutboxState, details: { reason?: RejectReason; replyId?: string } = {}): void {
  const row = store.outbox.advance(ID, state, details)
  if (row !== undefined) tracker.changed(row)
}

beforeEach(setUp)

describe('AckTracker', () => {
  it('resolves at the level, above it, and where it was reached before anybody waited', async () => {
    const received = tracker.wait(ID, 'received', 1_000)
    const delivered = tracker.wait(ID, 'delivered', 1_000)
    advance('delivered')
    expect(await received).toEqual({ outcome: 'reached', level: 'delivered' })
    expect(await delivered).toEqual({ outcome: 'reached', level: 'delivered' })
    expect(await tracker.wait(ID, 'received', 1_000)).toEqual({ outcome: 'reached', level: 'delivered' })
  })

  it('waits for the text of an answer whose receipt was quicker', async () => {
    const waiting = tracker.wait(ID, 'answered', 1_000)
    advance('answered')
    await settled()
    expect(tracker.awaitsAnswer(ID)).toBe(true)
    advance('answered', { replyId: 'r1' })
    expect(await waiting).toEqual({ outcome: 'reached', level: 'answered', reply: 'text of r1' })
  })

  it('tells who waits for an answer that none comes, and leaves others', async () => {
    const answered = tracker.wait(ID, 'answered', 1_000)
    advance('delivered')
    await settled()
    expect(tracker.size).toBe(1)
    advance('delivered', { reason: 'no_reply' })
    expect(await answered).toEqual({ outcome: 'reached', level: 'delivered', reason: 'no_reply' })
  })

  it.each<[string, () => void]>([
    ['a change', () => advance('received')],
    ['an end', () => advance('expired')],
    ['an abort', () => stop.abort()],
    ['a stop', () => tracker.stop()]
  ])('counts nobody as waiting who has just been told, after %s', async (_, end) => {
    const waiting = tracker.wait(ID, 'received', 1_000, { signal: stop.signal })
    end()
    expect([tracker.awaited(ID), tracker.awaitsAnswer(ID), tracker.size]).toEqual([false, false, 0])
    await waiting.catch(error => expect(error).toMatchObject({ code: 'aborted' }))
  })

  it('counts nobody as waiting whose deadline has just passed: what follows in that turn is told to others', async () => {
    const due = Promise.withResolvers<void>()
    clock.sleep = () => due.promise
    const waiting = tracker.wait(ID, 'received', 10)
    const counted = due.promise.then(() => tracker.awaited(ID))
    due.resolve()
    expect([await counted, await waiting]).toEqual([false, { outcome: 'pending', level: 'queued' }])
  })

  it('fails only the waits that need the text of an answer that cannot be read', async () => {
    unreadable = true
    const received = tracker.wait(ID, 'received', 1_000)
    const answered = tracker.wait(ID, 'answered', 1_000)
    const delivered = tracker.wait(ID, 'delivered', 1_000)
    advance('delivered')
    advance('answered', { replyId: 'r1' })
    await expect(answered).rejects.toThrow('spoiled')
    expect([(await received).outcome, (await delivered).outcome]).toEqual(['reached', 'reached'])
    expect(tracker.size).toBe(0)
  })

  it('R-08: says at the deadline what is true, not that it failed', async () => {
    const waiting = tracker.wait(ID, 'delivered', 1_000)
    advance('received')
    await clock.advance(1_000)
    expect(await waiting).toEqual({ outcome: 'pending', level: 'received' })
    expect(await tracker.wait(ID, 'received', 0)).toEqual({ outcome: 'reached', level: 'received' })
  })

  it('ends with what was rejected or expired', async () => {
    const waiting = tracker.wait(ID, 'received', 1_000)
    advance('rejected', { reason: 'not_admitted' })
    expect(await waiting).toEqual({ outcome: 'ended', state: 'rejected', reason: 'not_admitted' })
  })

  it('settles at once on the signal, before and during the wait, and leaves no timer', async () => {
    const waiting = tracker.wait(ID, 'received', 1_000, { signal: stop.signal })
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', details: { id: ID } })
    await expect(tracker.wait(ID, 'received', 1_000, { signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted'
    })
    await settled()
    expect([tracker.size, clock.sleeping]).toEqual([0, 0])
  })

  it('does not know what is not there', async () => {
    await expect(tracker.wait('0'.repeat(32), 'received', 1_000)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('tells the truth of the moment to one waiter too many', async () => {
    const waits = Array.from({ length: 10_000 }, () => tracker.wait(ID, 'received', 1_000))
    expect(tracker.size).toBe(10_000)
    expect(await tracker.wait(ID, 'received', 1_000)).toEqual({ outcome: 'pending', level: 'queued' })
    tracker.stop()
    expect((await Promise.all(waits)).every(({ outcome }) => outcome === 'pending')).toBe(true)
  })
})

type Step =
  | { do: 'wait'; level: ReceiptLevel; timeoutMs: number }
  | { do: 'advance'; state: OutboxState; reason?: RejectReason; replyId?: string }
  | { do: 'pass'; ms: number }
  | { do: 'abort'; which: number }
  | { do: 'restart' }

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('wait' as const),
      level: fc.constantFrom<ReceiptLevel>('received', 'delivered', 'answered'),
      timeoutMs: fc.constantFrom(0, 10, 100, 1_000)
    }),
    fc.constantFrom<Step>(
      { do: 'advance', state: 'received' },
      { do: 'advance', state: 'delivered' },
      { do: 'advance', state: 'delivered', reason: 'no_reply' },
      { do: 'advance', state: 'answered' },
      { do: 'advance', state: 'answered', replyId: 'r1' },
      { do: 'advance', state: 'rejected', reason: 'failed' },
      { do: 'advance', state: 'expired' },
      { do: 'restart' }
    ),
    fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 50, 500) }),
    fc.record({ do: fc.constant('abort' as const), which: fc.nat(5) })
  ),
  { maxLength: 20 }
)

const LEVELS: Array<OutboxState> = ['queued', 'received', 'delivered', 'answered']

/** Whether this could be said of the row as it stood when the wait ended. */
function isTrue(said: Settled, row: OutboxRow, wanted: ReceiptLevel): boolean {
  if (said.outcome === 'ended') return said.state === row.state && said.reason === row.reason
  if (!LEVELS.includes(row.state) || LEVELS.indexOf(said.level) > LEVELS.indexOf(row.state)) return false
  if (said.outcome === 'pending') return LEVELS.indexOf(said.level) < LEVELS.indexOf(wanted)
  if (said.level === 'answered') return said.reply === 'text of r1'
  return LEVELS.indexOf(said.level) >= LEVELS.indexOf(wanted) || said.reason !== undefined
}

describe('AckTracker, in any order of receipts, deadlines, aborts and restarts', () => {
  it('every wait settles exactly once, with what is true then', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async plan => {
        setUp()
        const waits: Array<{ stop: AbortController; ends: number; good: boolean }> = []
        for (const step of plan) {
          if (step.do === 'wait') {
            const wait = { stop: new AbortController(), ends: 0, good: true }
            waits.push(wait)
            tracker.wait(ID, step.level, step.timeoutMs, { signal: wait.stop.signal }).then(
              said => {
                const row = store.outbox.get(ID)
                wait.ends++
                wait.good &&= row !== undefined && isTrue(said, row, step.level)
              },
              error => {
                wait.ends++
                wait.good &&= wait.stop.signal.aborted && error.code === 'aborted'
              }
            )
          }
          if (step.do === 'advance') {
            const { reason, replyId } = step
            advance(step.state, { ...(reason && { reason }), ...(replyId && { replyId }) })
          }
          if (step.do === 'pass') await clock.advance(step.ms)
          if (step.do === 'abort') waits[step.which]?.stop.abort()
          if (step.do === 'restart') {
            tracker.stop()
            await settled(1)
            tracker = open()
          }
          // What a wait says is held against the row of the same turn.
          await settled(1)
        }
        tracker.stop()
        await settled(2)
        expect(waits.map(({ ends, good }) => [ends, good])).toEqual(waits.map(() => [1, true]))
        expect([tracker.size, clock.sleeping]).toEqual([0, 0])
      }),
      { numRuns: 300 }
    )
  })
})
