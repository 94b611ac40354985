import { describe, expect, it } from 'vitest'
import type { OutboxState, Store } from '../../src/mesh/ports.ts'
import { ALICE, BOB, CONVERSATION, idOf, outboxRow } from './store-rows.ts'

const seqs = (rows: Array<{ seq: number }>) => rows.map(row => row.seq)

/** The part of the Store contract about its outbox: `store` gives the empty store of the test. */
export function outboxContract(store: () => Store): void {
  describe('outbox', () => {
    it('gives back a full row as it was', () => {
      const row = outboxRow(1, {
        kind: 'host',
        inReplyTo: idOf(9),
        reason: 'failed',
        state: 'rejected',
        idempotencyKey: 'k',
        session: 's',
        replyId: idOf(8)
      })
      store().outbox.insert([row, outboxRow(2)])
      expect(store().outbox.get(row.id)).toStrictEqual(row)
      expect(store().outbox.get(idOf(2))).toStrictEqual(outboxRow(2))
      expect(store().outbox.byIdempotencyKey('k')).toStrictEqual(row)
      expect(store().outbox.byIdempotencyKey('other')).toBeUndefined()
      expect(store().outbox.get('other')).toBeUndefined()
    })

    it('hands out copies', () => {
      const row = outboxRow(1)
      store().outbox.insert([row])
      row.envelope[0] = 77
      const copy = store().outbox.get(row.id)
      copy?.envelope.fill(99)
      expect(store().outbox.get(row.id)).toStrictEqual(outboxRow(1))
    })

    it('refuses a group with a known id, seq or idempotency key as a whole', () => {
      store().outbox.insert([outboxRow(1, { idempotencyKey: 'k' })])
      const clashes = [outboxRow(1, { seq: 5 }), outboxRow(1, { id: idOf(5) }), outboxRow(5, { idempotencyKey: 'k' })]
      for (const clash of clashes) {
        expect(() => store().outbox.insert([outboxRow(2), clash])).toThrow('store_failed')
      }
      expect(seqs(store().outbox.queued(ALICE, 10))).toEqual([1])
    })

    it('lets a skip stand beside the row whose seq it takes', () => {
      store().outbox.insert([outboxRow(1)])
      store().outbox.advance(idOf(1), 'cancelled')
      store().outbox.insert([outboxRow(1, { id: idOf(100), kind: 'skip' })])
      expect(
        store()
          .outbox.queued(ALICE, 10)
          .map(row => row.kind)
      ).toEqual(['skip'])
      expect(() => store().outbox.insert([outboxRow(1, { id: idOf(101), kind: 'skip' })])).toThrow('store_failed')
    })

    it('knows the last seq per addressee and conversation', () => {
      store().outbox.insert([outboxRow(1), outboxRow(2), outboxRow(7, { conversation: 'other' })])
      store().outbox.insert([outboxRow(1, { id: idOf(99), kind: 'skip' })])
      expect(store().outbox.lastSeq(ALICE, CONVERSATION)).toBe(2)
      expect(store().outbox.lastSeq(ALICE, 'other')).toBe(7)
      expect(store().outbox.lastSeq(BOB, CONVERSATION)).toBe(0)
    })

    it('lists queued rows per instance in the order of insertion, in pages', () => {
      store().outbox.insert([outboxRow(3), outboxRow(1), outboxRow(10, { instance: BOB }), outboxRow(2), outboxRow(4)])
      store().outbox.advance(idOf(1), 'received')
      expect(seqs(store().outbox.queued(ALICE, 10))).toEqual([3, 2, 4])
      expect(seqs(store().outbox.queued(ALICE, 2))).toEqual([3, 2])
      expect(seqs(store().outbox.queued(ALICE, 2, idOf(2)))).toEqual([4])
      // The place of a row counts even where it left the queue.
      expect(seqs(store().outbox.queued(ALICE, 10, idOf(1)))).toEqual([2, 4])
      expect(seqs(store().outbox.queued(ALICE, 10, 'unknown'))).toEqual([3, 2, 4])
      expect(seqs(store().outbox.queued(BOB, 10))).toEqual([10])
    })

    it('lists unsettled rows: queued and received', () => {
      store().outbox.insert([1, 2, 3, 4, 5].map(seq => outboxRow(seq)))
      store().outbox.advance(idOf(1), 'received')
      store().outbox.advance(idOf(2), 'delivered')
      store().outbox.advance(idOf(3), 'cancelled')
      expect(seqs(store().outbox.unsettled(ALICE, 10))).toEqual([1, 4, 5])
      expect(seqs(store().outbox.unsettled(ALICE, 1, idOf(1)))).toEqual([4])
    })

    it('counts what waits', () => {
      expect(store().outbox.load()).toEqual({ entries: 0, bytes: 0 })
      store().outbox.insert([
        outboxRow(1),
        outboxRow(2, { envelope: new Uint8Array(10) }),
        outboxRow(3, { instance: BOB })
      ])
      store().outbox.insert([outboxRow(4, { state: 'expired' })])
      expect(store().outbox.load()).toEqual({ entries: 3, bytes: 16 })
      expect(store().outbox.load(ALICE)).toEqual({ entries: 2, bytes: 13 })
      expect(store().outbox.waitingInstances().toSorted()).toEqual([ALICE, BOB])
      store().outbox.advance(idOf(2), 'received')
      store().outbox.advance(idOf(2), 'answered')
      store().outbox.expire(1_000_000, 100)
      expect(store().outbox.load(ALICE)).toEqual({ entries: 0, bytes: 0 })
      expect(store().outbox.load()).toEqual({ entries: 0, bytes: 0 })
      expect(store().outbox.waitingInstances()).toEqual([])
    })

    it('counts no skip: it makes room, and must not fill the queue of a peer that stays away', () => {
      store().outbox.insert([outboxRow(1, { kind: 'skip' }), outboxRow(9, { kind: 'skip', instance: BOB })])
      expect(store().outbox.load()).toEqual({ entries: 0, bytes: 0 })
      store().outbox.insert([outboxRow(2)])
      store().outbox.advance(idOf(1), 'received')
      store().outbox.expire(1_000_000, 100)
      expect(store().outbox.load(ALICE)).toEqual({ entries: 0, bytes: 0 })
      expect(store().outbox.load()).toEqual({ entries: 0, bytes: 0 })
    })

    const states: OutboxState[] = ['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled']
    const allowed: Record<OutboxState, OutboxState[]> = {
      queued: ['received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled'],
      received: ['delivered', 'answered', 'rejected', 'expired', 'cancelled'],
      delivered: ['answered', 'rejected'],
      answered: [],
      rejected: [],
      expired: ['delivered', 'answered'],
      cancelled: ['delivered', 'answered']
    }

    it.each(states)('S-30: advances %s only to what may follow', from => {
      for (const to of states) {
        const id = `${from}-${to}`
        const lane = { id, conversation: id, state: from }
        store().outbox.insert([outboxRow(1, lane)])
        const expected = allowed[from].includes(to) ? outboxRow(1, { ...lane, state: to }) : undefined
        expect(store().outbox.advance(id, to), id).toStrictEqual(expected)
        expect(store().outbox.get(id)?.state, id).toBe(expected?.state ?? from)
      }
    })

    it('keeps the reason and the answer that come with a state', () => {
      store().outbox.insert([outboxRow(1), outboxRow(2)])
      expect(store().outbox.advance(idOf(1), 'rejected', { reason: 'not_admitted' })?.reason).toBe('not_admitted')
      expect(store().outbox.advance(idOf(1), 'rejected', { reason: 'blocked' })).toBeUndefined()
      expect(store().outbox.get(idOf(1))?.reason).toBe('not_admitted')
      expect(store().outbox.advance(idOf(2), 'answered', { replyId: idOf(7) })?.replyId).toBe(idOf(7))
      expect(store().outbox.get(idOf(2))).toStrictEqual(outboxRow(2, { state: 'answered', replyId: idOf(7) }))
    })

    it('notes an answer that becomes known after the level, once', () => {
      store().outbox.insert([outboxRow(1)])
      store().outbox.advance(idOf(1), 'answered')
      expect(store().outbox.advance(idOf(1), 'answered', { replyId: idOf(7) })?.replyId).toBe(idOf(7))
      expect(store().outbox.advance(idOf(1), 'answered', { replyId: idOf(8) })).toBeUndefined()
      expect(store().outbox.get(idOf(1))?.replyId).toBe(idOf(7))
      expect(store().outbox.advance('unknown', 'received')).toBeUndefined()
    })

    it('notes a reason that becomes known after the level, once', () => {
      store().outbox.insert([outboxRow(1)])
      store().outbox.advance(idOf(1), 'delivered')
      expect(store().outbox.advance(idOf(1), 'delivered', { reason: 'no_reply' })?.reason).toBe('no_reply')
      expect(store().outbox.advance(idOf(1), 'delivered', { reason: 'failed' })).toBeUndefined()
      expect(store().outbox.get(idOf(1))).toStrictEqual(outboxRow(1, { state: 'delivered', reason: 'no_reply' }))
    })

    it('forgets an idempotency key, and takes a new row under it', () => {
      store().outbox.insert([outboxRow(1, { idempotencyKey: 'k' })])
      store().outbox.releaseKey(idOf(1))
      store().outbox.releaseKey(idOf(1))
      store().outbox.releaseKey('unknown')
      expect(store().outbox.byIdempotencyKey('k')).toBeUndefined()
      expect(store().outbox.get(idOf(1))).toStrictEqual(outboxRow(1))
      store().outbox.insert([outboxRow(2, { idempotencyKey: 'k' })])
      expect(store().outbox.byIdempotencyKey('k')?.id).toBe(idOf(2))
    })

    it('expires no more at once than it is asked to, and the longest overdue first', () => {
      store().outbox.insert([1, 2, 3].map(seq => outboxRow(seq, { expiresMs: 40 - seq * 10 })))
      expect(seqs(store().outbox.expire(99, 2))).toEqual([3, 2])
      expect(seqs(store().outbox.expire(99, 2))).toEqual([1])
    })

    it('expires queued and received rows at their time, and returns them once', () => {
      store().outbox.insert([1, 2, 3, 4].map(seq => outboxRow(seq, { expiresMs: seq * 10 })))
      store().outbox.insert([outboxRow(5, { state: 'delivered', expiresMs: 1 })])
      store().outbox.advance(idOf(2), 'received')
      expect(store().outbox.expire(9, 100)).toEqual([])
      const ended = (seqs: number[]) => seqs.map(seq => outboxRow(seq, { expiresMs: seq * 10, state: 'expired' }))
      expect(store().outbox.expire(30, 2)).toStrictEqual(ended([1, 2]))
      expect(store().outbox.expire(30, 2)).toStrictEqual(ended([3]))
      expect(store().outbox.expire(30, 100)).toEqual([])
      expect(store().outbox.advance(idOf(1), 'received')).toBeUndefined()
      expect(seqs(store().outbox.queued(ALICE, 10))).toEqual([4])
    })

    it('forgets what ended and expired before a time, oldest first, and no seq', () => {
      const states: OutboxState[] = ['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled']
      store().outbox.insert(states.map((state, i) => outboxRow(i + 1, { state, expiresMs: 100 - i })))
      store().outbox.insert([outboxRow(8, { state: 'answered', expiresMs: 101, idempotencyKey: 'late' })])
      store().outbox.insert([outboxRow(9, { state: 'expired', expiresMs: 0, idempotencyKey: 'early' })])
      store().aftermath.dismissAll({ keep: 0 })
      expect(store().outbox.prune(101, 2)).toBe(2)
      const left = () => Array.from({ length: 9 }, (_, i) => i + 1).filter(seq => store().outbox.get(idOf(seq)))
      expect(left()).toEqual([1, 2, 3, 4, 5, 6, 8])
      expect(store().outbox.prune(101, 100)).toBe(4)
      expect(store().outbox.prune(101, 100)).toBe(0)
      expect(left()).toEqual([1, 2, 8])
      expect(store().outbox.lastSeq(ALICE, CONVERSATION)).toBe(9)
      expect(store().outbox.load().entries).toBe(1)
      store().outbox.insert([outboxRow(10, { idempotencyKey: 'early' })])
      expect(store().outbox.byIdempotencyKey('early')?.id).toBe(idOf(10))
      expect(store().outbox.byIdempotencyKey('late')?.id).toBe(idOf(8))
    })
  })
}
