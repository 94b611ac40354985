import { MeshError } from '../../../src/mesh/errors.ts'

export interface JournalOwner {
  closed: boolean
  failure: MeshError | undefined
  commits: number
}

/** A small list that is replaced as a whole, so that a rollback brings its order back too. */
export interface Held<T> {
  rows: readonly T[]
}

/** Undo log: what a throw inside `transaction` takes back. */
export class Journal {
  readonly #owner: JournalOwner
  readonly #undo: Array<() => void> = []
  #depth = 0

  constructor(owner: JournalOwner) {
    this.#owner = owner
  }

  transaction<T>(work: () => T): T {
    if (this.#owner.closed) throw new MeshError('store_failed', { detail: 'the store is closed' })
    const mark = this.#undo.length
    this.#depth++
    try {
      const result = work()
      if (result instanceof Promise) throw new MeshError('internal', { detail: 'a transaction cannot wait' })
      if (this.#depth === 1) {
        this.#undo.length = 0
        this.#owner.commits++
      }
      return result
    } catch (error) {
      while (this.#undo.length > mark) this.#undo.pop()?.()
      throw error
    } finally {
      this.#depth--
    }
  }

  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.#mayWrite()
    const before = map.get(key)
    this.#undo.push(before === undefined ? () => map.delete(key) : () => map.set(key, before))
    map.set(key, value)
  }

  delete<K, V>(map: Map<K, V>, key: K): void {
    this.#mayWrite()
    const before = map.get(key)
    if (before !== undefined) this.#undo.push(() => map.set(key, before))
    map.delete(key)
  }

  replace<T>(held: Held<T>, rows: readonly T[]): void {
    this.#mayWrite()
    const before = held.rows
    this.#undo.push(() => {
      held.rows = before
    })
    held.rows = rows
  }

  #mayWrite(): void {
    if (this.#owner.failure !== undefined) throw this.#owner.failure
  }
}
