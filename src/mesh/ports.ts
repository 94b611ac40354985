import type { Envelope, Frame, Hello, PairAnswer, PairBody, Receipt } from '../protocol/index.ts'
import type { Diagnostics } from './diagnostics-ports.ts'

export type * from './diagnostics-ports.ts'
export type * from './inbox-ports.ts'
export type * from './outbox-ports.ts'
export type * from './store-ports.ts'

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

/**
 * Who says where a peer is: the owner's pasted ticket, the peer's own signed record over a link within the own network, mDNS in our own subnets, or
 * anybody, which a record from afar is too. What stands in the settings is known to the network.
 */
export type AddressSource = 'ticket' | 'record' | 'neighbour' | 'stranger'

/** How full something is that grows with what peers send. */
export interface Gauge {
  name: string
  size: number
  max: number
}

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
  /** This machine moved to another network, or slept. */
  moved(): void
  /** This node is reached at other addresses than before. */
  readdressed(): void
  /** The link of this peer, which is up, takes another path than before. */
  pathChanged(peer: string, path: Path): void
  /** Both hellos admit each other. Called once per link; a new link after `linkDown` only. */
  linkUp(peer: string, hello: Hello, path: Path): void
  linkDown(peer: string): void
  /** The peer's hello says that we are not admitted there; there is no link. */
  refused(peer: string, hello: Hello): void
  envelope(peer: string, envelope: Envelope): void
  receipts(peer: string, receipts: Receipt[]): void
  /** A link that had refused a frame has room again. */
  drained(peer: string): void
  /** Somebody, a stranger perhaps, asks on the pair protocol. `address` is the remote multiaddr. Never rejects. */
  asked(peer: string, address: string, body: PairBody): Promise<PairAnswer>
  /** A broadcast arrived through `carrier`; the verdict decides whether it is relayed. */
  broadcast(carrier: string, topic: string, data: Uint8Array): Promise<'accept' | 'ignore' | 'reject'>
}

export interface Network {
  readonly peer: string
  readonly diagnostics: Diagnostics
  /** Returns when listening; never waits for a peer. Degrades instead of failing: see `issues()`. */
  start(handler: NetworkHandler, options?: AbortOptions): Promise<void>
  stop(): Promise<void>
  /** Full multiaddrs with /p2p/, as dialable by others, the most useful first; `everywhere`: only those that mean the same in every network. */
  addresses(by?: 'everywhere'): string[]
  /** Those of the addresses to which this source may send us; only they may be remembered and given to `connect` and `ask` (S-16). */
  dialable(addresses: string[], source: AddressSource): string[]
  /** Sentences about what does not work (a taken port, no multicast), for status. */
  issues(): string[]
  gauges(): Gauge[]
  /** Connects if need be and opens the link. Resolves when the link is up; MeshError `dial_failed` or `refused_by_peer` otherwise. */
  connect(peer: string, addresses: string[], options?: AbortOptions): Promise<void>
  /** For a peer whose link runs through a relay: makes a straight connection beside it, to which the link then moves. MeshError `dial_failed`. */
  straighten(peer: string, addresses: string[], options?: AbortOptions): Promise<void>
  /** Asks on the pair protocol, dialling if need be. MeshError `dial_failed`, also where the answer does not come. */
  ask(peer: string, addresses: string[], body: PairBody, options?: AbortOptions): Promise<PairAnswer>
  disconnect(peer: string): Promise<void>
  /** Queues a frame on the peer's link. False: no link, or its buffer is full (`drained` follows). Frames of one turn are one write. */
  send(peer: string, frame: Frame): boolean
  connections(): Connected[]
  /** Returns how many direct members of the topic were handed the data. */
  publish(topic: string, data: Uint8Array): Promise<{ recipients: number }>
}

// ---------------------------------------------------------------- store

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
  /** How the sender is connected as the text is handed over; null while it is not. */
  path: Path | null
  tier: Tier
  /** False: show only (kind host, depth, own id in the hops, tier notify). */
  mayStartTurn: boolean
  /** A turn over this text may have begun before, and nobody knows how far it came: it runs only where it can do no harm twice. */
  adoptedBefore: boolean
  /** The text may have been shown before: who shows it says so. */
  mayRepeat: boolean
}

/** What a peer's text may do: be shown; start a turn without any tool; start one with the tools that the owner lists. */
export type Tier = 'notify' | 'reply' | 'trusted'

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
  /** Something that the owner should know, one sentence of ours. Rejects where nobody could be told. */
  | { kind: 'owner'; text: string }
  /** An answer that came when nobody waited for it any more, to the message `question`. */
  | { kind: 'answer'; question: string; inbound: Inbound }
  /** For the host session that sent these messages, all to one instance: what became of them after it had gone on. Rejects where it was not told. */
  | {
      kind: 'settled'
      session: string
      ids: string[]
      state: 'delivered' | 'answered' | 'rejected' | 'expired'
      to: Sender
    }

/** Tells the owner, or the session that asked. Best effort: the row in the store is the truth. */
export interface Notices {
  notify(notice: Notice, options?: AbortOptions): Promise<void>
}
