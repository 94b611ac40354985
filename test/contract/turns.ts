import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/mesh/ports.ts'
import { ALICE, BOB, CONVERSATION, idOf, turnRow } from './store-rows.ts'

/** The part of the Store contract about turns: `store` gives the empty store of the test. */
export function turnsContract(store: () => Store): void {
  describe('turns', () => {
    it('S-24: counts turns and characters of whatever the filter names, and of all', () => {
      store().turns.add(turnRow(1))
      store().turns.add(turnRow(2, { conversation: 'other', characters: 20 }))
      store().turns.add(turnRow(3, { instance: BOB, root: idOf(2), characters: 40 }))
      const since = (filter?: Parameters<Store['turns']['since']>[1]) => store().turns.since(0, filter)
      expect(since()).toEqual({ turns: 3, characters: 70 })
      expect(since({})).toEqual({ turns: 3, characters: 70 })
      expect(since({ instance: ALICE })).toEqual({ turns: 2, characters: 30 })
      expect(since({ conversation: CONVERSATION })).toEqual({ turns: 2, characters: 50 })
      expect(since({ root: idOf(1) })).toEqual({ turns: 2, characters: 30 })
      expect(since({ instance: ALICE, conversation: CONVERSATION, root: idOf(1) })).toEqual({
        turns: 1,
        characters: 10
      })
      expect(since({ instance: BOB, root: idOf(1) })).toEqual({ turns: 0, characters: 0 })
    })

    it('counts from a time on, that time included', () => {
      for (const atMs of [10, 20, 30]) store().turns.add(turnRow(atMs))
      expect(store().turns.since(20).turns).toBe(2)
      expect(store().turns.since(21, { instance: ALICE }).turns).toBe(1)
      expect(store().turns.since(31)).toEqual({ turns: 0, characters: 0 })
    })

    it('adds characters to the turn that the number names, and to no other', () => {
      const first = store().turns.add(turnRow(1))
      const second = store().turns.add(turnRow(2, { instance: BOB }))
      expect(second).not.toBe(first)
      store().turns.count(first, 5)
      store().turns.count(first, 7)
      expect(store().turns.since(0, { instance: ALICE })).toEqual({ turns: 1, characters: 22 })
      expect(store().turns.since(0, { instance: BOB })).toEqual({ turns: 1, characters: 10 })
    })

    it('takes back a turn, and gives its number to no other', () => {
      const first = store().turns.add(turnRow(1))
      const second = store().turns.add(turnRow(2, { characters: 20 }))
      store().turns.remove(second)
      store().turns.remove(second)
      expect(store().turns.since(0)).toEqual({ turns: 1, characters: 10 })
      expect([first, second]).not.toContain(store().turns.add(turnRow(3)))
    })

    it('takes turns from after a time for turns of that time, and leaves the others', () => {
      store().turns.add(turnRow(9))
      store().turns.add(turnRow(30, { instance: BOB, characters: 40 }))
      store().turns.restamp(20)
      expect(store().turns.since(21)).toEqual({ turns: 0, characters: 0 })
      expect(store().turns.since(20)).toEqual({ turns: 1, characters: 40 })
      expect(store().turns.since(9)).toEqual({ turns: 2, characters: 50 })
    })

    it('forgets turns from before a time; a late count then changes nothing', () => {
      const old = store().turns.add(turnRow(9))
      store().turns.prune(10)
      const next = store().turns.add(turnRow(10))
      expect(next).not.toBe(old)
      store().turns.count(old, 1_000)
      store().turns.prune(10)
      expect(store().turns.since(0)).toEqual({ turns: 1, characters: 10 })
    })
  })
}
