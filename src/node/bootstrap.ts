import { multiaddr } from '@multiformats/multiaddr'
import type { Log } from '../mesh/ports.ts'
import type { Issues } from './issues.ts'
import { placeOf } from './reach.ts'

/** Waits between dials of a bootstrap peer that is away: doubling from the first to the last, with a tenth of chance in it. */
const RETRY_FIRST_MS = 1_000
const RETRY_LAST_MS = 60_000

export interface BootstrapPeer {
  peer: string
  addresses: string[]
}

/** The peers that the settings name, one entry each. Entries that are no address of a peer are said in the issues and left out. */
export function parseBootstrapList(list: string[], issues: Issues): BootstrapPeer[] {
  const peers = new Map<string, string[]>()
  for (const entry of list) {
    const peer = peerOf(entry)
    if (peer === undefined) {
      issues.report(entry, 'An entry of bootstrapList is not a multiaddr with a /p2p/ peer id; it is ignored.')
    } else if (placeOf(entry) === undefined || placeOf(entry)?.reach === 'never') {
      issues.report(
        entry,
        `An entry of bootstrapList, ${entry}, leads nowhere that this node could dial; it is ignored.`
      )
    } else {
      peers.set(peer, [...(peers.get(peer) ?? []), entry])
    }
  }
  return [...peers].map(([peer, addresses]) => ({ peer, addresses }))
}

/** Dials the bootstrap peers until they are there, and again when they were lost. */
export class Bootstrap {
  readonly #components: { dial(target: BootstrapPeer): Promise<void>; connected(peer: string): boolean; log: Log }
  readonly #peers: BootstrapPeer[]
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #firstMs: number
  #running = false

  constructor(
    components: { dial(target: BootstrapPeer): Promise<void>; connected(peer: string): boolean; log: Log },
    init: { peers: BootstrapPeer[]; firstMs?: number }
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

  stop(): void {
    this.#running = false
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #schedule(target: BootstrapPeer, waitMs: number): void {
    clearTimeout(this.#timers.get(target.peer))
    const jitterMs = Math.random() * waitMs * 0.1
    const nextMs = Math.min(Math.max(waitMs * 2, this.#firstMs), RETRY_LAST_MS)
    this.#timers.set(target.peer, setTimeout(() => void this.#try(target, nextMs), waitMs + jitterMs).unref())
  }

  async #try(target: BootstrapPeer, nextMs: number): Promise<void> {
    if (this.#components.connected(target.peer)) return
    try {
      await this.#components.dial(target)
    } catch (error) {
      this.#components.log.debug('bootstrap peer not reached', {
        peer: target.peer,
        reason: error instanceof Error ? error.name : 'unknown'
      })
      if (this.#running) this.#schedule(target, nextMs)
    }
  }
}

function peerOf(entry: string): string | undefined {
  try {
    return multiaddr(entry)
      .getComponents()
      .findLast(component => component.name === 'p2p')?.value
  } catch {
    return undefined
  }
}
