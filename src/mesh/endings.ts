import type { AckTracker } from './ack-tracker.ts'
import type { Admitters } from './admitters.ts'
import type { Aftermath } from './aftermath.ts'
import { Alarm } from './alarm.ts'
import { failure } from './guard.ts'
import { rowOfLost } from './lost-messages.ts'
import type { Clock, Log, OutboxRow, Store } from './ports.ts'
import type { Skips } from './skips.ts'

/** Expiry is looked at no more often than this, and at least this often: a clock may have been set. */
const EXPIRY_MIN_MS = 60 * 1000
const EXPIRY_MAX_WAIT_MS = 60 * 60 * 1000

/** Rows that end in one transaction: the event loop is for others too. */
export const ROWS_MAX = 256

export interface EndingsComponents {
  store: Store
  clock: Clock
  log: Log
  acks: AckTracker
  admitters: Pick<Admitters, 'refused' | 'forget'>
  aftermath: Pick<Aftermath, 'changed'>
  skips: Skips
}

/** What becomes of messages that do not arrive, and who hears of any change: the one who waits, else whom the aftermath tells. */
export class Endings {
  readonly #components: EndingsComponents
  /** Takes ended rows off their lane. */
  readonly #drop: (rows: OutboxRow[]) => void
  readonly #alarm: Alarm
  #running = false
  #nextExpiryMs = Number.POSITIVE_INFINITY
  /** Damaged messages of which no skip is owed yet: as many as the opening of the store found. */
  #lost: OutboxRow[] = []
  /** There is something to end now. */
  #due = false

  constructor(components: EndingsComponents, init: { drop: (rows: OutboxRow[]) => void }) {
    this.#components = components
    this.#drop = init.drop
    this.#alarm = new Alarm(components, { onDue: () => this.#expire() })
  }

  /** Looks for what expired while nobody ran, pays what is owed, and goes on looking, also where the disk is full. */
  start(): void {
    this.#running = true
    const { store } = this.#components
    this.#lost = store
      .takeLost()
      .map(row => rowOfLost(row, store.epoch))
      .filter(row => row !== undefined)
    this.#due = true
    this.#plan()
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
    const { acks, aftermath } = this.#components
    for (const row of rows) acks.changed(row)
    aftermath.changed(rows)
    if (rows.some(row => row.state === 'rejected' || row.state === 'expired')) this.#settle()
  }

  /** The peer does not admit this instance: what waits for it ends, unless it did admit this instance before and may do so again. */
  refused(instance: string): void {
    const { store, skips, admitters } = this.#components
    if (admitters.refused(instance, { waiting: () => store.outbox.load(instance).entries > 0 })) return
    let after: string | undefined
    for (;;) {
      const rows = store.outbox.queued(instance, ROWS_MAX, after)
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
      if (rows.length < ROWS_MAX) return
    }
  }

  /**
   * Takes back what waits for an instance, in the transaction of why; nothing is heard any more of what has been handed over already. Its dead letters
   * are not shown any more. Skips take the places: the instance may be let in again, and the numbers of its conversations go on. Returns how many
   * messages were taken back, and what tells of it, to be called once that is committed.
   */
  cancelAll(instance: string): { count: number; tell: () => void } {
    const { store, skips, admitters } = this.#components
    store.aftermath.dismissAll({ instance })
    admitters.forget(instance)
    const ended: OutboxRow[] = []
    const unsent: OutboxRow[] = []
    let after: string | undefined
    for (;;) {
      const rows = store.outbox.unsettled(instance, ROWS_MAX, after)
      for (const { id, state, kind } of rows) {
        const row = kind === 'skip' ? undefined : store.outbox.advance(id, 'cancelled')
        if (row !== undefined) ended.push(row)
        if (row !== undefined && state === 'queued') unsent.push(row)
      }
      after = rows.at(-1)?.id
      if (rows.length < ROWS_MAX) break
    }
    skips.owe(unsent)
    const tell = (): void => {
      this.#drop(ended)
      this.changed(ended)
      this.#settle()
    }
    return { count: unsent.length, tell }
  }

  /** Takes one back that waits; a skip takes its place. False where it does not wait any more. */
  takeBack(id: string): boolean {
    const { store, skips } = this.#components
    const ended = store.transaction(() => {
      const row = store.outbox.advance(id, 'cancelled')
      if (row !== undefined) skips.owe([row])
      return row
    })
    if (ended === undefined) return false
    this.#drop([ended])
    this.changed([ended])
    this.#settle()
    return true
  }

  #expire(): void {
    const { store, skips, clock, log } = this.#components
    const nowMs = clock.wallMs()
    // Set before the work, so that a full disk does not end the looking.
    this.#due = false
    this.#nextExpiryMs = nowMs
    this.#plan()
    const expired = store.transaction(() => {
      const rows = store.outbox.expire(nowMs, ROWS_MAX)
      skips.owe([...this.#lost, ...rows])
      return rows
    })
    this.#lost = []
    this.#due = expired.length === ROWS_MAX
    this.#nextExpiryMs = store.aftermath.nextExpiryMs() ?? Number.POSITIVE_INFINITY
    this.#plan()
    if (expired.length > 0) log.info('Messages expired.', { count: expired.length })
    this.#drop(expired)
    this.changed(expired)
    this.#settle()
  }

  #plan(): void {
    const { clock } = this.#components
    const untilMs = this.#nextExpiryMs - clock.wallMs()
    const waitMs = this.#due ? 0 : Math.min(EXPIRY_MAX_WAIT_MS, Math.max(EXPIRY_MIN_MS, untilMs))
    this.#alarm.at(clock.monotonicMs() + waitMs)
  }

  #settle(): void {
    this.#components.skips.settle().catch(error => {
      this.#components.log.warn('Skips are still owed.', failure(error))
    })
  }
}
