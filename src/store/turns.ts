import type { TurnRow, TurnStore } from '../mesh/ports.ts'
import { integer } from './columns.ts'
import type { Database, Query } from './database.ts'

const SINCE = `
  SELECT count(*) AS turns, coalesce(sum(characters), 0) AS characters FROM turns
  WHERE at_ms >= :at_ms AND instance = coalesce(:instance, instance) AND conversation = coalesce(:conversation, conversation)`

/** What peers have cost in turns and characters. Every method throws MeshError `store_failed`. */
export class Turns implements TurnStore {
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database }: { database: Database }) {
    this.#queries = prepare(database)
  }

  add({ instance, conversation, root, atMs, characters }: TurnRow): number {
    const row = this.#queries.add.get({ instance, conversation, root, at_ms: atMs, characters })
    return integer(row ?? {}, 'turn')
  }

  count(turn: number, characters: number): void {
    this.#queries.count.run({ turn, characters })
  }

  remove(turn: number): void {
    this.#queries.remove.run({ turn })
  }

  restamp(nowMs: number): void {
    this.#queries.restamp.run({ now_ms: nowMs })
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
}

function prepare(database: Database) {
  return {
    add: database.query(`
      INSERT INTO turns (instance, conversation, root, at_ms, characters)
      VALUES (:instance, :conversation, :root, :at_ms, :characters)
      RETURNING turn`),
    count: database.query('UPDATE turns SET characters = characters + :characters WHERE turn = :turn'),
    remove: database.query('DELETE FROM turns WHERE turn = :turn'),
    restamp: database.query('UPDATE turns SET at_ms = :now_ms WHERE at_ms > :now_ms'),
    since: database.query(SINCE),
    // One of its own, for the index: few turns have a root, and many may have a time.
    chain: database.query(`${SINCE} AND root = :root`),
    prune: database.query('DELETE FROM turns WHERE at_ms < :beforeMs')
  } satisfies Record<string, Query>
}
