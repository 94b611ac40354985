import type { Receipt, ReceiptOutcome } from '../protocol/index.ts'
import { RECEIPTS_MAX } from '../protocol/index.ts'
import { guarded } from './guard.ts'
import { LINKS_MAX } from './lanes.ts'
import type { Gauge, Log, Network } from './ports.ts'

/** Receipts kept for a peer that does not read them: 20 windows of messages in flight, 500 KiB. Past it the link is ended. */
const WAITING_MAX = 5_120

/** Peers whose unsent receipts are kept for their next link, the latest. */
const LEFT_MAX = 32

/**
 * Receipts on their way out, one queue per linked peer. Those of one turn of the event loop share a frame, a later receipt of a message replaces an
 * earlier one, and a full link is waited for. The sender asks again on the next link for everything that it still waits for; but where a link only takes over from another
 * one, this side may be told of it and the sender not, so what was not sent yet goes out on the next one.
 */
export class ReceiptQueue {
  readonly #network: Pick<Network, 'send' | 'disconnect'>
  readonly #log: Log
  /** By peer, then by message. As many peers as links. */
  readonly #queues = new Map<string, Map<string, Receipt>>()
  /** Of peers without a link, as `#queues`. */
  readonly #left = new Map<string, Map<string, Receipt>>()
  readonly #full = new Set<string>()
  readonly #due = new Set<string>()

  constructor(components: { network: Pick<Network, 'send' | 'disconnect'>; log: Log }) {
    this.#network = components.network
    this.#log = components.log
  }

  linkUp(peer: string): void {
    const left = this.#left.get(peer)
    this.#left.delete(peer)
    this.#queues.set(peer, left ?? new Map())
    if (left !== undefined) this.#soon(peer)
  }

  linkDown(peer: string): void {
    const queue = this.#queues.get(peer)
    this.#queues.delete(peer)
    this.#full.delete(peer)
    if (queue === undefined || queue.size === 0) return
    const [oldest] = this.#left.keys()
    if (this.#left.size >= LEFT_MAX && oldest !== undefined) this.#left.delete(oldest)
    this.#left.set(peer, queue)
  }

  drained(peer: string): void {
    if (this.#full.delete(peer)) this.#flush(peer)
  }

  add(peer: string, receipts: Receipt[]): void {
    const queue = this.#queues.get(peer)
    if (queue === undefined) return
    for (const receipt of receipts) {
      const key = keyOf(receipt)
      // A repeat is answered with the state of that moment, which may be less than what is still on its way.
      if (isLess(receipt, queue.get(key))) continue
      queue.delete(key)
      queue.set(key, receipt)
    }
    if (queue.size > WAITING_MAX) {
      this.#giveUp(peer)
      return
    }
    this.#soon(peer)
  }

  gauges(): Gauge[] {
    const longest = Math.max(0, ...[...this.#queues.values()].map(queue => queue.size))
    return [
      { name: 'receipt queues', size: this.#queues.size, max: LINKS_MAX },
      { name: 'peers with unsent receipts', size: this.#left.size, max: LEFT_MAX },
      { name: 'receipts for a peer', size: longest, max: WAITING_MAX },
      { name: 'receipt queues that are due', size: this.#due.size, max: LINKS_MAX },
      { name: 'peers that do not read', size: this.#full.size, max: LINKS_MAX }
    ]
  }

  #soon(peer: string): void {
    if (this.#due.size === 0) setImmediate(() => guarded(this.#log, 'Sending receipts', () => this.#flushDue()))
    this.#due.add(peer)
  }

  #flushDue(): void {
    const due = [...this.#due]
    this.#due.clear()
    for (const peer of due) this.#flush(peer)
  }

  #flush(peer: string): void {
    const queue = this.#queues.get(peer)
    if (queue === undefined || this.#full.has(peer)) return
    while (queue.size > 0) {
      const receipts = [...queue.values().take(RECEIPTS_MAX)]
      if (!this.#network.send(peer, { type: 'receipts', receipts })) {
        this.#full.add(peer)
        return
      }
      for (const receipt of receipts) queue.delete(keyOf(receipt))
    }
  }

  #giveUp(peer: string): void {
    this.#log.warn('A peer does not read its receipts; its link ends.', { peer })
    this.#queues.get(peer)?.clear()
    this.#network.disconnect(peer).catch(error => {
      this.#log.warn('A link could not be ended.', { peer, error: String(error) })
    })
  }
}

/** Outcomes of which the later ones say more; every other outcome says something else. */
const LEVELS: readonly ReceiptOutcome[] = ['received', 'delivered', 'answered']

function isLess({ outcome }: Receipt, waiting: Receipt | undefined): boolean {
  return waiting !== undefined && LEVELS.includes(outcome) && LEVELS.indexOf(outcome) < LEVELS.indexOf(waiting.outcome)
}

/** A level that was reached stays worth telling when the message has to wait for its next one. */
function keyOf({ id, outcome }: Receipt): string {
  return outcome === 'deferred' ? `${id} ${outcome}` : id
}
