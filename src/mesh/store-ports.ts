import type { InboxStore } from './inbox-ports.ts'
import type { AftermathStore, LostMessage, OutboxStore } from './outbox-ports.ts'

/** What else the mesh keeps, and the port to all of it: `store/` on a disk, fakes in tests. */

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
