import type { AckTracker } from './ack-tracker.ts'
import { Alarm } from './alarm.ts'
import { bounded, OVERDUE } from './bounded.ts'
import { failure, guarded } from './guard.ts'
import type { Clock, Log, Notices, OutboxEntry, OutboxRow, Store } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'

/** Changes within this time make one sentence, and who is waiting for one of them hears it first. */
const GATHER_MS = 500

/** After a host or a store that failed, twice as long each time up to the second: a session that the host does not know may be there tomorrow. */
const RETRY_MS = 60 * 1000
const RETRY_MAX_MS = 60 * 60 * 1000

/** The host takes a sentence at once, or something is wrong with it. */
const NOTIFY_MAX_MS = 15_000

/** Rows read at once. */
const ROWS_MAX = 256

/** Ids that one sentence names: a paragraph, not a page. */
const IDS_MAX = 16

/** The host keeps a sentence in memory until the next turn of its session, and forgets it when it ends: told again after a start for so long. */
const RETOLD_MS = 24 * 60 * 60 * 1000

/** Messages that are told again after a start: the newest, and no more than are read at once. */
const RETOLD_MAX = 256

export interface SessionNewsComponents {
  store: Store
  clock: Clock
  log: Log
  notices: Notices
  acks: Pick<AckTracker, 'awaited'>
  trust: Trust
  routes: RouteTable
}

/**
 * Tells the session that sent a message what became of it after it had gone on: delivered, answered, rejected or expired. Written down first, so that a
 * store that fails makes nobody hear it over and over, and taken back where the host did not take it. Nobody says whether the session read it: until
 * it looked, it is told again after each start for a day.
 */
export class SessionNews {
  readonly #components: SessionNewsComponents
  readonly #alarm: Alarm
  #stop: AbortController | undefined
  #dueMs = 0
  #telling = false
  /** There may be more to tell than what is being told. */
  #again = false
  #retryMs = RETRY_MS

  constructor(components: SessionNewsComponents) {
    this.#components = components
    this.#alarm = new Alarm(components, { onDue: () => void this.#tell() })
  }

  /** Looks for what an earlier run left untold. */
  start(): void {
    this.#stop = new AbortController()
    const { store, clock, log } = this.#components
    guarded(log, 'Looking for what sessions may have missed', () =>
      store.aftermath.retell(clock.wallMs() - RETOLD_MS, RETOLD_MAX)
    )
    this.look()
  }

  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
    this.#alarm.clear()
  }

  /** After the commit of any change of these rows. */
  changed(rows: Array<Pick<OutboxRow, 'session'>>): void {
    if (rows.some(({ session }) => session !== undefined)) this.look()
  }

  /** There may be something to tell: a row changed, or nobody waits for it any more. */
  look(): void {
    this.#plan(GATHER_MS)
  }

  /** Never rejects. */
  async #tell(): Promise<void> {
    const signal = this.#stop?.signal
    this.#again = this.#telling
    if (signal === undefined || this.#telling) return
    this.#telling = true
    const told = await this.#tellAll(signal).catch(error => this.#failed(error))
    this.#telling = false
    if (signal.aborted) return
    if (told) this.#retryMs = RETRY_MS
    else {
      this.#plan(this.#retryMs)
      this.#retryMs = Math.min(RETRY_MAX_MS, 2 * this.#retryMs)
    }
    if (this.#again) this.#plan(GATHER_MS)
  }

  /** False where something is left to tell again. */
  async #tellAll(signal: AbortSignal): Promise<boolean> {
    const { store, acks } = this.#components
    let after: string | undefined
    let whole = true
    for (;;) {
      const entries = store.aftermath.untold(ROWS_MAX, after)
      // Who waits is told by the end of the wait.
      const news = entries.filter(entry => !acks.awaited(entry.id) && entry.told !== newsOf(entry))
      for (const group of Map.groupBy(news, groupOf).values()) {
        for (let i = 0; i < group.length; i += IDS_MAX) {
          const told = await this.#tellOne(group.slice(i, i + IDS_MAX), signal)
          if (signal.aborted) return true
          // It would not take the others either, and each of them would wait as long.
          if (told === 'overdue') return false
          whole &&= told === 'told'
        }
      }
      if (entries.length < ROWS_MAX) return whole
      after = entries.at(-1)?.id
    }
  }

  /** @param group of one session, one peer and one state */
  async #tellOne(group: OutboxEntry[], signal: AbortSignal): Promise<'told' | 'refused' | 'overdue'> {
    const { store, notices, clock, log } = this.#components
    const [first] = group
    const state = first && newsOf(first)
    if (first?.session === undefined || state === undefined) return 'told'
    const { session } = first
    const to = senderOf(first.instance, first.peer, this.#components)
    const notice = { kind: 'settled', session, ids: group.map(({ id }) => id), state, to } as const
    store.transaction(() => {
      for (const { id } of group) store.aftermath.tell(id, state, clock.wallMs())
    })
    const call = (inner: AbortSignal): Promise<unknown> => notices.notify(notice, { signal: inner })
    const taken = await bounded(clock, NOTIFY_MAX_MS, call, { signal }).catch((error: unknown) => {
      this.#failed(error)
      return REFUSED
    })
    if (taken !== OVERDUE && taken !== REFUSED) return 'told'
    if (signal.aborted) return 'told'
    if (taken === OVERDUE) log.warn('The host did not take the news of a session in time.', { session })
    store.transaction(() => {
      for (const { id } of group) store.aftermath.untell(id)
    })
    return taken === OVERDUE ? 'overdue' : 'refused'
  }

  #failed(error: unknown): false {
    if (this.#stop !== undefined)
      this.#components.log.warn('A session could not be told of its messages.', failure(error))
    return false
  }

  #plan(waitMs: number): void {
    const dueMs = this.#components.clock.monotonicMs() + waitMs
    if (this.#stop === undefined || (this.#alarm.armed && this.#dueMs <= dueMs)) return
    this.#dueMs = dueMs
    this.#alarm.at(dueMs)
  }
}

const REFUSED = Symbol('refused')

function groupOf(entry: OutboxEntry): string {
  return `${newsOf(entry)} ${entry.instance} ${entry.session}`
}

/** What there is to tell: answered is a message only when its answer is here, because that is what its session reads then. */
function newsOf({ state, replyId }: OutboxEntry): 'delivered' | 'answered' | 'rejected' | 'expired' | undefined {
  if (state === 'answered') return replyId === undefined ? 'delivered' : 'answered'
  return state === 'delivered' || state === 'rejected' || state === 'expired' ? state : undefined
}
