import type { ReceiptLevel, RejectReason } from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { failure } from './guard.ts'
import type { AbortOptions, Clock, Gauge, Log, OutboxRow, OutboxState, OutboxStore } from './ports.ts'

/** Calls that may wait at once. One more is told the truth of the moment instead: its message is stored and goes on. */
const WAITERS_MAX = 10_000

/** Why a deadline's sleep ends early. Without one, each abort would make an exception with its stack. */
const OVER = 'the wait is over'

const RANK: Record<ReceiptLevel | 'queued', number> = { queued: 0, received: 1, delivered: 2, answered: 3 }

/** How a wait ended. `pending`: not there yet, the message goes on by itself. */
export type Settled =
  | { outcome: 'reached'; level: ReceiptLevel; reply?: string; reason?: RejectReason }
  | { outcome: 'pending'; level: ReceiptLevel | 'queued' }
  | { outcome: 'ended'; state: 'rejected' | 'expired' | 'cancelled'; reason?: RejectReason }

interface Waiter {
  level: ReceiptLevel
  settle: (settled: Settled) => void
  fail: (error: unknown) => void
}

/**
 * Who waits for which level of which message. The row is the truth: a wait looks at it first, each change of it is told through `changed`, and a
 * deadline reads it once more. Every wait settles exactly once.
 */
export class AckTracker {
  readonly #outbox: Pick<OutboxStore, 'get'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #replyOf: (row: OutboxRow) => string | undefined
  readonly #waiters = new Map<string, Set<Waiter>>()
  #count = 0
  #stopped = false

  constructor(
    components: { outbox: Pick<OutboxStore, 'get'>; clock: Clock; log: Log },
    init: { replyOf: (row: OutboxRow) => string | undefined }
  ) {
    this.#outbox = components.outbox
    this.#clock = components.clock
    this.#log = components.log
    this.#replyOf = init.replyOf
  }

  /** Waits under way. */
  get size(): number {
    return this.#count
  }

  gauges(): Gauge[] {
    return [
      { name: 'waits', size: this.#count, max: WAITERS_MAX },
      { name: 'messages waited for', size: this.#waiters.size, max: WAITERS_MAX }
    ]
  }

  /** Whether anybody waits for this message at all. */
  awaited(id: string): boolean {
    return this.#waiters.has(id)
  }

  /** Whether anybody still waits for an answer to this message. */
  awaitsAnswer(id: string): boolean {
    return [...(this.#waiters.get(id) ?? [])].some(waiter => waiter.level === 'answered')
  }

  /**
   * Resolves when the message has reached `level`, when it has ended, when nothing more is to come (delivered, with a reason, to who waits for an
   * answer), or after `timeoutMs` with what is true then.
   *
   * @throws {MeshError} `not_found`, and `aborted` as soon as the signal is: the message stays and goes on.
   */
  async wait(id: string, level: ReceiptLevel, timeoutMs: number, options: AbortOptions = {}): Promise<Settled> {
    const { signal } = options
    if (signal?.aborted === true) throw aborted(id, signal)
    const now = this.#verdict(id, level)
    if (now.outcome !== 'pending' || timeoutMs <= 0 || this.#stopped || this.#count >= WAITERS_MAX) return now
    const { promise, resolve, reject } = Promise.withResolvers<Settled>()
    const waiter: Waiter = { level, settle: resolve, fail: reject }
    const deadline = new AbortController()
    const onAbort = (): void => this.#fail(id, waiter, aborted(id, signal))
    this.#add(id, waiter)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#clock.sleep(timeoutMs, { signal: deadline.signal }).then(
      () => this.#end(id, waiter, () => this.#verdict(id, level)),
      error => {
        if (!deadline.signal.aborted) this.#fail(id, waiter, error)
      }
    )
    try {
      return await promise
    } finally {
      this.#remove(id, waiter)
      signal?.removeEventListener('abort', onAbort)
      deadline.abort(OVER)
    }
  }

  /** A committed change of this row. */
  changed(row: OutboxRow): void {
    for (const waiter of this.#waiters.get(row.id) ?? []) {
      this.#end(row.id, waiter, () => {
        const verdict = this.#of(row, waiter.level)
        return verdict.outcome === 'pending' ? undefined : verdict
      })
    }
  }

  /** Ends every wait with what is true now. */
  stop(): void {
    this.#stopped = true
    for (const [id, waiters] of this.#waiters) {
      for (const waiter of waiters) this.#end(id, waiter, () => this.#lastVerdict(id, waiter.level))
    }
  }

  /** Ends a wait, unless there is nothing to say yet. Its waiter is gone at once: what comes next, in this very turn perhaps, is for somebody else. */
  #end(id: string, waiter: Waiter, verdict: () => Settled | undefined): void {
    try {
      const settled = verdict()
      if (settled === undefined) return
      waiter.settle(settled)
    } catch (error) {
      waiter.fail(error)
    }
    this.#remove(id, waiter)
  }

  #fail(id: string, waiter: Waiter, error: unknown): void {
    waiter.fail(error)
    this.#remove(id, waiter)
  }

  #lastVerdict(id: string, level: ReceiptLevel): Settled {
    try {
      return this.#verdict(id, level)
    } catch (error) {
      this.#log.error('A message could not be read while stopping.', failure(error))
      return { outcome: 'pending', level: 'queued' }
    }
  }

  #verdict(id: string, level: ReceiptLevel): Settled {
    const row = this.#outbox.get(id)
    if (row === undefined) throw new MeshError('not_found', { id })
    return this.#of(row, level)
  }

  #of(row: OutboxRow, wanted: ReceiptLevel): Settled {
    const { state } = row
    if (isEnd(state)) return { outcome: 'ended', state, ...reasonOf(row) }
    if (state === 'queued') return { outcome: 'pending', level: state }
    const reply = state === 'answered' ? this.#replyOf(row) : undefined
    // Answered without its reply: the receipt was quicker than the envelope, whose text is what is waited for.
    const level = state === 'answered' && reply === undefined ? 'delivered' : state
    const silent = wanted === 'answered' && state === 'delivered' && row.reason !== undefined
    if (RANK[level] < RANK[wanted] && !silent) return { outcome: 'pending', level }
    return { outcome: 'reached', level, ...reasonOf(row), ...(reply !== undefined && { reply }) }
  }

  #add(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id) ?? new Set()
    waiters.add(waiter)
    this.#waiters.set(id, waiters)
    this.#count++
  }

  /** A second call does nothing. */
  #remove(id: string, waiter: Waiter): void {
    const waiters = this.#waiters.get(id)
    if (waiters?.delete(waiter) !== true) return
    if (waiters.size === 0) this.#waiters.delete(id)
    this.#count--
  }
}

function isEnd(state: OutboxState): state is 'rejected' | 'expired' | 'cancelled' {
  return state === 'rejected' || state === 'expired' || state === 'cancelled'
}

function reasonOf(row: OutboxRow): { reason?: RejectReason } {
  return row.reason === undefined ? {} : { reason: row.reason }
}

function aborted(id: string, signal: AbortSignal | undefined): MeshError {
  return new MeshError('aborted', { id, cause: signal?.reason })
}
