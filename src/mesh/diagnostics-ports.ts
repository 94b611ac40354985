import type { AbortOptions, Path } from './ports.ts'

/** Whether others can dial this instance from outside its network, and in one sentence why that is said. */
export interface Reachability {
  verdict: 'public' | 'private' | 'unknown'
  reason: string
}

/** One entry of the list of relays. */
export interface RelayState {
  peer: string
  /** As the settings name it. */
  address: string
  /** `reserved`: peers can be let in through it. `trying`: there is no reservation, see `problem`. `spare`: enough others hold one. */
  state: 'reserved' | 'trying' | 'spare'
  /** One sentence; only where it is tried in vain. */
  problem?: string
  /** How long the reservation has been held without a break. */
  ageMs?: number
  /** Round trip to the relay. */
  rttMs?: number
}

/** What this node carries for others as a relay. */
export interface RelayUsage {
  /** Peers that hold a reservation, and how many may. */
  reservations: { used: number; max: number }
  /** Connections between two others that run through this node. */
  circuits: number
  /** Carried since midnight UTC, both directions, bytes; and per peer, the largest first. */
  today: { bytes: number; peers: { peer: string; bytes: number; maxBytes: number }[] }
  /** Refused since the start. */
  refused: { reservations: number; circuits: number }
}

export interface NetcheckInterface {
  name: string
  address: string
  /** `inner`: for containers and virtual machines of this machine. */
  kind: 'public' | 'private' | 'inner' | 'loopback' | 'link-local'
}

/** What `p2p netcheck` found out. */
export interface Netcheck {
  /** Sockets that are open, as multiaddrs without a peer id. */
  listeners: string[]
  /** The most useful first. */
  interfaces: NetcheckInterface[]
  /** Whether a question of ours was really heard on the own network: `heard`, `silent` (sent, nothing came back), `off`. */
  multicast: { state: 'heard' | 'silent' | 'off'; detail: string }
  /** Port mapping by UPnP. */
  upnp: { state: 'mapped' | 'none' | 'off'; addresses: string[]; detail: string }
  reachability: Reachability
  /** What AutoNAT found for each address of ours that means the same everywhere. */
  addresses: { address: string; verdict: 'reachable' | 'unreachable' | 'unknown' }[]
  /** How others saw our address: the same port for every destination, different ones, no NAT at all; `unknown` with fewer than two who told. */
  natMapping: { kind: 'none' | 'same' | 'different' | 'unknown'; seen: string[] }
  relays: RelayState[]
  ipv6: { global: boolean; detail: string }
  /** One line: the most useful thing that the owner can do. */
  advice: string
}

/** How this node stands in its networks. */
export interface Diagnostics {
  reachability(): Reachability
  relays(): RelayState[]
  /** Undefined where this node is no relay. */
  relayUsage(): RelayUsage | undefined
  /** One round trip over the connection that messages to this peer take. MeshError `dial_failed` where there is none or no answer. */
  ping(peer: string, options?: AbortOptions): Promise<{ rttMs: number; path: Path; address: string }>
  /** Takes some seconds. */
  netcheck(options?: AbortOptions): Promise<Netcheck>
}
