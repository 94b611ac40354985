import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NoticeRow, NoticeStore } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { FakeStore } from '../fakes/store.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

type Step = { do: 'add'; subject?: string; pauseMs: number } | { do: 'shown' | 'read'; share: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant<'add'>('add'),
      // Some come up again and again; those without a subject get one of their own, and fill the list.
      subject: fc.constantFrom('a', 'b', undefined, undefined, undefined, undefined),
      pauseMs: fc.constantFrom(0, 5, 50)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('shown' as const, 'read' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true })
    })
  }
)

/** One list, as the port tells it. Fills `rows` and holds the store to it. */
function apply(notices: NoticeStore, rows: NoticeRow[], one: Step, atMs: number): NoticeRow[] {
  if (one.do !== 'add') {
    const id = rows[Math.floor((one.share * rows.length) / 4)]?.id ?? 0
    notices[one.do](id)
    return rows.map(row => ({
      ...row,
      shown: row.shown || (one.do === 'shown' && row.id === id),
      read: row.read || (one.do === 'read' && row.id <= id)
    }))
  }
  const { subject = `only ${atMs}`, pauseMs } = one
  const added = notices.add({ atMs, subject, text: `at ${atMs}`, pauseMs })
  const before = rows.find(row => row.subject === subject && !row.read)
  const first = before !== undefined && atMs - before.atMs < pauseMs ? before : { atMs, shown: false }
  const row = { id: added.id, atMs: first.atMs, subject, text: `at ${atMs}`, shown: first.shown, read: false }
  expect(added).toStrictEqual(row)
  expect(added.id).toBeGreaterThan(Math.max(0, ...rows.map(each => each.id)))
  const grown = [...rows.filter(each => each !== before), row]
  const gone = grown.find(each => each.read) ?? grown[0]
  return grown.length > 256 ? grown.filter(each => each !== gone) : grown
}

describe('Notices', () => {
  it('keeps 256, one unread of a subject, and loses no unread one while there are read ones', async () => {
    const real = openStore({ dir: temporaryDirectory(), log: recordingLog(), clock })
    let full = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 400, maxLength: 550, size: 'max' }), steps => {
        for (const { notices, transaction } of [bound(real), bound(new FakeStore())]) {
          const run = () => {
            let rows: NoticeRow[] = []
            for (const [index, one] of steps.entries()) {
              rows = apply(notices, rows, one, 1_000 + index)
              if (rows.length === 256) full++
              if (index % 25 > 0 && index < steps.length - 1) continue
              expect(notices.unread(1_000)).toStrictEqual(rows.filter(row => !row.read))
              for (const subject of ['a', 'b', 'only 1100']) {
                const last = rows.findLast(row => row.subject === subject)
                expect(notices.lastMs(subject)).toBe(last?.atMs)
              }
            }
            throw new Undone()
          }
          expect(() => transaction(run)).toThrow(Undone)
        }
      }),
      { numRuns: 10 }
    )
    expect(full).toBeGreaterThan(100)
    await real.close()
  })

  it('keeps notices over a restart, and gives no id twice', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    const kept = first.notices.add({ atMs: 1, subject: 'a', text: 't' })
    const gone = first.notices.add({ atMs: 2, subject: 'b', text: 't' })
    first.notices.shown(kept.id)
    first.notices.add({ atMs: 3, subject: 'b', text: 'u' })
    await first.close()
    const second = openStore({ dir, log: recordingLog(), clock })
    expect(second.notices.unread(9).map(({ atMs, shown }) => [atMs, shown])).toEqual([
      [1, true],
      [3, false]
    ])
    expect(second.notices.add({ atMs: 4, subject: 'c', text: 't' }).id).toBeGreaterThan(gone.id + 1)
    await second.close()
  })
})

function bound(store: FakeStore | ReturnType<typeof openStore>) {
  return { notices: store.notices, transaction: (work: () => never) => store.transaction(work) }
}

/** Takes a run back, so that the next one finds the store empty and no run waits for the disk. */
class Undone extends Error {}
