import type { Gauge } from '../mesh/ports.ts'
import { relayOf } from './paths.ts'
import { Recent } from './recent.ts'

/** More are not told apart: it fails. */
const FAILURES_MAX = 3

/** How long it stays there; twice as long at most. */
const FAILED = { forgetMs: 10 * 60 * 1000, max: 256 }

/**
 * How relays have served: connections through them that could not be made or broke. One that drops, holds up or mixes up what it carries breaks the
 * connection inside, which it cannot read; another one is then preferred where there is one (S-15).
 */
export class RelayHealth {
  /** One entry for each of its first failures: `<relay> <number>`. */
  readonly #failures = new Recent(FAILED)

  /** A connection through the relay of this circuit address could not be made, or broke. */
  failed(address: string): void {
    this.#failures.add(`${relayOf(address) ?? ''} ${this.#count(address) + 1}`)
  }

  /** It carried a connection to its end. */
  served(address: string): void {
    for (let number = this.#count(address); number > 0; number--)
      this.#failures.delete(`${relayOf(address) ?? ''} ${number}`)
  }

  /** Those whose relay has failed least often first. */
  inOrder(addresses: string[]): string[] {
    return addresses.toSorted((one, other) => this.#count(one) - this.#count(other))
  }

  gauges(): Gauge[] {
    return this.#failures.gauges('relay failures')
  }

  #count(address: string): number {
    const relay = relayOf(address) ?? ''
    let count = 0
    while (count < FAILURES_MAX && this.#failures.has(`${relay} ${count + 1}`)) count++
    return count
  }
}
