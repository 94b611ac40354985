import { failure, guarded } from './guard.ts'
import type { Clock, Log } from './ports.ts'

/** Why a sleep ends early. Without one, each abort would make an exception with its stack. */
const CLEARED = 'the alarm was cleared'

/** One wake-up at a time. Nothing is scheduled while nothing is set. */
export class Alarm {
  readonly #clock: Clock
  readonly #log: Log
  readonly #onDue: () => void
  #stop: AbortController | undefined
  #dueMs = 0

  constructor(components: { clock: Clock; log: Log }, init: { onDue: () => void }) {
    this.#clock = components.clock
    this.#log = components.log
    this.#onDue = init.onDue
  }

  get armed(): boolean {
    return this.#stop !== undefined
  }

  /** Wakes once at this monotonic time, in place of whatever was set before. */
  at(dueMs: number): void {
    if (this.#stop !== undefined && this.#dueMs === dueMs) return
    this.clear()
    const stop = new AbortController()
    this.#stop = stop
    this.#dueMs = dueMs
    const sleep = this.#clock.sleep(Math.max(0, dueMs - this.#clock.monotonicMs()), { signal: stop.signal })
    sleep.then(
      () => this.#ring(stop),
      error => {
        if (!stop.signal.aborted) this.#log.error('A timer failed.', failure(error))
      }
    )
  }

  clear(): void {
    this.#stop?.abort(CLEARED)
    this.#stop = undefined
  }

  #ring(stop: AbortController): void {
    if (this.#stop !== stop) return
    this.#stop = undefined
    guarded(this.#log, 'A timer', this.#onDue)
  }
}
