import type { Connection } from '@libp2p/interface'
import type { AbortOptions, Log, RelayState } from '../mesh/ports.ts'
import { echo } from './echo.ts'
import type { Issues } from './issues.ts'
import { literalOf } from './literal.ts'
import type { ListedPeer } from './peer-list.ts'
import { relayTroubleOf } from './relay-trouble.ts'
import type { Reservations } from './reservations.ts'

/** Reservations held at once: a relay may fail, and so may a second one; each costs its relay a slot. */
const RESERVATIONS_MAX = 3

/** Waits between tries, doubling: a relay that comes back is found again within 20 s, its handshake included. */
const RETRY_FIRST_MS = 1_000
const RETRY_LAST_MS = 12_000

/** A slot that was held for this long was no accident: its relay is asked again at once. One that grants and hangs up is asked ever less often. */
const STABLE_MS = 30_000

/** A relay that does not answer within this is slow beyond use. */
const ECHO_MS = 3_000

export interface RelaysComponents {
  reservations: Pick<Reservations, 'reserve' | 'onLost'>
  /** A straight connection to the relay, the one that there is or a new one. */
  dial(relay: ListedPeer): Promise<Connection>
  issues: Issues
  log: Log
  /** This node is reached through other relays than before. */
  onChange(): void
  /** Monotonic, ms. */
  nowMs(): number
}

interface Slot {
  relay: ListedPeer
  /** While there is a reservation: over which connection, since when, and where peers dial it. */
  held: { connection: Connection; sinceMs: number; address: string } | undefined
  problem: string | undefined
  waitMs: number
  timer: NodeJS.Timeout | undefined
  trying: boolean
}

/**
 * Keeps reservations at the relays of the settings: asks again when one is lost or its relay was away, for ever, and goes on to the next relay where
 * the first ones fail. Never waits for the network at start, and says of each relay how it stands.
 */
export class Relays {
  readonly #components: RelaysComponents
  readonly #slots: Slot[]
  readonly #firstMs: number
  readonly #stableMs: number
  #running = false

  constructor(components: RelaysComponents, init: { relays: ListedPeer[]; firstMs?: number; stableMs?: number }) {
    this.#components = components
    this.#firstMs = init.firstMs ?? RETRY_FIRST_MS
    this.#stableMs = init.stableMs ?? STABLE_MS
    this.#slots = init.relays.map(relay => ({
      relay,
      held: undefined,
      problem: undefined,
      waitMs: this.#firstMs,
      timer: undefined,
      trying: false
    }))
    components.reservations.onLost(peer => this.#lost(peer))
  }

  start(): void {
    this.#running = true
    this.#fill()
  }

  stop(): void {
    this.#running = false
    for (const slot of this.#slots) this.#unschedule(slot)
  }

  /** The network is another one: whatever waits is tried now. */
  retry(): void {
    for (const slot of this.#slots) {
      this.#unschedule(slot)
      slot.waitMs = this.#firstMs
    }
    this.#fill()
  }

  /** Where this node can be reached through relays, without its own peer id at the end. */
  addresses(): string[] {
    return this.#slots.flatMap(({ held }) => (held === undefined ? [] : [`${held.address}/p2p-circuit`]))
  }

  states(): RelayState[] {
    return this.#slots.map(slot => this.#stateOf(slot, slot.held?.connection.rtt))
  }

  /**
   * The same, with a round trip to each relay that is measured now. Takes as long as the slowest of them, 3 s at most.
   *
   * @throws the reason of the signal
   */
  async measured(options: AbortOptions = {}): Promise<RelayState[]> {
    return await Promise.all(
      this.#slots.map(async slot => {
        const { connection } = slot.held ?? {}
        const rttMs =
          connection === undefined
            ? undefined
            : await echo(connection, { timeoutMs: ECHO_MS, ...options }).catch(() => undefined)
        options.signal?.throwIfAborted()
        return this.#stateOf(slot, rttMs)
      })
    )
  }

  #stateOf({ relay, held, problem, timer, trying }: Slot, rttMs: number | undefined): RelayState {
    const [address = ''] = relay.addresses
    const base = { peer: relay.peer, address }
    if (held !== undefined) {
      const ageMs = this.#components.nowMs() - held.sinceMs
      return { ...base, state: 'reserved', ageMs, ...(rttMs !== undefined && { rttMs }) }
    }
    if (problem === undefined) return { ...base, state: trying || timer !== undefined ? 'trying' : 'spare' }
    return { ...base, state: 'trying', problem }
  }

  /** Tries relays, in the order of the settings, until enough hold a slot for this node. */
  #fill(): void {
    if (!this.#running) return
    for (const slot of this.#slots) {
      if (slot.held !== undefined || slot.trying || slot.timer !== undefined) continue
      if (this.#count(({ held, trying }) => held !== undefined || trying) < RESERVATIONS_MAX) void this.#try(slot)
      else if (this.#count(({ held }) => held !== undefined) === RESERVATIONS_MAX) this.#spare(slot)
    }
  }

  #count(of: (slot: Slot) => boolean): number {
    return this.#slots.filter(of).length
  }

  /** Nobody needs it at present, so its trouble is none. */
  #spare(slot: Slot): void {
    slot.problem = undefined
    this.#components.issues.clear(kindOf(slot.relay.peer))
  }

  /** Never rejects. */
  async #try(slot: Slot): Promise<void> {
    slot.trying = true
    const { reservations, dial, issues, log } = this.#components
    const { peer } = slot.relay
    const [address = ''] = slot.relay.addresses
    try {
      const connection = await dial(slot.relay)
      await reservations.reserve(connection.remotePeer)
      const literal = await literalOf(addressOf(connection, slot.relay))
      slot.trying = false
      if (!this.#running || connection.status !== 'open') throw new Error('the connection ended')
      slot.held = { connection, sinceMs: this.#components.nowMs(), address: literal }
      slot.problem = undefined
      issues.clear(kindOf(peer))
      log.info('a relay holds a slot for this node', { peer })
      this.#components.onChange()
    } catch (error) {
      slot.trying = false
      if (!this.#running) return
      slot.problem = `The relay ${address} ${relayTroubleOf(error)}; this node keeps trying.`
      const news = issues.report(kindOf(peer), slot.problem)
      log[news ? 'warn' : 'debug']('no slot at a relay', {
        peer,
        reason: error instanceof Error ? error.message : 'unknown'
      })
      this.#schedule(slot)
      this.#fill()
    }
  }

  #lost(peer: string): void {
    const slot = this.#slots.find(({ relay }) => relay.peer === peer)
    if (slot?.held === undefined) return
    if (this.#components.nowMs() - slot.held.sinceMs >= this.#stableMs) slot.waitMs = this.#firstMs
    slot.held = undefined
    if (!this.#running) return
    this.#components.log.info('a slot at a relay is lost', { peer })
    this.#components.onChange()
    this.#schedule(slot)
    this.#fill()
  }

  #schedule(slot: Slot): void {
    this.#unschedule(slot)
    const waitMs = slot.waitMs
    slot.waitMs = Math.min(waitMs * 2, RETRY_LAST_MS)
    slot.timer = setTimeout(() => {
      slot.timer = undefined
      this.#fill()
    }, waitMs).unref()
  }

  #unschedule(slot: Slot): void {
    clearTimeout(slot.timer)
    slot.timer = undefined
  }
}

function kindOf(peer: string): string {
  return `relay ${peer}`
}

/** Where others reach the relay: where we did. A connection that it made to us tells nothing about that. */
function addressOf(connection: Connection, relay: ListedPeer): string {
  if (connection.direction === 'inbound') return relay.addresses[0] ?? ''
  const address = connection.remoteAddr.toString()
  return address.includes('/p2p/') ? address : `${address}/p2p/${relay.peer}`
}
