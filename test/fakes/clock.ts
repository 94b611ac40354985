import type { AbortOptions, Clock } from '../../src/mesh/ports.ts'

interface Sleeper {
  dueMs: number
  wake: () => void
}

/** Turns of the event loop that a chain of promises and coalesced work may take. */
const TURNS = 8

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #wallMs: number
  readonly #turns: number
  #monotonicMs = 0
  readonly #sleepers = new Set<Sleeper>()

  /** @param turns of the event loop after each wake-up; one is enough where nothing but promises follows */
  constructor(wallMs = 1_800_000_000_000, turns = TURNS) {
    this.#wallMs = wallMs
    this.#turns = turns
  }

  /** Sleeps under way. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  wallMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  async sleep(ms: number, { signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { dueMs: this.#monotonicMs + ms, wake: resolve }
    const abort = (): void => reject(signal?.reason)
    this.#sleepers.add(sleeper)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      this.#sleepers.delete(sleeper)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Moves both clocks and wakes who is due, earliest first, each with the time that it asked for. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms
    for (;;) {
      const due = [...this.#sleepers]
        .filter(sleeper => sleeper.dueMs <= untilMs)
        .toSorted((a, b) => a.dueMs - b.dueMs)[0]
      if (due === undefined) break
      this.#move(Math.max(due.dueMs, this.#monotonicMs))
      this.#sleepers.delete(due)
      due.wake()
      await settled(this.#turns)
    }
    this.#move(untilMs)
    await settled(this.#turns)
  }

  /** Moves both clocks and wakes nobody: for code that only reads the time. */
  tick(ms: number): void {
    this.#move(this.#monotonicMs + ms)
  }

  /** A wall clock that was set; the monotonic one does not notice. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  #move(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs
    this.#monotonicMs = monotonicMs
  }
}

/** Lets everything run that waits for nothing but the event loop. */
export async function settled(turns = TURNS): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise(resolve => setImmediate(resolve))
}
