import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../mesh/ports.ts'
import { EPOCH_BYTES } from '../protocol/limits.ts'
import { syncDirectory, writeAtomically } from './atomic-file.ts'
import type { Database } from './database.ts'
import type { Values } from './values.ts'

/** Keys of `meta` with this prefix are the store's own. */
const EPOCH_KEY = 'store.epoch'
const OPENS_KEY = 'store.opens'

const WITNESS_NAME = 'epoch'

const EPOCH_TEXT = new RegExp(`^[0-9a-f]{${EPOCH_BYTES * 2}}$`)

export interface EpochComponents {
  directory: string
  database: Database
  values: Values
  log: Log
}

/**
 * The epoch of this database, made with it, and made anew when the database is an older copy of itself: it would give
 * seqs a second time, and peers would take the new messages for duplicates and drop them.
 *
 * An older copy shows itself by the journal mode of a backup (see `removeWitness`), or by the witness: a file `epoch`
 * beside the database that names the epoch and how often it was opened. A witness that is behind by the last open is a
 * crash between the two writes, not a copy.
 */
export function openEpoch({ directory, database, values, log }: EpochComponents): string {
  const path = join(directory, WITNESS_NAME)
  const witness = readWitness(path)
  const stored = values.get(EPOCH_KEY)
  const opens = Number(values.get(OPENS_KEY) ?? 0)
  const known = stored !== undefined && EPOCH_TEXT.test(stored)
  const same = known && witness?.epoch === stored && witness.opens <= opens
  if (known && !same) log.warn('the database is a restored or moved copy: conversations are counted anew')
  const epoch = same ? stored : randomBytes(EPOCH_BYTES).toString('hex')
  database.transaction(() => {
    values.set(EPOCH_KEY, epoch)
    values.set(OPENS_KEY, String(opens + 1))
  })
  try {
    writeAtomically(path, `${epoch} ${opens + 1}\n`)
  } catch (error) {
    // Costs a new epoch at the next start at worst: no reason to stay down on a full disk.
    log.warn('cannot write the epoch file', { path, error: String(error) })
  }
  return epoch
}

/** Makes the next `openEpoch` take the database for an older copy. */
export function removeWitness(directory: string): void {
  rmSync(join(directory, WITNESS_NAME), { force: true })
  syncDirectory(directory)
}

/** True once a database was opened in this directory. */
export function hasWitness(directory: string): boolean {
  return existsSync(join(directory, WITNESS_NAME))
}

function readWitness(path: string): { epoch: string; opens: number } | undefined {
  try {
    const [epoch = '', opens = ''] = readFileSync(path, 'utf8').trim().split(' ')
    return { epoch, opens: Number(opens) }
  } catch {
    // Missing or unreadable, there is no witness: the caller makes a new epoch.
    return undefined
  }
}
