import { describe, expect, it } from 'vitest'
import type { OutboxState, Store } from '../../src/mesh/ports.ts'
import { ALICE, BOB, idOf, outboxRow } from './store-rows.ts'

const ids = (entries: Array<{ id: string }>) => entries.map(({ id }) => Number.parseInt(id, 16))

const STATES: OutboxState[] = ['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled']

/** The part of the Store contract about what became of messages: `store` gives the empty store of the test. */
export function aftermathContract(store: () => Store): void {
  /** One row per state, numbered from 1, and a skip beside each. */
  const insertAll = (change = {}): void => {
    store().outbox.insert(STATES.map((state, i) => outboxRow(i + 1, { state, ...change })))
    store().outbox.insert(STATES.map((state, i) => outboxRow(i + 1, { id: idOf(101 + i), state, kind: 'skip' })))
  }

  describe('aftermath', () => {
    it('gives a row without its bytes, and no skip', () => {
      const row = outboxRow(1, { reason: 'failed', state: 'rejected', session: 's', idempotencyKey: 'k', replyId: 'r' })
      store().outbox.insert([row, outboxRow(2, { kind: 'skip' })])
      const { envelope: _, hash: __, ...head } = row
      expect(store().aftermath.get(row.id)).toStrictEqual({ ...head, dismissed: false, reached: false })
      expect(store().aftermath.get(idOf(2))).toBeUndefined()
      expect(store().aftermath.get('unknown')).toBeUndefined()
    })

    it('remembers of whatever ended that the peer had stored it', () => {
      store().outbox.insert([1, 2, 3, 4].map(seq => outboxRow(seq)))
      for (const seq of [2, 3, 4]) store().outbox.advance(idOf(seq), 'received')
      store().outbox.advance(idOf(3), 'rejected', { reason: 'failed' })
      store().outbox.advance(idOf(4), 'cancelled')
      store().outbox.expire(1_000_000, 100)
      store().outbox.releaseKey(idOf(2))
      const entries = [1, 2, 3, 4].map(seq => store().aftermath.get(idOf(seq)))
      expect(entries.map(entry => [entry?.state, entry?.reached])).toEqual([
        ['expired', false],
        ['expired', true],
        ['rejected', true],
        ['cancelled', true]
      ])
    })

    it('lists what waits, oldest first, and dead letters, newest first, without skips', () => {
      insertAll()
      store().outbox.insert([outboxRow(8, { instance: BOB }), outboxRow(9, { instance: BOB, state: 'rejected' })])
      const { aftermath } = store()
      expect(ids(aftermath.waiting(10))).toEqual([1, 2, 8])
      expect(ids(aftermath.waiting(2))).toEqual([1, 2])
      expect(ids(aftermath.deadLetters(10))).toEqual([9, 6, 5])
      expect(ids(aftermath.deadLetters(1))).toEqual([9])
      expect([aftermath.waitingCount(), aftermath.deadLetterCount()]).toEqual([3, 3])
    })

    it('dismisses dead letters: one, those of an instance, or the oldest', () => {
      insertAll()
      const { aftermath } = store()
      for (const seq of [1, 2, 3, 4, 7, 106]) expect(aftermath.dismiss(idOf(seq)), String(seq)).toBe(false)
      expect(aftermath.dismiss('unknown')).toBe(false)
      expect(aftermath.dismiss(idOf(5))).toBe(true)
      expect(aftermath.dismiss(idOf(5))).toBe(false)
      expect(aftermath.get(idOf(5))?.dismissed).toBe(true)
      expect(ids(aftermath.deadLetters(10))).toEqual([6])
      store().outbox.insert([11, 12, 13].map(seq => outboxRow(seq, { instance: BOB, state: 'expired' })))
      expect(aftermath.dismissAll({ keep: 3 })).toBe(1)
      expect(ids(aftermath.deadLetters(10))).toEqual([13, 12, 11])
      expect(aftermath.dismissAll({ instance: ALICE })).toBe(0)
      expect(aftermath.dismissAll({ instance: BOB })).toBe(3)
      expect(aftermath.deadLetterCount()).toBe(0)
    })

    it('a dead letter is not forgotten before it was dismissed, however old', () => {
      insertAll({ expiresMs: 1 })
      expect(store().outbox.prune(1_000, 100)).toBe(3)
      expect(ids(store().aftermath.deadLetters(10))).toEqual([6, 5])
      store().aftermath.dismiss(idOf(5))
      expect(store().outbox.prune(1_000, 100)).toBe(1)
      expect(ids(store().aftermath.deadLetters(10))).toEqual([6])
    })

    it('a late receipt takes an expired message out of the dead letters', () => {
      store().outbox.insert([outboxRow(1, { state: 'expired' })])
      store().outbox.advance(idOf(1), 'delivered')
      expect(store().aftermath.deadLetterCount()).toBe(0)
    })

    it('knows what expires next', () => {
      expect(store().aftermath.nextExpiryMs()).toBeUndefined()
      const rows = STATES.map((state, i) => outboxRow(i + 1, { state, expiresMs: 100 - i }))
      store().outbox.insert([...rows, outboxRow(8, { kind: 'skip', expiresMs: 98 })])
      expect(store().aftermath.nextExpiryMs()).toBe(98)
      store().outbox.expire(98, 100)
      expect(store().aftermath.nextExpiryMs()).toBe(99)
      store().outbox.expire(100, 100)
      expect(store().aftermath.nextExpiryMs()).toBeUndefined()
    })

    it('says once of each message that it waits, oldest first', () => {
      insertAll()
      store().outbox.insert([8, 9].map(seq => outboxRow(seq, { instance: BOB, createdMs: seq })))
      const { aftermath } = store()
      expect(aftermath.oldestUnsaidMs()).toBe(8)
      expect(aftermath.sayWaiting(7, 10)).toEqual(new Map())
      expect(aftermath.sayWaiting(8, 10)).toEqual(new Map([[BOB, 1]]))
      expect(aftermath.oldestUnsaidMs()).toBe(9)
      expect(aftermath.sayWaiting(2_000, 1)).toEqual(new Map([[BOB, 1]]))
      expect(aftermath.sayWaiting(2_000, 10)).toEqual(new Map([[ALICE, 1]]))
      expect(aftermath.sayWaiting(2_000, 10)).toEqual(new Map())
      expect(aftermath.oldestUnsaidMs()).toBeUndefined()
    })

    it('says once of each what became of it: arrivals only after it was said that it waits, ends always', () => {
      const { aftermath, outbox } = store()
      outbox.insert([1, 2, 3, 4].map(seq => outboxRow(seq)))
      outbox.insert([outboxRow(5, { instance: BOB, state: 'rejected' }), outboxRow(6, { instance: BOB })])
      expect(aftermath.sayWaiting(1_003, 10)).toEqual(new Map([[ALICE, 3]]))
      for (const [seq, state] of [
        [1, 'received'],
        [2, 'cancelled'],
        [3, 'answered'],
        [4, 'delivered'],
        [6, 'expired']
      ] as const)
        outbox.advance(idOf(seq), state)
      expect(aftermath.sayLate(1)).toEqual([{ instance: BOB, arrived: 0, rejected: 1, expired: 0 }])
      expect(aftermath.sayLate(10)).toEqual([
        { instance: BOB, arrived: 0, rejected: 0, expired: 1 },
        { instance: ALICE, arrived: 2, rejected: 0, expired: 0 }
      ])
      expect(aftermath.sayLate(10)).toEqual([])
      // What arrived may be refused yet, and what expired may arrive.
      outbox.advance(idOf(1), 'rejected')
      outbox.advance(idOf(6), 'delivered')
      expect(aftermath.sayLate(10)).toEqual([
        { instance: ALICE, arrived: 0, rejected: 1, expired: 0 },
        { instance: BOB, arrived: 1, rejected: 0, expired: 0 }
      ])
      expect(aftermath.sayLate(10)).toEqual([])
    })

    it('says nothing of an end of which somebody heard, or that was dismissed', () => {
      store().outbox.insert([1, 3].map(seq => outboxRow(seq, { state: 'rejected' })))
      store().outbox.insert([outboxRow(2)])
      store().aftermath.dismiss(idOf(3))
      store().aftermath.sayEnded(idOf(1))
      store().aftermath.sayEnded(idOf(2))
      expect(store().aftermath.sayLate(10)).toEqual([])
      expect(store().aftermath.oldestUnsaidMs()).toBe(outboxRow(2).createdMs)
    })

    it('knows of which state each session was told', () => {
      insertAll({ session: 's' })
      store().outbox.insert([outboxRow(8, { state: 'answered' })])
      const { aftermath, outbox } = store()
      expect(ids(aftermath.untold(10))).toEqual([3, 4, 5, 6])
      expect(ids(aftermath.untold(1, idOf(3)))).toEqual([4])
      aftermath.tell(idOf(3), 'delivered')
      aftermath.tell(idOf(6), 'expired')
      expect(ids(aftermath.untold(10))).toEqual([4, 5])
      expect(aftermath.get(idOf(3))?.told).toBe('delivered')
      outbox.advance(idOf(3), 'answered')
      outbox.advance(idOf(6), 'delivered')
      expect(ids(aftermath.untold(10))).toEqual([3, 4, 5, 6])
    })

    it('tells again what a session was told and has not looked at, the newest first', () => {
      insertAll({ session: 's' })
      const { aftermath } = store()
      aftermath.tell(idOf(3), 'delivered', 1_000)
      aftermath.tell(idOf(4), 'answered', 2_000)
      aftermath.tell(idOf(5), 'rejected', 3_000)
      aftermath.tell(idOf(6), 'expired')
      aftermath.heard(idOf(4))
      aftermath.heard(idOf(2))
      expect(aftermath.retell(1_001, 10)).toBe(1)
      expect(ids(aftermath.untold(10))).toEqual([5])
      expect(aftermath.retell(0, 10)).toBe(1)
      expect(ids(aftermath.untold(10))).toEqual([3, 5])
      aftermath.tell(idOf(3), 'delivered', 1_000)
      aftermath.tell(idOf(5), 'rejected', 3_000)
      expect(aftermath.retell(0, 1)).toBe(1)
      expect(ids(aftermath.untold(10))).toEqual([5])
      aftermath.untell(idOf(3))
      expect(ids(aftermath.untold(10))).toEqual([3, 5])
      expect(aftermath.retell(0, 10)).toBe(0)
    })

    it('takes back with its transaction what it noted', () => {
      insertAll({ session: 's' })
      const { aftermath } = store()
      const work = (): void => {
        aftermath.dismiss(idOf(5))
        aftermath.sayWaiting(2_000, 10)
        aftermath.sayLate(10)
        aftermath.tell(idOf(3), 'delivered')
        throw new Error('no')
      }
      expect(() => store().transaction(work)).toThrow('no')
      expect(aftermath.deadLetterCount()).toBe(2)
      expect(aftermath.oldestUnsaidMs()).toBe(outboxRow(1).createdMs)
      expect(aftermath.sayLate(10)).toEqual([{ instance: ALICE, arrived: 0, rejected: 1, expired: 1 }])
      expect(ids(aftermath.untold(10))).toEqual([3, 4, 5, 6])
    })
  })
}
