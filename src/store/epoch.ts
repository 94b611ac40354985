import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../mesh/ports.ts'
import { EPOCH_BYTES } from '../protocol/limits.ts'
import { syncDirectory, writeAtomically } from './atomic-file.ts'
import type { Database } from './database.ts'
import type { Values } from './values.ts'

/** Keys of `meta` with this prefix are the store's own. */
export const EPOCH_KEY = 'store.epoch'
const OPENS_KEY = 'store.opens'
const REVOCATIONS_KEY = 'store.revocations'

/** The epoch in which the owner's words on trust were last known to be the newest ones; see `Trust`. */
export const TRUST_EPOCH_KEY = 'trust.epoch'

const WITNESS_NAME = 'epoch'

/** Last word of a witness that was written at a clean end. */
const CLEAN = 'clean'

const EPOCH_TEXT = new RegExp(`^[0-9a-f]{${EPOCH_BYTES * 2}}$`)

export interface EpochComponents {
  directory: string
  database: Database
  values: Values
  /** Parts of it are known to be of another time, so all of it is taken for an older copy. */
  older?: boolean
  /** The numbers of a conversation are damaged: a new epoch counts them all anew. Whom the owner let in stays. */
  miscounted?: boolean
  log: Log
}

/** What both the database and its witness count. */
interface Counts {
  /** Openings, and clean ends. */
  opens: number
  revocations: number
}

interface Epoch {
  /** 16 hex digits. */
  readonly value: string
  /**
   * To be called in each transaction that takes trust from somebody: the witness says so before the database does, so an older copy of the database
   * is known for one. Where the commit fails the witness is ahead until the store is closed; a crash before then makes a new epoch without need.
   */
  revoking(): void
  /** Notes a clean end, at which both agree. */
  close(): void
}

/**
 * The epoch of this database, made with it, and made anew when the database is an older copy of itself: it would give
 * seqs a second time, and peers would take the new messages for duplicates and drop them; and it knows nothing of whom the owner shut out since.
 *
 * An older copy shows itself by the journal mode of a backup (see `removeWitness`), or by the witness: a file `epoch`
 * beside the database that names the epoch, how often it was opened and closed, and how many revocations it has seen. A
 * witness that is behind is a crash between the two writes; one that is ahead has seen more than the database knows.
 */
export function openEpoch({
  directory,
  database,
  values,
  older = false,
  miscounted = false,
  log
}: EpochComponents): Epoch {
  const path = join(directory, WITNESS_NAME)
  const witness = readWitness(path)
  const stored = values.get(EPOCH_KEY)
  const counts = countsOf(key => values.get(key))
  const known = stored !== undefined && EPOCH_TEXT.test(stored)
  const behind = witness !== undefined && witness.opens <= counts.opens && witness.revocations <= counts.revocations
  const same = known && !older && witness?.epoch === stored && behind
  if (known && !same) log.warn('the database is a restored or moved copy: conversations are counted anew')
  if (same && miscounted) log.warn('the numbers of a conversation were damaged: conversations are counted anew')
  const epoch = same && !miscounted ? stored : randomBytes(EPOCH_BYTES).toString('hex')
  const testify = ({ opens, revocations }: Counts, end = ''): void => {
    try {
      writeAtomically(path, `${epoch} ${opens} ${revocations}${end}\n`)
    } catch (error) {
      // A full disk keeps nobody down, and nobody in. A witness that stays behind knows no copy from between; one of another epoch, or none, makes the
      // next start begin a new epoch, in which every peer waits for its approval.
      log.warn('cannot write the epoch file', { path, error: String(error) })
    }
  }
  counts.opens++
  database.transaction(() => {
    if (same && values.get(TRUST_EPOCH_KEY) === stored) values.set(TRUST_EPOCH_KEY, epoch)
    if (values.get(TRUST_EPOCH_KEY) === undefined) values.set(TRUST_EPOCH_KEY, known ? stored : '')
    values.set(EPOCH_KEY, epoch)
    values.set(OPENS_KEY, String(counts.opens))
  })
  testify(counts)
  return {
    value: epoch,
    revoking: () => {
      counts.revocations++
      testify(counts)
      values.set(REVOCATIONS_KEY, String(counts.revocations))
    },
    close: () => {
      try {
        values.set(OPENS_KEY, String(counts.opens + 1))
        testify({ ...countsOf(key => values.get(key)), opens: counts.opens + 1 }, ` ${CLEAN}`)
      } catch (error) {
        log.warn('the end was not noted', { error: String(error) })
      }
    }
  }
}

/** Makes the next `openEpoch` take the database for an older copy. */
export function removeWitness(directory: string): void {
  rmSync(join(directory, WITNESS_NAME), { force: true })
  syncDirectory(directory)
}

/** Whether the database of this directory was opened more often than these values know: then they are of an older copy. */
export function isOlderCopy(directory: string, value: (key: string) => string | undefined): boolean {
  const witness = readWitness(join(directory, WITNESS_NAME))
  if (witness === undefined) return false
  return witness.epoch !== value(EPOCH_KEY) || witness.opens > countsOf(value).opens
}

/** Whether the last run of this database ended by itself. */
export function endedClean(directory: string, value: (key: string) => string | undefined): boolean {
  const witness = readWitness(join(directory, WITNESS_NAME))
  return witness?.clean === true && witness.epoch === value(EPOCH_KEY) && witness.opens === countsOf(value).opens
}

/** True once a database was opened in this directory. */
export function hasWitness(directory: string): boolean {
  return existsSync(join(directory, WITNESS_NAME))
}

/** A damaged count is behind any witness. */
function countsOf(value: (key: string) => string | undefined): Counts {
  const countOf = (key: string): number => {
    const count = Number(value(key) ?? 0)
    return Number.isSafeInteger(count) ? count : 0
  }
  return { opens: countOf(OPENS_KEY), revocations: countOf(REVOCATIONS_KEY) }
}

function readWitness(path: string): (Counts & { epoch: string; clean: boolean }) | undefined {
  try {
    const [epoch = '', opens = '', revocations = '0', end] = readFileSync(path, 'utf8').trim().split(' ')
    return { epoch, opens: Number(opens), revocations: Number(revocations), clean: end === CLEAN }
  } catch {
    // Missing or unreadable, there is no witness: the caller makes a new epoch.
    return undefined
  }
}
