import { describe, expect, it } from 'vitest'
import type { InboxState, Store } from '../../src/mesh/ports.ts'
import { ALICE, BOB, CONVERSATION, EPOCH, idOf, inboxRow } from './store-rows.ts'

const seqs = (rows: Array<{ seq: number }>) => rows.map(row => row.seq)

/** The part of the Store contract about its inbox: `store` gives the empty store of the test. */
export function inboxContract(store: () => Store): void {
  describe('inbox', () => {
    const nextSeq = () => store().inbox.nextSeq(ALICE, EPOCH, CONVERSATION)

    it('gives back a full row as it was', () => {
      const row = inboxRow(1, {
        kind: 'skip',
        inReplyTo: idOf(9),
        reason: 'no_reply',
        state: 'unknown',
        attempt: 3,
        verified: true
      })
      expect(store().inbox.insert([row, inboxRow(2)])).toEqual(new Set([idOf(1), idOf(2)]))
      expect(store().inbox.get(ALICE, row.id)).toStrictEqual(row)
      expect(store().inbox.get(ALICE, idOf(2))).toStrictEqual(inboxRow(2))
      expect(store().inbox.get(BOB, row.id)).toBeUndefined()
    })

    it('S-05: leaves a row that is there as it stands', () => {
      store().inbox.insert([inboxRow(1)])
      store().inbox.update(ALICE, idOf(1), { state: 'dispatching', attempt: 1 })
      expect(store().inbox.insert([inboxRow(1), inboxRow(2), inboxRow(2)])).toEqual(new Set([idOf(2)]))
      expect(store().inbox.get(ALICE, idOf(1))).toStrictEqual(inboxRow(1, { state: 'dispatching', attempt: 1 }))
    })

    it('S-07: takes the ids and seqs of one sender for duplicates of that sender only', () => {
      store().inbox.insert([inboxRow(1)])
      const others = [inboxRow(1, { instance: BOB }), inboxRow(1, { id: idOf(50) }), inboxRow(5, { id: idOf(1) })]
      expect(others.map(row => store().inbox.insert([row]).size)).toEqual([1, 0, 0])
      const lanes = [
        inboxRow(1, { id: idOf(51), epoch: 'f0'.repeat(8) }),
        inboxRow(1, { id: idOf(52), conversation: 'other' })
      ]
      expect(store().inbox.insert(lanes).size).toBe(2)
    })

    it('moves the window over rows that ended without a gap', () => {
      expect(nextSeq()).toBe(1)
      store().inbox.insert([1, 2, 3, 5].map(seq => inboxRow(seq)))
      expect(nextSeq()).toBe(1)
      store().inbox.update(ALICE, idOf(2), { state: 'done' })
      expect(nextSeq()).toBe(1)
      store().inbox.update(ALICE, idOf(1), { state: 'replied' })
      expect(nextSeq()).toBe(3)
      store().inbox.update(ALICE, idOf(5), { state: 'unknown' })
      store().inbox.update(ALICE, idOf(3), { state: 'rejected', reason: 'bad_signature' })
      expect(nextSeq()).toBe(4)
      store().inbox.insert([inboxRow(4, { kind: 'skip', state: 'done' })])
      expect(nextSeq()).toBe(6)
      expect(store().inbox.nextSeq(ALICE, 'f0'.repeat(8), CONVERSATION)).toBe(1)
    })

    it.each<InboxState>(['received', 'dispatching', 'adopted'])('keeps the window before a row in state %s', state => {
      store().inbox.insert([inboxRow(1)])
      store().inbox.update(ALICE, idOf(1), { state })
      expect(nextSeq()).toBe(1)
    })

    it('S-05: refuses what lies before the window under a new id too', () => {
      store().inbox.insert([inboxRow(1, { state: 'done' })])
      expect(store().inbox.insert([inboxRow(1, { id: idOf(77) })]).size).toBe(0)
      expect(store().inbox.insert([inboxRow(0, { id: idOf(78) })]).size).toBe(0)
    })

    it('updates what the change names', () => {
      store().inbox.insert([inboxRow(1)])
      expect(store().inbox.update(ALICE, idOf(1), { verified: true })).toStrictEqual(inboxRow(1, { verified: true }))
      expect(store().inbox.update(ALICE, idOf(1), { attempt: 2 })?.verified).toBe(true)
      expect(store().inbox.get(ALICE, idOf(1))).toStrictEqual(inboxRow(1, { verified: true, attempt: 2 }))
      expect(store().inbox.update(BOB, idOf(1), { attempt: 2 })).toBeUndefined()
    })

    it('lists rows by state, oldest first', () => {
      store().inbox.insert([4, 3, 2, 1].map(seq => inboxRow(seq)))
      store().inbox.update(ALICE, idOf(3), { state: 'dispatching' })
      store().inbox.update(ALICE, idOf(1), { state: 'done' })
      expect(seqs(store().inbox.inStates(['received', 'dispatching'], 10))).toEqual([4, 3, 2])
      expect(seqs(store().inbox.inStates(['received', 'dispatching'], 2))).toEqual([4, 3])
      expect(seqs(store().inbox.inStates(['dispatching', 'dispatching'], 9))).toEqual([3])
      expect(store().inbox.inStates([], 10)).toEqual([])
    })

    it('S-05: forgets what ended and came before a time, and takes none of it for new', () => {
      const states: InboxState[] = ['replied', 'done', 'unknown', 'rejected', 'received', 'dispatching', 'adopted']
      const rows = states.map((state, i) => inboxRow(i + 1, { state, receivedMs: 100 - i }))
      store().inbox.insert([...rows, inboxRow(8, { state: 'done', receivedMs: 101 })])
      expect(store().inbox.prune(101, 3)).toBe(3)
      const left = () => Array.from({ length: 8 }, (_, i) => i + 1).filter(seq => store().inbox.get(ALICE, idOf(seq)))
      expect(left()).toEqual([1, 5, 6, 7, 8])
      expect(store().inbox.prune(101, 100)).toBe(1)
      expect(store().inbox.prune(101, 100)).toBe(0)
      expect(left()).toEqual([5, 6, 7, 8])
      expect(nextSeq()).toBe(5)
      expect(store().inbox.insert(rows).size).toBe(0)
    })

    it('lists the newest first, whatever their state', () => {
      store().inbox.insert([inboxRow(1), inboxRow(2, { state: 'done' }), inboxRow(3, { state: 'rejected' })])
      const seqs = (limit: number) =>
        store()
          .inbox.newest(limit)
          .map(({ seq }) => seq)
      expect([seqs(2), seqs(10)]).toEqual([
        [3, 2],
        [3, 2, 1]
      ])
    })

    it('moves the window past what it forgets, over a gap and over what ended behind it', () => {
      store().inbox.insert([
        inboxRow(3, { state: 'done', receivedMs: 1 }),
        inboxRow(4, { state: 'done', receivedMs: 1_000 }),
        inboxRow(5),
        inboxRow(2, { instance: BOB, state: 'done', receivedMs: 1 })
      ])
      expect(nextSeq()).toBe(1)
      expect(store().inbox.prune(100, 100)).toBe(2)
      expect(nextSeq()).toBe(5)
      expect(store().inbox.nextSeq(BOB, EPOCH, CONVERSATION)).toBe(3)
      expect(store().inbox.insert([1, 2, 3].map(seq => inboxRow(seq, { id: idOf(seq + 60) }))).size).toBe(0)
      store().inbox.update(ALICE, idOf(5), { state: 'done' })
      expect(nextSeq()).toBe(6)
    })
  })
}
