import type { ReceiptLevel, RejectReason } from '../protocol/index.ts'

/** What the mesh keeps, row by row, and the port to where it is kept: `store/` on a disk, fakes in tests. */

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

export type TrustLevel = 'blocked' | 'unknown' | 'paired' | 'trusted'

export interface TrustRecord {
  instance: string
  /** Peer ids whose key proves this instance; empty until one was met. */
  peers: string[]
  level: TrustLevel
  petname?: string
  sinceMs: number
  how: 'ticket' | 'request' | 'settings' | 'host' | 'command'
  /** Grows with each change; a write with an old revision is refused. */
  revision: number
  /** Set when forgotten: keeps old records from coming back. */
  tombstone: boolean
}

export interface TrustStore {
  get(instance: string): TrustRecord | undefined
  all(): TrustRecord[]
  /** Compare and set on `revision` (0 for a new record); returns the stored record, or undefined when somebody was quicker. */
  put(record: TrustRecord): TrustRecord | undefined
}

/** An invitation that this instance issued. */
export interface TicketRow {
  /** 16 hex digits, made from the secret. */
  id: string
  /** 16 bytes. */
  secret: Uint8Array
  /** Later than every tombstone that was there, whatever the clock said. */
  createdMs: number
  expiresMs: number
  /** How many instances it may let in. */
  uses: number
  /** Instances that it let in, oldest first. */
  usedBy: string[]
  /** The name that the first one it lets in gets here. */
  petname?: string
}

export interface TicketStore {
  /** False: 64 are open already. They are 64 in all: of expired and spent ones the oldest is forgotten to make room. */
  insert(row: TicketRow, nowMs: number): boolean
  get(id: string): TicketRow | undefined
  /** Newest first, expired and spent ones too while they are remembered. */
  all(): TicketRow[]
  /**
   * Adds an instance to `usedBy` and returns its place there, from 0; undefined when it is spent or gone. An instance that is in there already takes no
   * further use. Expiry is not looked at.
   */
  use(id: string, instance: string): number | undefined
  /** Withdraws it. False when it is not there. */
  delete(id: string): boolean
  /** Forgets those that expired before this time. */
  prune(beforeMs: number): void
}

/** A wish to be let in: from a stranger here (`incoming`), or from this instance elsewhere (`outgoing`). */
export interface ContactRow {
  instance: string
  direction: 'incoming' | 'outgoing'
  peer: string
  /** What the other side calls itself, empty where it gave no label. */
  label: string
  /** In the asking side's words; show it through `safe()` only. */
  purpose: string
  /** Incoming: whose quota it counts against, as `hostOf` names it. Outgoing: where the other side was reached, a multiaddr. */
  address: string
  createdMs: number
  /** `rejected` is the memory against nagging: nothing of the request but instance, peer and time is kept. */
  state: 'pending' | 'rejected'
}

export interface ContactStore {
  get(instance: string, direction: ContactRow['direction']): ContactRow | undefined
  /** Pending ones, oldest first. */
  pending(direction: ContactRow['direction']): ContactRow[]
  /**
   * Inserts a pending row, or replaces the pending one of the same instance and direction, keeping its time and place. Incoming: at most 64 pending, of
   * them 4 per address; beyond either the oldest of that address, else the oldest of the addresses with most, goes. Outgoing: at most 64, the oldest
   * goes. Oldest is what was put first; what is put never goes itself. A rejected row is left as it stands.
   */
  put(row: ContactRow): void
  /** Turns a pending incoming row into a memory of its rejection, which it returns; at most 256 of those, the oldest goes. Undefined: none is pending. */
  reject(instance: string, nowMs: number): ContactRow | undefined
  delete(instance: string, direction: ContactRow['direction']): boolean
  /** Forgets pending rows and rejections from before this time. */
  prune(beforeMs: number): void
}

/** One automatic turn that was begun for a peer. */
export interface TurnRow {
  instance: string
  conversation: string
  /** Id of the trace's first message. */
  root: string
  atMs: number
  /** Characters that came in and, once it was answered, went out. */
  characters: number
}

export interface TurnStore {
  /** Returns a number by which `count` knows it again; it is never given twice. */
  add(row: TurnRow): number
  /** Adds characters to a turn; nothing happens where it was pruned. */
  count(turn: number, characters: number): void
  /** Takes back a turn that did not happen. */
  remove(turn: number): void
  /** Turns from after this time are from this time now: the clock was set back, and they must not count until it is there again. */
  restamp(nowMs: number): void
  /** Turns and characters since this time, of whatever the filter names; both in all where it names nothing. */
  since(
    atMs: number,
    filter?: { instance?: string; conversation?: string; root?: string }
  ): { turns: number; characters: number }
  prune(beforeMs: number): void
}

/** Something the owner should know, kept until it was read or dismissed. */
export interface NoticeRow {
  id: number
  atMs: number
  /** What it is about, to say it once: at most one notice of a subject is unread. */
  subject: string
  /** One sentence of ours, ready to show; strings of peers in it passed `safe()`. */
  text: string
  /** Whom it names, where it names somebody: forgotten with them. */
  about?: string
  shown: boolean
  read: boolean
}

export interface NoticeStore {
  /**
   * Takes the place of the unread notice of the same subject, under a new id. Where that one is less than `pauseMs` old, its time and `shown` stay: the
   * pause counts from the first, whatever follows. At most 256; read ones go first, then the oldest.
   */
  add(notice: { atMs: number; subject: string; text: string; about?: string; pauseMs?: number }): NoticeRow
  /** Unread ones, oldest first. */
  unread(limit: number): NoticeRow[]
  /** Time of the newest with this subject. */
  lastMs(subject: string): number | undefined
  shown(id: number): void
  /** Marks as read; all up to and including this id. */
  read(upToId: number): void
  /** Marks this one alone as read; false where it is not there or was read before. */
  dismiss(id: number): boolean
  /** Erases all about this instance, read or not. */
  forget(about: string): void
}

export interface RouteEntry {
  instance: string
  peer: string
  label: string
  /** Multiaddrs at which this key was authenticated, or that its route record names. */
  addresses: string[]
  /** Seq of the newest route record accepted, 0 for none. */
  seq: number
  lastSeenMs: number
}

/** `instance-peer.json`: admitted instances only, atomic and debounced. */
export interface RouteStore {
  load(): RouteEntry[]
  /** Read once, after `load`: where an earlier version of the program had met peers. Nobody vouches for it, and nobody in it is admitted for that. */
  hints(): RouteEntry[]
  save(entries: RouteEntry[]): void
  flush(): Promise<void>
}

export interface Store {
  /** 16 hex digits, made with the database. */
  readonly epoch: string
  readonly outbox: OutboxStore
  readonly aftermath: AftermathStore
  readonly inbox: InboxStore
  readonly trust: TrustStore
  readonly tickets: TicketStore
  readonly contacts: ContactStore
  readonly turns: TurnStore
  readonly notices: NoticeStore
  readonly routes: RouteStore
  /** Runs the work in one transaction (nested calls join it); commits before it returns, rolls back when it throws. */
  transaction<T>(work: () => T): T
  /** Small values that outlive a restart: the route seq, the default label. */
  value(key: string): string | undefined
  setValue(key: string, value: string): void
  /** Forgets damaged rows that were kept long enough for a look. */
  prune(): void
  /** Messages that waited, and that the opening of the store found damaged and set aside. Gives each once. */
  takeLost(): LostMessage[]
  /** Sentences about what does not work (a full disk, damaged rows), for status. */
  issues(): string[]
  close(): Promise<void>
}

// ---------------------------------------------------------------- hosts
