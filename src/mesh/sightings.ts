import type { Gauge } from './ports.ts'

/** Peers whose addresses are remembered: a busy conference network. */
const PEERS_MAX = 256

/** Addresses of each: mDNS lists one per interface. */
const ADDRESSES_MAX = 8

/** Unseen for longer than this, a peer was away. What is there is seen every ten seconds, as often as mDNS asks. */
const AWAY_MS = 15_000

/** Pause after the first visit; it doubles with each, so that whoever shows itself for ever is not visited for ever. */
const SPACING_FIRST_MS = 60_000
const SPACING_LAST_MS = 60 * 60 * 1000

interface Sighting {
  addresses: string[]
  seenMs: number
  visits: number
  /** Not visited again before this. */
  visitMs: number
}

/** Where discovery saw peers, newest first, and when each may be visited for that. In memory only: whom it leads to is admitted elsewhere. */
export class Sightings {
  /** The longest unseen peer first. */
  readonly #seen = new Map<string, Sighting>()

  /** True when it is news: the peer was away, or is at another address. */
  add(peer: string, addresses: string[], nowMs: number): boolean {
    const before = this.#seen.get(peer)
    const all = [...new Set([...addresses, ...(before?.addresses ?? [])])].slice(0, ADDRESSES_MAX)
    this.#seen.delete(peer)
    this.#seen.set(peer, {
      addresses: all,
      seenMs: nowMs,
      visits: before?.visits ?? 0,
      visitMs: before?.visitMs ?? Number.NEGATIVE_INFINITY
    })
    const oldest = this.#seen.keys().next().value
    if (this.#seen.size > PEERS_MAX && oldest !== undefined) this.#seen.delete(oldest)
    if (before === undefined || nowMs - before.seenMs > AWAY_MS) return true
    return addresses.some(address => !before.addresses.includes(address))
  }

  addressesOf(peer: string): string[] {
    return this.#seen.get(peer)?.addresses ?? []
  }

  /** Whether it is time for a visit, which then counts as made. */
  visit(peer: string, nowMs: number): boolean {
    const sighting = this.#seen.get(peer)
    if (sighting === undefined || nowMs < sighting.visitMs) return false
    sighting.visitMs = nowMs + Math.min(SPACING_FIRST_MS * 2 ** sighting.visits, SPACING_LAST_MS)
    sighting.visits++
    return true
  }

  gauges(): Gauge[] {
    return [{ name: 'sightings', size: this.#seen.size, max: PEERS_MAX }]
  }

  peers(): string[] {
    return [...this.#seen.keys()]
  }
}
