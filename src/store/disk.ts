import { statfsSync } from 'node:fs'
import { MeshError } from '../mesh/errors.ts'

/** Less than SQLite needs to open its log and the index of it. */
const ROOM_MIN_BYTES = 256 * 1024

/** What is said of it, in errors and in status. */
export const FULL_TEXT = 'the disk of the state directory is full'

/** Whether the disk has room for a store; one that cannot be asked has, and another trouble. */
export function hasRoom(stateDir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(stateDir)
    return bavail * bsize >= ROOM_MIN_BYTES
  } catch {
    return true
  }
}

/**
 * Whether the store failed because its disk is full. SQLite may say so, and has taken back what filled the disk by then; some of its errors say only that
 * reading or writing failed, so the disk is asked.
 */
export function isDiskFull(stateDir: string, error: unknown): boolean {
  if (!(error instanceof MeshError) || error.code !== 'store_failed') return false
  return error.details.detail === FULL_TEXT || !hasRoom(stateDir)
}
