import { chmodSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MeshError } from '../mesh/errors.ts'
import { writeAtomically } from './atomic-file.ts'
import { openDirectory } from './directory.ts'
import { hasRoom } from './disk.ts'

/**
 * Not `.sqlite`: the host's backup warns about every file of that name that nobody declared. It never opens this one as
 * a database, and only reads `mesh.sqlite`, which is not locked exclusively.
 */
const LOCK_NAME = 'lock.db'

/** Who holds it, for the message that the second process gets: the lock itself cannot be read by others. */
const HOLDER_NAME = 'lock'

/** Two that start together both hold a shared lock for a moment: the wait lets one of them win. */
const BUSY_TIMEOUT_MS = 150

/**
 * A holder writes its name right after it took the lock; until then the file names nobody, or somebody who is dead. Few
 * long pauses: each ends late on a busy machine, and the refusal must come within a second.
 */
const HOLDER_WAIT_MS = 300
const HOLDER_POLL_MS = 50

const SQLITE_BUSY = 5

export interface Lock {
  /** A second call does nothing. */
  release(): void
}

/**
 * Takes `DIR/libp2p` for this process until `release` or its end, also by kill -9: the lock is an open exclusive
 * transaction on an empty SQLite file, and the system frees it with the process. SQLite keeps threads of one process
 * apart too.
 *
 * Nothing of this process may open the lock file in another way: closing any descriptor of it would free the lock.
 *
 * @param program what the message for a second process calls this one
 * @throws MeshError `state_locked` within a second, `store_failed`
 */
export function acquireLock(stateDir: string, { program }: { program: string }): Lock {
  const directory = openDirectory(stateDir)
  const holder = join(directory, HOLDER_NAME)
  const database = lock(directory, holder)
  try {
    writeAtomically(holder, `${process.pid} ${program}\n`)
  } catch (cause) {
    // On a full disk the lock holds without a name: whoever has it waits for room.
    if (hasRoom(stateDir)) {
      database.close()
      throw new MeshError('store_failed', { detail: `cannot write ${holder}`, retryable: true, cause })
    }
    rmSync(holder, { force: true })
  }
  return {
    release: () => {
      if (!database.isOpen) return
      rmSync(holder, { force: true })
      database.close()
    }
  }
}

function lock(directory: string, holder: string): DatabaseSync {
  const path = join(directory, LOCK_NAME)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    // By its path: opening and closing it here would free a lock that another thread holds.
    if (process.platform !== 'win32') chmodSync(path, 0o600)
    // A journal on the disk needs room there, and the lock must hold on a full one too. Nothing is ever written that a journal could save.
    database.exec('PRAGMA journal_mode = MEMORY')
    // Not in exclusive locking mode: there a waiter keeps its shared lock, and two that start together shut each other out.
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY) {
      throw new MeshError('state_locked', { detail: `${directory} is in use by ${nameHolder(holder)}`, cause })
    }
    throw new MeshError('store_failed', { detail: `cannot lock ${path}`, cause })
  }
}

function nameHolder(path: string): string {
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  for (let waited = 0; ; waited += HOLDER_POLL_MS) {
    const found = readHolder(path)
    // A dead pid may also be alive in another container that shares the directory: named after the wait.
    if (found !== undefined && (isAlive(found.pid) || waited >= HOLDER_WAIT_MS)) {
      return `process ${found.pid} (${found.program})`
    }
    if (waited >= HOLDER_WAIT_MS) return 'another process'
    Atomics.wait(pause, 0, 0, HOLDER_POLL_MS)
  }
}

function readHolder(path: string): { pid: number; program: string } | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // Not written yet, or gone with its holder a moment ago.
    return undefined
  }
  const [, pid, program] = /^(\d{1,10}) ([^\p{C}]{0,80})/u.exec(text) ?? []
  return pid === undefined || program === undefined ? undefined : { pid: Number(pid), program }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
