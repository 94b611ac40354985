import type { TurnRow, TurnStore } from '../mesh/ports.ts'
import { integer, type Row } from './columns.ts'
import type { Database } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import { resealed, sealed } from './sealed.ts'

const SINCE = `
  SELECT count(*) AS turns, coalesce(sum(characters), 0) AS characters FROM turns
  WHERE at_ms >= :at_ms AND instance = coalesce(:instance, instance) AND conversation = coalesce(:conversation, conversation)`

/** What peers have cost in turns and characters. Every method throws MeshError `store_failed`. */
export class Turns implements TurnStore {
  readonly #database: Database
  readonly #quarantine: Quarantine
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine }: { database: Database; quarantine: Quarantine }) {
    this.#database = database
    this.#quarantine = quarantine
    this.#queries = prepare(database)
  }

  add({ instance, conversation, root, atMs, characters }: TurnRow): number {
    const values = sealed('turns', { instance, conversation, root, at_ms: atMs, characters })
    return this.#database.transaction(() => integer(this.#queries.add.get(values) ?? {}, 'turn'))
  }

  count(turn: number, characters: number): void {
    this.#database.transaction(() => {
      const row = this.#quarantine.sound('turns', this.#queries.get.get({ turn }))
      if (row !== undefined) this.#change(row, { characters: integer(row, 'characters') + characters })
    })
  }

  remove(turn: number): void {
    this.#queries.remove.run({ turn })
  }

  restamp(nowMs: number): void {
    this.#database.transaction(() => {
      const later = this.#quarantine.soundOf('turns', this.#queries.later.all({ now_ms: nowMs }))
      for (const row of later) this.#change(row, { at_ms: nowMs })
    })
  }

  since(
    atMs: number,
    filter: { instance?: string; conversation?: string; root?: string } = {}
  ): { turns: number; characters: number } {
    const { instance = null, conversation = null, root = null } = filter
    const where = { at_ms: atMs, instance, conversation }
    const row = (root === null ? this.#queries.since.get(where) : this.#queries.chain.get({ ...where, root })) ?? {}
    return { turns: integer(row, 'turns'), characters: integer(row, 'characters') }
  }

  prune(beforeMs: number): void {
    this.#queries.prune.run({ beforeMs })
  }

  #change(row: Row, change: { characters: number } | { at_ms: number }): void {
    const values = { at_ms: integer(row, 'at_ms'), characters: integer(row, 'characters'), ...change }
    this.#queries.change.run({ turn: integer(row, 'turn'), ...values, checksum: resealed('turns', row, values) })
  }
}

function prepare(database: Database) {
  return {
    add: database.query(`
      INSERT INTO turns (instance, conversation, root, at_ms, characters, checksum)
      VALUES (:instance, :conversation, :root, :at_ms, :characters, :checksum)
      RETURNING turn`),
    get: database.query('SELECT * FROM turns WHERE turn = :turn'),
    change: database.query(
      'UPDATE turns SET at_ms = :at_ms, characters = :characters, checksum = :checksum WHERE turn = :turn'
    ),
    remove: database.query('DELETE FROM turns WHERE turn = :turn'),
    later: database.query('SELECT * FROM turns WHERE at_ms > :now_ms'),
    since: database.query(SINCE),
    // One of its own, for the index: few turns have a root, and many may have a time.
    chain: database.query(`${SINCE} AND root = :root`),
    prune: database.query('DELETE FROM turns WHERE at_ms < :beforeMs')
  } satisfies Record<string, Query>
}
