/** Pauses after the first queries: any of them may get lost, and a switch, an access point or the other node may need a moment. */
const FIRST_PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000]

/** Pause between queries from then on. */
const STEADY_MS = 10_000

/** Share by which it is moved either way, so that nodes started together do not ask together for ever. */
const JITTER = 0.1

/** Answers go to everybody, so a query of another node does for ours; but not more often than this in a row: it may not have reached all. */
const BORROWED_MAX = 2

/** How long to wait with the next query. Asks often when a network is new, and seldom afterwards. */
export class QuerySchedule {
  readonly #random: () => number
  #asked = 0
  #borrowed = 0

  constructor(init: { random?: () => number } = {}) {
    this.#random = init.random ?? Math.random
  }

  /** Whether the network is still new. */
  get fresh(): boolean {
    return this.#asked < FIRST_PAUSES_MS.length
  }

  /** The network is new: from the first query again, which is due now. */
  restart(): void {
    this.#asked = 0
    this.#borrowed = 0
  }

  /** We asked. Milliseconds to the next query. */
  asked(): number {
    const pauseMs = FIRST_PAUSES_MS[this.#asked] ?? this.#steadyMs()
    this.#asked = Math.min(this.#asked + 1, FIRST_PAUSES_MS.length)
    this.#borrowed = 0
    return pauseMs
  }

  /** Another node asked the same. Milliseconds from now to our next query, undefined where that stays as it is. */
  othersAsked(): number | undefined {
    if (this.fresh || this.#borrowed >= BORROWED_MAX) return undefined
    this.#borrowed++
    return this.#steadyMs()
  }

  #steadyMs(): number {
    return STEADY_MS * (1 - JITTER + 2 * JITTER * this.#random())
  }
}
