import type { Gauge } from '../mesh/ports.ts'

/** A peer whose frames we could not read this often is broken or hostile. */
const STRIKES_MAX = 5

/** Strikes are forgotten after this long without a new one, so that a repaired peer comes back. */
const FORGIVE_MS = 10 * 60 * 1000

/** Peers remembered. Beyond it the longest remembered makes room: a flood of new ids cannot grow the table. */
const PEERS_MAX = 1024

/** Counts what a peer sent that no honest peer sends. */
export class Strikes {
  readonly #counts = new Map<string, { count: number; forgive: NodeJS.Timeout }>()
  readonly #max: number
  readonly #forgiveMs: number

  constructor(init: { max?: number; forgiveMs?: number } = {}) {
    this.#max = init.max ?? STRIKES_MAX
    this.#forgiveMs = init.forgiveMs ?? FORGIVE_MS
  }

  add(peer: string): number {
    const count = this.count(peer) + 1
    this.#forget(peer)
    const oldest = this.#counts.keys().next().value
    if (this.#counts.size >= PEERS_MAX && oldest !== undefined) this.#forget(oldest)
    this.#counts.set(peer, { count, forgive: setTimeout(() => this.#forget(peer), this.#forgiveMs).unref() })
    return count
  }

  count(peer: string): number {
    return this.#counts.get(peer)?.count ?? 0
  }

  /** True while nothing more is read from this peer. */
  out(peer: string): boolean {
    return this.count(peer) >= this.#max
  }

  gauges(): Gauge[] {
    return [{ name: 'peers with strikes', size: this.#counts.size, max: PEERS_MAX }]
  }

  clear(): void {
    for (const peer of [...this.#counts.keys()]) this.#forget(peer)
  }

  #forget(peer: string): void {
    clearTimeout(this.#counts.get(peer)?.forgive)
    this.#counts.delete(peer)
  }
}
