import { chmodSync, existsSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { MeshError } from '../mesh/errors.ts'
import type { Row } from './columns.ts'
import { migrate, readVersion } from './migrations.ts'

/**
 * A backup reads beside us and never blocks a writer in WAL mode; only a checkpoint can meet it, and the mesh must not
 * stand still for it.
 */
const BUSY_TIMEOUT_MS = 250

/** Pages of 4 KiB in the log before they are copied back: 4 MiB, so a start after a crash replays little. */
const CHECKPOINT_PAGES = 1_000

/** The log is cut to this after a checkpoint: one large commit must not hold the disk for ever. */
const LOG_MAX_BYTES = 16 * 1024 * 1024

/** What every promise of this mesh rests on; read back after it was set, because SQLite ignores what it cannot do. */
const PRAGMAS: ReadonlyArray<readonly [name: string, set: string, get: string | number]> = [
  // A restored backup comes in delete mode: set again at each open.
  ['journal_mode', 'WAL', 'wal'],
  // A commit is on the disk before a receipt promises it.
  ['synchronous', 'FULL', 2],
  // An exclusive lock would make the host's `openclaw backup create` fail as a whole; one process per directory is
  // `lock.ts`'s task.
  ['locking_mode', 'NORMAL', 'normal'],
  ['foreign_keys', 'ON', 1],
  ['wal_autocheckpoint', String(CHECKPOINT_PAGES), CHECKPOINT_PAGES],
  ['journal_size_limit', String(LOG_MAX_BYTES), LOG_MAX_BYTES]
]

/** SQLite's primary result codes that pass by themselves: busy, locked, I/O error, full. */
const PASSING_CODES = new Set([5, 6, 10, 13])

/** A file that is no database, or one that is damaged inside: it does not mend by itself. */
const DAMAGE_CODES = new Set([11, 26])

const DAMAGE_ADVICE =
  'restore it from a backup; or, to start with nobody trusted, move it and the file `epoch` beside it away'

export interface DatabaseInit {
  /** The file was opened before, so it cannot be empty: an empty one is damage, and would forget who is blocked. */
  used?: boolean
  /**
   * Called when the file came from a backup: it has our tables, and is not in the log mode that we always leave it in.
   * It is put in that mode after the call, so a crash before then shows the same again.
   */
  onRestored?: () => void
}

type Parameters = Record<string, SQLInputValue>

/**
 * One SQLite file with the settings above, migrated, and every error as MeshError `store_failed` (retryable where it
 * may pass by itself).
 *
 * Nothing else in this process may open the file: closing any descriptor of it drops SQLite's locks (POSIX record locks
 * belong to the process).
 */
export class Database {
  readonly #database: DatabaseSync
  readonly #name: string
  #depth = 0

  constructor(path: string, init: DatabaseInit = {}) {
    this.#name = basename(path)
    this.#database = this.#guard(() => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }))
    try {
      this.#guard(() => this.#prepare(path, init))
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  query(sql: string): Query {
    const statement = this.#guard(() => this.#database.prepare(sql))
    return new Query({ statement, guard: work => this.#guard(work) })
  }

  /**
   * Runs the work in one transaction and commits it before returning. A nested call joins it: its changes are committed
   * with the outermost call, and a throw takes back its own part only, unless the throw goes on through the outer work.
   *
   * @throws what the work threw, or MeshError `store_failed`
   */
  transaction<T>(work: () => T): T {
    const outermost = this.#depth === 0
    this.#execute(outermost ? 'BEGIN IMMEDIATE' : 'SAVEPOINT nested')
    this.#depth++
    try {
      const result = work()
      if (result instanceof Promise) throw new MeshError('internal', { detail: 'a transaction cannot wait' })
      this.#execute(outermost ? 'COMMIT' : 'RELEASE nested')
      return result
    } catch (error) {
      this.#rollback(outermost, error)
      throw error
    } finally {
      this.#depth--
    }
  }

  /** Copies the log back and closes. A second call does nothing. */
  close(): void {
    if (this.#database.isOpen) this.#guard(() => this.#database.close())
  }

  /**
   * SQLite ends the whole transaction by itself on some errors, such as a full disk: then there is nothing left to take
   * back.
   */
  #rollback(outermost: boolean, reason: unknown): void {
    if (!this.#database.isOpen || !this.#database.isTransaction) return
    try {
      this.#database.exec(outermost ? 'ROLLBACK' : 'ROLLBACK TO nested; RELEASE nested')
    } catch (error) {
      throw new MeshError('store_failed', {
        detail: `${this.#name}: cannot roll back`,
        cause: new AggregateError([reason, error])
      })
    }
  }

  #execute(sql: string): void {
    this.#guard(() => this.#database.exec(sql))
  }

  #prepare(path: string, { used = false, onRestored }: DatabaseInit): void {
    const version = readVersion(this.#database)
    if (version === 0 && used) {
      const advice = 'restore it from a backup; or, to start with nobody trusted, move the file `epoch` beside it away'
      throw new MeshError('store_failed', { detail: `${path} was used before and is empty or gone: ${advice}` })
    }
    if (version > 0 && this.#pragma('journal_mode') !== 'wal') onRestored?.()
    // The log and its index get the mode of the database when they are made.
    if (process.platform !== 'win32')
      for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600)
    for (const [name, set] of PRAGMAS) this.#database.exec(`PRAGMA ${name} = ${set}`)
    for (const [name, , expected] of PRAGMAS) {
      const actual = this.#pragma(name)
      if (actual !== expected) {
        throw new MeshError('store_failed', { detail: `${this.#name}: ${name} is ${actual}, not ${expected}` })
      }
    }
    migrate(this.#database)
  }

  #pragma(name: string): unknown {
    return Object.values(this.#database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  }

  #guard<T>(work: () => T): T {
    try {
      // A transaction that SQLite ended by itself must not go on as single commits.
      if (this.#depth > 0 && !this.#database.isTransaction)
        throw new Error('the transaction was ended by an earlier error')
      return work()
    } catch (cause) {
      if (cause instanceof MeshError) throw cause
      throw storeFailed(this.#name, cause)
    }
  }
}

export interface QueryComponents {
  statement: StatementSync
  guard: <T>(work: () => T) => T
}

/** One prepared statement. */
export class Query {
  readonly #statement: StatementSync
  readonly #guard: QueryComponents['guard']

  constructor({ statement, guard }: QueryComponents) {
    this.#statement = statement
    this.#guard = guard
  }

  get(parameters: Parameters = {}): Row | undefined {
    return this.#guard(() => this.#statement.get(parameters))
  }

  all(parameters: Parameters = {}): Row[] {
    return this.#guard(() => this.#statement.all(parameters))
  }

  /** Returns how many rows were changed. */
  run(parameters: Parameters = {}): number {
    return Number(this.#guard(() => this.#statement.run(parameters)).changes)
  }
}

function storeFailed(name: string, cause: unknown): MeshError {
  const code = cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number' ? cause.errcode : 0
  // Extended result codes carry the primary one in their low byte.
  const retryable = PASSING_CODES.has(code & 0xff)
  const advice = DAMAGE_CODES.has(code & 0xff) ? `; ${DAMAGE_ADVICE}` : ''
  const detail = `${name}: ${cause instanceof Error ? cause.message : String(cause)}${advice}`
  return new MeshError('store_failed', { detail, retryable, cause })
}
