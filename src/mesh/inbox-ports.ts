import type { RejectReason } from '../protocol/index.ts'

/** What was said to this instance, row by row, and the port to where it is kept. */

export type InboxState =
  | 'received'
  | 'dispatching'
  | 'adopted'
  | 'replied' // the answer is in the outbox
  | 'done' // shown, or a turn that gave no answer, or a reply handed to its asker
  | 'unknown' // a crash hid the outcome
  | 'rejected'

export interface InboxRow {
  id: string
  instance: string
  peer: string
  /** 16 hex digits. */
  epoch: string
  conversation: string
  seq: number
  kind: 'message' | 'host' | 'skip'
  inReplyTo?: string
  envelope: Uint8Array
  hash: Uint8Array
  receivedMs: number
  state: InboxState
  /** Of an ending. `unknown_outcome` of a row that is open: what came of one dispatch is hidden, and it is on its second and last chance. */
  reason?: RejectReason
  /** Dispatches begun so far; a second try needs a new host message id. */
  attempt: number
  /** False until the signature was verified: never dispatched before. */
  verified: boolean
}

/** What is kept of an instance in the inbox, or of all. */
export interface InboxLoad {
  entries: number
  /** Of the envelopes, and 512 more for each row: its other columns and its places in indexes. */
  bytes: number
  /** Conversations whose window is known; each epoch of a sender has its own. */
  conversations: number
}

export interface InboxStore {
  /** Rows that are new by (instance, epoch, conversation, seq) are inserted; returns the ids of those. Others are left as they stand. */
  insert(rows: InboxRow[]): Set<string>
  get(instance: string, id: string): InboxRow | undefined
  /** Rows whose id begins so, whoever sent them. */
  named(prefix: string, limit: number): InboxRow[]
  /** Lowest seq of this conversation that has not been dispatched to its end, from 1. */
  nextSeq(instance: string, epoch: string, conversation: string): number
  /** Whether a row stands at this seq, whatever its id. */
  holds(instance: string, epoch: string, conversation: string, seq: number): boolean
  update(
    instance: string,
    id: string,
    change: Partial<Pick<InboxRow, 'state' | 'reason' | 'attempt' | 'verified'>>
  ): InboxRow | undefined
  /** Rows in these states, oldest first. */
  inStates(states: InboxState[], limit: number): InboxRow[]
  /** Whatever their state, newest first. */
  newest(limit: number): InboxRow[]
  /**
   * Forgets at most `limit` rows that ended and were received before this time, and returns how many. The window moves past them: what its sender
   * had said before them has expired too, so nothing up to there is new again.
   */
  prune(beforeMs: number, limit: number): number
  kept(instance?: string): InboxLoad
  /** Of whose rows most bytes are kept. */
  largest(): string | undefined
  /**
   * Forgets rows of this instance that ended, oldest first, until this many bytes are free or `limit` rows were looked at; returns what that freed. None
   * of them is new again: those that stand beyond a gap of their conversation are left unless they were received before `gapBeforeMs`; then the window
   * moves past the gap.
   */
  trim(
    instance: string,
    bytes: number,
    how: { limit: number; gapBeforeMs: number }
  ): Pick<InboxLoad, 'entries' | 'bytes'>
  /** Forgets at most `limit` windows that moved last before this time and have no rows; returns how many. What comes of them then is new again. */
  pruneWindows(beforeMs: number, limit: number): number
}
