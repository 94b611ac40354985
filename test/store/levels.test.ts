import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InboxRow, InboxState, OutboxState } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { advanced } from '../../src/store/levels.ts'
import { ALICE, CONVERSATION, EPOCH, idOf, inboxRow, outboxRow } from '../contract/store-rows.ts'
import { FakeStore } from '../fakes/store.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const OUTBOX: OutboxState[] = ['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled']
const INBOX: InboxState[] = ['received', 'dispatching', 'adopted', 'replied', 'done', 'unknown', 'rejected']

describe('advanced', () => {
  it('S-30: never takes back what a peer has confirmed, whatever comes in whatever order', () => {
    const confirmed: OutboxState[] = ['queued', 'received', 'delivered', 'answered']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...OUTBOX), { maxLength: 30 }), states => {
        let row = outboxRow(1)
        let highest = 0
        for (const state of states) {
          row = advanced(row, state) ?? row
          const level = confirmed.indexOf(row.state)
          if (level >= 0) expect(level).toBeGreaterThanOrEqual(highest)
          highest = Math.max(highest, level)
          // After a delivery nothing of this side ends it: only the peer's word.
          if (highest >= 2) expect(['expired', 'cancelled']).not.toContain(row.state)
        }
      }),
      { numRuns: 1_000 }
    )
  })
})

describe('the inbox window', () => {
  type Step = { seq: number; insert: true } | { seq: number; insert: false; state: InboxState }

  const seq = fc.integer({ min: 1, max: 8 })
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ seq, insert: fc.constant<true>(true) }),
    fc.record({ seq, insert: fc.constant<false>(false), state: fc.constantFrom(...INBOX) })
  )

  it('R-07: is the same in the fake and the file, never moves back, and stands at the first seq that has not ended', async () => {
    const real = openStore({ dir: temporaryDirectory(), log: recordingLog(), clock })
    let lane = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const fake = new FakeStore()
        const conversation = `${CONVERSATION}${lane++}`
        const ended = new Set<number>()
        let last = 1
        for (const one of steps) {
          const id = `${conversation}-${idOf(one.seq)}`
          if (one.insert) {
            const row: InboxRow = inboxRow(one.seq, { id, conversation })
            expect(real.inbox.insert([row])).toEqual(fake.inbox.insert([row]))
          } else {
            const changed = real.inbox.update(ALICE, id, { state: one.state })
            expect(changed).toEqual(fake.inbox.update(ALICE, id, { state: one.state }))
            if (changed && ['replied', 'done', 'unknown', 'rejected'].includes(one.state)) ended.add(one.seq)
            else if (changed && one.seq >= last) ended.delete(one.seq)
          }
          const next = real.inbox.nextSeq(ALICE, EPOCH, conversation)
          expect(next).toBe(fake.inbox.nextSeq(ALICE, EPOCH, conversation))
          let expected = last
          while (ended.has(expected)) expected++
          expect(next).toBe(expected)
          last = next
        }
      }),
      { numRuns: 150 }
    )
    await real.close()
  })
})
