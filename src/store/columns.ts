import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type * as z from 'zod'
import { MeshError } from '../mesh/errors.ts'
import { toHex } from '../protocol/bytes.ts'

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>

export function text(row: Row, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : damaged(column)
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column)
}

export function integer(row: Row, column: string): number {
  const value = row[column]
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : damaged(column)
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column]
  return value instanceof Uint8Array ? value : damaged(column)
}

export function flag(row: Row, column: string): boolean {
  const value = row[column]
  return value === 0 || value === 1 ? value === 1 : damaged(column)
}

/** One of the literals; the list is the type's own. */
export function oneOf<T extends string>(row: Row, column: string, literals: readonly T[]): T {
  const value = row[column]
  return literals.find(literal => literal === value) ?? damaged(column)
}

/** A JSON text of this shape. */
export function json<T>(row: Row, column: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text(row, column)))
  } catch (cause) {
    return damaged(column, cause)
  }
}

/**
 * CRC-32 over these columns as stored: it finds every single flipped bit; against a hand that also writes the checksum
 * there is no defence here.
 */
export function checksumOf(row: Readonly<Record<string, SQLInputValue>>, columns: readonly string[]): number {
  const values = columns.map(column => row[column])
  return crc32(JSON.stringify(values.map(value => (value instanceof Uint8Array ? toHex(value) : value))))
}

/**
 * The same in one pass, with the bytes of blobs as they are: this one is made for rows that hold whole envelopes. A row that was never written as it
 * stands gives another number; what is not a column's own type, such as a text where an integer was, does too.
 */
export function crcOf(row: Readonly<Record<string, SQLInputValue>>, columns: readonly string[]): number {
  let crc = 0
  const values = columns.map(column => {
    const value = row[column]
    if (typeof value === 'bigint') return `${value}n`
    if (!(value instanceof Uint8Array)) return value
    crc = crc32(value, crc)
    return [value.length]
  })
  return crc32(JSON.stringify(values), crc)
}

/** Only a damaged file, or another program's hand, gets a value here that was never written. */
function damaged(column: string, cause?: unknown): never {
  throw new MeshError('store_failed', { detail: `damaged row: column ${column}`, cause })
}
