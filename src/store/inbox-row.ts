import type { InboxRow, InboxState } from '../mesh/ports.ts'
import { REASONS, type RejectReason } from '../protocol/kinds.ts'
import { bytes, flag, integer, oneOf, optionalText, type Row, text } from './columns.ts'

const KINDS = ['message', 'host', 'skip'] as const
const REASON_NAMES = Object.keys(REASONS) as RejectReason[]
const STATES = [
  'received',
  'dispatching',
  'adopted',
  'replied',
  'done',
  'unknown',
  'rejected'
] as const satisfies InboxState[]

/** Columns as they are stored. */
export function parametersOf(row: InboxRow) {
  return {
    id: row.id,
    instance: row.instance,
    peer: row.peer,
    epoch: row.epoch,
    conversation: row.conversation,
    seq: row.seq,
    kind: row.kind,
    in_reply_to: row.inReplyTo ?? null,
    envelope: row.envelope,
    hash: row.hash,
    received_ms: row.receivedMs,
    state: row.state,
    reason: row.reason ?? null,
    attempt: row.attempt,
    verified: Number(row.verified)
  }
}

/** @throws {MeshError} `store_failed` for a value that was never written */
export function readRow(row: Row): InboxRow {
  const inReplyTo = optionalText(row, 'in_reply_to')
  return {
    id: text(row, 'id'),
    instance: text(row, 'instance'),
    peer: text(row, 'peer'),
    epoch: text(row, 'epoch'),
    conversation: text(row, 'conversation'),
    seq: integer(row, 'seq'),
    kind: oneOf(row, 'kind', KINDS),
    ...(inReplyTo !== undefined && { inReplyTo }),
    envelope: bytes(row, 'envelope'),
    hash: bytes(row, 'hash'),
    receivedMs: integer(row, 'received_ms'),
    state: oneOf(row, 'state', STATES),
    ...(row['reason'] !== null && { reason: oneOf(row, 'reason', REASON_NAMES) }),
    attempt: integer(row, 'attempt'),
    verified: flag(row, 'verified')
  }
}
