import { text } from './columns.ts'
import type { Database, Query } from './database.ts'

/** Small named texts that outlive a restart. Throws MeshError `store_failed`. */
export class Values {
  readonly #get: Query
  readonly #set: Query

  constructor({ database }: { database: Database }) {
    this.#get = database.query('SELECT value FROM meta WHERE key = :key')
    this.#set = database.query(
      'INSERT INTO meta VALUES (:key, :value) ON CONFLICT DO UPDATE SET value = excluded.value'
    )
  }

  get(key: string): string | undefined {
    const row = this.#get.get({ key })
    return row && text(row, 'value')
  }

  set(key: string, value: string): void {
    this.#set.run({ key, value })
  }
}
