import { MeshError } from './errors.ts'
import type { Store } from './ports.ts'

/** What one peer that stays away may cost: a month of chatter, and no more disk than a photo album. */
export const INSTANCE_MAX_ENTRIES = 1_000
const INSTANCE_MAX_BYTES = 32 * 1024 * 1024

/** What all of them together may cost. */
export const TOTAL_MAX_ENTRIES = 10_000
const TOTAL_MAX_BYTES = 256 * 1024 * 1024

/** What is still free in the outbox while one batch is placed. */
export class OutboxCaps {
  readonly #store: Store
  readonly #total: { entries: number; bytes: number }
  readonly #instances = new Map<string, { entries: number; bytes: number }>()

  constructor(store: Store) {
    this.#store = store
    this.#total = { ...store.outbox.load() }
  }

  /** @throws {MeshError} `outbox_full` */
  take(instance: string, bytes: number): void {
    const one = this.#instances.get(instance) ?? { ...this.#store.outbox.load(instance) }
    this.#instances.set(instance, one)
    if (one.entries >= INSTANCE_MAX_ENTRIES) throw outboxFull(INSTANCE_MAX_ENTRIES, 'entries for one instance')
    if (one.bytes + bytes > INSTANCE_MAX_BYTES) throw outboxFull(INSTANCE_MAX_BYTES, 'bytes for one instance')
    if (this.#total.entries >= TOTAL_MAX_ENTRIES) throw outboxFull(TOTAL_MAX_ENTRIES, 'entries in all')
    if (this.#total.bytes + bytes > TOTAL_MAX_BYTES) throw outboxFull(TOTAL_MAX_BYTES, 'bytes in all')
    for (const load of [one, this.#total]) {
      load.entries++
      load.bytes += bytes
    }
  }
}

export function outboxFull(limit: number, what: string): MeshError {
  return new MeshError('outbox_full', { retryable: true, detail: `at most ${limit} ${what}` })
}
