import type { ReceiptLevel, RejectReason } from '../protocol/index.ts'

/** What this instance has to say, row by row, what became of it, and the ports to where both are kept. */

export type OutboxState = 'queued' | ReceiptLevel | 'rejected' | 'expired' | 'cancelled'

export interface OutboxRow {
  id: string
  /** Addressee. */
  instance: string
  peer: string
  conversation: string
  seq: number
  kind: 'message' | 'host' | 'skip'
  inReplyTo?: string
  /** The exact encoded Envelope. */
  envelope: Uint8Array
  /** SHA-256 of its signed bytes. */
  hash: Uint8Array
  state: OutboxState
  reason?: RejectReason
  createdMs: number
  expiresMs: number
  /** Same key, same message: a repeated call returns the first row. */
  idempotencyKey?: string
  /** The host session that asked, for a late answer. */
  session?: string
  /** Id of the inbox row that answered it. */
  replyId?: string
}

/** A damaged row that waited. Something in it is wrong, perhaps something beside these. */
export type LostMessage = Pick<OutboxRow, 'peer' | 'kind' | 'envelope' | 'hash'>

export interface OutboxStore {
  /** Last seq given to this addressee and conversation, 0 for none. */
  lastSeq(instance: string, conversation: string): number
  insert(rows: OutboxRow[]): void
  get(id: string): OutboxRow | undefined
  byIdempotencyKey(key: string): OutboxRow | undefined
  /** Forgets the row's idempotency key: the same key makes a new message from now on. */
  releaseKey(id: string): void
  /** Rows in state queued for this instance, oldest first, after the row with id `afterId` where given. */
  queued(instance: string, limit: number, afterId?: string): OutboxRow[]
  /** The same for states queued and received: what a new link asks about again, in case a receipt was lost with the old one. */
  unsettled(instance: string, limit: number, afterId?: string): OutboxRow[]
  /** Entries and bytes waiting, skips apart, per instance or in all. */
  load(instance?: string): { entries: number; bytes: number }
  waitingInstances(): string[]
  /** Levels only grow; of final states only `expired` and `cancelled` change, to what was delivered all the same. Returns the row after the change, or undefined when nothing changed. */
  advance(id: string, state: OutboxState, details?: { reason?: RejectReason; replyId?: string }): OutboxRow | undefined
  /** Ends queued and received rows past their expiry, `limit` at most, those first that expired first, and returns them. */
  expire(nowMs: number, limit: number): OutboxRow[]
  /** Forgets at most `limit` rows that wait for nothing, are no dead letters, and expired before this time; seqs stay given. Returns how many. */
  prune(beforeMs: number, limit: number): number
}

/** A row of the outbox without its bytes, and what became known of it later. */
export interface OutboxEntry extends Omit<OutboxRow, 'envelope' | 'hash'> {
  /** The state of which the session that asked was told last. */
  told?: OutboxState
  /** The peer has said that it stores it, however it ended here since. */
  reached: boolean
  /** The owner need not see it again. */
  dismissed: boolean
}

/** What the owner is told of messages to one instance that were late: how many of them arrived or ended. */
export interface LateCount {
  instance: string
  arrived: number
  rejected: number
  expired: number
}

/**
 * The outbox as people see it afterwards: what waits, what ended undelivered, and what was told of it. Skips are nowhere in it. A dead letter is a
 * rejected or expired row that nobody dismissed.
 */
export interface AftermathStore {
  /** The entry of this id, whatever its state. */
  get(id: string): OutboxEntry | undefined
  /** Queued and received ones, oldest first. */
  waiting(limit: number): OutboxEntry[]
  waitingCount(): number
  /** Newest first. */
  deadLetters(limit: number): OutboxEntry[]
  deadLetterCount(): number
  /** Nobody need be told of its end any more either. False where it is no dead letter. */
  dismiss(id: string): boolean
  /** Dismisses the dead letters of one instance, or all but the newest `keep`. Returns how many. */
  dismissAll(which: { instance: string } | { keep: number }): number
  /** When the next queued or received row expires, skips too. */
  nextExpiryMs(): number | undefined
  /** Creation of the oldest queued one of which the owner was never told. */
  oldestUnsaidMs(): number | undefined
  /** Takes note that the owner is told of queued ones made up to this time, `limit` at most; returns how many by instance. */
  sayWaiting(createdMs: number, limit: number): Map<string, number>
  /** The same for what arrived after the owner was told that it waits or ended, and for every end that was not said yet. */
  sayLate(limit: number): LateCount[]
  /** Takes note that the owner need not be told of the end of this one. */
  sayEnded(id: string): void
  /**
   * Those whose session was not told of their state, which is delivered, answered, rejected or expired: oldest first, after the one with id `afterId`.
   */
  untold(limit: number, afterId?: string): OutboxEntry[]
  /** Takes note that the session was told of this state; `newsMs`, wall clock, where it may have missed that: see `retell`. */
  tell(id: string, state: OutboxState, newsMs?: number): void
  /** It was not told after all. */
  untell(id: string): void
  /** The session looked for itself: it need not be told of this state again. */
  heard(id: string): void
  /** What sessions were told since then, and have not looked at, counts as untold again: of the newest `limit`. Returns how many. */
  retell(sinceMs: number, limit: number): number
}
