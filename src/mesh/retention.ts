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

/** Rows forgotten at once, of the outbox and of the inbox: some 20 ms of the event loop. */
const ROWS_MAX = 4_096

/** How often the store is looked through, and how soon again where more is waiting, ms. */
const EVERY_MS = 60 * 60 * 1000
const AGAIN_MS = 60 * 1000

/** Keeps the store from growing for ever: what ended long ago is forgotten, little by little. */
export class Retention {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #alarm: Alarm

  constructor(components: { store: Store; clock: Clock; log: Log }) {
    this.#store = components.store
    this.#clock = components.clock
    this.#log = components.log
    this.#alarm = new Alarm(components, { onDue: () => this.#turn() })
  }

  /** Not at once: a start has better things to do. */
  start(): void {
    this.#plan(AGAIN_MS)
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
      turns.prune(beforeMs)
      contacts.prune(nowMs - CONTACT_KEPT_MS)
      tickets.prune(nowMs - TICKET_REMEMBERED_MS)
      const counts = [outbox.prune(beforeMs, ROWS_MAX), inbox.prune(beforeMs, ROWS_MAX)]
      if (counts.some(count => count > 0)) this.#log.info('Old messages were forgotten.', { counts })
      return counts.includes(ROWS_MAX)
    } catch (error) {
      this.#log.warn('Old messages could not be forgotten.', failure(error))
      return false
    }
  }

  #plan(waitMs: number): void {
    this.#alarm.at(this.#clock.monotonicMs() + waitMs)
  }
}
