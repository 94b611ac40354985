import { Alarm } from './alarm.ts'
import { Conversation, type Next, type Waiting } from './conversation.ts'
import { Delivery, type DeliveryComponents, type DeliveryInit } from './delivery.ts'
import { MeshError } from './errors.ts'
import { failure, guarded } from './guard.ts'
import type { Clock, Gauge, InboxRow, Log, Store } from './ports.ts'
import { Shares } from './shares.ts'

/** Conversations served at once: each may hold a model call, and the host has other work too. */
export const DISPATCHES_MAX = 8

/** Of them those of one instance: a turn that hangs may hold its place for ten minutes, and others have something to say meanwhile. */
export const INSTANCE_DISPATCHES_MAX = 4

/** What may wait for dispatch, per instance and in all: beyond it senders keep their messages. As many entries as an outbox holds. */
const INSTANCE_MAX_ENTRIES = 1_000
const INSTANCE_MAX_BYTES = 16 * 1024 * 1024
const TOTAL_MAX_ENTRIES = 10_000
const TOTAL_MAX_BYTES = 64 * 1024 * 1024

/** Waits between two tries, ms: doubled from one second to a minute. */
const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 60_000

/** Wait for a store that fails, ms. It is no fault of the message: nothing is counted, and all goes on soon after the disk has room. */
const STORE_WAIT_MS = 2_000

/** Tries before a message is given up and its sender told: about an hour with these waits. */
const RETRIES_MAX = 60

/** Bounds of a wait for budget, ms: senders rest no longer than the upper one either, and are told again then. */
const HOLD_MIN_MS = 1_000
const HOLD_MAX_MS = 5 * 60 * 1000

/** Conversations whose gap was waited for once and is not waited for again. */
const PASSED_MAX = 4_096

interface Load {
  entries: number
  bytes: number
}

/**
 * Brings verified rows to the host: one lane per instance and conversation, in the order of seq, never two dispatches of a conversation at
 * once, at most eight in all and half of them for one instance. The store holds the truth; what waits here is found again after a restart.
 */
export class Dispatch {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #delivery: Delivery
  readonly #alarm: Alarm
  /** One per conversation with rows that wait or are under way; at most as many as there are rows. */
  readonly #lanes = new Map<string, Conversation>()
  /** Lanes to look at, in turn. */
  readonly #ready = new Shares<Conversation>({ max: INSTANCE_DISPATCHES_MAX })
  /** When to look at lanes that wait for a time. */
  readonly #due = new Map<Conversation, number>()
  readonly #active = new Set<Promise<void>>()
  readonly #loads = new Map<string, Load>()
  readonly #total: Load = { entries: 0, bytes: 0 }
  /** Lowest seq that is still waited for, of conversations that went on without an earlier one. At most PASSED_MAX. */
  readonly #passed = new Map<string, number>()
  #soon: NodeJS.Immediate | undefined
  /** Dispatches that ended in this turn of the event loop. */
  #endedInTurn = 0
  #signal: AbortSignal | undefined

  constructor(components: DeliveryComponents, init: DeliveryInit) {
    this.#store = components.store
    this.#clock = components.clock
    this.#log = components.log
    this.#delivery = new Delivery(components, init)
    this.#alarm = new Alarm(components, { onDue: () => this.#pump() })
  }

  /** Whether one more row of this instance may wait. */
  room(instance: string): boolean {
    const own = this.#loads.get(instance) ?? { entries: 0, bytes: 0 }
    return (
      own.entries < INSTANCE_MAX_ENTRIES &&
      own.bytes < INSTANCE_MAX_BYTES &&
      this.#total.entries < TOTAL_MAX_ENTRIES &&
      this.#total.bytes < TOTAL_MAX_BYTES
    )
  }

  gauges(): Gauge[] {
    return [
      { name: 'messages waiting for dispatch', size: this.#total.entries, max: TOTAL_MAX_ENTRIES },
      { name: 'bytes waiting for dispatch', size: this.#total.bytes, max: TOTAL_MAX_BYTES },
      { name: 'conversations', size: this.#lanes.size, max: TOTAL_MAX_ENTRIES },
      { name: 'conversations to look at', size: this.#ready.size, max: TOTAL_MAX_ENTRIES },
      { name: 'conversations that wait', size: this.#due.size, max: TOTAL_MAX_ENTRIES },
      { name: 'senders with messages waiting', size: this.#loads.size, max: TOTAL_MAX_ENTRIES },
      { name: 'dispatches', size: this.#active.size, max: DISPATCHES_MAX },
      { name: 'gaps passed', size: this.#passed.size, max: PASSED_MAX }
    ]
  }

  /** Takes a verified row that is not final. It may be called before `run`. */
  add(row: InboxRow): void {
    const key = `${row.instance} ${row.conversation}`
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      const nextSeq = (epoch: string): number => this.#nextSeq(row.instance, epoch, row.conversation)
      lane = new Conversation({ nextSeq }, { instance: row.instance })
      this.#lanes.set(key, lane)
    }
    const { instance, id, epoch, conversation, seq } = row
    const sinceMs = this.#clock.monotonicMs()
    const bytes = row.envelope.length
    if (!lane.add({ instance, id, epoch, conversation, seq, bytes, sinceMs, retries: 0 })) return
    this.#count(row.instance, 1, bytes)
    this.#ready.add(instance, lane)
    this.#pump()
  }

  /** Dispatches until the signal, then resolves at once: rows under way are left to the next start. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.#signal = signal
    this.#pump()
    await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
    this.#signal = undefined
    this.#alarm.clear()
    await Promise.all(this.#active)
  }

  #pump(): void {
    const signal = this.#signal
    if (signal === undefined || signal.aborted) return
    const nowMs = this.#clock.monotonicMs()
    for (const [lane, dueMs] of this.#due) {
      if (dueMs > nowMs) continue
      this.#due.delete(lane)
      this.#ready.add(lane.instance, lane)
    }
    while (this.#active.size < DISPATCHES_MAX) {
      const lane = this.#ready.next()
      if (lane === undefined) break
      this.#due.delete(lane)
      const next = this.#look(lane, nowMs)
      if (next === undefined) continue
      if ('take' in next) this.#start(lane, next.take, next.gap, signal)
      else this.#due.set(lane, next.waitUntilMs)
    }
    if (this.#due.size === 0) this.#alarm.clear()
    else if (this.#active.size < DISPATCHES_MAX) this.#alarm.at(Math.min(...this.#due.values()))
  }

  /**
   * A display may answer within this turn of the event loop. Some of what follows is shown in it, so that receipts travel together; the rest waits for
   * the next turn, or nobody else would get one before all is shown.
   */
  #pumpOn(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined
      this.#endedInTurn = 0
      guarded(this.#log, 'Dispatching', () => this.#pump())
    })
    this.#endedInTurn++
    if (this.#endedInTurn < DISPATCHES_MAX) guarded(this.#log, 'Dispatching', () => this.#pump())
  }

  /** A store that cannot be read is asked again later: nobody above could do more. */
  #look(lane: Conversation, nowMs: number): Next {
    try {
      return lane.next(nowMs)
    } catch (error) {
      this.#log.error('A conversation could not be looked at.', failure(error))
      return { waitUntilMs: nowMs + RETRY_FIRST_MS }
    }
  }

  #start(lane: Conversation, waiting: Waiting, gap: boolean, signal: AbortSignal): void {
    if (gap) this.#log.warn('A conversation goes on without an earlier message.', { id: waiting.id, seq: waiting.seq })
    lane.busy = true
    this.#ready.begin(lane.instance)
    const work = this.#dispatch(lane, waiting, signal).finally(() => {
      lane.busy = false
      this.#active.delete(work)
      this.#ready.end(lane.instance)
      this.#ready.add(lane.instance, lane)
      this.#pumpOn()
    })
    this.#active.add(work)
  }

  /** Never rejects. */
  async #dispatch(lane: Conversation, waiting: Waiting, signal: AbortSignal): Promise<void> {
    const { instance, id } = waiting
    const last = waiting.retries >= RETRIES_MAX
    // Also for a store that fails: what is in it stays there, and is looked at again.
    const delivered = await this.#delivery.deliver(instance, id, { last, signal }).catch(error => {
      this.#log.error('A dispatch failed.', { id, ...failure(error) })
      return isStoreFailure(error) ? ('stuck' as const) : ('again' as const)
    })
    if (delivered === 'stuck') {
      lane.holdUntil(this.#clock.monotonicMs() + STORE_WAIT_MS)
      return
    }
    if (delivered === 'left') return
    if (delivered === 'again') {
      lane.holdUntil(this.#clock.monotonicMs() + Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** waiting.retries))
      waiting.retries++
      return
    }
    if (typeof delivered === 'object') {
      const waitMs = delivered.untilMs - this.#clock.wallMs()
      lane.holdUntil(this.#clock.monotonicMs() + Math.min(HOLD_MAX_MS, Math.max(HOLD_MIN_MS, waitMs)))
      return
    }
    lane.remove(waiting)
    this.#count(instance, -1, -waiting.bytes)
    guarded(this.#log, 'Passing a gap', () => this.#pass(waiting))
    if (lane.empty) this.#lanes.delete(`${instance} ${waiting.conversation}`)
  }

  #nextSeq(instance: string, epoch: string, conversation: string): number {
    const passed = this.#passed.get(`${instance} ${epoch} ${conversation}`) ?? 0
    return Math.max(passed, this.#store.inbox.nextSeq(instance, epoch, conversation))
  }

  /** Remembers that a conversation went on beyond a gap that the store still sees. */
  #pass({ instance, epoch, conversation, seq }: Waiting): void {
    const key = `${instance} ${epoch} ${conversation}`
    const next = Math.max(this.#passed.get(key) ?? 0, seq + 1)
    this.#passed.delete(key)
    if (this.#store.inbox.nextSeq(instance, epoch, conversation) >= next) return
    this.#passed.set(key, next)
    const oldest = this.#passed.keys().next().value
    if (this.#passed.size > PASSED_MAX && oldest !== undefined) this.#passed.delete(oldest)
  }

  #count(instance: string, entries: number, bytes: number): void {
    const load = this.#loads.get(instance) ?? { entries: 0, bytes: 0 }
    load.entries += entries
    load.bytes += bytes
    this.#total.entries += entries
    this.#total.bytes += bytes
    if (load.entries === 0) this.#loads.delete(instance)
    else this.#loads.set(instance, load)
  }
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof MeshError && error.code === 'store_failed'
}
