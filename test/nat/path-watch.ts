import type { Path } from '../../src/mesh/ports.ts'
import { awaited } from './until.ts'

const LOOK_MS = 20

/** Looks at a path all the time, for when it stops to lead over a relay. */
export class PathWatch implements AsyncDisposable {
  readonly #look: () => Promise<Path | null>
  readonly #end = new AbortController()
  readonly #ended: Promise<void>
  #relayed = false
  #upgradedMs: number | undefined

  constructor(look: () => Promise<Path | null>) {
    this.#look = look
    this.#ended = this.#run(this.#end.signal)
  }

  /** When a connection that had begun over a relay was without it, by `performance.now()`. */
  get upgradedMs(): number | undefined {
    return this.#upgradedMs
  }

  /** Waits until no relay is in between, or until it is too late for that. */
  async straight(limitMs: number): Promise<void> {
    await awaited(limitMs, async () => isStraight(await this.#look()) || undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#ended
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#upgradedMs === undefined) {
      const path = await this.#look()
      this.#relayed ||= path === 'relayed'
      if (this.#relayed && isStraight(path)) this.#upgradedMs = performance.now()
      await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    }
  }
}

function isStraight(path: Path | null): boolean {
  return path === 'direct' || path === 'lan'
}
