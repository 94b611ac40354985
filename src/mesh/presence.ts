import { withoutPeer } from '../protocol/index.ts'
import { Alarm } from './alarm.ts'
import { backoffMs } from './backoff.ts'
import { MeshError } from './errors.ts'
import { failure, guarded } from './guard.ts'
import type { Clock, Gauge, Log, Network } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { Sightings } from './sightings.ts'
import type { Trust } from './trust.ts'

/** Admitted peers that are kept connected: the size of the route table. */
const TARGETS_MAX = 1_000

/** Connections to instances that nobody admitted: enough to see who is in the house and to be asked, nothing for a flood of names. */
export const STRANGERS_MAX = 32

/** Dials at once: each takes sockets and handshakes on a small machine. */
const DIALS_MAX = 8

/** Of them for strangers, so that a crowd of names cannot hold up those that matter. */
const STRANGER_DIALS_MAX = 4

/** The side that dialled opens the link. When it has not within this time, this side does. */
const LINK_GRACE_MS = 1_000

/** A link that lived this long was no accident: its peer is looked for from the start of the backoff again. */
const STABLE_MS = 30_000

/** At most one dial per peer in this time, whatever asks for it. */
const DIAL_SPACING_MS = 1_000

/** How it stands with one peer that may be dialled. */
interface Target {
  peer: string
  failures: number
  lastDialMs: number
  /** Monotonic time of the next dial, undefined while there is nothing to dial. */
  nextMs: number | undefined
  dial: AbortController | undefined
  /** Somebody asked for it while a dial was under way. */
  wanted: boolean
  linkedMs: number | undefined
  refused: boolean
}

export interface PresenceComponents {
  network: Network
  routes: RouteTable
  trust: Trust
  clock: Clock
  log: Log
}

/**
 * Whom to be connected to. Admitted peers are dialled when they are seen, when somebody has a message for them, and again with backoff for ever;
 * strangers once per sighting, up to a number. libp2p dials nobody by itself.
 */
export class Presence {
  readonly #components: PresenceComponents
  readonly #instanceOf: (peer: string) => string
  readonly #random: () => number
  readonly #alarm: Alarm
  readonly #targets = new Map<string, Target>()
  readonly #sightings = new Sightings()
  #dials = 0
  readonly #stopped = new AbortController()
  #running = false

  constructor(components: PresenceComponents, init: { instanceOf: (peer: string) => string; random?: () => number }) {
    this.#components = components
    this.#instanceOf = init.instanceOf
    this.#random = init.random ?? Math.random
    this.#alarm = new Alarm(components, { onDue: () => this.#turn() })
  }

  start(): void {
    this.#running = true
    this.trustChanged()
  }

  stop(): void {
    this.#running = false
    this.#alarm.clear()
    this.#stopped.abort()
    for (const { dial } of this.#targets.values()) dial?.abort()
  }

  /** Whether the peer said last that this instance is not admitted there. */
  refusedBy(peer: string): boolean {
    return this.#targets.get(peer)?.refused === true
  }

  /** How often it was tried in vain since the last link, and the monotonic time of the next dial; undefined while it is linked or not looked for. */
  tries(peer: string): { failures: number; nextMs: number | undefined } | undefined {
    const target = this.#targets.get(peer)
    return target === undefined || target.linkedMs !== undefined
      ? undefined
      : { failures: target.failures, nextMs: target.nextMs }
  }

  gauges(): Gauge[] {
    return [{ name: 'dial targets', size: this.#targets.size, max: TARGETS_MAX }, ...this.#sightings.gauges()]
  }

  /** Where the owner says that this peer is: in a ticket, which may have come from anybody. */
  note(peer: string, addresses: string[]): void {
    this.#sightings.add(
      peer,
      this.#components.network.dialable(addresses, 'ticket'),
      this.#components.clock.monotonicMs()
    )
  }

  /** Where this peer was seen or met. */
  addressesOf(peer: string): string[] {
    const known = this.#components.routes.byPeer(peer)?.addresses ?? []
    return [...new Set([...this.#sightings.addressesOf(peer), ...known])]
  }

  /** True when it is news: the peer was away, or is at another address. */
  discovered(peer: string, addresses: string[]): boolean {
    const news = this.#sightings.add(peer, addresses, this.#components.clock.monotonicMs())
    if (!this.#admitted(peer)) {
      this.#visit(peer)
      return news
    }
    const target = this.#target(peer)
    // One that is seen all the time and never reached keeps its backoff.
    if (news || (target.nextMs === undefined && target.dial === undefined)) this.#soon(target)
    return news
  }

  connected(peer: string): void {
    if (!this.#admitted(peer)) return
    const target = this.#target(peer)
    if (target.linkedMs === undefined && target.dial === undefined) this.#plan(target, LINK_GRACE_MS)
  }

  linkUp(peer: string): void {
    if (!this.#admitted(peer)) {
      // Trust was taken back while the hellos were under way.
      this.#disconnect(peer)
      return
    }
    const target = this.#target(peer)
    target.linkedMs = this.#components.clock.monotonicMs()
    target.nextMs = undefined
    target.refused = false
    this.#turn()
  }

  linkDown(peer: string): void {
    const target = this.#targets.get(peer)
    if (target === undefined) return
    const livedMs = this.#components.clock.monotonicMs() - (target.linkedMs ?? 0)
    target.linkedMs = undefined
    target.failures = livedMs >= STABLE_MS ? 1 : target.failures + 1
    this.#plan(target, backoffMs(target.failures, this.#random()))
  }

  refused(peer: string): void {
    if (this.#admitted(peer)) this.#target(peer).refused = true
  }

  /** Whether this is an address that was dialled, and not merely where the peer's own dial came from. */
  isDialled(peer: string, address: string): boolean {
    const bare = withoutPeer(address, peer)
    return this.addressesOf(peer).some(known => withoutPeer(known, peer) === bare)
  }

  /** A message waits for this peer. */
  want(peer: string): void {
    if (this.#admitted(peer)) this.#soon(this.#target(peer))
  }

  /**
   * This machine is somewhere else, or is reached another way: whoever is not linked may be within reach now, and the last dial says nothing about it.
   *
   * @param options `anew`: what failed before says nothing either
   */
  retry({ anew }: { anew: boolean }): void {
    for (const target of this.#targets.values()) {
      if (anew) target.failures = 0
      target.lastDialMs = Number.NEGATIVE_INFINITY
      this.#soon(target)
    }
  }

  /** One instance, or everybody after a change of policy. */
  trustChanged(instance?: string): void {
    for (const peer of instance === undefined ? this.#everybody() : this.#peersOf(instance)) this.#sort(peer)
  }

  #sort(peer: string): void {
    if (this.#admitted(peer)) {
      this.#soon(this.#target(peer))
      return
    }
    const target = this.#targets.get(peer)
    this.#targets.delete(peer)
    target?.dial?.abort()
    const blocked = this.#components.trust.levelOf(this.#instanceOf(peer)) === 'blocked'
    if (target !== undefined || blocked) this.#disconnect(peer)
  }

  #everybody(): Set<string> {
    const { routes, trust, network } = this.#components
    return new Set([
      ...trust.all().flatMap(record => record.peers),
      ...routes.entries().map(entry => entry.peer),
      ...network.connections().map(connection => connection.peer),
      ...this.#sightings.peers(),
      ...this.#targets.keys()
    ])
  }

  #peersOf(instance: string): string[] {
    return [...this.#everybody()].filter(peer => this.#instanceOf(peer) === instance)
  }

  #admitted(peer: string): boolean {
    const { network, trust } = this.#components
    return peer !== network.peer && trust.admitted(this.#instanceOf(peer))
  }

  #target(peer: string): Target {
    const known = this.#targets.get(peer)
    if (known !== undefined) return known
    const target: Target = {
      peer,
      failures: 0,
      lastDialMs: Number.NEGATIVE_INFINITY,
      nextMs: undefined,
      dial: undefined,
      wanted: false,
      linkedMs: undefined,
      refused: false
    }
    if (this.#targets.size >= TARGETS_MAX) this.#dropOne()
    this.#targets.set(peer, target)
    return target
  }

  /** Room for one more: a peer without a link that failed most often goes. */
  #dropOne(): void {
    const idle = [...this.#targets.values()].filter(
      target => target.linkedMs === undefined && target.dial === undefined
    )
    const worst = idle.toSorted((a, b) => b.failures - a.failures)[0]
    if (worst !== undefined) this.#targets.delete(worst.peer)
  }

  #soon(target: Target): void {
    if (target.linkedMs !== undefined) return
    if (target.dial !== undefined) {
      target.wanted = true
      return
    }
    const spacedMs = target.lastDialMs + DIAL_SPACING_MS - this.#components.clock.monotonicMs()
    const dueMs = this.#components.clock.monotonicMs() + Math.max(0, spacedMs)
    target.nextMs = Math.min(target.nextMs ?? dueMs, dueMs)
    this.#turn()
  }

  #plan(target: Target, waitMs: number): void {
    if (!this.#targets.has(target.peer)) return
    target.nextMs = this.#components.clock.monotonicMs() + waitMs
    this.#turn()
  }

  /** Dials who is due, in order, and sets the alarm for who comes next. */
  #turn(): void {
    if (!this.#running) return
    const nowMs = this.#components.clock.monotonicMs()
    const waiting = [...this.#targets.values()]
      .filter(target => target.nextMs !== undefined && target.dial === undefined)
      .sort((a, b) => (a.nextMs ?? 0) - (b.nextMs ?? 0))
    for (const target of waiting) {
      if (this.#dials >= DIALS_MAX) break
      if ((target.nextMs ?? 0) <= nowMs) this.#dial(target)
    }
    const next = waiting.find(target => target.nextMs !== undefined && target.dial === undefined)?.nextMs
    if (next === undefined || this.#dials >= DIALS_MAX) this.#alarm.clear()
    else this.#alarm.at(next)
  }

  #dial(target: Target): void {
    const { network, clock } = this.#components
    target.nextMs = undefined
    const addresses = this.addressesOf(target.peer)
    const connected = network.connections().some(connection => connection.peer === target.peer)
    // Nowhere to go: discovery, a route record or the peer's own dial brings it back.
    if (addresses.length === 0 && !connected) return
    const dial = new AbortController()
    target.dial = dial
    target.lastDialMs = clock.monotonicMs()
    void this.#connect(target.peer, addresses, dial.signal, linked => {
      target.dial = undefined
      if (linked || target.linkedMs !== undefined || dial.signal.aborted) return
      target.failures++
      const { wanted } = target
      target.wanted = false
      if (wanted) this.#soon(target)
      else this.#plan(target, backoffMs(target.failures, this.#random()))
    })
  }

  /** Dials a stranger that was seen, where there is room. */
  #visit(peer: string): void {
    const { network, clock, trust } = this.#components
    const strangers = network.connections().filter(connection => !this.#admitted(connection.peer))
    if (!this.#running || strangers.length >= STRANGERS_MAX || this.#dials >= STRANGER_DIALS_MAX) return
    if (peer === network.peer || strangers.some(connection => connection.peer === peer)) return
    if (trust.levelOf(this.#instanceOf(peer)) === 'blocked') return
    if (!this.#sightings.visit(peer, clock.monotonicMs())) return
    void this.#connect(peer, this.addressesOf(peer), this.#stopped.signal, () => undefined)
  }

  /** Never rejects. Why there is no link stands in the log. */
  async #connect(
    peer: string,
    addresses: string[],
    signal: AbortSignal,
    done: (linked: boolean) => void
  ): Promise<void> {
    const { network, log } = this.#components
    this.#dials++
    const linked = await network.connect(peer, addresses, { signal }).then(
      () => true,
      error => {
        const expected = error instanceof MeshError || signal.aborted
        log[expected ? 'debug' : 'warn']('No link.', { peer, ...failure(error) })
        return false
      }
    )
    this.#dials--
    guarded(log, 'Ending a dial', () => {
      done(linked)
      this.#turn()
    })
  }

  #disconnect(peer: string): void {
    this.#components.network.disconnect(peer).catch(error => {
      this.#components.log.warn('A connection could not be ended.', { peer, ...failure(error) })
    })
  }
}
