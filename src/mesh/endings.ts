import type { AckTracker } from './ack-tracker.ts'
import { Alarm } from './alarm.ts'
import { failure } from './guard.ts'
import type { Clock, Log, OutboxRow, Store } from './ports.ts'
import type { Replies } from './replies.ts'
import type { Skips } from './skips.ts'

/** Expiry is looked at no more often than this, and at least this often: rows of an earlier run are not remembered here. */
const EXPIRY_MIN_MS = 60 * 1000
const EXPIRY_MAX_WAIT_MS = 60 * 60 * 1000

/** Rows of a refused peer that end in one transaction. */
const REFUSE_ROWS = 256

export interface EndingsComponents {
  store: Store
  clock: Clock
  log: Log
  acks: AckTracker
  replies: Replies
  skips: Skips
}

/** What becomes of messages that do not arrive, and who hears of any change: the one who waits, else the session that asked. */
export class Endings {
  readonly #components: EndingsComponents
  /** Takes ended rows off their lane. */
  readonly #drop: (rows: OutboxRow[]) => void
  readonly #alarm: Alarm
  #running = false
  #nextExpiryMs = Number.POSITIVE_INFINITY

  constructor(components: EndingsComponents, init: { drop: (rows: OutboxRow[]) => void }) {
    this.#components = components
    this.#drop = init.drop
    this.#alarm = new Alarm(components, { onDue: () => this.#expire() })
  }

  /** Looks for what expired while nobody ran, pays what is owed, and goes on looking. */
  start(): void {
    this.#running = true
    this.#expire()
  }

  stop(): void {
    this.#running = false
    this.#alarm.clear()
  }

  committed(rows: OutboxRow[]): void {
    const nextMs = rows.reduce((next, row) => Math.min(next, row.expiresMs), this.#nextExpiryMs)
    if (nextMs === this.#nextExpiryMs) return
    this.#nextExpiryMs = nextMs
    if (this.#running) this.#plan()
  }

  /** After the commit of any change of these rows. */
  changed(rows: OutboxRow[]): void {
    const { acks, replies } = this.#components
    for (const row of rows) {
      const ended = row.state === 'rejected' || row.state === 'expired'
      const unheard = ended && row.kind !== 'skip' && !acks.awaited(row.id)
      acks.changed(row)
      if (unheard) replies.ended(row)
    }
    if (rows.some(row => row.state === 'rejected' || row.state === 'expired')) this.#settle()
  }

  /** The peer does not admit this instance: what waits for it ends. */
  refused(instance: string): void {
    const { store, skips } = this.#components
    let after: string | undefined
    for (;;) {
      const rows = store.outbox.queued(instance, REFUSE_ROWS, after)
      const ended = store.transaction(() => {
        const all = rows
          .filter(row => row.kind !== 'skip')
          .map(row => store.outbox.advance(row.id, 'rejected', { reason: 'not_admitted' }))
          .filter(row => row !== undefined)
        skips.owe(all)
        return all
      })
      this.changed(ended)
      after = rows.at(-1)?.id
      if (rows.length < REFUSE_ROWS) return
    }
  }

  /**
   * Takes back what waits for an instance, in the transaction of why; what has been handed over already goes its way. Returns how many messages, and
   * what tells of it, to be called once that is committed.
   */
  cancelAll(instance: string): { count: number; tell: () => void } {
    const { store } = this.#components
    const ended: OutboxRow[] = []
    let after: string | undefined
    for (;;) {
      const rows = store.outbox.queued(instance, REFUSE_ROWS, after)
      ended.push(...rows.map(row => store.outbox.advance(row.id, 'cancelled')).filter(row => row !== undefined))
      after = rows.at(-1)?.id
      if (rows.length < REFUSE_ROWS) break
    }
    const tell = (): void => {
      this.#drop(ended)
      this.changed(ended)
    }
    return { count: ended.filter(row => row.kind !== 'skip').length, tell }
  }

  /** Takes one back that waits. */
  cancel(id: string): void {
    const ended = this.#components.store.outbox.advance(id, 'cancelled')
    if (ended === undefined) return
    this.#drop([ended])
    this.changed([ended])
  }

  #expire(): void {
    const { store, skips, clock, log } = this.#components
    const nowMs = clock.wallMs()
    if (this.#nextExpiryMs <= nowMs) this.#nextExpiryMs = Number.POSITIVE_INFINITY
    // Set before the work, so that a full disk does not end the looking.
    this.#plan()
    const expired = store.transaction(() => {
      const rows = store.outbox.expire(nowMs)
      skips.owe(rows)
      return rows
    })
    if (expired.length > 0) log.info('Messages expired.', { count: expired.length })
    this.#drop(expired)
    this.changed(expired)
    this.#settle()
  }

  #plan(): void {
    const { clock } = this.#components
    const untilMs = this.#nextExpiryMs - clock.wallMs()
    this.#alarm.at(clock.monotonicMs() + Math.min(EXPIRY_MAX_WAIT_MS, Math.max(EXPIRY_MIN_MS, untilMs)))
  }

  #settle(): void {
    this.#components.skips.settle().catch(error => {
      this.#components.log.warn('Skips are still owed.', failure(error))
    })
  }
}
