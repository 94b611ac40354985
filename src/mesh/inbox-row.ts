import {
  type Content,
  decodeContent,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  type Receipt,
  type ReceiptOutcome,
  type RejectReason
} from '../protocol/index.ts'
import type { InboxRow, InboxState } from './ports.ts'

export interface Arrival {
  peer: string
  envelope: Envelope
  content: Content
  /** SHA-256 of the signed bytes. */
  hash: Uint8Array
}

/** States that need nothing more. */
const ENDS: ReadonlySet<InboxState> = new Set<InboxState>(['replied', 'done', 'unknown', 'rejected'])

/** What the sender is told of each state. */
const OUTCOMES: Record<InboxState, ReceiptOutcome> = {
  received: 'received',
  dispatching: 'received',
  adopted: 'delivered',
  replied: 'answered',
  done: 'delivered',
  unknown: 'rejected',
  rejected: 'rejected'
}

export function isEnded({ state }: InboxRow): boolean {
  return ENDS.has(state)
}

export function rowOf(
  { peer, envelope, content, hash }: Arrival,
  kind: InboxRow['kind'],
  receivedMs: number
): InboxRow {
  return {
    id: content.id,
    instance: content.from,
    peer,
    epoch: content.epoch,
    conversation: content.conversation,
    seq: content.seq,
    kind,
    ...(content.inReplyTo !== undefined && { inReplyTo: content.inReplyTo }),
    envelope: encodeEnvelope(envelope),
    hash,
    receivedMs,
    state: 'received',
    attempt: 0,
    verified: false
  }
}

/** @throws {ProtocolError} only where the stored bytes are not what was stored. */
export function openRow(row: InboxRow): { envelope: Envelope; content: Content } {
  const envelope = decodeEnvelope(row.envelope)
  return { envelope, content: decodeContent(envelope.signed) }
}

/** @param attempt which arrival is answered; a level reached later answers the first. */
export function receiptOf(row: InboxRow, attempt = 1): Receipt {
  // Until its end the reason is a note of our own.
  const reason = isEnded(row) ? (row.reason ?? 'none') : 'none'
  return { id: row.id, attempt, hash: row.hash, outcome: OUTCOMES[row.state], reason }
}

/** A receipt about an arrival that is not kept. */
export function refusal({ content, hash }: Arrival, reason: RejectReason): Receipt {
  return { id: content.id, attempt: 1, hash, outcome: 'rejected', reason }
}
