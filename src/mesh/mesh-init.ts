import type { OnUnknown } from './delivery.ts'
import type { MeshEvent } from './events.ts'
import type { Agent, Clock, Display, Log, Network, Notices, Signer, Store } from './ports.ts'
import type { TierPolicy } from './tiers.ts'
import type { TrustPolicy } from './trust.ts'

export interface MeshComponents {
  network: Network
  store: Store
  signer: Signer
  clock: Clock
  log: Log
  /** Answers what arrives, unless there is a display. */
  agent?: Agent
  /** Shows what arrives. */
  display?: Display
  notices: Notices
  onEvent?: (event: MeshEvent) => void
}

/** What can change while the mesh runs. */
export interface LiveInit extends TrustPolicy, TierPolicy {
  /** Label of this instance; two random words when absent. */
  name?: string
  /** How long a display may take, and how long a sender waits that names no time, ms. */
  deliveryAckTimeoutMs: number
  /** What becomes of a text where nobody knows what came of its dispatch. @default what can do no harm twice is repeated */
  onUnknown?: OnUnknown
}

export interface MeshInit extends LiveInit {
  meshTopic: string
  version: string
  pendingSettings: string[]
  /** Starts every command line that the owner is told to run, for example `openclaw p2p`. */
  program?: string
  /** Random numbers from 0 up to 1, for the jitter of dials. @default Math.random */
  random?: () => number
}
