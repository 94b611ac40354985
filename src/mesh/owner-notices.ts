import { type Fingerprint, safe } from '../protocol/index.ts'
import { bounded, OVERDUE } from './bounded.ts'
import { failure, guarded } from './guard.ts'
import type { Clock, Gauge, Inbound, Log, NoticeRow, Notices, Store } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { namedOf } from './sender.ts'
import type { Trust } from './trust.ts'
import { within } from './within.ts'

/** Notices that a report lists: all that are kept. */
const LISTED_MAX = 256

/**
 * How many texts of peers are listed: who writes much pushes out older texts, who broadcasts much older broadcasts, and nobody anything else that the
 * owner should know. Under `place` stands which place the next one takes, under `listed` whose messages stand in the list, oldest first.
 */
const KEPT = {
  text: { max: 64, place: 'notice-texts', listed: 'notice-texts-of' },
  broadcast: { max: 32, place: 'notice-broadcasts', listed: 'notice-broadcasts-of' }
} as const

/** What its sender did, in our words, and whose places it takes. */
interface Kept {
  did?: string
  kind?: keyof typeof KEPT
}

/** Of such a text. The whole of it is shown where there is a channel for it. */
const TEXT_MAX_CHARS = 300

/** Earlier notices that are shown when a channel is there again. */
const CATCH_UP_MAX = 10

/** Notices that wait to be shown, one after the other; those beyond it are caught up with. */
const WAITING_MAX = 64

/** Longest time that showing one may take, ms: whoever shows it gives up before. */
const SHOW_MAX_MS = 2 * 60 * 1000

export interface OwnerNotice {
  /** What it is about; within `pauseMs` of the last one with this subject nothing is shown or logged, it only stands in the list. */
  subject: string
  pauseMs?: number
  /** Whom it names: who is forgotten is in no notice any more. */
  about?: Fingerprint
  /** One sentence; `name` gives an instance as people see it, already safe. */
  text: (name: (instance: Fingerprint) => string) => string
}

/** Tells the owner: a row first, then wherever the host can show it. What could not be shown is in the list all the same. */
export class OwnerNotices {
  readonly #components: { store: Store; notices: Notices; clock: Clock; log: Log; trust: Trust; routes: RouteTable }
  /** One at a time, so that none is shown twice; never rejects. */
  #shows: Promise<void> = Promise.resolve()
  /** Ids of those that wait for their turn or are being shown. At most WAITING_MAX. */
  readonly #waiting = new Set<number>()
  /** Until when a subject is not shown again, monotonic: the owner has read what was shown of it. At most LISTED_MAX. */
  readonly #paused = new Map<string, number>()
  /** Shown, but the store took no note of that yet: not shown again. By subject and time; at most LISTED_MAX. */
  readonly #unnoted = new Set<string>()
  readonly #stop = new AbortController()

  constructor(components: {
    store: Store
    notices: Notices
    clock: Clock
    log: Log
    trust: Trust
    routes: RouteTable
  }) {
    this.#components = components
  }

  /** Never throws. */
  tell(notice: OwnerNotice): void {
    guarded(this.#components.log, 'A notice', () => this.write(notice)())
  }

  /** Writes the row, in the transaction of what it is about. What it returns shows it, to be called once that is committed. */
  write({ subject, pauseMs = 0, about, text }: OwnerNotice): () => void {
    const { store, clock, log } = this.#components
    const nowMs = clock.wallMs()
    const lastMs = store.notices.lastMs(subject)
    const paused = within(pauseMs, lastMs, nowMs)
    const row = store.notices.add({
      atMs: nowMs,
      subject,
      pauseMs,
      text: text(instance => namedOf(instance, this.#components)),
      ...(about !== undefined && { about })
    })
    return () => {
      if (!paused) {
        log.info(row.text)
        this.#enqueue(row)
        return
      }
      // Of an unread one the time stays, and it is shown once. This one follows one that was read.
      if (lastMs !== undefined && row.atMs !== lastMs)
        this.#pause(subject, clock.monotonicMs() + lastMs + pauseMs - nowMs)
    }
  }

  gauges(): Gauge[] {
    return [
      { name: 'notices waiting to be shown', size: this.#waiting.size, max: WAITING_MAX },
      { name: 'subjects of notices that pause', size: this.#paused.size, max: LISTED_MAX },
      { name: 'shown notices to take note of', size: this.#unnoted.size, max: LISTED_MAX }
    ]
  }

  /** As `list`. Never throws. */
  keep(message: Pick<Inbound, 'id' | 'from' | 'text'>, as: Kept = {}): void {
    guarded(this.#components.log, 'A notice', () => this.list(message, as))
  }

  /** Lists a text that starts no turn, once; whoever calls shows it. Never logs it. */
  list({ id, from, text }: Pick<Inbound, 'id' | 'from' | 'text'>, { did = 'wrote', kind = 'text' }: Kept = {}): void {
    const { store, clock } = this.#components
    const { max, place, listed } = KEPT[kind]
    store.transaction(() => {
      const names = (store.value(listed) ?? '').split(' ')
      // An id is its sender's choice, and counts together with it.
      const name = `${from.instance}/${id}`
      if (names.includes(name)) return
      store.setValue(listed, [...names, name].slice(-max).join(' '))
      const slot = Number(store.value(place) ?? '0') % max
      store.setValue(place, String(slot + 1))
      const row = store.notices.add({
        atMs: clock.wallMs(),
        subject: `${kind} ${slot}`,
        about: from.instance,
        text: `${namedOf(from.instance, this.#components)} ${did}: ${safe(text, TEXT_MAX_CHARS)}`
      })
      store.notices.shown(row.id)
    })
  }

  /** Says that nobody knows what a turn had done when it ended, or whether a text was shown. */
  cutOff({ id, from }: Pick<Inbound, 'id' | 'from'>, what: 'turn' | 'text'): void {
    const said = {
      turn: (who: string) =>
        `A turn for message ${id} of ${who} was cut off, and what it had done by then is not known. It is not run again.`,
      text: (who: string) => `Whether message ${id} of ${who} was shown is not known. It is not shown again.`
    }[what]
    const { instance } = from
    this.tell({ subject: `cut off ${instance} ${id}`, about: instance, text: name => said(name(instance)) })
  }

  /** Shows nothing more; what was not shown is in the list. */
  stop(): void {
    this.#stop.abort()
  }

  /** Unread ones, oldest first. */
  unread(): NoticeRow[] {
    return this.#components.store.notices.unread(LISTED_MAX)
  }

  /** All up to and including this id. */
  read(upToId: number): void {
    this.#components.store.notices.read(upToId)
  }

  /** All that name this instance or show what it wrote. */
  forget(instance: Fingerprint): void {
    this.#components.store.notices.forget(instance)
  }

  /** One that the owner need not see again; false where it is not listed. */
  dismiss(id: number): boolean {
    return this.#components.store.notices.dismiss(id)
  }

  #enqueue(row: NoticeRow): void {
    if (this.#waiting.size >= WAITING_MAX) return
    this.#waiting.add(row.id)
    this.#shows = this.#shows.then(async () => {
      const shown = await this.#show(row)
      this.#waiting.delete(row.id)
      if (shown) await this.#catchUp(row.id)
    })
  }

  #pause(subject: string, untilMs: number): void {
    this.#paused.delete(subject)
    this.#paused.set(subject, untilMs)
    const oldest = this.#paused.keys().next().value
    if (this.#paused.size > LISTED_MAX && oldest !== undefined) this.#paused.delete(oldest)
  }

  /** Whether it was shown. Never rejects. */
  async #show(row: NoticeRow): Promise<boolean> {
    const { notices, clock, log } = this.#components
    try {
      const notice = { kind: 'owner' as const, text: row.text }
      const shown = await bounded(clock, SHOW_MAX_MS, signal => notices.notify(notice, { signal }), {
        signal: this.#stop.signal
      })
      if (shown === OVERDUE) throw new Error('it takes too long')
    } catch (error) {
      log.debug('A notice could not be shown.', failure(error))
      return false
    }
    this.#unnoted.add(keyOf(row))
    const [oldest] = this.#unnoted
    if (this.#unnoted.size > LISTED_MAX && oldest !== undefined) this.#unnoted.delete(oldest)
    guarded(log, 'Marking a notice', () => this.#note())
    return true
  }

  /** Takes note of what was shown. What the store refuses is left for the next time. */
  #note(): void {
    const { store } = this.#components
    store.transaction(() => {
      // Within its pause another may have taken its place meanwhile, and its time.
      for (const row of this.unread()) if (this.#unnoted.has(keyOf(row))) store.notices.shown(row.id)
    })
    this.#unnoted.clear()
  }

  /** What came while no channel was there, oldest first, now that one is. */
  async #catchUp(beforeId: number): Promise<void> {
    const { log } = this.#components
    const missed = guarded(log, 'Looking for notices', () => this.unread()) ?? []
    const due = missed.filter(row => row.id < beforeId && this.#isDue(row))
    for (const row of due.slice(-CATCH_UP_MAX)) if (!(await this.#show(row))) return
  }

  /** Not shown, not about to be, and not of a subject that pauses. */
  #isDue(row: NoticeRow): boolean {
    const { id, subject } = row
    const shown = row.shown || this.#unnoted.has(keyOf(row))
    const untilMs = this.#paused.get(subject)
    if (untilMs !== undefined && untilMs <= this.#components.clock.monotonicMs()) this.#paused.delete(subject)
    return !shown && !this.#waiting.has(id) && !this.#paused.has(subject)
  }
}

function keyOf({ subject, atMs }: Pick<NoticeRow, 'subject' | 'atMs'>): string {
  return `${atMs} ${subject}`
}
