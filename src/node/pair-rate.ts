import type { Gauge } from '../mesh/ports.ts'
import { hostOf } from '../protocol/index.ts'

/** Questions of one address in a minute: a household that comes all at once, and not a crowd that one machine plays. */
const PER_HOST_MAX = 10

/** Questions of all addresses in a minute: each may write to the disk, and no owner is asked by sixty people in a minute. */
const IN_ALL_MAX = 60

const MINUTE_MS = 60_000

/** How many questions of strangers are looked at; the rest hear `overloaded` before anything is read or written for them. */
export class PairRate {
  /** Questions of this minute by host. At most IN_ALL_MAX, as each has asked one. */
  readonly #hosts = new Map<string, number>()
  #all = 0
  /** One timer for all: it runs from the first question on. */
  #minute: NodeJS.Timeout | undefined

  /** Counts a question from this multiaddr; false where it is one too many. What is refused takes nothing from the others. */
  take(address: string): boolean {
    const host = hostOf(address)
    const own = this.#hosts.get(host) ?? 0
    if (own >= PER_HOST_MAX || this.#all >= IN_ALL_MAX) return false
    this.#hosts.set(host, own + 1)
    this.#all += 1
    this.#minute ??= setTimeout(() => this.clear(), MINUTE_MS).unref()
    return true
  }

  gauges(): Gauge[] {
    return [{ name: 'addresses that asked', size: this.#hosts.size, max: IN_ALL_MAX }]
  }

  clear(): void {
    clearTimeout(this.#minute)
    this.#minute = undefined
    this.#hosts.clear()
    this.#all = 0
  }
}
