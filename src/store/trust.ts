import { crc32 } from 'node:zlib'
import * as z from 'zod'
import type { Log, TrustLevel, TrustRecord, TrustStore } from '../mesh/ports.ts'
import { safe } from '../protocol/safe.ts'
import { flag, integer, json, oneOf, optionalText, type Row, text } from './columns.ts'
import type { Database, Query } from './database.ts'

const LEVELS = ['blocked', 'unknown', 'paired', 'trusted'] as const satisfies TrustLevel[]
const WAYS = ['ticket', 'request', 'settings', 'host', 'command'] as const satisfies Array<TrustRecord['how']>

const peersSchema = z.array(z.string())

export interface TrustComponents {
  database: Database
  log: Log
}

/**
 * Who is who, and who may what. Each row carries a checksum, because SQLite does not notice a flipped bit in a value: a
 * damaged row blocks its instance until the owner decides anew, so damage never lets anybody in. Every method throws
 * MeshError `store_failed`.
 */
export class Trust implements TrustStore {
  readonly #database: Database
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, log }: TrustComponents) {
    this.#database = database
    this.#queries = prepare(database)
    database.transaction(() => this.#blockDamaged(log))
  }

  get(instance: string): TrustRecord | undefined {
    const row = this.#queries.get.get({ instance })
    return row && readRow(row)
  }

  all(): TrustRecord[] {
    return this.#queries.all.all().map(readRow)
  }

  put(record: TrustRecord): TrustRecord | undefined {
    return this.#database.transaction(() => {
      const row = this.#queries.revision.get({ instance: record.instance })
      const revision = row === undefined ? 0 : integer(row, 'revision')
      if (record.revision !== revision) return undefined
      const next = { ...record, revision: revision + 1 }
      this.#write(next)
      return next
    })
  }

  #write(record: TrustRecord): void {
    const { instance, level, petname = null, sinceMs, how, revision } = record
    const peers = JSON.stringify(record.peers)
    const tombstone = Number(record.tombstone)
    const values = { instance, peers, level, petname, since_ms: sinceMs, how, revision, tombstone }
    this.#queries.write.run({ ...values, checksum: checksumOf(values) })
  }

  /** The table is written anew as a whole, so that its index agrees with it again. */
  #blockDamaged(log: Log): void {
    const rows = this.#queries.all.all()
    if (rows.every(isSound)) return
    this.#queries.clear.run()
    for (const row of rows) {
      if (isSound(row)) {
        this.#write(readRow(row))
        continue
      }
      const instance = text(row, 'instance')
      log.error('a damaged trust record blocks its instance until you decide anew', { instance: safe(instance) })
      this.#write({ instance, peers: [], level: 'blocked', sinceMs: 0, how: 'command', revision: 1, tombstone: false })
    }
  }
}

function prepare(database: Database) {
  return {
    get: database.query('SELECT * FROM trust WHERE instance = :instance'),
    all: database.query('SELECT * FROM trust ORDER BY place'),
    revision: database.query('SELECT revision FROM trust WHERE instance = :instance'),
    clear: database.query('DELETE FROM trust'),
    write: database.query(`
      INSERT INTO trust (instance, peers, level, petname, since_ms, how, revision, tombstone, checksum)
      VALUES (:instance, :peers, :level, :petname, :since_ms, :how, :revision, :tombstone, :checksum)
      ON CONFLICT DO UPDATE SET peers = excluded.peers, level = excluded.level, petname = excluded.petname,
        since_ms = excluded.since_ms, how = excluded.how, revision = excluded.revision, tombstone = excluded.tombstone,
        checksum = excluded.checksum`)
  } satisfies Record<string, Query>
}

/**
 * CRC-32 over the row as stored: it finds every single flipped bit; against a hand that also writes the checksum there
 * is no defence here.
 */
function checksumOf(row: Row): number {
  const columns = ['instance', 'peers', 'level', 'petname', 'since_ms', 'how', 'revision', 'tombstone']
  return crc32(JSON.stringify(columns.map(column => row[column])))
}

function isSound(row: Row): boolean {
  return row['checksum'] === checksumOf(row)
}

function readRow(row: Row): TrustRecord {
  const petname = optionalText(row, 'petname')
  return {
    instance: text(row, 'instance'),
    peers: json(row, 'peers', peersSchema),
    level: oneOf(row, 'level', LEVELS),
    ...(petname !== undefined && { petname }),
    sinceMs: integer(row, 'since_ms'),
    how: oneOf(row, 'how', WAYS),
    revision: integer(row, 'revision'),
    tombstone: flag(row, 'tombstone')
  }
}
