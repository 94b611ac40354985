/** A stored row that waits for its dispatch; the row itself stays in the store. */
export interface Waiting {
  instance: string
  id: string
  epoch: string
  conversation: string
  seq: number
  bytes: number
  /** Monotonic, ms. */
  sinceMs: number
  /** Dispatches in this run that ended with `retry`. */
  retries: number
}

/** What a conversation does next: hands out its next row, waits, or has nothing to do. */
export type Next = { take: Waiting; gap: boolean } | { waitUntilMs: number } | undefined

/** How long a row waits for the ones before it, ms; then the conversation goes on without them. */
const GAP_MAX_MS = 30_000

/** The rows of one conversation with one instance that wait here, in the order of their seq per epoch. One is under way at a time. */
export class Conversation {
  readonly instance: string
  readonly #nextSeq: (epoch: string) => number
  readonly #waiting: Waiting[] = []
  #retryAtMs = 0
  /** A dispatch of this conversation is under way. */
  busy = false

  /** @param nextSeq lowest seq of an epoch that was not dispatched to its end yet */
  constructor(components: { nextSeq: (epoch: string) => number }, init: { instance: string }) {
    this.instance = init.instance
    this.#nextSeq = components.nextSeq
  }

  get empty(): boolean {
    return this.#waiting.length === 0
  }

  /** False where the row waits here already. */
  add(waiting: Waiting): boolean {
    if (this.#waiting.some(one => one.id === waiting.id)) return false
    const later = this.#waiting.findIndex(one => one.epoch === waiting.epoch && one.seq > waiting.seq)
    this.#waiting.splice(later < 0 ? this.#waiting.length : later, 0, waiting)
    return true
  }

  remove(waiting: Waiting): void {
    const place = this.#waiting.indexOf(waiting)
    if (place >= 0) this.#waiting.splice(place, 1)
  }

  /** Holds the whole conversation, so that its order stays. */
  holdUntil(atMs: number): void {
    this.#retryAtMs = atMs
  }

  next(nowMs: number): Next {
    if (this.empty || this.busy) return undefined
    if (this.#retryAtMs > nowMs) return { waitUntilMs: this.#retryAtMs }
    let dueMs = Number.POSITIVE_INFINITY
    const seen = new Set<string>()
    for (const one of this.#waiting) {
      if (seen.has(one.epoch)) continue
      seen.add(one.epoch)
      const gap = one.seq > this.#nextSeq(one.epoch)
      if (!gap || one.sinceMs + GAP_MAX_MS <= nowMs) return { take: one, gap }
      dueMs = Math.min(dueMs, one.sinceMs + GAP_MAX_MS)
    }
    return { waitUntilMs: dueMs }
  }
}
