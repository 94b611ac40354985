import type { Log } from '../mesh/ports.ts'
import type { ListedPeer } from './peer-list.ts'

/** Waits between dials of a bootstrap peer that is away: doubling from the first to the last, with a tenth of chance in it. */
const RETRY_FIRST_MS = 1_000
const RETRY_LAST_MS = 60_000

/** Dials the bootstrap peers until they are there, and again when they were lost. */
export class Bootstrap {
  readonly #components: { dial(target: ListedPeer): Promise<void>; connected(peer: string): boolean; log: Log }
  readonly #peers: ListedPeer[]
  /** Of the peers that wait for their next dial. */
  readonly #timers = new Map<string, NodeJS.Timeout>()
  /** Peers that are dialled at the moment. */
  readonly #trying = new Set<string>()
  readonly #firstMs: number
  #running = false

  constructor(
    components: { dial(target: ListedPeer): Promise<void>; connected(peer: string): boolean; log: Log },
    init: { peers: ListedPeer[]; firstMs?: number }
  ) {
    this.#components = components
    this.#peers = init.peers
    this.#firstMs = init.firstMs ?? RETRY_FIRST_MS
  }

  start(): void {
    this.#running = true
    for (const target of this.#peers) this.#schedule(target, 0)
  }

  /** A peer is gone: if it is one of ours, start over. */
  lost(peer: string): void {
    const target = this.#peers.find(candidate => candidate.peer === peer)
    if (target !== undefined && this.#running) this.#schedule(target, this.#firstMs)
  }

  /** The network is another one: whoever is away is dialled now. */
  retry(): void {
    if (!this.#running) return
    for (const target of this.#peers) this.#schedule(target, 0)
  }

  stop(): void {
    this.#running = false
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #schedule(target: ListedPeer, waitMs: number): void {
    clearTimeout(this.#timers.get(target.peer))
    const jitterMs = Math.random() * waitMs * 0.1
    const nextMs = Math.min(Math.max(waitMs * 2, this.#firstMs), RETRY_LAST_MS)
    const due = (): void => {
      this.#timers.delete(target.peer)
      void this.#try(target, nextMs)
    }
    this.#timers.set(target.peer, setTimeout(due, waitMs + jitterMs).unref())
  }

  async #try(target: ListedPeer, nextMs: number): Promise<void> {
    if (this.#components.connected(target.peer)) return
    if (this.#trying.has(target.peer)) {
      // The dial under way may be one into the network that was left; when it fails, this one is due.
      this.#schedule(target, this.#firstMs)
      return
    }
    this.#trying.add(target.peer)
    try {
      await this.#components.dial(target)
    } catch (error) {
      this.#components.log.debug('bootstrap peer not reached', {
        peer: target.peer,
        reason: error instanceof Error ? error.name : 'unknown'
      })
      if (this.#running && !this.#timers.has(target.peer)) this.#schedule(target, nextMs)
    } finally {
      this.#trying.delete(target.peer)
    }
  }
}
