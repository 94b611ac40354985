import type { SQLInputValue } from 'node:sqlite'
import type { Clock, Log } from '../mesh/ports.ts'
import { toHex } from '../protocol/bytes.ts'
import { integer, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import type { Query } from './query.ts'
import { isSealed, KEYS, type SealedTable } from './sealed.ts'

/** Damaged rows that are kept for a look; the oldest goes. Each holds an envelope at most, so all of them stay below 16 MiB. */
export const DAMAGED_MAX = 64

/** How long they are kept and spoken of in status, ms: a week. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000

export interface QuarantineComponents {
  database: Database
  clock: Clock
  log: Log
}

/**
 * Where rows go that are not what was written: out of the way, so that the rest works on, and never in silence. Every method throws MeshError
 * `store_failed`.
 */
export class Quarantine {
  readonly #database: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #tell: (text: string) => void
  readonly #queries: ReturnType<typeof prepare>
  readonly #removals = new Map<SealedTable, Query>()
  /** How many of each table are kept. */
  #counts = new Map<string, number>()

  /** @param init.tell writes the owner's notice, in the transaction that sets the row aside */
  constructor({ database, clock, log }: QuarantineComponents, init: { tell: (text: string) => void }) {
    this.#database = database
    this.#clock = clock
    this.#log = log
    this.#tell = init.tell
    this.#queries = prepare(database)
    this.#count()
  }

  /** The row, or undefined where there is none or it was damaged: then it is set aside. */
  sound(table: SealedTable, row: Row | undefined): Row | undefined {
    if (row === undefined || isSealed(table, row)) return row
    this.remove(table, row)
    return undefined
  }

  /** Those that are sound; the others are set aside. */
  soundOf(table: SealedTable, rows: Row[]): Row[] {
    return rows.filter(row => this.sound(table, row) !== undefined)
  }

  /** Sets a row aside that is known to be damaged. */
  remove(table: SealedTable, row: Row): void {
    this.#database.transaction(() => {
      const keys = KEYS[table]
      const removal =
        this.#removals.get(table) ??
        this.#database.query(`DELETE FROM ${table} WHERE ${keys.map(key => `${key} = :${key}`).join(' AND ')}`)
      this.#removals.set(table, removal)
      const removed = removal.run(Object.fromEntries(keys.map(key => [key, row[key] ?? null])))
      // A text that is none any more comes here as another one, by which nothing is found.
      if (removed === 0)
        this.#database
          .query(`DELETE FROM ${table} WHERE checksum = :checksum`)
          .run({ checksum: row['checksum'] ?? null })
      this.keep(table, row)
    })
  }

  /** Keeps a copy and tells, where the row itself is dealt with elsewhere. */
  keep(source: string, row: Row): void {
    this.#log.error('a damaged record is set aside', { source })
    this.#database.transaction(() => {
      this.#queries.keep.run({ at_ms: this.#clock.wallMs(), source, content: contentOf(row) })
      this.#queries.trim.run({ max: DAMAGED_MAX })
      this.#count()
      this.#tell(this.#sentence())
    })
  }

  /** Forgets what was kept long enough. */
  prune(): void {
    if (this.#counts.size === 0) return
    this.#queries.prune.run({ beforeMs: this.#clock.wallMs() - KEPT_MS })
    this.#count()
  }

  /** Forgets what names an instance: whole rows are kept here, with their texts. */
  forget(instance: string): void {
    if (this.#counts.size === 0) return
    this.#queries.forget.run({ instance })
    this.#count()
  }

  /** A sentence for status while anything is kept. */
  issues(): string[] {
    return this.#counts.size === 0 ? [] : [this.#sentence()]
  }

  #count(): void {
    this.#counts = new Map(this.#queries.counts.all().map(row => [text(row, 'source'), integer(row, 'count')]))
  }

  #sentence(): string {
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
    const parts = [...this.#counts].map(([source, count]) => `${source} ${count}`).join(', ')
    const records =
      total === 1
        ? 'One record of this instance was damaged and is'
        : `${total} records of this instance were damaged and are`
    return `${records} set aside (${parts}). What stood there is lost, the rest works on: look after the disk, and restore a backup if something is missing.`
  }
}

function prepare(database: Database) {
  return {
    keep: database.query('INSERT INTO damaged (at_ms, source, content) VALUES (:at_ms, :source, :content)'),
    trim: database.query(`
      DELETE FROM damaged WHERE place IN (SELECT place FROM damaged ORDER BY place DESC LIMIT -1 OFFSET :max)`),
    prune: database.query('DELETE FROM damaged WHERE at_ms < :beforeMs'),
    forget: database.query('DELETE FROM damaged WHERE instr(content, :instance) > 0'),
    counts: database.query('SELECT source, count(*) AS count FROM damaged GROUP BY source ORDER BY source')
  } satisfies Record<string, Query>
}

function contentOf(row: Readonly<Record<string, SQLInputValue>>): string {
  const plain = (_: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return toHex(value)
    return typeof value === 'bigint' ? String(value) : value
  }
  // A blob has no toJSON, so the replacer sees it as it is.
  return JSON.stringify(row, plain)
}
