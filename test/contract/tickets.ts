import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/mesh/ports.ts'
import { ALICE, BOB, ticketRow } from './store-rows.ts'

const OPEN_MAX = 64

/** The part of the Store contract about its tickets: `store` gives the empty store of the test. */
export function ticketsContract(store: () => Store): void {
  describe('tickets', () => {
    const fill = (last: number) =>
      store().transaction(() => {
        for (let number = 1; number <= last; number++) {
          expect(store().tickets.insert(ticketRow(number), 5_000), `ticket ${number}`).toBe(true)
        }
      })

    it('gives back a full row as it was, and copies of it', () => {
      const row = ticketRow(1, { uses: 3, usedBy: [BOB], petname: 'Ada' })
      expect(store().tickets.insert(row, 0)).toBe(true)
      store().tickets.insert(ticketRow(2), 0)
      expect(store().tickets.get(row.id)).toStrictEqual(row)
      row.secret[0] = 99
      const copy = store().tickets.get(row.id)
      copy?.secret.fill(77)
      copy?.usedBy.push(ALICE)
      const kept = ticketRow(1, { uses: 3, usedBy: [BOB], petname: 'Ada' })
      expect(store().tickets.get(row.id)).toStrictEqual(kept)
      expect(store().tickets.all()).toStrictEqual([ticketRow(2), kept])
      expect(store().tickets.get('other')).toBeUndefined()
    })

    it('refuses a second ticket of the same id and keeps the first', () => {
      store().tickets.insert(ticketRow(1), 0)
      expect(() => store().tickets.insert(ticketRow(1, { uses: 9 }), 0)).toThrow('store_failed')
      expect(store().tickets.all()).toStrictEqual([ticketRow(1)])
    })

    it('is spent after its uses, gives each instance its place, and costs one that it let in before nothing', () => {
      const { id } = ticketRow(1)
      store().tickets.insert(ticketRow(1, { uses: 2 }), 0)
      const users = [BOB, BOB, ALICE, 'third', BOB, ALICE]
      expect(users.map(user => store().tickets.use(id, user))).toEqual([0, 0, 1, undefined, 0, 1])
      expect(store().tickets.get(id)?.usedBy).toEqual([BOB, ALICE])
    })

    it('lets nobody in that is not there or was withdrawn', () => {
      const { id } = ticketRow(1)
      expect(store().tickets.use(id, BOB)).toBeUndefined()
      expect(store().tickets.delete(id)).toBe(false)
      store().tickets.insert(ticketRow(1), 0)
      expect(store().tickets.delete(id)).toBe(true)
      expect(store().tickets.use(id, BOB)).toBeUndefined()
      expect(store().tickets.all()).toEqual([])
    })

    it(`keeps ${OPEN_MAX} open ones and takes no more`, () => {
      fill(OPEN_MAX)
      expect(store().tickets.insert(ticketRow(65), 100_000)).toBe(false)
      expect(store().tickets.all()).toHaveLength(OPEN_MAX)
      expect(store().tickets.get(ticketRow(65).id)).toBeUndefined()
      store().tickets.delete(ticketRow(30).id)
      expect(store().tickets.insert(ticketRow(65), 100_000)).toBe(true)
      expect(store().tickets.insert(ticketRow(66), 100_000)).toBe(false)
    })

    it('makes room by the oldest one that expired or was spent', () => {
      store().tickets.insert(ticketRow(101, { expiresMs: 9_000 }), 5_000)
      store().tickets.insert(ticketRow(102, { expiresMs: 6_000 }), 5_000)
      fill(OPEN_MAX - 2)
      store().tickets.use(ticketRow(1).id, BOB)
      const left = () =>
        store()
          .tickets.all()
          .map(row => row.id)
      for (const [number, gone] of [
        [201, 102],
        [202, 1]
      ] as const) {
        expect(store().tickets.insert(ticketRow(number), 7_000), `ticket ${number}`).toBe(true)
        expect(left(), `ticket ${number}`).not.toContain(ticketRow(gone).id)
        expect(left()).toHaveLength(OPEN_MAX)
      }
      expect(store().tickets.insert(ticketRow(203), 7_000)).toBe(false)
      expect(store().tickets.insert(ticketRow(203), 9_001)).toBe(true)
      expect(left()).not.toContain(ticketRow(101).id)
    })

    it('forgets those that expired before a time, spent or not', () => {
      store().tickets.insert(ticketRow(1, { expiresMs: 10 }), 0)
      store().tickets.insert(ticketRow(2, { expiresMs: 9, usedBy: [BOB] }), 0)
      store().tickets.insert(ticketRow(3, { expiresMs: 9 }), 0)
      store().tickets.prune(10)
      expect(store().tickets.all()).toStrictEqual([ticketRow(1, { expiresMs: 10 })])
    })
  })
}
