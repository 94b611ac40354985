/** Peers whose addresses are remembered: a busy conference network. */
const PEERS_MAX = 256

/** Addresses of each: mDNS lists one per interface. */
const ADDRESSES_MAX = 8

interface Sighting {
  addresses: string[]
  dialledMs: number
}

/** Where discovery saw peers, newest first, and when each was dialled for that. In memory only: whom it leads to is admitted elsewhere. */
export class Sightings {
  /** The longest unseen peer first. */
  readonly #seen = new Map<string, Sighting>()

  add(peer: string, addresses: string[]): void {
    const before = this.#seen.get(peer)
    const all = [...new Set([...addresses, ...(before?.addresses ?? [])])].slice(0, ADDRESSES_MAX)
    this.#seen.delete(peer)
    this.#seen.set(peer, { addresses: all, dialledMs: before?.dialledMs ?? Number.NEGATIVE_INFINITY })
    const oldest = this.#seen.keys().next().value
    if (this.#seen.size > PEERS_MAX && oldest !== undefined) this.#seen.delete(oldest)
  }

  addressesOf(peer: string): string[] {
    return this.#seen.get(peer)?.addresses ?? []
  }

  /** Monotonic time of the last dial, minus infinity for none. */
  dialledMs(peer: string): number {
    return this.#seen.get(peer)?.dialledMs ?? Number.NEGATIVE_INFINITY
  }

  noteDial(peer: string, nowMs: number): void {
    const sighting = this.#seen.get(peer)
    if (sighting !== undefined) sighting.dialledMs = nowMs
  }

  peers(): string[] {
    return [...this.#seen.keys()]
  }
}
