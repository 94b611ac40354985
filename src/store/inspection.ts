import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { MeshError } from '../mesh/errors.ts'
import type { Log } from '../mesh/ports.ts'
import { syncDirectory } from './atomic-file.ts'
import type { CommitCount } from './commit-count.ts'
import { ASK_COUNT, countOf } from './digests.ts'
import { EPOCH_KEY, isOlderCopy } from './epoch.ts'
import { readVersion } from './migrations.ts'
import { storeFailed } from './sqlite-errors.ts'

/** From this schema version on commits are counted. */
const COUNTED_VERSION = 4

/** Where the header of a database says how it is written: 2 and 2 with a log beside it, 1 and 1 without. */
const MODE_OFFSET = 18
const LOG_MODE = 2

/** Where the database is an older state of itself, because its log is gone or damaged. */
const LOG_ADVICE =
  'put its file with the ending -wal back, or restore a backup that was made by `backup create`, or with the program stopped; or, to go on without and with nobody trusted, move the file `epoch` beside it away'

export interface InspectionComponents {
  directory: string
  name: string
  count: CommitCount
  /** It was opened here before, so what is noted beside it speaks of it. */
  used: boolean
  log: Log
}

/**
 * Looks at a database, and at the log beside it, before anything opens them for writing: SQLite lays a log over whatever database it
 * finds, and deletes a damaged one when it closes. A log that cannot be of this database is set aside; a database that lost commits is refused, with
 * both files as they were, so that what is missing may be put back.
 *
 * @throws MeshError `store_failed`
 */
export function inspect({ directory, name, count, used, log }: InspectionComponents): void {
  const path = join(directory, name)
  const mode = modeOf(path)
  const hasLog = hasContent(`${path}-wal`)
  // Nothing is there yet; or a restored database was on the way into the log mode, which SQLite has to take back or finish first.
  if (mode === undefined || (existsSync(`${path}-journal`) && !hasLog)) return
  if (mode !== LOG_MODE) {
    if (hasLog) setLogAside(path, log)
  } else if (used) compareCount(path, { directory, count })
}

/** It came from a backup, and the log is that of the database whose place it takes. */
function setLogAside(path: string, log: Log): void {
  log.warn('a restored database had the log of another one beside it, which is set aside', { path: `${path}-wal.old` })
  try {
    renameSync(`${path}-wal`, `${path}-wal.old`)
    rmSync(`${path}-shm`, { force: true })
    syncDirectory(dirname(path))
  } catch (cause) {
    throw new MeshError('store_failed', { detail: `cannot set ${path}-wal aside`, retryable: true, cause })
  }
}

function compareCount(path: string, { directory, count }: { directory: string; count: CommitCount }): void {
  const found = readNewest(path)
  if (found === undefined || isOlderCopy(directory, key => found.values.get(key))) return
  const noted = count.read()
  if (noted === undefined || noted.epoch !== found.values.get(EPOCH_KEY)) return
  const missing = noted.count - (found.count ?? noted.count)
  if (missing > 0)
    throw new MeshError('store_failed', {
      detail: `${path} lacks the last ${missing} of its commits: its log is gone or damaged, or it was copied while the program ran: ${LOG_ADVICE}`
    })
}

/** What the database says of itself, with its log; undefined for one that counts nothing yet. */
function readNewest(path: string): { count: number | undefined; values: Map<string, string> } | undefined {
  let database: DatabaseSync | undefined
  try {
    const url = pathToFileURL(path)
    // Without a log there is none to be made either.
    if (!hasContent(`${path}-wal`)) url.searchParams.set('immutable', '1')
    database = new DatabaseSync(url, { readOnly: true })
    if (readVersion(database) < COUNTED_VERSION) return undefined
    const meta = database.prepare('SELECT key, value FROM meta').all()
    return {
      count: countOf(database.prepare(ASK_COUNT).get()),
      values: new Map(meta.map(row => [String(row['key']), String(row['value'])]))
    }
  } catch (cause) {
    throw cause instanceof MeshError ? cause : storeFailed(basename(path), cause)
  } finally {
    database?.close()
  }
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}

/** Undefined where there is no header. */
function modeOf(path: string): number | undefined {
  if (!hasContent(path)) return undefined
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const bytes = new Uint8Array(2)
    return readSync(file, bytes, 0, bytes.length, MODE_OFFSET) < bytes.length ? undefined : Math.max(...bytes)
  } catch {
    // SQLite says what is wrong with it.
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
