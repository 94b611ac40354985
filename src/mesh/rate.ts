import type { Clock, Gauge } from './ports.ts'

export interface RateInit {
  perSecond: number
  /** Most tokens that pile up, and the deepest debt. */
  burst: number
  /** Keys remembered; the one unused for longest goes first. */
  keysMax: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** A token bucket per key. A bucket can go into debt, down to minus its burst, so that pushing on costs the pusher. */
export class Rate {
  readonly #clock: Clock
  readonly #init: RateInit
  /** Least recently used first. At most keysMax. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(components: { clock: Clock }, init: RateInit) {
    this.#clock = components.clock
    this.#init = init
  }

  gauges(name: string): Gauge[] {
    return [{ name, size: this.#buckets.size, max: this.#init.keysMax }]
  }

  /** Tokens there are; a key never seen has a full bucket. */
  left(key: string): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return this.#init.burst
    const refill = ((this.#clock.monotonicMs() - bucket.atMs) * this.#init.perSecond) / 1000
    return Math.min(this.#init.burst, bucket.tokens + refill)
  }

  /** Takes tokens, and returns what is left: below zero the key is over its rate, at minus its burst it is flooding. */
  take(key: string, cost = 1): number {
    const tokens = Math.max(-this.#init.burst, this.left(key) - cost)
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens, atMs: this.#clock.monotonicMs() })
    const oldest = this.#buckets.keys().next().value
    if (this.#buckets.size > this.#init.keysMax && oldest !== undefined) this.#buckets.delete(oldest)
    return tokens
  }
}
