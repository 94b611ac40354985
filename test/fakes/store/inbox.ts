import type { InboxRow, InboxState, InboxStore } from '../../../src/mesh/ports.ts'
import { INBOX_ENDS } from '../../../src/store/levels.ts'
import type { Journal } from './journal.ts'

export class FakeInbox implements InboxStore {
  readonly #journal: Journal
  readonly #rows = new Map<string, InboxRow>()
  readonly #bySeq = new Map<string, string>()
  readonly #windows = new Map<string, number>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  insert(rows: InboxRow[]): Set<string> {
    return this.#journal.transaction(() => {
      const fresh = new Set<string>()
      for (const row of rows) {
        const key = `${row.instance} ${row.id}`
        const place = `${row.instance} ${row.epoch} ${row.conversation} ${row.seq}`
        if (this.#rows.has(key) || this.#bySeq.has(place)) continue
        if (row.seq < this.nextSeq(row.instance, row.epoch, row.conversation)) continue
        this.#journal.set(this.#rows, key, structuredClone(row))
        this.#journal.set(this.#bySeq, place, key)
        this.#moveWindow(row)
        fresh.add(row.id)
      }
      return fresh
    })
  }

  get(instance: string, id: string): InboxRow | undefined {
    return structuredClone(this.#rows.get(`${instance} ${id}`))
  }

  nextSeq(instance: string, epoch: string, conversation: string): number {
    return this.#windows.get(`${instance} ${epoch} ${conversation}`) ?? 1
  }

  update(instance: string, id: string, change: Partial<InboxRow>): InboxRow | undefined {
    const key = `${instance} ${id}`
    const row = this.#rows.get(key)
    if (row === undefined) return undefined
    const next = { ...row, ...change }
    this.#journal.transaction(() => {
      this.#journal.set(this.#rows, key, next)
      this.#moveWindow(next)
    })
    return structuredClone(next)
  }

  inStates(states: InboxState[], limit: number): InboxRow[] {
    return [...this.#rows.values()]
      .filter(row => states.includes(row.state))
      .slice(0, limit)
      .map(row => structuredClone(row))
  }

  newest(limit: number): InboxRow[] {
    return structuredClone([...this.#rows.values()].reverse().slice(0, limit))
  }

  prune(beforeMs: number, limit: number): number {
    return this.#journal.transaction(() => {
      const old = [...this.#rows.values()]
        .filter(({ state, receivedMs }) => INBOX_ENDS.has(state) && receivedMs < beforeMs)
        .toSorted((a, b) => a.receivedMs - b.receivedMs)
        .slice(0, limit)
      for (const row of old) {
        this.#journal.delete(this.#rows, `${row.instance} ${row.id}`)
        this.#journal.delete(this.#bySeq, `${row.instance} ${row.epoch} ${row.conversation} ${row.seq}`)
        this.#moveWindow(row, row.seq + 1)
      }
      return old.length
    })
  }

  #moveWindow({ instance, epoch, conversation }: InboxRow, atLeast = 1): void {
    const window = `${instance} ${epoch} ${conversation}`
    const first = this.nextSeq(instance, epoch, conversation)
    let next = Math.max(first, atLeast)
    for (;;) {
      const row = this.#rows.get(this.#bySeq.get(`${window} ${next}`) ?? '')
      if (row === undefined || !INBOX_ENDS.has(row.state)) break
      next++
    }
    if (next > first) this.#journal.set(this.#windows, window, next)
  }
}
