import { text } from './columns.ts'
import type { Database } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import { sealed } from './sealed.ts'

/** Small named texts that outlive a restart; a damaged one is gone. Throws MeshError `store_failed`. */
export class Values {
  readonly #quarantine: Quarantine
  readonly #get: Query
  readonly #set: Query

  constructor({ database, quarantine }: { database: Database; quarantine: Quarantine }) {
    this.#quarantine = quarantine
    this.#get = database.query('SELECT * FROM meta WHERE key = :key')
    this.#set = database.query(`
      INSERT INTO meta (key, value, checksum) VALUES (:key, :value, :checksum)
      ON CONFLICT DO UPDATE SET value = excluded.value, checksum = excluded.checksum`)
  }

  get(key: string): string | undefined {
    const row = this.#quarantine.sound('meta', this.#get.get({ key }))
    return row && text(row, 'value')
  }

  set(key: string, value: string): void {
    this.#set.run(sealed('meta', { key, value }))
  }
}
