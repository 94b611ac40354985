import { failure } from './guard.ts'
import type { Clock, Gauge, Log, Network } from './ports.ts'

/** Peers for whom a straight way is tried at once, and with them those who wait for that or were tried of late. */
const DIALS_MAX = 8
const TRIES_MAX = 128

/** Between two tries for one peer: what a peer says of itself must not make this node dial others in its place. */
const SPACING_MS = 10_000

/**
 * Straight ways to peers whose link runs through a relay. They are tried when there is news of where such a peer is: it was seen in the own network, its
 * router opened a port, or the link has just come up. The link moves by itself when one is found; a try in vain is worth nothing but a line in the log.
 */
export class Shortcuts {
  readonly #network: Pick<Network, 'straighten' | 'connections'>
  readonly #log: Log
  /** Peers that wait to be tried, with where; those that are or were just tried, with what came up meanwhile. */
  readonly #tries = new Map<string, string[]>()
  /** Those that wait: the links of many may come up at once, and there may be no other news of them for long. */
  readonly #waiting = new Set<string>()
  readonly #clock: Pick<Clock, 'sleep'>
  #dials = 0
  readonly #stopped = new AbortController()

  constructor(components: {
    network: Pick<Network, 'straighten' | 'connections'>
    clock: Pick<Clock, 'sleep'>
    log: Log
  }) {
    this.#clock = components.clock
    this.#network = components.network
    this.#log = components.log
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** The peer may be at these addresses. */
  news(peer: string, addresses: string[]): void {
    const straight = addresses.filter(address => !address.includes('/p2p-circuit'))
    if (straight.length === 0 || this.#stopped.signal.aborted || !this.#isRelayed(peer)) return
    if (!this.#tries.has(peer)) {
      if (this.#tries.size >= TRIES_MAX) return
      this.#waiting.add(peer)
    }
    this.#tries.set(peer, straight)
    this.#turn()
  }

  gauges(): Gauge[] {
    return [
      { name: 'straight ways tried', size: this.#tries.size, max: TRIES_MAX },
      { name: 'straight ways to be tried', size: this.#waiting.size, max: TRIES_MAX }
    ]
  }

  #turn(): void {
    if (this.#stopped.signal.aborted) return
    for (const peer of this.#waiting) {
      if (this.#dials >= DIALS_MAX) return
      this.#waiting.delete(peer)
      const addresses = this.#tries.get(peer) ?? []
      // Its link may have ended or moved while it waited.
      if (this.#isRelayed(peer)) void this.#try(peer, addresses)
      else this.#tries.delete(peer)
    }
  }

  /** Never rejects. */
  async #try(peer: string, addresses: string[]): Promise<void> {
    const { signal } = this.#stopped
    this.#tries.set(peer, [])
    this.#dials++
    await this.#network
      .straighten(peer, addresses, { signal })
      .catch(error => this.#log.debug('No straight way.', { peer, ...failure(error) }))
    this.#dials--
    this.#turn()
    await this.#clock.sleep(SPACING_MS, { signal }).catch(() => undefined)
    const meanwhile = this.#tries.get(peer) ?? []
    this.#tries.delete(peer)
    this.news(peer, meanwhile)
  }

  #isRelayed(peer: string): boolean {
    return this.#network.connections().some(each => each.peer === peer && each.linked && each.path === 'relayed')
  }
}
