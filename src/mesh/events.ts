import type { Path } from './ports.ts'

/** What a running mesh tells its host. The bare host prints these as JSON lines. */
export type MeshEvent =
  /** The start waits for something that the owner can mend; `ready` follows when it is mended. */
  | { type: 'waiting'; reason: string }
  | { type: 'ready'; peerId: string; instanceId: string; addresses: string[] }
  | { type: 'peer'; state: 'connected' | 'disconnected'; peerId: string; instanceId: string; path: Path | null }
