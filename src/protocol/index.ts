/** What peers say to each other: bytes in, values out. Nothing here touches a network, a disk or a clock. */
export { ADDRESS_MAX_CHARS, isKnownAddress, withoutPeer } from './address.ts'
export { equal as bytesEqual, fromHex, toHex } from './bytes.ts'
export {
  type Body,
  type Content,
  decodeContent,
  encodeContent,
  peekContent,
  type Trace,
  textOf
} from './content.ts'
export { ENVELOPE_VERSION, SIGNED_MAX_BYTES } from './content-rules.ts'
export {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  rootOf,
  sealGroup,
  signedBytesOf,
  verifyEnvelope
} from './envelope.ts'
export * from './errors.ts'
export {
  type Fingerprint,
  fingerprintFromBytes,
  fingerprintOf,
  fingerprintOfPeer,
  fingerprintToBytes,
  isFingerprint,
  shortFingerprint
} from './fingerprint.ts'
export { decodeFrame, encodeFrame, type Frame } from './frame.ts'
export { hashOf } from './hash.ts'
export type { Hello } from './hello.ts'
export { hostOf } from './host-of.ts'
export { isEpoch, isId, newEpoch, newId } from './id.ts'
export { formatInstanceId, parseInstanceId } from './instance-id.ts'
export * from './kinds.ts'
export { parseLabel, peerLabel } from './label.ts'
export * from './limits.ts'
export { decodePairFrame, encodePairFrame, type PairAnswer, type PairFrame, refusing } from './pair.ts'
export { type PairBody, pairBodyOf, pairRequestOf } from './pair-body.ts'
export { peerIdOf, publicKeyOf } from './peer-id.ts'
export type { Receipt } from './receipt.ts'
export { decodeRouteRecord, encodeRouteRecord, type RouteRecord } from './route-record.ts'
export { safe } from './safe.ts'
export { skeletonOf } from './skeleton.ts'
export { formatTicket, parseTicket, type Ticket, ticketIdBytesOf, ticketIdOf } from './ticket.ts'
export { isTicketProof, ticketProof } from './ticket-proof.ts'
export { isTopic, parseTopic } from './topic.ts'
export { VerifiedRoots } from './verified-roots.ts'
