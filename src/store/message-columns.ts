import type { InboxRow, OutboxRow } from '../mesh/ports.ts'
import { REASONS, type RejectReason } from '../protocol/kinds.ts'
import { integer, oneOf, optionalText, type Row, text } from './columns.ts'

const KINDS = ['message', 'host', 'skip'] as const
const REASON_NAMES = Object.keys(REASONS) as RejectReason[]

/** What a message is in both boxes, but its state, its bytes and its times. */
type Message = Pick<
  InboxRow & OutboxRow,
  'id' | 'instance' | 'peer' | 'conversation' | 'seq' | 'kind' | 'inReplyTo' | 'reason'
>

/** The same with its bytes, as both boxes store it. */
export function messageParameters(row: Message & Pick<InboxRow, 'envelope' | 'hash'>) {
  return {
    id: row.id,
    instance: row.instance,
    peer: row.peer,
    conversation: row.conversation,
    seq: row.seq,
    kind: row.kind,
    in_reply_to: row.inReplyTo ?? null,
    envelope: row.envelope,
    hash: row.hash,
    reason: row.reason ?? null
  }
}

/** @throws {MeshError} `store_failed` for a value that was never written */
export function readMessage(row: Row): Message {
  const inReplyTo = optionalText(row, 'in_reply_to')
  return {
    id: text(row, 'id'),
    instance: text(row, 'instance'),
    peer: text(row, 'peer'),
    conversation: text(row, 'conversation'),
    seq: integer(row, 'seq'),
    kind: oneOf(row, 'kind', KINDS),
    ...(inReplyTo !== undefined && { inReplyTo }),
    ...(row['reason'] !== null && { reason: oneOf(row, 'reason', REASON_NAMES) })
  }
}
