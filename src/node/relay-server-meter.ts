import type { Clock, Gauge, RelayUsage } from '../mesh/ports.ts'
import type { RelayLimits } from './relay-server-limits.ts'

const DAY_MS = 86_400_000

/** Peers whose bytes are counted apart. Past it the one with the fewest is forgotten: what it used stays counted for the other side and for all. */
const PEERS_MAX = 4_096

/** Peers in a report: who uses most is what an owner asks. */
const SHOWN_MAX = 50

interface Share {
  bytes: number
  /** Of them those carried for strangers that came to this peer. */
  strangers: number
}

/** The two ends of a circuit, as far as they are charged. */
export interface Charged {
  holder: string
  dialler: string
  /** The dialler is nobody whom this relay carries for by itself. */
  stranger: boolean
}

/** Whose share of today is used up. */
export type Spent = 'day' | 'holder' | 'dialler' | 'strangers'

/** Bytes that were carried today, for whom, and how much is left. */
export class RelayMeter {
  readonly #limits: RelayLimits
  readonly #clock: Pick<Clock, 'wallMs'>
  /** At most PEERS_MAX. */
  readonly #shares = new Map<string, Share>()
  #day = 0
  #bytes = 0

  constructor({ clock }: { clock: Pick<Clock, 'wallMs'> }, limits: RelayLimits) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Counts bytes of a circuit for both of its ends, as far as both have some left; says whose share is used up then. */
  charge(ends: Charged, bytes: number): Spent | undefined {
    this.#turn()
    const counted = Math.max(0, Math.min(bytes, ...Object.values(this.#left(ends))))
    this.#bytes += counted
    const holder = this.#shareOf(ends.holder)
    holder.bytes += counted
    if (ends.stranger) holder.strangers += counted
    this.#shareOf(ends.dialler).bytes += counted
    return this.spent(ends)
  }

  /** Whose share has nothing left for a circuit between these two. */
  spent(ends: Charged): Spent | undefined {
    this.#turn()
    const { day, holder, dialler, strangers } = this.#left(ends)
    if (day <= 0) return 'day'
    if (holder <= 0) return 'holder'
    if (dialler <= 0) return 'dialler'
    return strangers <= 0 ? 'strangers' : undefined
  }

  /** Whether this peer, as one that holds a reservation, has used up its day. */
  exhausted(holder: string): boolean {
    this.#turn()
    return this.#bytesOf(holder) >= this.#limits.peerDayBytes
  }

  /** @param stranger whether this relay carries for the peer only as somebody who comes to a holder */
  today(stranger: (peer: string) => boolean): RelayUsage['today'] {
    this.#turn()
    const peers = [...this.#shares]
      .map(([peer, { bytes }]) => ({ peer, bytes }))
      .toSorted((one, other) => other.bytes - one.bytes)
      .slice(0, SHOWN_MAX)
    const { peerDayBytes, strangersDayBytes } = this.#limits
    return {
      bytes: this.#bytes,
      peers: peers.map(share => ({ ...share, maxBytes: stranger(share.peer) ? strangersDayBytes : peerDayBytes }))
    }
  }

  gauges(): Gauge[] {
    return [{ name: 'relayed peers', size: this.#shares.size, max: PEERS_MAX }]
  }

  /** Bytes, for each share that a circuit between these two uses. */
  #left({ holder, dialler, stranger }: Charged): Record<Spent, number> {
    const { dayBytes, peerDayBytes, strangersDayBytes } = this.#limits
    return {
      day: dayBytes - this.#bytes,
      holder: peerDayBytes - this.#bytesOf(holder),
      dialler: (stranger ? strangersDayBytes : peerDayBytes) - this.#bytesOf(dialler),
      strangers: stranger ? strangersDayBytes - (this.#shares.get(holder)?.strangers ?? 0) : Number.POSITIVE_INFINITY
    }
  }

  #bytesOf(peer: string): number {
    return this.#shares.get(peer)?.bytes ?? 0
  }

  #shareOf(peer: string): Share {
    const known = this.#shares.get(peer)
    if (known !== undefined) return known
    if (this.#shares.size >= PEERS_MAX) this.#forgetOne()
    const share = { bytes: 0, strangers: 0 }
    this.#shares.set(peer, share)
    return share
  }

  #forgetOne(): void {
    let [fewest, bytes] = ['', Number.POSITIVE_INFINITY]
    for (const [peer, share] of this.#shares) if (share.bytes < bytes) [fewest, bytes] = [peer, share.bytes]
    this.#shares.delete(fewest)
  }

  /** A new day at midnight UTC. A clock that was set back gives nobody a second one. */
  #turn(): void {
    const day = Math.floor(this.#clock.wallMs() / DAY_MS)
    if (day <= this.#day) return
    this.#day = day
    this.#bytes = 0
    this.#shares.clear()
  }
}
