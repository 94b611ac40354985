import * as z from 'zod'
import type { Admitters } from './admitters.ts'
import { Alarm } from './alarm.ts'
import { failure } from './guard.ts'
import type { OwnerNotice, OwnerNotices } from './owner-notices.ts'
import type { Clock, LateCount, Log, OutboxRow, Store } from './ports.ts'
import type { Trust } from './trust.ts'

/** What waits longer than this is told to the owner. A peer that restarts, or a laptop that moves, is back by then. */
export const OVERDUE_MS = 10 * 60 * 1000

/** Changes within this time make one notice: a link that comes back brings its receipts in pieces. */
const GATHER_MS = 1_000

/** A clock that was set is noticed within this time. */
const LOOK_MAX_MS = OVERDUE_MS

/** After a store that failed. */
const RETRY_MS = 60 * 1000

/** Rows of which is taken note in one transaction; the rest follows after `GATHER_MS`. */
const ROWS_MAX = 1_000

/** Notices about single peers that one look makes. More are told as a number: there is room for 256 in all. */
const PEERS_MAX = 16

/** At most one notice of a kind and peer is shown in this time; the list is always up to date. */
const PAUSE_MS = 10 * 60 * 1000

/** Dead letters that are kept: more than anybody looks through. The oldest beyond are dismissed, and the owner is told. */
export const DEAD_LETTERS_MAX = 1_000

/** Where the store keeps what the unread notices have counted so far, by subject. */
const COUNTS_KEY = 'late-notices'

/** All unread ones: the store keeps no more. */
const UNREAD_MAX = 256

const countsSchema = z.record(
  z.string(),
  z.object({
    /** Of the notice that says so. */
    notice: z.number().int(),
    arrived: z.number().int(),
    rejected: z.number().int(),
    expired: z.number().int()
  })
)

type Counts = Omit<LateCount, 'instance'>

export interface LateNoticesComponents {
  store: Store
  clock: Clock
  log: Log
  trust: Pick<Trust, 'admitted'>
  admitters: Pick<Admitters, 'isRefusing'>
  notices: Pick<OwnerNotices, 'write'>
}

/**
 * Tells the owner of messages that are late: once that they wait, and once what became of them, arrived after all or not. Of what ended without
 * arriving it tells in any case, unless the one who sent it heard so. Peer by peer and in numbers, so that a thousand messages are one notice.
 * Everything that it goes by stands in the store.
 */
export class LateNotices {
  readonly #components: LateNoticesComponents
  readonly #program: string
  readonly #alarm: Alarm
  #running = false
  #dueMs = 0

  constructor(components: LateNoticesComponents, init: { program: string }) {
    this.#components = components
    this.#program = init.program
    this.#alarm = new Alarm(components, { onDue: () => this.#look() })
  }

  /** Looks for what happened while nobody looked, and goes on looking. */
  start(): void {
    this.#running = true
    this.#plan(GATHER_MS)
  }

  stop(): void {
    this.#running = false
    this.#alarm.clear()
  }

  /** New rows. */
  committed(): void {
    this.#plan(OVERDUE_MS)
  }

  /** After the commit of any change of these rows. */
  changed(rows: OutboxRow[]): void {
    if (rows.some(({ kind, state }) => kind !== 'skip' && state !== 'queued')) this.#plan(GATHER_MS)
  }

  #look(): void {
    const { store, clock, log } = this.#components
    try {
      const { shows, more } = store.transaction(() => this.#write())
      for (const show of shows) show()
      const oldestMs = store.aftermath.oldestUnsaidMs()
      if (more) this.#plan(GATHER_MS)
      else if (oldestMs !== undefined)
        this.#plan(Math.min(LOOK_MAX_MS, Math.max(GATHER_MS, oldestMs + OVERDUE_MS - clock.wallMs())))
    } catch (error) {
      log.warn('Late messages could not be looked for.', failure(error))
      this.#plan(RETRY_MS)
    }
  }

  /** Inside the transaction: takes note and writes the notices; what it returns shows them. */
  #write(): { shows: Array<() => void>; more: boolean } {
    const { aftermath } = this.#components.store
    const waiting = aftermath.sayWaiting(this.#components.clock.wallMs() - OVERDUE_MS, ROWS_MAX)
    const late = aftermath.sayLate(ROWS_MAX)
    const dropped = aftermath.dismissAll({ keep: DEAD_LETTERS_MAX })
    const rows = [...waiting.values(), ...late.flatMap(count => [count.arrived, count.rejected, count.expired])]
    const shows = [
      ...this.#each([...waiting.keys()], 'wait', instance => [this.#waits(instance)]),
      ...this.#each(late, 'are settled', count => this.#news(count)),
      ...(dropped === 0 ? [] : [this.#dropped(dropped)])
    ]
    return { shows, more: rows.reduce((sum, count) => sum + count, 0) >= ROWS_MAX }
  }

  /** The first few by name, the others as a number. */
  #each<T>(all: T[], what: string, write: (one: T) => Array<() => void>): Array<() => void> {
    const shows = all.slice(0, PEERS_MAX).flatMap(write)
    const rest = all.length - PEERS_MAX
    if (rest <= 0) return shows
    const text = `Messages to ${rest} more ${rest === 1 ? 'peer' : 'peers'} ${what}; see: ${this.#program} outbox`
    return [...shows, this.#notice({ subject: `late ${what}`, pauseMs: PAUSE_MS, text: () => text })]
  }

  #waits(instance: string): () => void {
    const { store } = this.#components
    const { entries } = store.outbox.load(instance)
    const verb = entries === 1 ? 'waits' : 'wait'
    return this.#notice({
      subject: waitsOf(instance),
      pauseMs: PAUSE_MS,
      about: instance,
      text: name =>
        `${messages(entries)} to ${name(instance)} ${verb}, the oldest for more than 10 minutes; ${this.#until(instance)}. See: ${this.#program} outbox`
    })
  }

  #until(instance: string): string {
    const { trust, admitters } = this.#components
    if (!trust.admitted(instance)) return 'nothing goes to it while it is not let in here: approve it again'
    if (admitters.isRefusing(instance))
      return 'it does not let this instance in any more, and its owner has to approve it again'
    return 'that goes on by itself'
  }

  #news({ instance, arrived, rejected, expired }: LateCount): Array<() => void> {
    const shows: Array<() => void> = []
    if (arrived > 0) {
      shows.push(
        this.#counted(`arrived ${instance}`, instance, { arrived, rejected: 0, expired: 0 }, (name, all) => {
          const verb = all.arrived === 1 ? 'has' : 'have'
          return `${messages(all.arrived)} to ${name} that waited ${verb} arrived after all.`
        })
      )
    }
    if (rejected + expired > 0) {
      shows.push(
        this.#counted(`ended ${instance}`, instance, { arrived: 0, rejected, expired }, (name, all) => {
          const why = [
            ...(all.rejected > 0 ? [`${all.rejected} refused`] : []),
            ...(all.expired > 0 ? [`${all.expired} expired`] : [])
          ]
          return `${messages(all.rejected + all.expired)} to ${name} did not arrive (${why.join(', ')}). See: ${this.#program} outbox`
        })
      )
    }
    // That they wait is no news any more.
    if (this.#components.store.outbox.load(instance).entries === 0) this.#withdraw(waitsOf(instance))
    return shows
  }

  #dropped(count: number): () => void {
    return this.#notice({
      subject: 'dead letters',
      pauseMs: PAUSE_MS,
      text: () =>
        `More than ${DEAD_LETTERS_MAX} messages did not arrive and were not dismissed: the oldest ${count} are not listed any more.`
    })
  }

  /** A notice that goes on counting while its predecessor is unread. */
  #counted(subject: string, about: string, news: Counts, text: (name: string, all: Counts) => string): () => void {
    const { store } = this.#components
    const unread = new Set(store.notices.unread(UNREAD_MAX).map(({ id }) => id))
    // Nobody goes on with a notice that was read: its count goes with it, so there are never more than unread notices.
    const kept = Object.fromEntries(Object.entries(this.#counts()).filter(([, { notice }]) => unread.has(notice)))
    const before = kept[subject]
    const all = {
      arrived: news.arrived + (before?.arrived ?? 0),
      rejected: news.rejected + (before?.rejected ?? 0),
      expired: news.expired + (before?.expired ?? 0)
    }
    const show = this.#notice({ subject, pauseMs: PAUSE_MS, about, text: name => text(name(about), all) })
    const notice = store.notices.unread(UNREAD_MAX).findLast(row => row.subject === subject)?.id
    if (notice !== undefined) store.setValue(COUNTS_KEY, JSON.stringify({ ...kept, [subject]: { notice, ...all } }))
    return show
  }

  #counts(): z.output<typeof countsSchema> {
    const text = this.#components.store.value(COUNTS_KEY)
    return text === undefined ? {} : countsSchema.parse(JSON.parse(text))
  }

  #withdraw(subject: string): void {
    const { notices } = this.#components.store
    for (const row of notices.unread(UNREAD_MAX)) if (row.subject === subject) notices.dismiss(row.id)
  }

  #notice(notice: OwnerNotice): () => void {
    return this.#components.notices.write(notice)
  }

  #plan(waitMs: number): void {
    const dueMs = this.#components.clock.monotonicMs() + waitMs
    if (!this.#running || (this.#alarm.armed && this.#dueMs <= dueMs)) return
    this.#dueMs = dueMs
    this.#alarm.at(dueMs)
  }
}

function waitsOf(instance: string): string {
  return `waits ${instance}`
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`
}
