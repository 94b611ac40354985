import * as z from 'zod'
import type { Log, TrustLevel, TrustRecord, TrustStore } from '../mesh/ports.ts'
import { fingerprintOfPeer } from '../protocol/fingerprint.ts'
import { safe } from '../protocol/safe.ts'
import { checksumOf, flag, integer, json, oneOf, optionalText, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import { TRUST_EPOCH_KEY } from './epoch.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import type { Values } from './values.ts'

const LEVELS = ['blocked', 'unknown', 'paired', 'trusted'] as const satisfies TrustLevel[]
const WAYS = ['ticket', 'request', 'settings', 'host', 'command'] as const satisfies Array<TrustRecord['how']>

const CHECKED = ['instance', 'peers', 'level', 'petname', 'since_ms', 'how', 'revision', 'tombstone']

const peersSchema = z.array(z.string())

export interface TrustComponents {
  database: Database
  quarantine: Quarantine
  values: Values
  /** Instances that the damaged index knew and no record names any more: nobody knows what their records said. */
  nameless?: Iterable<string>
  /**
   * Records of another epoch came back with an older copy of the database: whom the owner shut out since stands in there as
   * let in, so all of them wait until the owner has said so again.
   */
  epoch: string
  /** Called in each transaction that lowers a level or forgets, before it is committed. */
  revoking: () => void
  /** Told of how many wait, in the transaction in which they begin to. */
  onSuspended: (count: number) => void
  log: Log
}

/**
 * Who is who, and who may what. Each row carries a checksum, because SQLite does not notice a flipped bit in a value: a
 * damaged row blocks its instance until the owner decides anew, so damage never lets anybody in. Every method throws
 * MeshError `store_failed`.
 */
export class Trust implements TrustStore {
  readonly #database: Database
  readonly #revoking: () => void
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine, values, nameless = [], epoch, revoking, onSuspended, log }: TrustComponents) {
    this.#database = database
    this.#revoking = revoking
    this.#queries = prepare(database)
    database.transaction(() => {
      this.#blockDamaged(quarantine, log)
      for (const instance of nameless) if (this.get(instance) === undefined) this.#write(blocked(instance))
      if (values.get(TRUST_EPOCH_KEY) === epoch) return
      const count = this.#suspend()
      values.set(TRUST_EPOCH_KEY, epoch)
      if (count === 0) return
      log.error('an older copy was restored: nobody is let in by it until you approve each again', { count })
      onSuspended(count)
    })
  }

  get(instance: string): TrustRecord | undefined {
    const row = this.#queries.get.get({ instance })
    return row && readSound(row)
  }

  all(): TrustRecord[] {
    return this.#queries.all.all().map(readSound)
  }

  put(record: TrustRecord): TrustRecord | undefined {
    return this.#database.transaction(() => {
      const before = this.get(record.instance)
      const revision = before?.revision ?? 0
      if (record.revision !== revision) return undefined
      const next = { ...record, revision: revision + 1 }
      if (isRevocation(before, next)) this.#revoking()
      this.#write(next)
      return next
    })
  }

  #write(record: TrustRecord): void {
    const { instance, level, petname = null, sinceMs, how, revision } = record
    const peers = JSON.stringify(record.peers)
    const tombstone = Number(record.tombstone)
    const values = { instance, peers, level, petname, since_ms: sinceMs, how, revision, tombstone }
    this.#queries.write.run({ ...values, checksum: checksumOf(values, CHECKED) })
  }

  /** Names and keys stay, so that the owner knows whom the question is about. */
  #suspend(): number {
    const granted = this.all().filter(({ level }) => level === 'paired' || level === 'trusted')
    for (const record of granted) this.#write({ ...record, level: 'unknown', revision: record.revision + 1 })
    return granted.length
  }

  /** The table is written anew as a whole, so that its index agrees with it again. */
  #blockDamaged(quarantine: Quarantine, log: Log): void {
    const rows = this.#database.scan('SELECT * FROM trust ORDER BY place', () => true)
    const damaged = rows.filter(row => !isSound(row))
    if (damaged.length === 0) return
    this.#queries.clear.run()
    for (const row of rows) if (isSound(row)) this.#write(readRow(row))
    for (const row of damaged) {
      quarantine.keep('trust', row)
      for (const instance of meantBy(row)) {
        log.error('a damaged trust record blocks its instance until you decide anew', { instance: safe(instance) })
        this.#write(blocked(instance, this.get(instance)?.revision ?? 1))
      }
    }
  }
}

/** The name may be what is damaged: then the keys still say whose record it was. */
function meantBy(row: Row): Set<string> {
  const named = String(row['instance'])
  const words = String(row['peers']).match(/\w{40,}/g) ?? []
  return new Set([named, ...words.map(word => fingerprintOfPeer(word) ?? named)])
}

function blocked(instance: string, revision = 1): TrustRecord {
  return { instance, peers: [], level: 'blocked', sinceMs: 0, how: 'command', revision, tombstone: false }
}

/** A record that was damaged since the start: it lets nobody in either. */
function readSound(row: Row): TrustRecord {
  return isSound(row) ? readRow(row) : blocked(text(row, 'instance'), integer(row, 'revision'))
}

function prepare(database: Database) {
  return {
    get: database.query('SELECT * FROM trust WHERE instance = :instance'),
    all: database.query('SELECT * FROM trust ORDER BY place'),
    clear: database.query('DELETE FROM trust'),
    write: database.query(`
      INSERT INTO trust (instance, peers, level, petname, since_ms, how, revision, tombstone, checksum)
      VALUES (:instance, :peers, :level, :petname, :since_ms, :how, :revision, :tombstone, :checksum)
      ON CONFLICT DO UPDATE SET peers = excluded.peers, level = excluded.level, petname = excluded.petname,
        since_ms = excluded.since_ms, how = excluded.how, revision = excluded.revision, tombstone = excluded.tombstone,
        checksum = excluded.checksum`)
  } satisfies Record<string, Query>
}

/** Who has no record may be let in by the settings. */
function isRevocation(before: TrustRecord | undefined, next: TrustRecord): boolean {
  if (before === undefined) return next.tombstone || next.level === 'blocked'
  return (next.tombstone && !before.tombstone) || LEVELS.indexOf(next.level) < LEVELS.indexOf(before.level)
}

function isSound(row: Row): boolean {
  return row['checksum'] === checksumOf(row, CHECKED)
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
