import { MeshError } from '../../src/mesh/errors.ts'
import type {
  InboxRow,
  InboxState,
  InboxStore,
  OutboxRow,
  OutboxState,
  OutboxStore,
  RouteEntry,
  RouteStore,
  Store,
  TrustRecord,
  TrustStore
} from '../../src/mesh/ports.ts'
import { advanced, INBOX_ENDS } from '../../src/store/levels.ts'

export interface FakeStoreInit {
  epoch?: string
}

/**
 * The Store port in memory, held to the same contract suite as the real one. Maps keep insertion order, which is
 * "oldest first".
 */
export class FakeStore implements Store {
  readonly epoch: string
  readonly outbox: OutboxStore
  readonly inbox: InboxStore
  readonly trust: TrustStore
  readonly routes: FakeRoutes
  /** Set to make every write throw it, as a full disk would. */
  failure: MeshError | undefined
  /** Commits so far; a call outside a transaction is one commit. */
  commits = 0
  closed = false
  readonly #journal: Journal
  readonly #values = new Map<string, string>()

  constructor({ epoch = '00112233aabbccdd' }: FakeStoreInit = {}) {
    this.epoch = epoch
    this.#journal = new Journal(this)
    this.outbox = new FakeOutbox(this.#journal)
    this.inbox = new FakeInbox(this.#journal)
    this.trust = new FakeTrust(this.#journal)
    this.routes = new FakeRoutes()
  }

  transaction<T>(work: () => T): T {
    return this.#journal.transaction(work)
  }

  value(key: string): string | undefined {
    return this.#values.get(key)
  }

  setValue(key: string, value: string): void {
    this.#journal.transaction(() => this.#journal.set(this.#values, key, value))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.routes.flush()
  }
}

/** Undo log: what a throw inside `transaction` takes back. */
class Journal {
  readonly #store: FakeStore
  readonly #undo: Array<() => void> = []
  #depth = 0

  constructor(store: FakeStore) {
    this.#store = store
  }

  transaction<T>(work: () => T): T {
    if (this.#store.closed) throw new MeshError('store_failed', { detail: 'the store is closed' })
    const mark = this.#undo.length
    this.#depth++
    try {
      const result = work()
      if (result instanceof Promise) throw new MeshError('internal', { detail: 'a transaction cannot wait' })
      if (this.#depth === 1) {
        this.#undo.length = 0
        this.#store.commits++
      }
      return result
    } catch (error) {
      while (this.#undo.length > mark) this.#undo.pop()?.()
      throw error
    } finally {
      this.#depth--
    }
  }

  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#store.failure !== undefined) throw this.#store.failure
    const before = map.get(key)
    this.#undo.push(before === undefined ? () => map.delete(key) : () => map.set(key, before))
    map.set(key, value)
  }

  delete<K, V>(map: Map<K, V>, key: K): void {
    if (this.#store.failure !== undefined) throw this.#store.failure
    const before = map.get(key)
    if (before !== undefined) this.#undo.push(() => map.set(key, before))
    map.delete(key)
  }
}

class FakeOutbox implements OutboxStore {
  readonly #journal: Journal
  readonly #rows = new Map<string, OutboxRow>()
  readonly #byKey = new Map<string, string>()
  readonly #places = new Map<string, string>()
  readonly #lastSeqs = new Map<string, number>()

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
    this.#journal.transaction(() => this.#journal.set(this.#rows, id, next))
    return copyOf(next)
  }

  expire(nowMs: number): OutboxRow[] {
    return this.#journal.transaction(() => {
      const past = [...this.#rows.values()].filter(row => row.expiresMs <= nowMs)
      return past.map(row => this.advance(row.id, 'expired')).filter(row => row !== undefined)
    })
  }

  prune(beforeMs: number, limit: number): number {
    return this.#journal.transaction(() => {
      const old = [...this.#rows.values()]
        .filter(({ state, expiresMs }) => state !== 'queued' && state !== 'received' && expiresMs < beforeMs)
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

class FakeInbox implements InboxStore {
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

class FakeTrust implements TrustStore {
  readonly #journal: Journal
  readonly #records = new Map<string, TrustRecord>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get(instance: string): TrustRecord | undefined {
    return structuredClone(this.#records.get(instance))
  }

  all(): TrustRecord[] {
    return [...this.#records.values()].map(record => structuredClone(record))
  }

  put(record: TrustRecord): TrustRecord | undefined {
    if ((this.#records.get(record.instance)?.revision ?? 0) !== record.revision) return undefined
    const next = structuredClone({ ...record, revision: record.revision + 1 })
    this.#journal.transaction(() => this.#journal.set(this.#records, record.instance, next))
    return structuredClone(next)
  }
}

class FakeRoutes implements RouteStore {
  /** What an earlier version left. */
  former: RouteEntry[] = []
  #entries: RouteEntry[] = []

  load(): RouteEntry[] {
    return structuredClone(this.#entries)
  }

  hints(): RouteEntry[] {
    return structuredClone(this.former)
  }

  save(entries: RouteEntry[]): void {
    this.#entries = structuredClone(entries)
  }

  async flush(): Promise<void> {}
}

/** Quicker than structuredClone where a model keeps tens of thousands of rows. */
function copyOf(row: OutboxRow): OutboxRow {
  return { ...row, envelope: row.envelope.slice(), hash: row.hash.slice() }
}
