import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RouteEntry, Store, TrustRecord } from '../../src/mesh/ports.ts'
import { aftermathContract } from './aftermath.ts'
import { contactsContract } from './contacts.ts'
import { inboxContract } from './inbox.ts'
import { noticesContract } from './notices.ts'
import { outboxContract } from './outbox.ts'
import {
  ALICE,
  BOB,
  CONVERSATION,
  contactRow,
  EPOCH,
  idOf,
  inboxRow,
  outboxRow,
  ticketRow,
  turnRow
} from './store-rows.ts'
import { ticketsContract } from './tickets.ts'
import { turnsContract } from './turns.ts'

function trustRecord(change: Partial<TrustRecord> = {}): TrustRecord {
  return {
    instance: ALICE,
    peers: [],
    level: 'paired',
    sinceMs: 5,
    how: 'ticket',
    revision: 0,
    tombstone: false,
    ...change
  }
}

/** What every Store does, fake or real. `open` gives an empty one; `dispose` takes away what it left behind. */
export function storeContract(name: string, open: () => { store: Store; dispose: () => void }): void {
  describe(`${name}: the Store contract`, () => {
    let store: Store
    let dispose: () => void

    beforeEach(() => {
      ;({ store, dispose } = open())
    })

    afterEach(async () => {
      await store.close()
      dispose()
    })

    const seqs = (rows: Array<{ seq: number }>) => rows.map(row => row.seq)

    it('has an epoch of 16 hex digits', () => {
      expect(store.epoch).toMatch(/^[0-9a-f]{16}$/)
    })

    it('keeps values', () => {
      expect(store.value('label')).toBeUndefined()
      store.setValue('label', 'brisk otter')
      store.setValue('label', 'calm otter')
      expect(store.value('label')).toBe('calm otter')
      expect(store.value('__proto__')).toBeUndefined()
    })

    describe('transaction', () => {
      it('returns what the work returned, and keeps what it wrote', () => {
        const write = () => {
          store.setValue('a', '1')
          return 'result'
        }
        expect(store.transaction(write)).toBe('result')
        expect(store.value('a')).toBe('1')
      })

      it('takes everything back when the work throws', () => {
        store.outbox.insert([outboxRow(1)])
        expect(() =>
          store.transaction(() => {
            store.setValue('a', '1')
            store.outbox.insert([outboxRow(2)])
            store.outbox.advance(idOf(1), 'received')
            store.inbox.insert([inboxRow(1, { state: 'done' })])
            store.trust.put(trustRecord())
            store.tickets.insert(ticketRow(1), 0)
            store.contacts.put(contactRow(1))
            store.turns.add(turnRow(1))
            store.notices.add({ atMs: 1, subject: 's', text: 't' })
            throw new RangeError('planned')
          })
        ).toThrow(RangeError)
        expect(store.value('a')).toBeUndefined()
        expect(seqs(store.outbox.queued(ALICE, 10))).toEqual([1])
        expect(store.outbox.lastSeq(ALICE, CONVERSATION)).toBe(1)
        expect(store.outbox.load()).toEqual({ entries: 1, bytes: 3 })
        expect(store.inbox.get(ALICE, idOf(1))).toBeUndefined()
        expect(store.inbox.nextSeq(ALICE, EPOCH, CONVERSATION)).toBe(1)
        expect(store.trust.all()).toEqual([])
        expect(store.tickets.all()).toEqual([])
        expect(store.contacts.pending('incoming')).toEqual([])
        expect(store.turns.since(0)).toEqual({ turns: 0, characters: 0 })
        expect(store.notices.unread(1)).toEqual([])
      })

      it('takes back changes and deletions of rows that were there, their order too', () => {
        store.tickets.insert(ticketRow(1), 0)
        store.tickets.insert(ticketRow(2), 0)
        for (const number of [1, 2, 3]) store.contacts.put(contactRow(number))
        const turn = store.turns.add(turnRow(1))
        const notices = ['a', 'b'].map(subject => store.notices.add({ atMs: 1, subject, text: 't' }))
        expect(() =>
          store.transaction(() => {
            store.tickets.use(ticketRow(1).id, ALICE)
            store.tickets.delete(ticketRow(2).id)
            store.contacts.reject('stranger-1', 9)
            store.contacts.put(contactRow(2, { purpose: 'other' }))
            store.contacts.delete('stranger-3', 'incoming')
            store.turns.count(turn, 5)
            store.turns.prune(9)
            store.notices.shown(notices[0]?.id ?? -1)
            store.notices.add({ atMs: 2, subject: 'a', text: 'u' })
            store.notices.read(99)
            throw new RangeError('planned')
          })
        ).toThrow(RangeError)
        expect(store.tickets.all()).toStrictEqual([ticketRow(2), ticketRow(1)])
        expect(store.contacts.pending('incoming')).toStrictEqual([1, 2, 3].map(number => contactRow(number)))
        expect(store.turns.since(0)).toEqual({ turns: 1, characters: 10 })
        expect(store.notices.unread(9)).toStrictEqual(notices)
      })

      it('joins a nested call: the outer throw takes the inner work back', () => {
        expect(() =>
          store.transaction(() => {
            store.transaction(() => store.setValue('inner', '1'))
            throw new Error('planned')
          })
        ).toThrow('planned')
        expect(store.value('inner')).toBeUndefined()
      })

      it('takes back only the nested part when the outer work goes on after its throw', () => {
        store.transaction(() => {
          store.setValue('outer', '1')
          expect(() =>
            store.transaction(() => {
              store.setValue('outer', '2')
              store.setValue('inner', '1')
              throw new Error('planned')
            })
          ).toThrow('planned')
          store.setValue('after', '1')
        })
        expect([store.value('outer'), store.value('inner'), store.value('after')]).toEqual(['1', undefined, '1'])
      })

      it('refuses work that waits', () => {
        expect(() => store.transaction(async () => store.setValue('a', '1'))).toThrow('cannot wait')
        expect(store.value('a')).toBeUndefined()
      })

      it('works after a throw', () => {
        expect(() =>
          store.transaction(() => {
            throw new Error('planned')
          })
        ).toThrow('planned')
        store.transaction(() => store.setValue('a', '1'))
        expect(store.value('a')).toBe('1')
      })
    })

    outboxContract(() => store)
    aftermathContract(() => store)
    inboxContract(() => store)
    ticketsContract(() => store)
    contactsContract(() => store)
    turnsContract(() => store)
    noticesContract(() => store)

    describe('trust', () => {
      it('compares and sets on the revision', () => {
        const first = store.trust.put(trustRecord({ petname: 'Ada', peers: ['12D3KooWAlice'] }))
        expect(first).toStrictEqual(trustRecord({ petname: 'Ada', peers: ['12D3KooWAlice'], revision: 1 }))
        expect(store.trust.put(trustRecord({ level: 'trusted' }))).toBeUndefined()
        expect(store.trust.put(trustRecord({ level: 'trusted', revision: 2 }))).toBeUndefined()
        expect(store.trust.get(ALICE)).toStrictEqual(first)
        const second = store.trust.put(trustRecord({ level: 'blocked', revision: 1 }))
        expect(second).toStrictEqual(trustRecord({ level: 'blocked', revision: 2 }))
        expect(store.trust.get(ALICE)).toStrictEqual(second)
      })

      it('refuses the first write of a record that was never there at a later revision', () => {
        expect(store.trust.put(trustRecord({ revision: 3 }))).toBeUndefined()
        expect(store.trust.get(ALICE)).toBeUndefined()
      })

      it('keeps a tombstone, so a stale record cannot come back', () => {
        const record = store.trust.put(trustRecord())
        store.trust.put(trustRecord({ level: 'unknown', tombstone: true, revision: 1 }))
        expect(store.trust.put({ ...trustRecord(), revision: record?.revision ?? -1 })).toBeUndefined()
        expect(store.trust.all()).toStrictEqual([trustRecord({ level: 'unknown', tombstone: true, revision: 2 })])
      })

      it('lists all in the order of their first write', () => {
        store.trust.put(trustRecord({ instance: BOB }))
        store.trust.put(trustRecord())
        store.trust.put(trustRecord({ instance: BOB, level: 'trusted', revision: 1 }))
        expect(store.trust.all().map(record => record.instance)).toEqual([BOB, ALICE])
      })
    })

    describe('routes', () => {
      const entry: RouteEntry = {
        instance: ALICE,
        peer: '12D3KooWAlice',
        label: 'brisk-otter',
        addresses: ['/ip4/127.0.0.1/tcp/4001'],
        seq: 3,
        lastSeenMs: 9
      }

      it('loads what was saved, before and after the flush', async () => {
        expect(store.routes.load()).toEqual([])
        store.routes.save([entry])
        expect(store.routes.load()).toEqual([entry])
        await store.routes.flush()
        expect(store.routes.load()).toEqual([entry])
        store.routes.save([])
        await store.routes.flush()
        expect(store.routes.load()).toEqual([])
      })
    })

    it('refuses writes after close with store_failed', async () => {
      await store.close()
      expect(() => store.setValue('a', '1')).toThrow('store_failed')
      expect(() => store.transaction(() => 1)).toThrow('store_failed')
      expect(() => store.tickets.insert(ticketRow(1), 0)).toThrow('store_failed')
      expect(() => store.contacts.put(contactRow(1))).toThrow('store_failed')
      expect(() => store.turns.add(turnRow(1))).toThrow('store_failed')
      expect(() => store.notices.add({ atMs: 1, subject: 's', text: 't' })).toThrow('store_failed')
      await store.close()
    })
  })
}
