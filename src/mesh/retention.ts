import { CLOCK_TOLERANCE_MS, EXPIRY_MAX_MS } from '../protocol/index.ts'
import { Alarm } from './alarm.ts'
import { CONTACT_KEPT_MS } from './contacts.ts'
import { failure } from './guard.ts'
import type { Clock, Log, Store } from './ports.ts'
import { TICKET_REMEMBERED_MS } from './tickets.ts'

/**
 * How long a row is kept after its end, ms: as long as a message lives at most, and what two clocks may differ. By then every copy of it has
 * expired, and so has every answer; a chain of messages has ended, and its turns count no more.
 */
export const KEEP_MS = EXPIRY_MAX_MS + 2 * CLOCK_TOLERANCE_MS

/**
 * How long a window is kept after it moved last, ms: twice the longest life of a message. While one may come again, what was said before must not be shown
 * a second time, also where the row is gone.
 */
export const WINDOW_KEEP_MS = 2 * EXPIRY_MAX_MS

/** Windows are not looked at in the first hour, ms: a clock that is wrong at the start of the machine has been set by then. */
const WINDOWS_FIRST_MS = 60 * 60 * 1000

/** Rows forgotten at once, of the outbox and of the inbox: in a large inbox each of them is on pages of its own, which one commit has to write. */
const ROWS_MAX = 512

/** How often the store is looked through, how long after the start, and how soon again where more is waiting, ms: 180,000 rows an hour. */
const EVERY_MS = 60 * 60 * 1000
const FIRST_MS = 60 * 1000
const AGAIN_MS = 10 * 1000

/** Keeps the store from growing for ever: what ended long ago is forgotten, little by little. A flood has bounds of its own, see `InboxCaps`. */
export class Retention {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #alarm: Alarm
  readonly #startMs: number
  /** Least that the wall clock was ever ahead of the monotonic one: where it jumps forward for a while, time has not passed. */
  #aheadMs = Number.POSITIVE_INFINITY

  constructor(components: { store: Store; clock: Clock; log: Log }) {
    this.#store = components.store
    this.#clock = components.clock
    this.#log = components.log
    this.#startMs = components.clock.monotonicMs()
    this.#alarm = new Alarm(components, { onDue: () => this.#turn() })
  }

  /** Not at once: a start has better things to do. */
  start(): void {
    this.#plan(FIRST_MS)
  }

  stop(): void {
    this.#alarm.clear()
  }

  #turn(): void {
    this.#plan(this.#prune() ? AGAIN_MS : EVERY_MS)
  }

  /** True where more may be waiting. */
  #prune(): boolean {
    const { inbox, outbox, turns, contacts, tickets } = this.#store
    const nowMs = this.#clock.wallMs()
    const beforeMs = nowMs - KEEP_MS
    try {
      this.#store.prune()
      turns.prune(beforeMs)
      contacts.prune(nowMs - CONTACT_KEPT_MS)
      tickets.prune(nowMs - TICKET_REMEMBERED_MS)
      const windows = inbox.pruneWindows(this.#windowsBeforeMs(nowMs), ROWS_MAX)
      const counts = [outbox.prune(beforeMs, ROWS_MAX), inbox.prune(beforeMs, ROWS_MAX), windows]
      if (counts.some(count => count > 0)) this.#log.info('Old messages were forgotten.', { counts })
      return counts.includes(ROWS_MAX)
    } catch (error) {
      this.#log.warn('Old messages could not be forgotten.', failure(error))
      return false
    }
  }

  #windowsBeforeMs(nowMs: number): number {
    const passedMs = this.#clock.monotonicMs()
    this.#aheadMs = Math.min(this.#aheadMs, nowMs - passedMs)
    if (passedMs - this.#startMs < WINDOWS_FIRST_MS) return Number.NEGATIVE_INFINITY
    return passedMs + this.#aheadMs - WINDOW_KEEP_MS
  }

  #plan(waitMs: number): void {
    this.#alarm.at(this.#clock.monotonicMs() + waitMs)
  }
}
