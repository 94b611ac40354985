import { describe, expect, it } from 'vitest'
import type { ContactRow, Store } from '../../src/mesh/ports.ts'
import { contactRow } from './store-rows.ts'

const PENDING_MAX = 64
const REJECTED_MAX = 256

/** The part of the Store contract about contact requests: `store` gives the empty store of the test. */
export function contactsContract(store: () => Store): void {
  describe('contacts', () => {
    const put = (number: number, change?: Partial<ContactRow>) => store().contacts.put(contactRow(number, change))
    const pending = (direction: ContactRow['direction'] = 'incoming') =>
      store()
        .contacts.pending(direction)
        .map(({ instance }) => Number(instance.slice('stranger-'.length)))
    const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

    it('gives back a row as it was, each direction for itself', () => {
      const wish = contactRow(1, { direction: 'outgoing', label: '', purpose: '', address: '' })
      put(1)
      store().contacts.put(wish)
      expect(store().contacts.get('stranger-1', 'incoming')).toStrictEqual(contactRow(1))
      expect(store().contacts.get('stranger-1', 'outgoing')).toStrictEqual(wish)
      expect(store().contacts.pending('outgoing')).toStrictEqual([wish])
      expect(store().contacts.get('stranger-2', 'incoming')).toBeUndefined()
    })

    it('takes a repeated request for the first one with newer words', () => {
      put(1)
      put(2)
      const again = contactRow(1, { purpose: 'please', label: 'calm-otter', address: '192.0.2.9', createdMs: 9_000 })
      store().contacts.put(again)
      expect(store().contacts.pending('incoming')).toStrictEqual([{ ...again, createdMs: 1_001 }, contactRow(2)])
    })

    it('S-25: keeps 4 of one address, and the oldest of it goes', () => {
      put(1, { address: 'other' })
      for (const number of numbers(2, 7)) put(number, { address: 'one' })
      expect(pending()).toEqual([1, 4, 5, 6, 7])
    })

    it('keeps what moves to a full address, and the oldest other one there goes', () => {
      put(1, { address: 'other' })
      for (const number of numbers(2, 5)) put(number, { address: 'one' })
      put(1, { address: 'one' })
      expect(pending()).toEqual([1, 3, 4, 5])
    })

    it('S-25: keeps 64 in all, and makes room by the oldest of the address with most', () => {
      store().transaction(() => {
        for (const number of numbers(1, 58)) put(number)
        for (const number of numbers(59, 61)) put(number, { address: 'three' })
        for (const number of numbers(62, 64)) put(number, { address: 'other three' })
        expect(pending()).toEqual(numbers(1, PENDING_MAX))
        put(65)
        expect(pending()).toEqual([...numbers(1, 58), ...numbers(60, 65)])
        put(66)
        expect(pending()).toEqual([...numbers(1, 58), 60, 61, ...numbers(63, 66)])
        // A third for the address that has two now makes it the one with most.
        put(67, { address: 'three' })
        expect(pending()).toEqual([...numbers(1, 58), 61, ...numbers(63, 67)])
      })
    })

    it('makes room by the oldest of all where every address has one', () => {
      store().transaction(() => {
        for (const number of numbers(1, PENDING_MAX + 2)) put(number)
      })
      expect(pending()).toEqual(numbers(3, PENDING_MAX + 2))
    })

    it('keeps 64 of our own, and the oldest goes, whatever stands beside them', () => {
      store().transaction(() => {
        for (const number of numbers(1, 4)) put(number)
        for (const number of numbers(1, PENDING_MAX + 1)) put(number, { direction: 'outgoing', address: 'one' })
      })
      expect(pending('outgoing')).toEqual(numbers(2, PENDING_MAX + 1))
      expect(pending()).toEqual(numbers(1, 4))
    })

    it('remembers a rejection with nothing of the request but instance, peer and time', () => {
      put(1)
      const memory = contactRow(1, { label: '', purpose: '', address: '', createdMs: 9_000, state: 'rejected' })
      expect(store().contacts.reject('stranger-1', 9_000)).toStrictEqual(memory)
      expect(store().contacts.get('stranger-1', 'incoming')).toStrictEqual(memory)
      expect(pending()).toEqual([])
    })

    it('leaves a rejection as it stands, whoever asks again and however often it is said', () => {
      put(1)
      const memory = store().contacts.reject('stranger-1', 9_000)
      put(1, { purpose: 'please' })
      expect(store().contacts.reject('stranger-1', 9_999)).toBeUndefined()
      expect(store().contacts.get('stranger-1', 'incoming')).toStrictEqual(memory)
      expect(pending()).toEqual([])
    })

    it('rejects nothing that is not there, and no wish of ours', () => {
      put(1, { direction: 'outgoing' })
      expect(store().contacts.reject('stranger-1', 1)).toBeUndefined()
      expect(pending('outgoing')).toEqual([1])
    })

    it('takes no rejection without a request', () => {
      expect(() => put(1, { state: 'rejected' })).toThrow('store_failed')
      expect(store().contacts.get('stranger-1', 'incoming')).toBeUndefined()
    })

    it(`remembers ${REJECTED_MAX} rejections beside 64 requests, and the oldest rejection goes`, () => {
      store().transaction(() => {
        for (const number of numbers(1, PENDING_MAX)) put(number)
        // The request that came last is the rejection that came first.
        for (const number of numbers(1, PENDING_MAX).reverse()) store().contacts.reject(`stranger-${number}`, 1)
        for (const number of numbers(101, 100 + REJECTED_MAX - PENDING_MAX)) {
          put(number)
          store().contacts.reject(`stranger-${number}`, 1)
        }
        for (const number of numbers(1_001, 1_000 + PENDING_MAX)) put(number)
      })
      const state = (number: number) => store().contacts.get(`stranger-${number}`, 'incoming')?.state
      expect(state(64)).toBe('rejected')
      store().contacts.reject('stranger-1001', 1)
      expect([state(64), state(63), state(1), state(1_001)]).toEqual([undefined, 'rejected', 'rejected', 'rejected'])
      expect(pending()).toEqual(numbers(1_002, 1_000 + PENDING_MAX))
    })

    it('deletes requests and rejections of one direction, and says whether there were any', () => {
      put(1)
      put(1, { direction: 'outgoing' })
      put(2)
      store().contacts.reject('stranger-2', 1)
      expect(store().contacts.delete('stranger-1', 'incoming')).toBe(true)
      expect(store().contacts.delete('stranger-1', 'incoming')).toBe(false)
      expect(store().contacts.delete('stranger-2', 'incoming')).toBe(true)
      expect(pending('outgoing')).toEqual([1])
      put(2)
      expect(pending()).toEqual([2])
    })

    it('forgets what is from before a time, by the time of the rejection where there was one', () => {
      put(1, { createdMs: 9 })
      put(2, { createdMs: 10 })
      put(3, { createdMs: 9, direction: 'outgoing' })
      for (const [number, nowMs] of [
        [4, 9],
        [5, 10]
      ] as const) {
        put(number, { createdMs: 1 })
        store().contacts.reject(`stranger-${number}`, nowMs)
      }
      store().contacts.prune(10)
      expect([pending(), pending('outgoing')]).toEqual([[2], []])
      expect(store().contacts.get('stranger-4', 'incoming')).toBeUndefined()
      expect(store().contacts.get('stranger-5', 'incoming')?.state).toBe('rejected')
    })
  })
}
