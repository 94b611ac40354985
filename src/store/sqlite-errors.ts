import { MeshError } from '../mesh/errors.ts'
import { FULL_TEXT } from './disk.ts'

/** SQLite's primary result codes that pass by themselves: busy, locked, I/O error, full. */
const PASSING_CODES = new Set([5, 6, 10, 13])

/** SQLite's code for a disk without room. */
const FULL_CODE = 13

/** A file that is no database, or one that is damaged inside: it does not mend by itself. */
const DAMAGE_CODES = new Set([11, 26])

export const DAMAGE_ADVICE =
  'restore it from a backup; or, to start with nobody trusted, move it and the file `epoch` beside it away'

/** Whether SQLite found no room on the disk. */
export function saysFull(error: unknown): boolean {
  return codeOf(error) === FULL_CODE
}

/** What an error of SQLite is to the mesh. */
export function storeFailed(name: string, cause: unknown): MeshError {
  const code = codeOf(cause)
  if (code === FULL_CODE) return new MeshError('store_failed', { detail: FULL_TEXT, retryable: true, cause })
  const advice = DAMAGE_CODES.has(code) ? `; ${DAMAGE_ADVICE}` : ''
  const detail = `${name}: ${cause instanceof Error ? cause.message : String(cause)}${advice}`
  return new MeshError('store_failed', { detail, retryable: PASSING_CODES.has(code), cause })
}

/** SQLite's primary result code, which extended ones carry in their low byte; 0 for what is no error of SQLite. */
function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0
}
