import { MeshError } from '../mesh/errors.ts'
import type { ContactRow, ContactStore, Log } from '../mesh/ports.ts'
import { integer, oneOf, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import { sealed } from './sealed.ts'

/** Pending requests in each direction: as many as an owner may want to read. */
export const PENDING_MAX = 64

/** Pending requests from one address: a household or an office, and not yet a crowd that one machine plays. */
export const PENDING_PER_ADDRESS_MAX = 4

/** Remembered rejections: a stranger must bring as many other keys before it may ask again. */
export const REJECTED_MAX = 256

const DIRECTIONS = ['incoming', 'outgoing'] as const satisfies Array<ContactRow['direction']>
const STATES = ['pending', 'rejected'] as const satisfies Array<ContactRow['state']>

export interface ContactsComponents {
  database: Database
  quarantine: Quarantine
  /**
   * Open requests of another epoch came back with an older copy of the database: the peers of our own may have been shut out since, and must not come
   * in by a late approval; those of others may have been turned down, or their senders blocked. Rejections stay.
   */
  epoch: string
  log: Log
}

/** Who wants to be let in, here and elsewhere. Every method throws MeshError `store_failed`. */
export class Contacts implements ContactStore {
  readonly #database: Database
  readonly #quarantine: Quarantine
  readonly #epoch: string
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine, epoch, log }: ContactsComponents) {
    this.#database = database
    this.#quarantine = quarantine
    this.#epoch = epoch
    this.#queries = prepare(database)
    const count = this.#queries.dropCopies.run({ epoch })
    if (count > 0) log.warn('requests that came back with an older copy are dropped', { count })
  }

  get(instance: string, direction: ContactRow['direction']): ContactRow | undefined {
    const row = this.#row(instance, direction)
    return row && readRow(row)
  }

  pending(direction: ContactRow['direction']): ContactRow[] {
    return this.#quarantine.soundOf('contacts', this.#queries.pending.all({ direction })).map(readRow)
  }

  /** What is put is never what goes: a peer that asks again from a full address keeps its request. */
  put(row: ContactRow): void {
    if (row.state !== 'pending') throw new MeshError('store_failed', { detail: 'only a pending request can be put' })
    this.#database.transaction(() => {
      const known = this.#row(row.instance, row.direction)
      // Its time and its epoch stay.
      const kept = known && { created_ms: integer(known, 'created_ms'), epoch: text(known, 'epoch') }
      const put = this.#queries.put.get(sealed('contacts', { ...valuesOf(row, this.#epoch), ...kept }))
      if (put === undefined) return
      const place = integer(put, 'place')
      if (row.direction === 'incoming') {
        this.#queries.trimAddress.run({ place, address: row.address, others: PENDING_PER_ADDRESS_MAX - 1 })
      }
      const { count } = this.#queries.count.get({ direction: row.direction }) ?? {}
      if (Number(count) <= PENDING_MAX) return
      if (row.direction === 'incoming') this.#queries.makeRoom.run()
      else this.#queries.dropOldest.run()
    })
  }

  /** The memory takes a new place: the oldest rejection goes first, not the oldest request. */
  reject(instance: string, nowMs: number): ContactRow | undefined {
    return this.#database.transaction(() => {
      const row = this.get(instance, 'incoming')
      if (row?.state !== 'pending') return undefined
      const memory: ContactRow = { ...row, label: '', purpose: '', address: '', createdMs: nowMs, state: 'rejected' }
      this.delete(instance, 'incoming')
      this.#queries.put.get(sealed('contacts', valuesOf(memory, this.#epoch)))
      this.#queries.trimRejected.run({ max: REJECTED_MAX })
      return memory
    })
  }

  delete(instance: string, direction: ContactRow['direction']): boolean {
    return this.#queries.delete.run({ instance, direction }) > 0
  }

  #row(instance: string, direction: ContactRow['direction']): Row | undefined {
    return this.#quarantine.sound('contacts', this.#queries.get.get({ instance, direction }))
  }

  prune(beforeMs: number): void {
    this.#queries.prune.run({ beforeMs })
  }
}

function prepare(database: Database) {
  const incoming = "direction = 'incoming' AND state = 'pending'"
  return {
    get: database.query('SELECT * FROM contacts WHERE instance = :instance AND direction = :direction'),
    pending: database.query(`
      SELECT * FROM contacts WHERE direction = :direction AND state = 'pending' ORDER BY place`),
    // Gives no place where a rejection stands.
    put: database.query(`
      INSERT INTO contacts (instance, direction, epoch, peer, label, purpose, address, created_ms, state, checksum)
      VALUES (:instance, :direction, :epoch, :peer, :label, :purpose, :address, :created_ms, :state, :checksum)
      ON CONFLICT DO UPDATE SET peer = excluded.peer, label = excluded.label, purpose = excluded.purpose,
        address = excluded.address, checksum = excluded.checksum WHERE state = 'pending'
      RETURNING place`),
    count: database.query(`
      SELECT count(*) AS count FROM contacts WHERE direction = :direction AND state = 'pending'`),
    trimAddress: database.query(`
      DELETE FROM contacts WHERE place IN (
        SELECT place FROM contacts WHERE ${incoming} AND address = :address AND place <> :place
        ORDER BY place DESC LIMIT -1 OFFSET :others)`),
    makeRoom: database.query(`
      DELETE FROM contacts WHERE place = (
        SELECT place FROM contacts WHERE ${incoming}
        ORDER BY count(*) OVER (PARTITION BY address) DESC, place LIMIT 1)`),
    dropOldest: database.query(`
      DELETE FROM contacts WHERE place = (SELECT min(place) FROM contacts WHERE direction = 'outgoing')`),
    trimRejected: database.query(`
      DELETE FROM contacts WHERE place IN (
        SELECT place FROM contacts WHERE state = 'rejected' ORDER BY place DESC LIMIT -1 OFFSET :max)`),
    delete: database.query('DELETE FROM contacts WHERE instance = :instance AND direction = :direction'),
    dropCopies: database.query("DELETE FROM contacts WHERE state = 'pending' AND epoch <> :epoch"),
    prune: database.query('DELETE FROM contacts WHERE created_ms < :beforeMs')
  } satisfies Record<string, Query>
}

function valuesOf(row: ContactRow, epoch: string) {
  return {
    instance: row.instance,
    direction: row.direction,
    epoch,
    peer: row.peer,
    label: row.label,
    purpose: row.purpose,
    address: row.address,
    created_ms: row.createdMs,
    state: row.state
  }
}

function readRow(row: Row): ContactRow {
  return {
    instance: text(row, 'instance'),
    direction: oneOf(row, 'direction', DIRECTIONS),
    peer: text(row, 'peer'),
    label: text(row, 'label'),
    purpose: text(row, 'purpose'),
    address: text(row, 'address'),
    createdMs: integer(row, 'created_ms'),
    state: oneOf(row, 'state', STATES)
  }
}
