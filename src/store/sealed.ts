import type { SQLInputValue } from 'node:sqlite'
import { crcOf, type Row } from './columns.ts'

/** Of a message, whichever way it goes. */
const MESSAGE = [
  'id',
  'instance',
  'peer',
  'epoch',
  'conversation',
  'seq',
  'kind',
  'in_reply_to',
  'envelope',
  'hash'
] as const

/**
 * What the checksum of a row covers, by table: every column but the checksum and the number that SQLite gives. SQLite itself does not notice a flipped
 * bit in a value. A new column of one of these tables is listed here too, in the migration that adds it.
 *
 * Rows of `loads` and `holdings` have none: they are counted anew at each open. Those of `trust` and `tickets` have one of an older form, see
 * `checksumOf`. What was told of a message (`told`, `news_ms`, `said` and `dismissed` of the outbox) is not covered: damaged, it costs a word that is
 * said twice or not at all.
 */
export const SEALED = {
  meta: ['key', 'value'],
  outbox: [
    ...MESSAGE,
    'state',
    'reason',
    'created_ms',
    'expires_ms',
    'idempotency_key',
    'session',
    'reply_id',
    'reached'
  ],
  sequences: ['instance', 'epoch', 'conversation', 'last_seq'],
  inbox: [...MESSAGE, 'received_ms', 'state', 'reason', 'attempt', 'verified'],
  windows: ['instance', 'epoch', 'conversation', 'next_seq', 'moved_ms'],
  contacts: ['instance', 'direction', 'epoch', 'peer', 'label', 'purpose', 'address', 'created_ms', 'state'],
  turns: ['instance', 'conversation', 'root', 'at_ms', 'characters'],
  notices: ['at_ms', 'subject', 'text', 'about', 'shown', 'read']
} as const satisfies Record<string, readonly string[]>

export type SealedTable = keyof typeof SEALED

/** The columns by which one row is found. */
export const KEYS = {
  meta: ['key'],
  outbox: ['place'],
  sequences: ['instance', 'epoch', 'conversation'],
  inbox: ['place'],
  windows: ['instance', 'epoch', 'conversation'],
  contacts: ['place'],
  turns: ['turn'],
  notices: ['id']
} as const satisfies Record<SealedTable, readonly string[]>

export const SEALED_TABLES = Object.keys(SEALED) as SealedTable[]

/** The values with the checksum that belongs to them, for writing. */
export function sealed<T extends Record<string, SQLInputValue>>(
  table: SealedTable,
  values: T
): T & { checksum: number } {
  return { ...values, checksum: crcOf(values, SEALED[table]) }
}

/** The checksum of a row as it will be after this change. */
export function resealed(table: SealedTable, row: Row, change: Record<string, SQLInputValue>): number {
  return crcOf({ ...row, ...change }, SEALED[table])
}

/** Whether a row of that table is what was written. */
export function isSealed(table: SealedTable, row: Row): boolean {
  return row['checksum'] === crcOf(row, SEALED[table])
}
