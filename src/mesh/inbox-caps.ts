import type { Clock, Gauge, InboxRow, Store } from './ports.ts'

/** What a row counts beyond its envelope, as the store has it: its other columns and its places in indexes. */
const ROW_BYTES = 512

/** What is kept of one peer, as much as an outbox keeps for one: 40,000 short texts or 1,000 of the longest, each with 512 bytes for its row. */
export const KEPT_MAX_BYTES = 32 * 1024 * 1024

/** What is kept of all of them together. */
export const KEPT_TOTAL_MAX_BYTES = 256 * 1024 * 1024

/**
 * Conversations whose window is known, of one peer and in all. None is forgotten while a copy of what was said in it may come, two months: a new one for
 * every minute of those, some 200 bytes each.
 */
export const CONVERSATIONS_MAX = 128 * 1024
export const CONVERSATIONS_TOTAL_MAX = 1024 * 1024

/** What is made free beyond what is needed, so that not every arrival looks for what may go. */
const SLACK_BYTES = 64 * 1024

/** Rows looked at for one arrival: of the shortest texts, more than the longest one needs. */
const LOOK_ROWS = 64

/** Rows forgotten in one commit: in a large inbox each of them is on pages of its own, some 0.5 ms. As many as a sender has in flight. */
const FORGET_MAX_ROWS = 256

/** What is missing in a conversation has had this long to come, ms, before rows that came after it may go: waits of senders are minutes. */
const GAP_WAIT_MS = 24 * 60 * 60 * 1000

/**
 * Room in the inbox while one batch of arrivals is kept, inside its transaction. Where there is none the oldest rows that ended make some: the sender's own
 * for its share, and those of whoever has most for what all share. None of them is new again, and what has not ended stays.
 */
export class InboxCaps {
  readonly #store: Store
  readonly #gapBeforeMs: number
  readonly #total: { bytes: number; conversations: number }
  #left = FORGET_MAX_ROWS
  /** Of whom nothing more may go now; as many as there are senders in the batch. */
  readonly #spent = new Set<string>()

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store
    this.#gapBeforeMs = clock.wallMs() - GAP_WAIT_MS
    this.#total = store.inbox.kept()
  }

  /** False: no room now. What it made free stays free. `fresh`: nothing of this conversation has ended yet. */
  take({ instance, envelope }: Pick<InboxRow, 'instance' | 'envelope'>, fresh: boolean): boolean {
    const { inbox } = this.#store
    const one = inbox.kept(instance)
    const full = one.conversations >= CONVERSATIONS_MAX || this.#total.conversations >= CONVERSATIONS_TOTAL_MAX
    if (fresh && full) return false
    const bytes = envelope.length + ROW_BYTES
    const over = one.bytes + bytes - KEPT_MAX_BYTES
    if (over > 0 && this.#trim(instance, over) < over) return false
    const overAll = this.#total.bytes + bytes - KEPT_TOTAL_MAX_BYTES
    if (overAll > 0) {
      const freed = this.#trim(inbox.largest() ?? instance, overAll)
      if (freed < overAll && freed + this.#trim(instance, overAll - freed) < overAll) return false
    }
    this.#total.bytes += bytes
    if (fresh) this.#total.conversations++
    return true
  }

  #trim(instance: string, bytes: number): number {
    if (this.#left <= 0 || this.#spent.has(instance)) return 0
    const limit = Math.min(LOOK_ROWS, this.#left)
    const freed = this.#store.inbox.trim(instance, bytes + SLACK_BYTES, { limit, gapBeforeMs: this.#gapBeforeMs })
    if (freed.bytes < bytes) this.#spent.add(instance)
    this.#left -= freed.entries
    this.#total.bytes -= freed.bytes
    return freed.bytes
  }
}

export function keptGauges(store: Store): Gauge[] {
  const total = store.inbox.kept()
  const largest = store.inbox.largest()
  const most = largest === undefined ? 0 : store.inbox.kept(largest).bytes
  return [
    { name: 'bytes kept of messages', size: total.bytes, max: KEPT_TOTAL_MAX_BYTES },
    { name: 'bytes kept of messages of one peer', size: most, max: KEPT_MAX_BYTES },
    { name: 'conversations remembered', size: total.conversations, max: CONVERSATIONS_TOTAL_MAX }
  ]
}
