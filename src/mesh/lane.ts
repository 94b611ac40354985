import type { Envelope, Receipt } from '../protocol/index.ts'
import { bytesEqual, decodeEnvelope } from '../protocol/index.ts'
import { Alarm } from './alarm.ts'
import { failure } from './guard.ts'
import type { Clock, Gauge, Log, Network, OutboxRow, Store } from './ports.ts'

/** Sent and not yet receipted, per peer: a full round trip of a fast relay at 1 KiB each, and a bound for what the receiver must take at once. */
export const WINDOW_ENVELOPES = 256
export const WINDOW_BYTES = 512 * 1024

/** Rows read from the store at once: 2 MiB of the longest texts. */
const FETCH_ROWS = 64

/** Fresh rows kept in memory for a busy link; beyond, they are read back from the store. */
const READY_MAX_ROWS = WINDOW_ENVELOPES

/** No receipt for this long on a live link: the frame was lost in the peer, not on the way. Longer than any commit or pause of a healthy one. */
export const RESEND_MS = 30_000

/** Pause before a store that failed is asked again, ms: a full disk is not freed within a blink. */
export const RETRY_MS = 5_000

/** After receipts of which a full disk took no note, ms: a peer repeats none by itself, and the disk may have room by then. */
export const ASK_AGAIN_MS = 2_000

/** A deferral is honoured within these bounds, whatever the peer's clock says. */
const HOLD_MIN_MS = 1_000
export const HOLD_MAX_MS = 5 * 60 * 1000

/** Conversations on hold per peer. Beyond, the oldest is tried again early, and deferred again. */
const HOLDS_MAX = 1_024

interface InFlight {
  bytes: number
  sentMs: number
}

/** What a batch of receipts did. */
interface Advance {
  /** Rows that are no longer in flight. */
  answered: string[]
  changed: OutboxRow[]
  /** Conversations that the peer deferred, and until when by its clock. */
  rests: Array<{ conversation: string; untilMs: number | undefined }>
}

export interface LaneInit {
  peer: string
  instance: string
  /** Inside the transaction that ended them: rows that may never have reached the peer. */
  owe: (rows: OutboxRow[]) => void
  /** After the commit: rows that advanced or ended. */
  changed: (rows: OutboxRow[]) => void
}

/**
 * One link's worth of sending: the rows queued for one peer, in order, with a window in flight. It lives as long as the link; a new link starts
 * again with everything that has no receipt, and asks once about what was received without an outcome, as that receipt may be lost.
 */
export class Lane {
  readonly #store: Store
  readonly #network: Pick<Network, 'send'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #init: LaneInit
  readonly #alarm: Alarm
  /** By id, in the order of sending. */
  readonly #inFlight = new Map<string, InFlight>()
  /** Conversation -> monotonic time until which it rests. */
  readonly #holds = new Map<string, number>()
  #inFlightBytes = 0
  #ready: OutboxRow[] = []
  /** The newest row read or handed over; the store may hold more after it while `#behind`. */
  #cursor: string | undefined
  #behind = true
  /** The first pass of a link takes received rows along. */
  #asking = true
  /** Monotonic time at which the peer is asked again about all that has no outcome here. */
  #askAgainMs: number | undefined
  #full = false
  #closed = false

  constructor(components: { store: Store; network: Pick<Network, 'send'>; clock: Clock; log: Log }, init: LaneInit) {
    this.#store = components.store
    this.#network = components.network
    this.#clock = components.clock
    this.#log = components.log
    this.#init = init
    this.#alarm = new Alarm(components, { onDue: () => this.#onDue() })
  }

  /** Rows just committed for this peer, in order. */
  push(rows: OutboxRow[]): void {
    if (!this.#behind && this.#ready.length + rows.length <= READY_MAX_ROWS) {
      this.#ready.push(...rows)
      this.#cursor = rows.at(-1)?.id ?? this.#cursor
    } else {
      this.#behind = true
    }
    this.pump()
  }

  gauges(): Gauge[] {
    return [
      { name: 'messages in flight', size: this.#inFlight.size, max: WINDOW_ENVELOPES },
      { name: 'conversations at rest', size: this.#holds.size, max: HOLDS_MAX }
    ]
  }

  /** The link has room again. */
  drained(): void {
    this.#full = false
    this.pump()
  }

  /** A row ended elsewhere: it is not sent any more. */
  forget(id: string): void {
    this.#settle(id)
    this.#ready = this.#ready.filter(row => row.id !== id)
    this.pump()
  }

  /** Monotonic time at which a row was handed to this link, while its receipt is awaited. */
  sentMs(id: string): number | undefined {
    return this.#inFlight.get(id)?.sentMs
  }

  /** Tries a row again now, whatever its conversation waits for. */
  again({ id, conversation }: Pick<OutboxRow, 'id' | 'conversation'>): void {
    this.#settle(id)
    this.#holds.delete(conversation)
    this.#rewind({ asking: true })
    this.pump()
  }

  /** Takes receipts of this link's peer. Those of other rows, other bodies or unknown ids change nothing (S-30). */
  receipts(receipts: Receipt[]): void {
    const advance = this.#take(receipts)
    if (advance === undefined) return
    const { answered, changed, rests } = advance
    for (const id of answered) this.#settle(id)
    for (const { conversation, untilMs } of rests) this.#hold(conversation, untilMs)
    if (changed.length > 0) this.#init.changed(changed)
    this.pump()
  }

  close(): void {
    this.#closed = true
    this.#alarm.clear()
  }

  /** Sends until the window, the link or the queue says stop. A store that fails is asked again: the link may bring nothing else to go on at. */
  pump(): void {
    try {
      this.#fill()
      this.#arm()
    } catch (error) {
      this.#log.error('The outbox could not be read.', { peer: this.#init.peer, ...failure(error) })
      if (!this.#closed) this.#alarm.at(this.#clock.monotonicMs() + RETRY_MS)
    }
  }

  #fill(): void {
    while (
      !this.#closed &&
      !this.#full &&
      this.#inFlight.size < WINDOW_ENVELOPES &&
      this.#inFlightBytes < WINDOW_BYTES
    ) {
      const row = this.#next()
      if (row === undefined) break
      if (this.#inFlight.has(row.id) || this.#holds.has(row.conversation)) continue
      this.#send(row)
    }
  }

  #next(): OutboxRow | undefined {
    if (this.#ready.length === 0 && this.#behind) {
      const { outbox } = this.#store
      const rows = this.#asking
        ? outbox.unsettled(this.#init.instance, FETCH_ROWS, this.#cursor)
        : outbox.queued(this.#init.instance, FETCH_ROWS, this.#cursor)
      this.#ready = rows
      this.#cursor = rows.at(-1)?.id ?? this.#cursor
      if (rows.length < FETCH_ROWS) {
        this.#behind = false
        this.#asking = false
      }
    }
    return this.#ready.shift()
  }

  #send(row: OutboxRow): void {
    const envelope = this.#read(row)
    if (envelope === undefined) return
    if (!this.#network.send(this.#init.peer, { type: 'envelope', envelope })) {
      this.#full = true
      this.#ready.unshift(row)
      return
    }
    this.#inFlight.set(row.id, { bytes: row.envelope.byteLength, sentMs: this.#clock.monotonicMs() })
    this.#inFlightBytes += row.envelope.byteLength
  }

  /** A row that the disk spoiled ends as malformed, or the lane would stand still before it. */
  #read(row: OutboxRow): Envelope | undefined {
    try {
      return decodeEnvelope(row.envelope)
    } catch (error) {
      this.#log.error('A stored message cannot be read.', { id: row.id, ...failure(error) })
      const ended = this.#store.transaction(() => this.#reject(row, 'malformed'))
      if (ended !== undefined) this.#init.changed([ended])
      return undefined
    }
  }

  /** Undefined where the store took no note of them. The frames have arrived, and nobody would say so a second time by itself. */
  #take(receipts: Receipt[]): Advance | undefined {
    try {
      return this.#store.transaction(() => this.#advance(receipts))
    } catch (error) {
      this.#log.error('Receipts could not be noted.', { peer: this.#init.peer, ...failure(error) })
      for (const { id } of receipts) this.#settle(id)
      this.#askAgainMs ??= this.#clock.monotonicMs() + ASK_AGAIN_MS
      this.#arm()
      return undefined
    }
  }

  #advance(receipts: Receipt[]): Advance {
    const answered: string[] = []
    const changed: OutboxRow[] = []
    const rests: Advance['rests'] = []
    for (const receipt of receipts) {
      const row = this.#store.outbox.get(receipt.id)
      if (row === undefined || row.instance !== this.#init.instance || !bytesEqual(row.hash, receipt.hash)) {
        this.#log.debug('A receipt fits no message of ours.', { peer: this.#init.peer })
        continue
      }
      answered.push(row.id)
      if (receipt.outcome === 'deferred') {
        rests.push({ conversation: row.conversation, untilMs: receipt.untilMs })
        continue
      }
      const reason = receipt.reason === 'none' ? undefined : receipt.reason
      const next =
        receipt.outcome === 'rejected'
          ? this.#reject(row, reason)
          : this.#store.outbox.advance(row.id, receipt.outcome, reason === undefined ? {} : { reason })
      if (next !== undefined) changed.push(next)
    }
    return { answered, changed, rests }
  }

  #reject(row: OutboxRow, reason: OutboxRow['reason']): OutboxRow | undefined {
    const ended = this.#store.outbox.advance(row.id, 'rejected', reason === undefined ? {} : { reason })
    if (ended !== undefined && row.state === 'queued') this.#init.owe([ended])
    return ended
  }

  #settle(id: string): void {
    const flight = this.#inFlight.get(id)
    if (flight === undefined) return
    this.#inFlight.delete(id)
    this.#inFlightBytes -= flight.bytes
  }

  #hold(conversation: string, untilMs: number | undefined): void {
    const asked = untilMs === undefined ? HOLD_MIN_MS : untilMs - this.#clock.wallMs()
    const restMs = Math.min(HOLD_MAX_MS, Math.max(HOLD_MIN_MS, asked))
    const oldest = this.#holds.keys().next().value
    if (this.#holds.size >= HOLDS_MAX && oldest !== undefined) this.#holds.delete(oldest)
    this.#holds.set(conversation, this.#clock.monotonicMs() + restMs)
  }

  /** Ended holds and unanswered frames: what is queued is gone through again from its start, in order. */
  #onDue(): void {
    const nowMs = this.#clock.monotonicMs()
    const over = [...this.#holds].filter(([, untilMs]) => untilMs <= nowMs)
    const lost = [...this.#inFlight].filter(([, { sentMs }]) => sentMs + RESEND_MS <= nowMs)
    for (const [conversation] of over) this.#holds.delete(conversation)
    for (const [id] of lost) this.#settle(id)
    if (over.length + lost.length > 0) this.#rewind()
    if (this.#askAgainMs !== undefined && this.#askAgainMs <= nowMs) {
      this.#askAgainMs = undefined
      this.#rewind({ asking: true })
    }
    this.pump()
  }

  /** What is queued is gone through again from its start; what is in flight is passed over. */
  #rewind({ asking = false } = {}): void {
    this.#ready = []
    this.#cursor = undefined
    this.#behind = true
    this.#asking ||= asking
  }

  #arm(): void {
    const [oldest] = this.#inFlight.values()
    const dues = [...this.#holds.values()]
    if (oldest !== undefined) dues.push(oldest.sentMs + RESEND_MS)
    if (this.#askAgainMs !== undefined) dues.push(this.#askAgainMs)
    // While only the oldest frame is waited for, an alarm that stands is early at worst.
    const moved = oldest === undefined || this.#holds.size > 0 || this.#askAgainMs !== undefined
    if (this.#closed || dues.length === 0) this.#alarm.clear()
    else if (!this.#alarm.armed || moved) this.#alarm.at(Math.min(...dues))
  }
}
