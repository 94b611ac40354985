import { MeshError } from '../../../src/mesh/errors.ts'
import type { OutboxRow, OutboxState, OutboxStore } from '../../../src/mesh/ports.ts'
import { advanced, isAtPeer } from '../../../src/store/levels.ts'
import type { Journal } from './journal.ts'

export class FakeOutbox implements OutboxStore {
  readonly #journal: Journal
  readonly #rows = new Map<string, OutboxRow>()
  readonly #byKey = new Map<string, string>()
  readonly #places = new Map<string, string>()
  readonly #lastSeqs = new Map<string, number>()
  /** Ids of the dead letters that the owner need not see again. */
  readonly dismissed = new Map<string, true>()
  /** Ids of those that the peer has said it stores. */
  readonly reached = new Map<string, true>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  lastSeq(instance: string, conversation: string): number {
    return this.#lastSeqs.get(`${instance} ${conversation}`) ?? 0
  }

  insert(rows: OutboxRow[]): void {
    this.#journal.transaction(() => {
      for (const row of rows) {
        const lane = `${row.instance} ${row.conversation}`
        const place = `${lane} ${row.seq} ${row.kind === 'skip'}`
        const key = row.idempotencyKey
        if (this.#rows.has(row.id) || this.#places.has(place) || (key !== undefined && this.#byKey.has(key))) {
          throw new MeshError('store_failed', { detail: 'the outbox has this id, seq or idempotency key already' })
        }
        this.#journal.set(this.#rows, row.id, copyOf(row))
        this.#journal.set(this.#places, place, row.id)
        if (isAtPeer(row.state)) this.#journal.set(this.reached, row.id, true)
        this.#journal.set(this.#lastSeqs, lane, Math.max(row.seq, this.#lastSeqs.get(lane) ?? 0))
        if (key !== undefined) this.#journal.set(this.#byKey, key, row.id)
      }
    })
  }

  get(id: string): OutboxRow | undefined {
    const row = this.#rows.get(id)
    return row && copyOf(row)
  }

  byIdempotencyKey(key: string): OutboxRow | undefined {
    const id = this.#byKey.get(key)
    return id === undefined ? undefined : this.get(id)
  }

  releaseKey(id: string): void {
    const row = this.#rows.get(id)
    if (row?.idempotencyKey === undefined) return
    const { idempotencyKey: key, ...rest } = row
    this.#journal.transaction(() => {
      this.#journal.set(this.#rows, id, rest)
      this.#journal.delete(this.#byKey, key)
    })
  }

  queued(instance: string, limit: number, afterId?: string): OutboxRow[] {
    return this.#inStates(['queued'], instance, limit, afterId)
  }

  unsettled(instance: string, limit: number, afterId?: string): OutboxRow[] {
    return this.#inStates(['queued', 'received'], instance, limit, afterId)
  }

  #inStates(states: OutboxState[], instance: string, limit: number, afterId?: string): OutboxRow[] {
    const rows = [...this.#rows.values()]
    const start = afterId === undefined ? 0 : rows.findIndex(row => row.id === afterId) + 1
    return rows
      .slice(start)
      .filter(row => row.instance === instance && states.includes(row.state))
      .slice(0, limit)
      .map(copyOf)
  }

  load(instance?: string): { entries: number; bytes: number } {
    const load = { entries: 0, bytes: 0 }
    for (const row of this.#rows.values()) {
      if (!isWaiting(row) || (instance !== undefined && row.instance !== instance)) continue
      load.entries++
      load.bytes += row.envelope.byteLength
    }
    return load
  }

  waitingInstances(): string[] {
    const waiting = [...this.#rows.values()].filter(isWaiting)
    return [...new Set(waiting.map(row => row.instance))]
  }

  advance(id: string, state: OutboxState, details?: Pick<OutboxRow, 'reason' | 'replyId'>): OutboxRow | undefined {
    const row = this.#rows.get(id)
    const next = row && advanced(row, state, details)
    if (next === undefined) return undefined
    this.#journal.transaction(() => {
      this.#journal.set(this.#rows, id, next)
      if (isAtPeer(state)) this.#journal.set(this.reached, id, true)
    })
    return copyOf(next)
  }

  expire(nowMs: number, limit: number): OutboxRow[] {
    return this.#journal.transaction(() => {
      const past = [...this.#rows.values()]
        .filter(({ state, expiresMs }) => (state === 'queued' || state === 'received') && expiresMs <= nowMs)
        .toSorted((a, b) => a.expiresMs - b.expiresMs)
        .slice(0, limit)
      return past.map(row => this.advance(row.id, 'expired')).filter(row => row !== undefined)
    })
  }

  /** In the order of insertion, and not copied: nobody may change them. */
  all(): Iterable<Readonly<OutboxRow>> {
    return this.#rows.values()
  }

  isDead({ id, state, kind }: Pick<OutboxRow, 'id' | 'state' | 'kind'>): boolean {
    return (state === 'rejected' || state === 'expired') && kind !== 'skip' && !this.dismissed.has(id)
  }

  prune(beforeMs: number, limit: number): number {
    return this.#journal.transaction(() => {
      const old = [...this.#rows.values()]
        .filter(({ state, expiresMs }) => state !== 'queued' && state !== 'received' && expiresMs < beforeMs)
        .filter(row => !this.isDead(row))
        .toSorted((a, b) => a.expiresMs - b.expiresMs)
        .slice(0, limit)
      for (const row of old) {
        this.#journal.delete(this.#rows, row.id)
        this.#journal.delete(this.#places, `${row.instance} ${row.conversation} ${row.seq} ${row.kind === 'skip'}`)
        if (row.idempotencyKey !== undefined) this.#journal.delete(this.#byKey, row.idempotencyKey)
      }
      return old.length
    })
  }
}

function isWaiting({ state, kind }: OutboxRow): boolean {
  return state === 'queued' && kind !== 'skip'
}

/** Quicker than structuredClone where a model keeps tens of thousands of rows. */
function copyOf(row: OutboxRow): OutboxRow {
  return { ...row, envelope: row.envelope.slice(), hash: row.hash.slice() }
}
