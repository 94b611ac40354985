import {
  CLOCK_TOLERANCE_MS,
  type Content,
  decodeContent,
  decodeRouteRecord,
  type Envelope,
  EXPIRY_MAX_MS,
  type Fingerprint,
  FRAME_MAX_BYTES,
  HASH_BYTES,
  MERKLE_PATH_MAX,
  ProtocolError,
  peerIdOf,
  type RejectReason,
  SIGNATURE_BYTES,
  textOf
} from '../protocol/index.ts'
import type { TrustLevel } from './ports.ts'

/**
 * The checks that an envelope passes before anything is kept, in house order: length, (rate,) decode, schema, carrier, trust, audience,
 * time. Each returns why it refuses, or undefined.
 */

export function checkLength({ signed, sig, path }: Envelope): RejectReason | undefined {
  const shaped = sig.length === SIGNATURE_BYTES && path.length <= MERKLE_PATH_MAX
  const bytes = signed.length + sig.length + path.length * HASH_BYTES
  return shaped && signed.length > 0 && bytes <= FRAME_MAX_BYTES ? undefined : 'malformed'
}

/** Decode and schema. A kind or version that is not ours is told apart from bytes that are nobody's. */
export function decoded(signed: Uint8Array): { content: Content } | { reason: RejectReason } {
  try {
    const content = decodeContent(signed)
    const reason = checkBody(content)
    return reason === undefined ? { content } : { reason }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const foreign = error.code === 'envelope_kind' || error.code === 'envelope_version'
    return { reason: foreign ? 'unsupported' : 'malformed' }
  }
}

/** Records are readable, and texts come whole and in plain: chunks and sealed bodies are for a later version. */
function checkBody(content: Content): RejectReason | undefined {
  if (content.body.type === 'chunk' || content.body.type === 'sealed') return 'unsupported'
  if (content.kind === 'route' && content.body.type === 'plain') decodeRouteRecord(content.body.bytes)
  if (content.kind === 'message' || content.kind === 'host' || content.kind === 'broadcast') textOf(content)
  return undefined
}

/** The carrier holds the sender's key; that this key is the sender's was checked with the schema. */
export function checkCarrier({ key }: Content, carrier: string): RejectReason | undefined {
  return peerIdOf(key) === carrier ? undefined : 'wrong_sender'
}

export function checkTrust(level: TrustLevel): RejectReason | undefined {
  if (level === 'blocked') return 'blocked'
  return level === 'unknown' ? 'not_admitted' : undefined
}

export function checkAudience({ to, topic }: Content, self: Fingerprint): RejectReason | undefined {
  return to === self && topic === undefined ? undefined : 'wrong_audience'
}

/** Honest clocks differ by the tolerance at most; beyond it a date in the future is a wrong clock, a date in the past an expired message. */
export function checkTime({ timeMs, expiresMs }: Content, nowMs: number): RejectReason | undefined {
  if (expiresMs + CLOCK_TOLERANCE_MS < nowMs) return 'expired'
  if (timeMs - CLOCK_TOLERANCE_MS > nowMs) return 'clock_skew'
  return expiresMs - CLOCK_TOLERANCE_MS > nowMs + EXPIRY_MAX_MS ? 'clock_skew' : undefined
}
