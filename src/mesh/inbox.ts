import { bytesEqual, type Content, type Envelope, type Receipt } from '../protocol/index.ts'
import { failure, guarded } from './guard.ts'
import { InboxCaps, keptGauges } from './inbox-caps.ts'
import { type Arrival, openRow, receiptOf, refusal, rowOf } from './inbox-row.ts'
import type { Gauge, InboxRow } from './ports.ts'
import { SignatureCheck, type SignatureCheckComponents, type Unverified } from './signature-check.ts'

export interface InboxComponents extends SignatureCheckComponents {
  /** Queues receipts for a peer; they may be lost, a repeat of the envelope is answered again. */
  send: (peer: string, receipts: Receipt[]) => void
  /** Whether one more message of this instance may wait for its dispatch. */
  room: (instance: string) => boolean
  /** Until when what waits for its dispatch will not become less, wall clock; past or 0 where nobody knows. */
  fullUntilMs: (instance: string) => number
}

/** Bytes of envelopes that wait for their commit or their signature check; beyond it senders are told to come back. */
const HELD_MAX_BYTES = 32 * 1024 * 1024

/** When a sender that was told to come back may do so, ms. */
const DEFER_MS = 5_000

/** The same where the store failed: all goes on within 5 s after a full disk has room again. */
const STORE_DEFER_MS = 2_000

/** Rows taken up again after a restart: what dispatch lets wait, twice. */
const RECOVER_MAX = 20_000

/** Envelopes whose repeats are counted; beyond it the count starts again. */
const REPEATS_MAX = 4_096

/**
 * Keeps what was admitted: persist, then promise. All arrivals of one event-loop turn are one commit; only then their receipts go out, and
 * only after the signature is verified too a row becomes ready for dispatch. A repeat gets the receipt of what became of the first.
 */
export class Inbox {
  readonly #components: InboxComponents
  readonly #check: SignatureCheck
  /** At most REPEATS_MAX. */
  readonly #repeats = new Map<string, number>()
  #arrivals: Arrival[] = []
  #bytes = 0
  #flushing: Promise<void> | undefined
  #stopped = false

  constructor(components: InboxComponents) {
    this.#components = components
    this.#check = new SignatureCheck(components)
  }

  /** Takes an admitted envelope. Its receipt follows through `send`. */
  accept(peer: string, envelope: Envelope, content: Content, hash: Uint8Array): void {
    if (this.#stopped) return
    const arrival = { peer, envelope, content, hash }
    if (this.#bytes + this.#check.bytes + envelope.signed.length > HELD_MAX_BYTES) {
      this.#components.send(peer, [this.#deferral(arrival)])
      return
    }
    this.#bytes += envelope.signed.length
    this.#arrivals.push(arrival)
    this.#flushing ??= new Promise(resolve => setImmediate(resolve)).then(() => this.#flush())
  }

  /** Takes up what a restart interrupted, once, before anything is dispatched. What of it may begin again, the dispatch decides by its state. */
  recover(): void {
    const { store, ready } = this.#components
    const rows = store.inbox.inStates(['received', 'dispatching', 'adopted'], RECOVER_MAX)
    for (const row of rows) if (row.verified) ready(row)
    this.#check.add(rows.filter(row => !row.verified).flatMap(row => this.#reopened(row)))
  }

  gauges(): Gauge[] {
    return [
      { name: 'repeats', size: this.#repeats.size, max: REPEATS_MAX },
      { name: 'bytes not stored yet', size: this.#bytes, max: HELD_MAX_BYTES },
      ...keptGauges(this.#components.store),
      ...this.#check.gauges()
    ]
  }

  /** Resolves when everything accepted so far is stored and checked. */
  async idle(): Promise<void> {
    await this.#flushing
    await this.#check.idle()
  }

  /** Takes nothing more; what is stored and not checked yet is checked after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#flushing
    await this.#check.stop()
  }

  #flush(): void {
    this.#flushing = undefined
    const arrivals = this.#arrivals
    this.#arrivals = []
    this.#bytes = 0
    const stored = guarded(this.#components.log, 'Storing messages', () =>
      this.#components.store.transaction(() => this.#keep(arrivals))
    )
    const receipts = stored?.receipts ?? arrivals.map(arrival => this.#deferral(arrival, { waitMs: STORE_DEFER_MS }))
    const addressed = receipts.map((receipt, index) => ({ receipt, peer: arrivals[index]?.peer ?? '' }))
    for (const [peer, group] of Map.groupBy(addressed, ({ peer }) => peer)) {
      const own = group.map(({ receipt }) => receipt)
      guarded(this.#components.log, 'Sending receipts', () => this.#components.send(peer, own))
    }
    if (stored !== undefined) this.#check.add(stored.fresh)
  }

  /** Inside the transaction: inserts what is new, and says for every arrival, in order, what its receipt is. */
  #keep(arrivals: Arrival[]): { receipts: Receipt[]; fresh: Unverified[] } {
    const { store, clock } = this.#components
    const fresh: Unverified[] = []
    const caps = new InboxCaps(this.#components)
    const receipts = arrivals.map(arrival => {
      const { content, envelope, hash } = arrival
      const known = store.inbox.get(content.from, content.id)
      if (known !== undefined) {
        return bytesEqual(known.hash, hash) ? receiptOf(known, this.#attempt(known)) : refusal(arrival, 'malformed')
      }
      const { kind } = content
      if (kind === 'broadcast' || kind === 'route') return refusal(arrival, 'unsupported')
      const next = store.inbox.nextSeq(content.from, content.epoch, content.conversation)
      const taken = store.inbox.holds(content.from, content.epoch, content.conversation, content.seq)
      if (content.seq < next || taken) return over(arrival, taken)
      if (!this.#components.room(content.from))
        return this.#deferral(arrival, { atLeastMs: this.#components.fullUntilMs(content.from) })
      const row = rowOf(arrival, kind, clock.wallMs())
      if (!caps.take(row, next === 1)) return this.#deferral(arrival)
      // What it made room by may have moved the window over it.
      if (!store.inbox.insert([row]).has(row.id)) return over(arrival, false)
      fresh.push({ row, envelope, key: content.key })
      return receiptOf(row)
    })
    return { receipts, fresh }
  }

  #reopened(row: InboxRow): Unverified[] {
    try {
      const { envelope, content } = openRow(row)
      return [{ row, envelope, key: content.key }]
    } catch (error) {
      this.#components.log.error('A stored message is damaged.', { id: row.id, ...failure(error) })
      this.#components.store.inbox.update(row.instance, row.id, { state: 'rejected', reason: 'failed' })
      return []
    }
  }

  #deferral({ content, hash }: Arrival, { atLeastMs = 0, waitMs = DEFER_MS } = {}): Receipt {
    const untilMs = Math.max(this.#components.clock.wallMs() + waitMs, atLeastMs)
    return { id: content.id, attempt: 1, hash, outcome: 'deferred', reason: 'overloaded', untilMs }
  }

  /** Which arrival of this envelope the present one is, as far as this run remembers. */
  #attempt({ instance, id }: InboxRow): number {
    const key = `${instance} ${id}`
    const attempt = (this.#repeats.get(key) ?? 1) + 1
    this.#repeats.delete(key)
    this.#repeats.set(key, attempt)
    const oldest = this.#repeats.keys().next().value
    if (this.#repeats.size > REPEATS_MAX && oldest !== undefined) this.#repeats.delete(oldest)
    return attempt
  }
}

/**
 * Of an arrival whose seq is used, under an id that is not known. A skip has nothing left to skip. Where another id stands there, the order is broken that
 * its sender promised. Else it was worked on and its row is gone: nobody knows any more what came of it.
 */
function over(arrival: Arrival, taken: boolean): Receipt {
  if (arrival.content.kind === 'skip') return { ...refusal(arrival, 'none'), outcome: 'delivered' }
  return refusal(arrival, taken ? 'malformed' : 'unknown_outcome')
}
