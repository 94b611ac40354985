import type { AftermathStore, LateCount, OutboxEntry, OutboxState } from '../../../src/mesh/ports.ts'
import type { Journal } from './journal.ts'
import type { FakeOutbox } from './outbox.ts'

const ENDS: readonly OutboxState[] = ['rejected', 'expired']
const ARRIVALS: readonly OutboxState[] = ['received', 'delivered', 'answered']
const NEWS: readonly OutboxState[] = ['delivered', 'answered', ...ENDS]

export class FakeAftermath implements AftermathStore {
  readonly #journal: Journal
  readonly #outbox: FakeOutbox
  readonly #told = new Map<string, OutboxState>()
  readonly #newsMs = new Map<string, number>()
  readonly #said = new Map<string, 'waits' | 'ended' | 'arrived'>()

  constructor(journal: Journal, outbox: FakeOutbox) {
    this.#journal = journal
    this.#outbox = outbox
  }

  get(id: string): OutboxEntry | undefined {
    return this.#entries().find(entry => entry.id === id)
  }

  waiting(limit: number): OutboxEntry[] {
    return this.#waiting().slice(0, limit)
  }

  waitingCount(): number {
    return this.#waiting().length
  }

  deadLetters(limit: number): OutboxEntry[] {
    return this.#dead().reverse().slice(0, limit)
  }

  deadLetterCount(): number {
    return this.#dead().length
  }

  dismiss(id: string): boolean {
    return this.#dismiss(this.#dead().filter(entry => entry.id === id)) > 0
  }

  dismissAll(which: { instance: string } | { keep: number }): number {
    const dead = this.#dead()
    return this.#dismiss(
      'keep' in which
        ? dead.slice(0, Math.max(0, dead.length - which.keep))
        : dead.filter(({ instance }) => instance === which.instance)
    )
  }

  nextExpiryMs(): number | undefined {
    const open = [...this.#outbox.all()].filter(({ state }) => state === 'queued' || state === 'received')
    return open.map(({ expiresMs }) => expiresMs).toSorted((a, b) => a - b)[0]
  }

  oldestUnsaidMs(): number | undefined {
    const [oldest] = this.#unsaid()
    return oldest?.createdMs
  }

  sayWaiting(createdMs: number, limit: number): Map<string, number> {
    const due = this.#unsaid().filter(entry => entry.createdMs <= createdMs)
    const counts = new Map<string, number>()
    for (const { id, instance } of due.slice(0, limit)) {
      this.#journal.transaction(() => this.#journal.set(this.#said, id, 'waits'))
      counts.set(instance, (counts.get(instance) ?? 0) + 1)
    }
    return counts
  }

  sayLate(limit: number): LateCount[] {
    const counts = new Map<string, LateCount>()
    const entries = this.#entries()
    const ends = entries.filter(({ id, state }) => ENDS.includes(state) && this.#said.get(id) !== 'ended')
    const late = entries.filter(
      ({ id, state }) => ARRIVALS.includes(state) && ['waits', 'ended'].includes(this.#said.get(id) ?? '')
    )
    for (const { id, instance, state } of [...ends, ...late].slice(0, limit)) {
      const count = counts.get(instance) ?? { instance, arrived: 0, rejected: 0, expired: 0 }
      counts.set(instance, count)
      const ended = state === 'rejected' || state === 'expired'
      this.#journal.transaction(() => this.#journal.set(this.#said, id, ended ? 'ended' : 'arrived'))
      count[ended ? state : 'arrived']++
    }
    return [...counts.values()]
  }

  sayEnded(id: string): void {
    const entry = this.get(id)
    if (entry === undefined || !ENDS.includes(entry.state)) return
    this.#journal.transaction(() => this.#journal.set(this.#said, id, 'ended'))
  }

  untold(limit: number, afterId?: string): OutboxEntry[] {
    const entries = this.#entries()
    const start = afterId === undefined ? 0 : entries.findIndex(({ id }) => id === afterId) + 1
    return entries
      .slice(start)
      .filter(({ session, state, told }) => session !== undefined && NEWS.includes(state) && told !== state)
      .slice(0, limit)
  }

  tell(id: string, state: OutboxState, newsMs?: number): void {
    this.#journal.transaction(() => {
      this.#journal.set(this.#told, id, state)
      if (newsMs === undefined) this.#journal.delete(this.#newsMs, id)
      else this.#journal.set(this.#newsMs, id, newsMs)
    })
  }

  untell(id: string): void {
    this.#journal.transaction(() => {
      this.#journal.delete(this.#told, id)
      this.#journal.delete(this.#newsMs, id)
    })
  }

  heard(id: string): void {
    this.#journal.transaction(() => this.#journal.delete(this.#newsMs, id))
  }

  retell(sinceMs: number, limit: number): number {
    const due = [...this.#newsMs].filter(([, newsMs]) => newsMs >= sinceMs).toSorted(([, a], [, b]) => b - a)
    for (const [id] of due.slice(0, limit)) this.untell(id)
    return Math.min(limit, due.length)
  }

  #entries(): OutboxEntry[] {
    return [...this.#outbox.all()]
      .filter(({ kind }) => kind !== 'skip')
      .map(({ envelope: _, hash: __, ...row }) => {
        const told = this.#told.get(row.id)
        const { dismissed, reached } = this.#outbox
        const flags = { dismissed: dismissed.has(row.id), reached: reached.has(row.id) }
        return { ...row, ...(told !== undefined && { told }), ...flags }
      })
  }

  #waiting(): OutboxEntry[] {
    return this.#entries().filter(({ state }) => state === 'queued' || state === 'received')
  }

  #dead(): OutboxEntry[] {
    return this.#entries().filter(entry => this.#outbox.isDead(entry))
  }

  #unsaid(): OutboxEntry[] {
    return this.#entries()
      .filter(({ id, state }) => state === 'queued' && !this.#said.has(id))
      .toSorted((a, b) => a.createdMs - b.createdMs)
  }

  #dismiss(entries: OutboxEntry[]): number {
    this.#journal.transaction(() => {
      for (const { id } of entries) {
        this.#journal.set(this.#outbox.dismissed, id, true)
        this.#journal.set(this.#said, id, 'ended')
      }
    })
    return entries.length
  }
}
