import type { Gauge } from '../mesh/ports.ts'

export interface RecentInit {
  /** Forgotten after this long without being added again, and after twice this at the latest. */
  forgetMs: number
  /** Entries that are remembered; beyond them none is added. */
  max: number
}

/** What happened of late, by name. In two generations, so that forgetting costs one timer. */
export class Recent {
  readonly #init: RecentInit
  #young = new Set<string>()
  #old = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: RecentInit) {
    this.#init = init
  }

  /** True when it is news. Without room nothing is. */
  add(name: string): boolean {
    if (this.#young.has(name) || this.#young.size >= this.#init.max) return false
    const news = !this.#old.has(name)
    this.#young.add(name)
    this.#timer ??= setTimeout(() => this.#age(), this.#init.forgetMs).unref()
    return news
  }

  gauges(name: string): Gauge[] {
    return [{ name, size: this.#young.size + this.#old.size, max: 2 * this.#init.max }]
  }

  has(name: string): boolean {
    return this.#young.has(name) || this.#old.has(name)
  }

  delete(name: string): void {
    this.#young.delete(name)
    this.#old.delete(name)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#young.clear()
    this.#old.clear()
  }

  #age(): void {
    this.#old = this.#young
    this.#young = new Set()
    this.#timer = this.#old.size > 0 ? setTimeout(() => this.#age(), this.#init.forgetMs).unref() : undefined
  }
}
