import { describe, expect, it } from 'vitest'
import type { NoticeRow, Store } from '../../src/mesh/ports.ts'

const MAX = 256

/** The part of the Store contract about notices: `store` gives the empty store of the test. */
export function noticesContract(store: () => Store): void {
  describe('notices', () => {
    const add = (subject: string, atMs: number, pauseMs?: number): NoticeRow =>
      store().notices.add({ atMs, subject, text: `${subject} at ${atMs}`, ...(pauseMs !== undefined && { pauseMs }) })
    const subjects = (limit = 1_000) =>
      store()
        .notices.unread(limit)
        .map(row => row.subject)

    it('keeps a notice unshown and unread, and lists the oldest first', () => {
      const first = add('a', 5)
      const second = add('b', 4)
      expect(first).toStrictEqual({ id: first.id, atMs: 5, subject: 'a', text: 'a at 5', shown: false, read: false })
      expect(second.id).toBeGreaterThan(first.id)
      expect(store().notices.unread(9)).toStrictEqual([first, second])
      expect(subjects(1)).toEqual(['a'])
    })

    it('marks what was shown, and what was read up to an id', () => {
      const [first, second, third] = [add('a', 1), add('b', 2), add('c', 3)]
      store().notices.shown(third.id)
      store().notices.read(second.id)
      expect(store().notices.unread(9)).toStrictEqual([{ ...third, shown: true }])
      store().notices.read(first.id)
      expect(subjects()).toEqual(['c'])
    })

    it('dismisses one alone, once', () => {
      const [first, second] = [add('a', 1), add('b', 2)]
      expect(store().notices.dismiss(second.id)).toBe(true)
      expect(subjects()).toEqual(['a'])
      expect([second.id, second.id + 1, 0].map(id => store().notices.dismiss(id))).toEqual([false, false, false])
      expect(store().notices.lastMs('b')).toBe(2)
      expect(store().notices.dismiss(first.id)).toBe(true)
      expect(subjects()).toEqual([])
    })

    it('says one thing once: a newer notice takes the place of the unread one', () => {
      const first = add('a', 1)
      add('b', 2)
      const second = add('a', 3)
      expect(second).toMatchObject({ atMs: 3, text: 'a at 3', shown: false })
      expect(
        store()
          .notices.unread(9)
          .map(row => row.text)
      ).toEqual(['b at 2', 'a at 3'])
      // Who had read up to the old one has not seen the new one.
      store().notices.read(first.id)
      expect(subjects()).toEqual(['b', 'a'])
    })

    it('within its pause keeps the time of the first and whether that was shown', () => {
      const first = add('a', 100, 10)
      expect(add('a', 105, 10)).toMatchObject({ atMs: 100, text: 'a at 105', shown: false })
      store().notices.shown(first.id)
      const second = add('a', 106, 10)
      store().notices.shown(second.id)
      const third = add('a', 109, 10)
      expect(third).toStrictEqual({ ...third, atMs: 100, text: 'a at 109', shown: true })
      expect(store().notices.unread(9)).toStrictEqual([third])
      expect(store().notices.lastMs('a')).toBe(100)
      const after = add('a', 110, 10)
      expect(store().notices.unread(9)).toStrictEqual([{ ...after, atMs: 110, shown: false }])
      expect(store().notices.lastMs('a')).toBe(110)
    })

    it('takes an earlier time for no pause: a clock that was set back mutes nothing', () => {
      add('a', 100, 10)
      expect(add('a', 99, 10)).toMatchObject({ atMs: 99, shown: false })
    })

    it('leaves read ones beside a new one, and knows when a subject came up last', () => {
      const first = add('a', 100, 10)
      store().notices.read(first.id)
      expect(store().notices.lastMs('a')).toBe(100)
      expect(add('a', 105, 10)).toMatchObject({ atMs: 105, shown: false })
      expect(store().notices.lastMs('a')).toBe(105)
      expect(store().notices.lastMs('b')).toBeUndefined()
    })

    it(`keeps ${MAX}: read ones go first, then the oldest`, () => {
      const ids = store().transaction(() => Array.from({ length: MAX }, (_, index) => add(`s${index}`, index).id))
      add('next', 1_000)
      expect(subjects()).toEqual([...ids.slice(1).map((_, index) => `s${index + 1}`), 'next'])
      store().notices.read(ids[2] ?? -1)
      add('other', 1_001)
      expect(subjects()).toHaveLength(MAX - 1)
      expect([1, 2, 3].map(number => store().notices.lastMs(`s${number}`))).toEqual([undefined, 2, 3])
      store().notices.read(ids[3] ?? -1)
      const dismissed = store().notices.unread(9).at(-1)
      store().notices.dismiss(dismissed?.id ?? -1)
      for (const subject of ['x', 'y', 'z']) add(subject, 1_002)
      // What was dismissed goes before what is unread and older.
      expect(store().notices.lastMs(dismissed?.subject ?? '')).toBeUndefined()
      expect(subjects()).toHaveLength(MAX)
      expect(subjects()[0]).toBe('s4')
    })

    it('S-29: forgets all about one instance, read or not, and nothing else', () => {
      const about = (subject: string, whom: string) =>
        store().notices.add({ atMs: 1, subject, text: subject, about: whom })
      const first = about('a', 'ana')
      expect(first).toStrictEqual({ ...first, about: 'ana' })
      store().notices.read(first.id)
      about('b', 'ana')
      const other = about('c', 'ben')
      const last = add('d', 2)
      store().notices.forget('ana')
      expect(store().notices.unread(9)).toStrictEqual([other, last])
      expect(store().notices.lastMs('a')).toBeUndefined()
    })

    it('never gives an id twice, so that nothing new counts as read', () => {
      const first = add('a', 1)
      const second = add('a', 2)
      const third = add('a', 3)
      expect(new Set([first.id, second.id, third.id]).size).toBe(3)
      store().notices.read(third.id)
      expect(add('b', 4).id).toBeGreaterThan(third.id)
    })
  })
}
