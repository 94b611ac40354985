import type { InboxLoad, InboxRow, InboxState, InboxStore } from '../../../src/mesh/ports.ts'
import { INBOX_ENDS } from '../../../src/store/levels.ts'
import type { Journal } from './journal.ts'

interface Window {
  next: number
  movedMs: number
}

const NOTHING: InboxLoad = { entries: 0, bytes: 0, conversations: 0 }
const ROW_BYTES = 512

export class FakeInbox implements InboxStore {
  readonly #journal: Journal
  readonly #wallMs: () => number
  readonly #rows = new Map<string, InboxRow>()
  readonly #bySeq = new Map<string, string>()
  readonly #windows = new Map<string, Window>()
  readonly #loads = new Map<string, InboxLoad>()

  constructor(journal: Journal, wallMs: () => number) {
    this.#journal = journal
    this.#wallMs = wallMs
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
        this.#count(row.instance, { entries: 1, bytes: bytesOf(row) })
        this.#moveWindow(row)
        fresh.add(row.id)
      }
      return fresh
    })
  }

  get(instance: string, id: string): InboxRow | undefined {
    return structuredClone(this.#rows.get(`${instance} ${id}`))
  }

  named(prefix: string, limit: number): InboxRow[] {
    return structuredClone([...this.#rows.values()].filter(({ id }) => id.startsWith(prefix)).slice(0, limit))
  }

  nextSeq(instance: string, epoch: string, conversation: string): number {
    return this.#windows.get(`${instance} ${epoch} ${conversation}`)?.next ?? 1
  }

  holds(instance: string, epoch: string, conversation: string, seq: number): boolean {
    return this.#bySeq.has(`${instance} ${epoch} ${conversation} ${seq}`)
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
      for (const row of old) this.#forget(row)
      return old.length
    })
  }

  kept(instance?: string): InboxLoad {
    if (instance !== undefined) return { ...(this.#loads.get(instance) ?? NOTHING) }
    const sum = { ...NOTHING }
    for (const load of this.#loads.values()) for (const name of KEYS) sum[name] += load[name]
    return sum
  }

  largest(): string | undefined {
    const [most] = [...this.#loads]
      .filter(([, { entries }]) => entries > 0)
      .toSorted(([a, one], [b, other]) => other.bytes - one.bytes || (a < b ? -1 : 1))
    return most?.[0]
  }

  trim(
    instance: string,
    bytes: number,
    { limit, gapBeforeMs }: { limit: number; gapBeforeMs: number }
  ): Pick<InboxLoad, 'entries' | 'bytes'> {
    const freed = { entries: 0, bytes: 0 }
    this.#journal.transaction(() => {
      const ended = [...this.#rows.values()].filter(row => row.instance === instance && INBOX_ENDS.has(row.state))
      const chosen: InboxRow[] = []
      for (const row of ended.slice(0, limit)) {
        if (freed.bytes >= bytes) break
        const next = this.nextSeq(row.instance, row.epoch, row.conversation)
        if (row.seq >= next && row.receivedMs >= gapBeforeMs) continue
        chosen.push(row)
        freed.entries++
        freed.bytes += bytesOf(row)
      }
      for (const row of chosen) this.#forget(row)
    })
    return freed
  }

  pruneWindows(beforeMs: number, limit: number): number {
    return this.#journal.transaction(() => {
      const used = new Set([...this.#rows.values()].map(row => `${row.instance} ${row.epoch} ${row.conversation}`))
      const idle = [...this.#windows]
        .filter(([window, { movedMs }]) => movedMs < beforeMs && !used.has(window))
        .toSorted(([, a], [, b]) => a.movedMs - b.movedMs)
        .slice(0, limit)
      for (const [window] of idle) {
        this.#journal.delete(this.#windows, window)
        this.#count(window.split(' ')[0] ?? '', { conversations: -1 })
      }
      return idle.length
    })
  }

  #forget(row: InboxRow): void {
    this.#journal.delete(this.#rows, `${row.instance} ${row.id}`)
    this.#journal.delete(this.#bySeq, `${row.instance} ${row.epoch} ${row.conversation} ${row.seq}`)
    this.#count(row.instance, { entries: -1, bytes: -bytesOf(row) })
    this.#moveWindow(row, row.seq + 1)
  }

  #count(instance: string, change: Partial<InboxLoad>): void {
    const load = { ...(this.#loads.get(instance) ?? NOTHING) }
    for (const name of KEYS) load[name] += change[name] ?? 0
    this.#journal.set(this.#loads, instance, load)
  }

  #moveWindow({ instance, epoch, conversation }: InboxRow, atLeast = 1): void {
    const window = `${instance} ${epoch} ${conversation}`
    const known = this.#windows.get(window)
    if (known === undefined) this.#count(instance, { conversations: 1 })
    const first = known?.next ?? 1
    let next = Math.max(first, atLeast)
    for (;;) {
      const row = this.#rows.get(this.#bySeq.get(`${window} ${next}`) ?? '')
      if (row === undefined || !INBOX_ENDS.has(row.state)) break
      next++
    }
    if (known === undefined || next > first) this.#journal.set(this.#windows, window, { next, movedMs: this.#wallMs() })
  }
}

const KEYS = ['entries', 'bytes', 'conversations'] as const

function bytesOf({ envelope }: InboxRow): number {
  return envelope.length + ROW_BYTES
}
