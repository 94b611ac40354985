import type { Receipt } from '../protocol/index.ts'
import { fullest } from './gauges.ts'
import { Lane } from './lane.ts'
import type { Clock, Gauge, Log, Network, OutboxRow, Store } from './ports.ts'

/** Links at once, with room: the network keeps fewer connections. */
export const LINKS_MAX = 256

export interface LanesInit {
  instanceOf: (peer: string) => string
  owe: (rows: OutboxRow[]) => void
  changed: (rows: OutboxRow[]) => void
}

/** The lanes of all links, one per linked peer. Without a link there is no lane: rows wait in the store. */
export class Lanes {
  readonly #components: { store: Store; network: Pick<Network, 'send'>; clock: Clock; log: Log }
  readonly #init: LanesInit
  /** As many as links, which the network caps. */
  readonly #lanes = new Map<string, Lane>()

  constructor(components: { store: Store; network: Pick<Network, 'send'>; clock: Clock; log: Log }, init: LanesInit) {
    this.#components = components
    this.#init = init
  }

  linkUp(peer: string): void {
    this.linkDown(peer)
    const { instanceOf, owe, changed } = this.#init
    const lane = new Lane(this.#components, { peer, instance: instanceOf(peer), owe, changed })
    this.#lanes.set(peer, lane)
    lane.pump()
  }

  linkDown(peer: string): void {
    this.#lanes.get(peer)?.close()
    this.#lanes.delete(peer)
  }

  drained(peer: string): void {
    this.#lanes.get(peer)?.drained()
  }

  receipts(peer: string, receipts: Receipt[]): void {
    this.#lanes.get(peer)?.receipts(receipts)
  }

  committed(rows: OutboxRow[]): void {
    for (const [peer, group] of Map.groupBy(rows, row => row.peer)) this.#lanes.get(peer)?.push(group)
  }

  ended(rows: OutboxRow[]): void {
    for (const { peer, id } of rows) this.#lanes.get(peer)?.forget(id)
  }

  linked(peer: string): boolean {
    return this.#lanes.has(peer)
  }

  /** Tries a row again at once; false where there is no link. */
  again(row: Pick<OutboxRow, 'id' | 'peer' | 'conversation'>): boolean {
    const lane = this.#lanes.get(row.peer)
    lane?.again(row)
    return lane !== undefined
  }

  /** Monotonic time at which a row was handed to the link of its peer, while its receipt is awaited. */
  sentMs({ peer, id }: Pick<OutboxRow, 'id' | 'peer'>): number | undefined {
    return this.#lanes.get(peer)?.sentMs(id)
  }

  gauges(): Gauge[] {
    const own = [...this.#lanes.values()].flatMap(lane => lane.gauges())
    return [{ name: 'lanes', size: this.#lanes.size, max: LINKS_MAX }, ...fullest(own)]
  }

  close(): void {
    for (const peer of [...this.#lanes.keys()]) this.linkDown(peer)
  }
}
