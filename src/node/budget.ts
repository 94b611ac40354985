import type { Gauge } from '../mesh/ports.ts'

/** Keys that are counted. A crowd larger than this has no more to share than this many. */
const KEYS_MAX = 256

/** How much of something each key, and all together, may cause until the next `renew`. */
export class Budget {
  readonly #each: number
  readonly #all: number
  readonly #taken = new Map<string, number>()
  #sum = 0

  constructor(init: { each: number; all: number }) {
    this.#each = init.each
    this.#all = init.all
  }

  /** True unless the key has had its share. */
  take(key: string): boolean {
    const taken = this.#taken.get(key) ?? 0
    if (taken >= this.#each || this.#sum >= this.#all) return false
    if (taken === 0 && this.#taken.size >= KEYS_MAX) return false
    this.#taken.set(key, taken + 1)
    this.#sum++
    return true
  }

  gauges(name: string): Gauge[] {
    return [{ name, size: this.#taken.size, max: KEYS_MAX }]
  }

  renew(): void {
    this.#taken.clear()
    this.#sum = 0
  }
}
