import * as z from 'zod'
import type { Log, TicketRow, TicketStore } from '../mesh/ports.ts'
import { bytes, checksumOf, integer, json, optionalText, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'

/** Kept at once, those that are over among them: more open invitations than this nobody keeps in mind. */
export const TICKETS_MAX = 64

const CHECKED = ['id', 'epoch', 'secret', 'created_ms', 'expires_ms', 'uses', 'used_by', 'petname']

const usedBySchema = z.array(z.string())

export interface TicketsComponents {
  database: Database
  quarantine: Quarantine
  /** Tickets of another epoch came back with an older copy of the database: they may have been spent or withdrawn since. */
  epoch: string
  /** Called in each transaction that spends or withdraws one, before it is committed: an older copy would have it open again. */
  revoking: () => void
  log: Log
}

/**
 * The invitations of this instance. Each row carries a checksum: a damaged one is no ticket any more, so that no
 * flipped bit gives it a longer life or another use. Every method throws MeshError `store_failed`.
 */
export class Tickets implements TicketStore {
  readonly #database: Database
  readonly #epoch: string
  readonly #revoking: () => void
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine, epoch, revoking, log }: TicketsComponents) {
    this.#database = database
    this.#epoch = epoch
    this.#revoking = revoking
    this.#queries = prepare(database)
    database.transaction(() => this.#withdrawDoubtful(quarantine, log))
  }

  insert(row: TicketRow, nowMs: number): boolean {
    return this.#database.transaction(() => {
      const { count } = this.#queries.count.get() ?? {}
      if (Number(count) >= TICKETS_MAX && this.#queries.makeRoom.run({ nowMs }) === 0) return false
      this.#queries.insert.run(valuesOf(row, this.#epoch))
      return true
    })
  }

  get(id: string): TicketRow | undefined {
    const row = this.#queries.get.get({ id })
    return row && isSound(row) ? readRow(row) : undefined
  }

  all(): TicketRow[] {
    return this.#queries.all.all().filter(isSound).map(readRow).reverse()
  }

  use(id: string, instance: string): number | undefined {
    return this.#database.transaction(() => {
      const row = this.get(id)
      if (row === undefined) return undefined
      const place = row.usedBy.indexOf(instance)
      if (place >= 0) return place
      if (row.usedBy.length >= row.uses) return undefined
      this.#revoking()
      const next = valuesOf({ ...row, usedBy: [...row.usedBy, instance] }, this.#epoch)
      this.#queries.use.run({ id, used_by: next.used_by, checksum: next.checksum })
      return row.usedBy.length
    })
  }

  delete(id: string): boolean {
    return this.#database.transaction(() => {
      if (this.#queries.delete.run({ id }) === 0) return false
      this.#revoking()
      return true
    })
  }

  prune(beforeMs: number): void {
    this.#queries.prune.run({ beforeMs })
  }

  /** The table is written anew as a whole, so that its index agrees with it again. */
  #withdrawDoubtful(quarantine: Quarantine, log: Log): void {
    const rows = this.#database.scan('SELECT * FROM tickets ORDER BY place', () => true)
    for (const row of rows) if (!isSound(row)) quarantine.keep('tickets', row)
    const good = rows.filter(row => isSound(row) && row['epoch'] === this.#epoch).map(readRow)
    if (good.length === rows.length) return
    const count = rows.length - good.length
    log.warn('tickets that were damaged, or came back with an older copy, are withdrawn', { count })
    this.#queries.clear.run()
    for (const row of good) this.#queries.insert.run(valuesOf(row, this.#epoch))
  }
}

function prepare(database: Database) {
  return {
    insert: database.query(`
      INSERT INTO tickets (id, epoch, secret, created_ms, expires_ms, uses, used_by, petname, checksum)
      VALUES (:id, :epoch, :secret, :created_ms, :expires_ms, :uses, :used_by, :petname, :checksum)`),
    count: database.query('SELECT count(*) AS count FROM tickets'),
    makeRoom: database.query(`
      DELETE FROM tickets WHERE place = (
        SELECT min(place) FROM tickets WHERE expires_ms < :nowMs OR json_array_length(used_by) >= uses)`),
    get: database.query('SELECT * FROM tickets WHERE id = :id'),
    all: database.query('SELECT * FROM tickets ORDER BY place'),
    use: database.query('UPDATE tickets SET used_by = :used_by, checksum = :checksum WHERE id = :id'),
    delete: database.query('DELETE FROM tickets WHERE id = :id'),
    prune: database.query('DELETE FROM tickets WHERE expires_ms < :beforeMs'),
    clear: database.query('DELETE FROM tickets')
  } satisfies Record<string, Query>
}

function valuesOf(row: TicketRow, epoch: string) {
  const values = {
    id: row.id,
    epoch,
    secret: row.secret,
    created_ms: row.createdMs,
    expires_ms: row.expiresMs,
    uses: row.uses,
    used_by: JSON.stringify(row.usedBy),
    petname: row.petname ?? null
  }
  return { ...values, checksum: checksumOf(values, CHECKED) }
}

function isSound(row: Row): boolean {
  return row['checksum'] === checksumOf(row, CHECKED)
}

function readRow(row: Row): TicketRow {
  const petname = optionalText(row, 'petname')
  return {
    id: text(row, 'id'),
    secret: bytes(row, 'secret'),
    createdMs: integer(row, 'created_ms'),
    expiresMs: integer(row, 'expires_ms'),
    uses: integer(row, 'uses'),
    usedBy: json(row, 'used_by', usedBySchema),
    ...(petname !== undefined && { petname })
  }
}
