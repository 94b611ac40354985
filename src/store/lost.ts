import type { LostMessage } from '../mesh/ports.ts'
import type { Row } from './columns.ts'

/** What is left of a damaged row of the outbox, where it still waited. */
export function lostMessage({ envelope, hash, peer, state, kind }: Row): LostMessage | undefined {
  if (state !== 'queued' || (kind !== 'message' && kind !== 'host')) return undefined
  if (!(envelope instanceof Uint8Array) || !(hash instanceof Uint8Array) || typeof peer !== 'string') return undefined
  return { peer, kind, envelope, hash }
}
