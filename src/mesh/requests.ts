import type { ReceiptLevel } from '../protocol/index.ts'
import type {
  AbortOptions,
  Gauge,
  InboxState,
  Netcheck,
  OutboxState,
  Path,
  Reachability,
  RelayState,
  RelayUsage,
  TrustLevel
} from './ports.ts'

/** What can be asked of the mesh and what it answers, past the border where requests are parsed. Times are ISO 8601 in UTC. */

export interface Peer {
  instanceId: string
  peerId: string | null
  name: string
  trust: TrustLevel
  /** Null while not connected. */
  path: Path | null
  rttMs: number | null
  lastSeenAt: string | null
  /** Messages waiting for this peer. */
  queued: number
}

export interface Status {
  peerId: string
  instanceId: string
  addresses: string[]
  reachability: Reachability['verdict']
  /** One sentence: why. */
  reachabilityReason: string
  relays: RelayState[]
  /** What this instance carries for others; null where it is no relay. */
  relay: RelayUsage | null
  /** Admitted peers with an open link. */
  peers: number
  version: string
  startedAt: string
  outbox: { waiting: number }
  inbox: { open: number; unknown: number }
  /** What the owner has not read yet. */
  notices: { unread: number }
  pendingSettings: string[]
  /** How full everything is that grows with what peers send. */
  gauges: Gauge[]
  /** What does not work right now, a sentence each. */
  issues: string[]
}

/** What somebody cost and may still cost: turns within an hour, characters in and out within a day. */
export interface Expenses {
  turns: { used: number; left: number }
  characters: { used: number; left: number }
  /** Null while nothing waits for budget. */
  waitsUntil: string | null
}

export interface BudgetReport {
  total: Expenses
  peers: Array<Expenses & { instanceId: string; name: string }>
}

export interface SendRequest {
  target: string
  text: string
  waitFor?: ReceiptLevel
  timeoutMs?: number
  /** Life of the message, `EXPIRY_DEFAULT_MS` when absent. */
  expiresInMs?: number
  conversation?: string
  kind?: 'message' | 'host'
  idempotencyKey?: string
  keyUntilTold?: boolean
  session?: string
  /** `<fingerprint>/<id>` of the inbound message that is being acted upon. */
  cause?: string
}

export interface Addressee {
  instanceId: string
  peerId: string
  name: string
}

export interface SendResult {
  id: string
  /** `pending`: accepted and stored, nothing came back yet. */
  level: 'pending' | ReceiptLevel
  path: Path | null
  ms: number
  reply: string | null
  to: Addressee
  /** Why nothing more is to come, e.g. `no_reply`. */
  reason: string | null
  /** True when the same call had been made before and this is its message. */
  repeated: boolean
}

/** One round trip. */
export interface PingResult extends Addressee {
  path: Path
  rttMs: number
  /** Remote multiaddr of the connection. */
  address: string
}

export interface TrustResult {
  instanceId: string
  peerId: string | null
  trust: TrustLevel
  before: TrustLevel
  connected: boolean
}

export interface InviteResult {
  ticket: string
  expiresAt: string
  /** This instance, as the other side will see it. */
  instanceId: string
}

/** An invitation that is remembered here. */
export interface TicketReport {
  /** 16 hex digits; says nothing about the secret. */
  id: string
  /** `open`: it lets somebody in. */
  state: 'open' | 'spent' | 'expired'
  expiresAt: string
  /** How many it may let in, and how many it did. */
  uses: number
  used: number
  /** What the first who comes with it is called here. */
  name: string | null
}

export interface ContactReport {
  direction: 'incoming' | 'outgoing'
  instanceId: string
  peerId: string
  name: string
  /** In the words of who asks. */
  purpose: string
  askedAt: string
}

export interface ContactResult {
  instanceId: string
  peerId: string
  /** `admitted`: both may write. `pending`: its owner decides. `rejected`: by the owner here. */
  state: 'admitted' | 'pending' | 'rejected'
  trust: TrustLevel
}

export interface ForgetResult {
  instanceId: string
  /** Messages that were waiting for it and will not be sent. */
  cancelled: number
}

export interface NoticeReport {
  id: number
  at: string
  text: string
  /** Whether a channel took it. */
  shown: boolean
}

/** A message that came in and is kept. */
export interface InboundReport {
  id: string
  from: Addressee
  at: string
  state: InboxState
  /** Message of ours that it answers. */
  inReplyTo: string | null
  text: string
}

/** One of them with everything that is known of it. */
export interface InboundDetails extends InboundReport {
  /** `host`: the sender's host spoke by itself. */
  kind: 'message' | 'host'
  conversation: string
  /** By the sender's clock. */
  sentAt: string
  /** Why it ended as it did, null where there is nothing to say. */
  reason: string | null
  /** How often its dispatch was begun. */
  attempts: number
}

/** A message of ours, without its text. */
export interface OutboxReportEntry {
  id: string
  to: Addressee
  state: OutboxState
  reason: string | null
  createdAt: string
  expiresAt: string
  /** Rejected or expired, and not dismissed. */
  deadLetter: boolean
}

export interface OutboxReport {
  /** Oldest first. */
  waiting: OutboxReportEntry[]
  /** Newest first. */
  deadLetters: OutboxReportEntry[]
  /** How many there are, listed or not. */
  counts: { waiting: number; deadLetters: number }
}

export interface MessageReport extends OutboxReportEntry {
  reply: string | null
  /** Null where the row is damaged. */
  text: string | null
  conversation: string
  inReplyTo: string | null
  /** While it waits, as far as it is known: tries in vain since the last link, the next one, and when it was handed to the link that is up. */
  attempts: number | null
  nextTryAt: string | null
  sentAt: string | null
}

export interface RetryResult {
  id: string
  /** The new message where it was a dead letter. */
  retriedAs: string | null
  to: Addressee
  connected: boolean
}

type Handler<P, R> = (params: P, options?: AbortOptions) => Promise<R>

/** One function per control method. Each rejects with MeshError only. */
export interface MeshHandlers {
  status: Handler<object, Status>
  peers: Handler<object, Peer[]>
  budget: Handler<object, BudgetReport>
  send: Handler<SendRequest, SendResult>
  broadcast: Handler<{ text: string; topic?: string }, { id: string; topic: string; recipients: number; ms: number }>
  approve: Handler<{ who: string; name?: string }, TrustResult>
  rename: Handler<{ who: string; name: string }, TrustResult>
  forget: Handler<{ who: string }, ForgetResult>
  invite: Handler<{ ttlMs: number; uses: number; name?: string }, InviteResult>
  tickets: Handler<object, TicketReport[]>
  withdraw: Handler<{ id: string }, TicketReport>
  join: Handler<{ ticket: string }, TrustResult>
  nearby: Handler<object, Peer[]>
  request: Handler<{ who: string; purpose?: string }, ContactResult>
  requests: Handler<object, ContactReport[]>
  reject: Handler<{ who: string }, ContactResult>
  notices: Handler<{ readUpTo?: number; dismiss?: number }, NoticeReport[]>
  trust: Handler<{ who: string; level: 'blocked' | 'paired' | 'trusted' }, TrustResult>
  message: Handler<{ id: string; session?: string }, MessageReport>
  outbox: Handler<{ limit: number }, OutboxReport>
  retryMessage: Handler<{ id: string }, RetryResult>
  cancelMessage: Handler<{ id: string }, { id: string; sent: boolean }>
  dismissMessage: Handler<{ id: string }, { id: string; deadLetters: number }>
  messages: Handler<{ limit: number }, InboundReport[]>
  inbound: Handler<{ id: string }, InboundDetails>
  ping: Handler<{ who: string }, PingResult>
  netcheck: Handler<object, Netcheck>
  resolve: Handler<{ target: string }, Peer>
}
