import type { TrustRecord, TrustStore } from '../../../src/mesh/ports.ts'
import type { Journal } from './journal.ts'

export class FakeTrust implements TrustStore {
  readonly #journal: Journal
  readonly #records = new Map<string, TrustRecord>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get(instance: string): TrustRecord | undefined {
    return structuredClone(this.#records.get(instance))
  }

  all(): TrustRecord[] {
    return [...this.#records.values()].map(record => structuredClone(record))
  }

  put(record: TrustRecord): TrustRecord | undefined {
    if ((this.#records.get(record.instance)?.revision ?? 0) !== record.revision) return undefined
    const next = structuredClone({ ...record, revision: record.revision + 1 })
    this.#journal.transaction(() => this.#journal.set(this.#records, record.instance, next))
    return structuredClone(next)
  }
}
