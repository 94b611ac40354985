import type { ReceiptLevel } from '../protocol/index.ts'
import type { AbortOptions, OutboxState, Path, TrustLevel } from './ports.ts'

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
  reachability: 'public' | 'private' | 'unknown'
  /** Admitted peers with an open link. */
  peers: number
  version: string
  startedAt: string
  outbox: { waiting: number }
  inbox: { open: number; unknown: number }
  pendingSettings: string[]
  /** What does not work right now, a sentence each. */
  issues: string[]
}

export interface SendRequest {
  target: string
  text: string
  waitFor?: ReceiptLevel
  timeoutMs?: number
  conversation?: string
  kind?: 'message' | 'host'
  idempotencyKey?: string
  keyUntilTold?: boolean
  session?: string
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

export interface TrustResult {
  instanceId: string
  peerId: string | null
  trust: TrustLevel
  before: TrustLevel
  connected: boolean
}

export interface MessageReport {
  id: string
  to: Addressee
  state: OutboxState
  reason: string | null
  reply: string | null
  createdAt: string
}

type Handler<P, R> = (params: P, options?: AbortOptions) => Promise<R>

/** One function per control method. Each rejects with MeshError only. */
export interface MeshHandlers {
  status: Handler<object, Status>
  peers: Handler<object, Peer[]>
  send: Handler<SendRequest, SendResult>
  broadcast: Handler<{ text: string; topic?: string }, { id: string; topic: string; recipients: number; ms: number }>
  approve: Handler<{ who: string; name?: string }, TrustResult>
  trust: Handler<{ who: string; level: 'blocked' | 'paired' | 'trusted' }, TrustResult>
  message: Handler<{ id: string }, MessageReport>
  resolve: Handler<{ target: string }, Peer>
}
