import type { Envelope, Frame, Hello, Receipt, ReceiptLevel, ReceiptOutcome, RejectReason } from '../protocol/index.ts'

/**
 * What the mesh needs from the world. Each port is declared here, beside its only consumer, and has a contract suite that runs on the fake
 * and on the real implementation.
 *
 * Words: `peer` is a libp2p peer id (base58btc string), `instance` a canonical fingerprint (`xxxx-xxxx-...`, no label), ids and
 * conversations are 32 lower-case hex digits, times are milliseconds.
 */

export interface AbortOptions {
  signal?: AbortSignal
}

/** How a link runs: same network, straight over the internet, or through a relay. */
export type Path = 'lan' | 'direct' | 'relayed'

export interface Clock {
  wallMs(): number
  monotonicMs(): number
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, options?: AbortOptions): Promise<void>
}

/** One line per finished thing at info, steps at debug. Never message text; peer strings only through `safe()`. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** The instance's Ed25519 key. The private half stays behind this port. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  /** True only for a valid Ed25519 signature; never throws for bad input. */
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): Promise<boolean>
}

// ---------------------------------------------------------------- network

export interface Connected {
  peer: string
  path: Path
  /** Remote multiaddr of the connection. */
  address: string
  /** True once both hellos admitted each other and frames may flow. */
  linked: boolean
  /** Round trip of the last ping; there is none in the first seconds. */
  rttMs?: number
}

/** Implemented by the mesh, called by the network. No callback may throw. */
export interface NetworkHandler {
  /** The hello to say to this peer; `admitted: false` ends the stream after it was sent. */
  hello(peer: string): Hello
  /** An instance of this mesh was seen (mDNS, bootstrap); not connected yet. */
  discovered(peer: string, addresses: string[]): void
  connected(peer: string, path: Path, address: string): void
  disconnected(peer: string): void
  /** Both hellos admit each other. Called once per link; a new link after `linkDown` only. */
  linkUp(peer: string, hello: Hello, path: Path): void
  linkDown(peer: string): void
  /** The peer's hello says that we are not admitted there; there is no link. */
  refused(peer: string, hello: Hello): void
  envelope(peer: string, envelope: Envelope): void
  receipts(peer: string, receipts: Receipt[]): void
  /** A link that had refused a frame has room again. */
  drained(peer: string): void
  /** A broadcast arrived through `carrier`; the verdict decides whether it is relayed. */
  broadcast(carrier: string, topic: string, data: Uint8Array): Promise<'accept' | 'ignore' | 'reject'>
}

export interface Network {
  readonly peer: string
  /** Returns when listening; never waits for a peer. Degrades instead of failing: see `issues()`. */
  start(handler: NetworkHandler, options?: AbortOptions): Promise<void>
  stop(): Promise<void>
  /** Full multiaddrs with /p2p/, as dialable by others. */
  addresses(): string[]
  /** Sentences about what does not work (a taken port, no multicast), for status. */
  issues(): string[]
  /** Connects if need be and opens the link. Resolves when the link is up; MeshError `dial_failed` or `refused_by_peer` otherwise. */
  connect(peer: string, addresses: string[], options?: AbortOptions): Promise<void>
  disconnect(peer: string): Promise<void>
  /** Queues a frame on the peer's link. False: no link, or its buffer is full (`drained` follows). Frames of one turn are one write. */
  send(peer: string, frame: Frame): boolean
  connections(): Connected[]
  /** Returns how many direct members of the topic were handed the data. */
  publish(topic: string, data: Uint8Array): Promise<{ recipients: number }>
}

// ---------------------------------------------------------------- store

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
  /** Levels only grow; a final state never changes. Returns the row after the change, or undefined when nothing changed. */
  advance(id: string, state: OutboxState, details?: { reason?: RejectReason; replyId?: string }): OutboxRow | undefined
  /** Ends every queued or received row past its expiry and returns them. */
  expire(nowMs: number): OutboxRow[]
  /** Forgets at most `limit` rows that wait for nothing and expired before this time; seqs stay given. Returns how many. */
  prune(beforeMs: number, limit: number): number
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
  reason?: RejectReason
  /** Dispatches begun so far; a second try needs a new host message id. */
  attempt: number
  /** False until the signature was verified: never dispatched before. */
  verified: boolean
}

export interface InboxStore {
  /** Rows that are new by (instance, epoch, conversation, seq) are inserted; returns the ids of those. Others are left as they stand. */
  insert(rows: InboxRow[]): Set<string>
  get(instance: string, id: string): InboxRow | undefined
  /** Lowest seq of this conversation that has not been dispatched to its end, from 1. */
  nextSeq(instance: string, epoch: string, conversation: string): number
  update(
    instance: string,
    id: string,
    change: Partial<Pick<InboxRow, 'state' | 'reason' | 'attempt' | 'verified'>>
  ): InboxRow | undefined
  /** Rows in these states, oldest first. */
  inStates(states: InboxState[], limit: number): InboxRow[]
  /**
   * Forgets at most `limit` rows that ended and were received before this time, and returns how many. The window moves past them: what its sender
   * had said before them has expired too, so nothing up to there is new again.
   */
  prune(beforeMs: number, limit: number): number
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
  readonly inbox: InboxStore
  readonly trust: TrustStore
  readonly routes: RouteStore
  /** Runs the work in one transaction (nested calls join it); commits before it returns, rolls back when it throws. */
  transaction<T>(work: () => T): T
  /** Small values that outlive a restart: the route seq, the default label. */
  value(key: string): string | undefined
  setValue(key: string, value: string): void
  close(): Promise<void>
}

// ---------------------------------------------------------------- hosts

export interface Sender {
  instance: string
  /** `label@fingerprint`. */
  instanceId: string
  peer: string
  /** Petname or label, already safe to show. */
  name: string
}

export interface Inbound {
  id: string
  /** Unique per attempt: the host silently drops an id that it has seen. */
  hostMessageId: string
  conversation: string
  inReplyTo?: string
  from: Sender
  text: string
  sentMs: number
  /** False: show only (kind host, depth, own id in the hops, tier notify). */
  mayStartTurn: boolean
}

/** How a dispatch ended. `retry`: nothing happened, try again later. `unknown`: it may or may not have happened. */
export type DispatchOutcome =
  | { outcome: 'done' }
  | { outcome: 'retry'; detail: string }
  | { outcome: 'unknown'; detail: string }
  | { outcome: 'failed'; detail: string }

export interface TurnEvents {
  /** The host took the turn: it will not be repeated blindly. */
  adopted(): void
  /** Resolves when the answer is committed to the outbox. A further answer becomes one more message to the same question. */
  reply(text: string): Promise<void>
}

/** Runs a turn of the local agent, or of the bare host's command. Always returns within its own upper bound. */
export interface Agent {
  turn(inbound: Inbound, events: TurnEvents, options?: AbortOptions): Promise<DispatchOutcome>
}

/** Shows a text where the owner reads: another channel, or a JSON line. */
export interface Display {
  show(inbound: Inbound, options?: AbortOptions): Promise<DispatchOutcome>
}

export interface Broadcast {
  id: string
  topic: string
  from: Sender
  text: string
}

export type Notice =
  | { kind: 'broadcast'; broadcast: Broadcast }
  /** A text that starts no turn, on an instance without a display. */
  | { kind: 'message'; inbound: Inbound }
  /** A message of ours was answered or ended after its waiter had gone. `session` is the host session that asked. */
  | { kind: 'settled'; id: string; session?: string; state: ReceiptOutcome | 'expired'; to: Sender; reply?: Inbound }

/** Tells the owner, or the session that asked. Best effort: the row in the store is the truth. */
export interface Notices {
  notify(notice: Notice, options?: AbortOptions): Promise<void>
}
