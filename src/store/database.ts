import { chmodSync, existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { MeshError } from '../mesh/errors.ts'
import type { Row } from './columns.ts'
import type { CommitCount } from './commit-count.ts'
import { ASK_COUNT, countOf, sealOfCount } from './digests.ts'
import { FULL_TEXT, hasRoom } from './disk.ts'
import { hasOwnSchema, migrate, readVersion } from './migrations.ts'
import { Query } from './query.ts'
import { DAMAGE_ADVICE, saysFull, storeFailed } from './sqlite-errors.ts'

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
  // On macOS a plain fsync leaves it in the cache of the disk; elsewhere these do nothing.
  ['fullfsync', 'ON', 1],
  ['checkpoint_fullfsync', 'ON', 1],
  // An exclusive lock would make the host's `openclaw backup create` fail as a whole; one process per directory is
  // `lock.ts`'s task.
  ['locking_mode', 'NORMAL', 'normal'],
  ['foreign_keys', 'ON', 1],
  ['wal_autocheckpoint', String(CHECKPOINT_PAGES), CHECKPOINT_PAGES],
  ['journal_size_limit', String(LOG_MAX_BYTES), LOG_MAX_BYTES]
]

export interface DatabaseInit {
  /** The file was opened before, so it cannot be empty: an empty one is damage, and would forget who is blocked. */
  used?: boolean
  /**
   * Called when the file came from a backup: it has our tables, and is not in the log mode that we always leave it in.
   * It is put in that mode after the call, so a crash before then shows the same again.
   */
  onRestored?: () => void
  /** Where the number of commits is noted, beside the file. */
  count?: CommitCount
}

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
  readonly #directory: string
  #depth = 0
  #full = false
  readonly #count: CommitCount | undefined
  /** Of the whole life of the file; none before its schema is there. */
  #commits = 0
  #countCommit: StatementSync | undefined
  #askChanges: StatementSync | undefined
  /** Rows changed since the file was opened, when the last commit was counted. */
  #changes: unknown = 0

  constructor(path: string, init: DatabaseInit = {}) {
    this.#name = basename(path)
    this.#directory = dirname(path)
    this.#count = init.count
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
    return new Query({
      statement,
      guard: work => this.#guard(work),
      write: work => (this.#depth > 0 ? this.#guard(work) : this.transaction(() => this.#guard(work)))
    })
  }

  /**
   * The rows that the filter takes, of a query that may meet damaged ones: whole numbers beyond what JavaScript counts are bigints here, where other
   * queries throw.
   */
  scan(sql: string, filter: (row: Row) => boolean): Row[] {
    return this.#guard(() => {
      const statement = this.#database.prepare(sql)
      statement.setReadBigInts(true)
      const taken: Row[] = []
      for (const row of statement.iterate()) {
        const plain = Object.fromEntries(Object.entries(row).map(([column, value]) => [column, plainOf(value)]))
        if (filter(plain)) taken.push(plain)
      }
      return taken
    })
  }

  /** Sentences for status. A full disk stands there until there is room again, or a commit found some. */
  issues(): string[] {
    this.#full &&= !hasRoom(this.#directory)
    return this.#full
      ? [`Nothing new is taken: ${FULL_TEXT}. What was accepted is kept, and all goes on by itself when there is room.`]
      : []
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
      if (outermost) this.#commit()
      else this.#execute('RELEASE nested')
      return result
    } catch (error) {
      this.#rollback(outermost, error)
      throw error
    } finally {
      this.#depth--
    }
  }

  /** As large as its pages, bytes. */
  sizeBytes(): number {
    return this.#guard(() => Number(this.#pragma('page_count')) * Number(this.#pragma('page_size')))
  }

  /** Makes every index anew from its table. */
  reindex(): void {
    this.#execute('REINDEX')
  }

  /** Copies the log back as far as nobody reads it. */
  checkpoint(): void {
    this.#execute('PRAGMA wal_checkpoint(PASSIVE)')
  }

  /** Copies the log back and closes. A second call does nothing. */
  close(): void {
    if (this.#database.isOpen) this.#guard(() => this.#database.close())
  }

  #commit(): void {
    // One that changed nothing costs nothing.
    const changes = this.#totalChanges()
    const count = this.#commits + Number(changes !== this.#changes)
    if (count !== this.#commits) this.#guard(() => this.#countCommit?.run({ count, checksum: sealOfCount(count) }))
    this.#execute('COMMIT')
    if (count === this.#commits) return
    this.#changes = this.#totalChanges()
    this.#commits = count
    this.#count?.write(count)
    this.#full = false
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
    if (!hasOwnSchema(this.#database))
      throw new MeshError('store_failed', { detail: `${path} is damaged (its schema): ${DAMAGE_ADVICE}` })
    this.#commits = countOf(this.#database.prepare(ASK_COUNT).get()) ?? 0
    this.#changes = this.#totalChanges()
    this.#countCommit = this.#database.prepare('UPDATE commits SET count = :count, checksum = :checksum')
  }

  #totalChanges(): unknown {
    this.#askChanges ??= this.#database.prepare('SELECT total_changes() AS changes')
    return this.#askChanges.get()?.['changes']
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
      if (saysFull(cause)) this.#full = true
      throw storeFailed(this.#name, cause)
    }
  }
}

function plainOf(value: SQLOutputValue): SQLOutputValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
