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

    it('S2.33: finds rows by the beginning of their id, whoever sent them', () => {
      const one = inboxRow(1, { id: 'abcdef01'.padEnd(32, '0') })
      const other = inboxRow(2, { id: 'abcdef02'.padEnd(32, '0'), instance: 'bbbb-bbbb-bbbb-bbbb-bbbb-bbbb' })
      const twin = inboxRow(3, { id: one.id, instance: 'zzzz-zzzz-zzzz-zzzz-zzzz-zzzz' })
      const last = inboxRow(4, { id: 'f'.repeat(32) })
      expect(store().inbox.named('abcdef', 9)).toEqual([])
      store().inbox.insert([one, other, twin, last])
      const found = (prefix: string, limit = 9) =>
        store()
          .inbox.named(prefix, limit)
          .map(({ instance, id }) => `${id} ${instance}`)
          .toSorted()
      expect(found('abcdef')).toEqual([one, other, twin].map(({ instance, id }) => `${id} ${instance}`).toSorted())
      expect(found(one.id)).toHaveLength(2)
      expect(found('abcdef02')).toEqual([`${other.id} ${other.instance}`])
      expect(found('ffffffff')).toEqual([`${last.id} ${last.instance}`])
      expect([found('abcdef03'), found('abcdef', 1).length]).toEqual([[], 1])
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

    describe('what is kept', () => {
      const DAY = { limit: 100, gapBeforeMs: 0 }
      const kept = (instance?: string) => store().inbox.kept(instance)
      const left = (instance = ALICE) =>
        Array.from({ length: 9 }, (_, i) => i + 1).filter(seq => store().inbox.get(instance, idOf(seq)))

      it('S-12: is counted for each instance and in all, with 512 bytes for each row', () => {
        expect(kept()).toEqual({ entries: 0, bytes: 0, conversations: 0 })
        expect(store().inbox.largest()).toBeUndefined()
        store().inbox.insert([inboxRow(1), inboxRow(2), inboxRow(2), inboxRow(3, { conversation: 'other' })])
        store().inbox.insert([inboxRow(1, { instance: BOB, envelope: new Uint8Array(2_000) })])
        expect(kept(ALICE)).toEqual({ entries: 3, bytes: 3 * 515, conversations: 2 })
        expect(kept(BOB)).toEqual({ entries: 1, bytes: 2_512, conversations: 1 })
        expect(kept()).toEqual({ entries: 4, bytes: 4_057, conversations: 3 })
        expect(store().inbox.largest()).toBe(BOB)
        store().inbox.update(ALICE, idOf(1), { state: 'done' })
        store().inbox.update(BOB, idOf(1), { state: 'done' })
        expect(kept().entries).toBe(4)
        store().inbox.prune(Number.MAX_SAFE_INTEGER, 100)
        expect(kept(ALICE)).toEqual({ entries: 2, bytes: 1_030, conversations: 2 })
        expect(kept(BOB)).toEqual({ entries: 0, bytes: 0, conversations: 1 })
        expect(store().inbox.largest()).toBe(ALICE)
      })

      it('S-12: is as before where a transaction is taken back', () => {
        store().inbox.insert([inboxRow(1, { state: 'done' })])
        const before = kept()
        expect(() =>
          store().transaction(() => {
            store().inbox.insert([inboxRow(2), inboxRow(3, { conversation: 'other' })])
            store().inbox.trim(ALICE, 1, DAY)
            throw new RangeError('planned')
          })
        ).toThrow(RangeError)
        expect([kept(), left()]).toEqual([before, [1]])
      })

      it('S-12: is trimmed by what ended first, as much as is asked for, of that instance alone', () => {
        store().inbox.insert([1, 2, 3, 4, 5].map(seq => inboxRow(seq)))
        store().inbox.insert([inboxRow(1, { instance: BOB, state: 'done' })])
        for (const seq of [1, 2, 3]) store().inbox.update(ALICE, idOf(seq), { state: 'done' })
        expect(store().inbox.trim(ALICE, 516, DAY)).toEqual({ entries: 2, bytes: 1_030 })
        expect([left(), left(BOB)]).toEqual([[3, 4, 5], [1]])
        expect(store().inbox.trim(ALICE, 10_000, DAY)).toEqual({ entries: 1, bytes: 515 })
        expect(left()).toEqual([4, 5])
        expect(store().inbox.trim(ALICE, 10_000, DAY)).toEqual({ entries: 0, bytes: 0 })
      })

      it.each<InboxState>(['received', 'dispatching', 'adopted'])('S-12: keeps a row in state %s', state => {
        store().inbox.insert([inboxRow(1, { state })])
        expect(store().inbox.trim(ALICE, 10_000, { limit: 100, gapBeforeMs: 1e15 })).toEqual({ entries: 0, bytes: 0 })
        expect(left()).toEqual([1])
      })

      it('S-05, S-12: what was trimmed is not new again, and its seq is held by nobody', () => {
        store().inbox.insert([1, 2, 3].map(seq => inboxRow(seq, { state: 'done' })))
        store().inbox.trim(ALICE, 10_000, DAY)
        expect([left(), nextSeq()]).toEqual([[], 4])
        expect(store().inbox.insert([1, 2, 3].map(seq => inboxRow(seq))).size).toBe(0)
        expect(store().inbox.holds(ALICE, EPOCH, CONVERSATION, 3)).toBe(false)
        expect(store().inbox.insert([inboxRow(4)]).size).toBe(1)
        expect(store().inbox.holds(ALICE, EPOCH, CONVERSATION, 4)).toBe(true)
      })

      it('S-05, S-12: beyond a gap it is trimmed only once it is old, and the window moves past the gap', () => {
        const rows = [inboxRow(2, { state: 'done', receivedMs: 100 }), inboxRow(3, { state: 'done', receivedMs: 200 })]
        store().inbox.insert(rows)
        expect(store().inbox.trim(ALICE, 10_000, { limit: 100, gapBeforeMs: 100 }).entries).toBe(0)
        expect(store().inbox.trim(ALICE, 10_000, { limit: 100, gapBeforeMs: 150 }).entries).toBe(1)
        expect([left(), nextSeq()]).toEqual([[3], 4])
        expect(store().inbox.insert([inboxRow(1), ...rows]).size).toBe(0)
      })

      it('S-12: looks at no more rows than it may', () => {
        store().inbox.insert([1, 2, 3].map(seq => inboxRow(seq, { state: 'done' })))
        expect(store().inbox.trim(ALICE, 10_000, { limit: 2, gapBeforeMs: 0 }).entries).toBe(2)
      })

      it('S-12: forgets windows without rows, the oldest first and as many as it may', () => {
        const lanes = ['one', 'two', 'three'].map((conversation, i) => inboxRow(1, { id: idOf(i + 1), conversation }))
        store().inbox.insert(lanes.map(row => ({ ...row, state: 'done' as const })))
        store().inbox.insert([inboxRow(2, { id: idOf(9), conversation: 'three' })])
        expect(store().inbox.pruneWindows(Number.MAX_SAFE_INTEGER, 10)).toBe(0)
        store().inbox.trim(ALICE, 10_000, DAY)
        expect(store().inbox.pruneWindows(-1, 10)).toBe(0)
        expect(store().inbox.pruneWindows(Number.MAX_SAFE_INTEGER, 1)).toBe(1)
        expect(store().inbox.pruneWindows(Number.MAX_SAFE_INTEGER, 10)).toBe(1)
        expect(kept(ALICE)).toEqual({ entries: 1, bytes: 515, conversations: 1 })
        expect(store().inbox.nextSeq(ALICE, EPOCH, 'three')).toBe(2)
      })
    })
  })
}
