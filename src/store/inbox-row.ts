import type { InboxRow, InboxState } from '../mesh/ports.ts'
import { bytes, flag, integer, oneOf, type Row, text } from './columns.ts'
import { messageParameters, readMessage } from './message-columns.ts'

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
    ...messageParameters(row),
    epoch: row.epoch,
    received_ms: row.receivedMs,
    state: row.state,
    attempt: row.attempt,
    verified: Number(row.verified)
  }
}

/** @throws {MeshError} `store_failed` for a value that was never written */
export function readRow(row: Row): InboxRow {
  return {
    ...readMessage(row),
    epoch: text(row, 'epoch'),
    envelope: bytes(row, 'envelope'),
    hash: bytes(row, 'hash'),
    receivedMs: integer(row, 'received_ms'),
    state: oneOf(row, 'state', STATES),
    attempt: integer(row, 'attempt'),
    verified: flag(row, 'verified')
  }
}
