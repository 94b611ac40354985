/**
 * What waits for a place, by the instance that it is for. Instances take turns, and what waits for each does; one that has its share of the places
 * is passed over, so that what hangs for one holds up no other.
 */
export class Shares<T> {
  readonly #max: number
  /** Whoever was served longest ago first. No instance without anything that waits. */
  readonly #waiting = new Map<string, Set<T>>()
  /** Places taken. As many instances as there are places at most. */
  readonly #taken = new Map<string, number>()

  /** @param init `max`: places that one instance may take at a time */
  constructor(init: { max: number }) {
    this.#max = init.max
  }

  get size(): number {
    return this.#waiting.values().reduce((sum, { size }) => sum + size, 0)
  }

  /** Once, however often it is added. */
  add(instance: string, one: T): void {
    const waiting = this.#waiting.get(instance)
    if (waiting === undefined) this.#waiting.set(instance, new Set([one]))
    else waiting.add(one)
  }

  /** What is next, which waits no longer; undefined where nothing may go. */
  next(): T | undefined {
    for (const [instance, waiting] of this.#waiting) {
      if ((this.#taken.get(instance) ?? 0) >= this.#max) continue
      const [one] = waiting
      if (one !== undefined) waiting.delete(one)
      this.#waiting.delete(instance)
      if (waiting.size > 0) this.#waiting.set(instance, waiting)
      return one
    }
    return undefined
  }

  begin(instance: string): void {
    this.#taken.set(instance, (this.#taken.get(instance) ?? 0) + 1)
  }

  end(instance: string): void {
    const taken = (this.#taken.get(instance) ?? 1) - 1
    if (taken === 0) this.#taken.delete(instance)
    else this.#taken.set(instance, taken)
  }
}
