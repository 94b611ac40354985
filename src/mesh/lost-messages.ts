import {
  bytesEqual,
  decodeContent,
  decodeEnvelope,
  fingerprintOfPeer,
  hashOf,
  ProtocolError
} from '../protocol/index.ts'
import type { LostMessage, OutboxRow } from './ports.ts'

/**
 * What a damaged row of the outbox was: as its envelope says, which is proved by its hash, and not the columns beside it, one of which is wrong.
 * Undefined where that says nothing, or nothing of this epoch, whose numbers are the only ones that anybody waits for.
 */
export function rowOfLost({ peer, kind, envelope, hash }: LostMessage, epoch: string): OutboxRow | undefined {
  try {
    const { signed } = decodeEnvelope(envelope)
    if (!bytesEqual(hash, hashOf(signed))) return undefined
    const content = decodeContent(signed)
    const { id, to, conversation, seq, timeMs, expiresMs } = content
    if (to === undefined || content.epoch !== epoch || fingerprintOfPeer(peer) !== to) return undefined
    const what = { id, instance: to, peer, conversation, seq, kind } as const
    return { ...what, envelope, hash, state: 'cancelled', createdMs: timeMs, expiresMs }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
