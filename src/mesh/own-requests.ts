import {
  type Fingerprint,
  fingerprintOf,
  type PairAnswer,
  type PairBody,
  publicKeyOf,
  type RejectReason,
  refusing
} from '../protocol/index.ts'
import { Alarm } from './alarm.ts'
import { CONTACT_KEPT_MS } from './contacts.ts'
import { MeshError } from './errors.ts'
import { failure, guarded } from './guard.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { AbortOptions, Clock, ContactRow, Gauge, Log, Network, Store } from './ports.ts'
import type { Presence } from './presence.ts'
import type { RouteTable } from './route-table.ts'
import type { Trust } from './trust.ts'

/** A request of ours is repeated at most this often while its peer comes and goes. */
const REPEAT_MS = 30_000

/** Refusals that say nothing about what the owner there wants. */
const PASSING: ReadonlySet<RejectReason> = new Set(['overloaded', 'unsupported'])

/** Requests of ours that are timed: as many as the store keeps. */
const SENT_MAX = 64

export interface OwnRequestsComponents {
  network: Network
  store: Store
  clock: Clock
  log: Log
  trust: Trust
  routes: RouteTable
  presence: Presence
  notices: OwnerNotices
}

/** `admitted`: both may write at once. `pending`: kept there, or here until the peer can be reached. */
export type Asked = 'admitted' | 'pending'

/** Wishes of this owner to be let in by others, without a ticket: kept until they are answered, and asked again when their peer comes back. */
export class OwnRequests {
  readonly #components: OwnRequestsComponents
  readonly #label: () => string
  /** When each pending request went out last, monotonic. At most SENT_MAX. */
  readonly #sentMs = new Map<Fingerprint, number>()
  /** When those that came back too soon are asked again, monotonic. At most SENT_MAX. */
  readonly #due = new Map<Fingerprint, number>()
  readonly #alarm: Alarm

  constructor(components: OwnRequestsComponents, init: { label: () => string }) {
    this.#components = components
    this.#label = init.label
    this.#alarm = new Alarm(components, { onDue: () => this.#askDue() })
  }

  /** What is still open is asked again after the next start. */
  stop(): void {
    this.#alarm.clear()
  }

  /**
   * Asks a peer to let this instance in; the owner's wish to be connected with it is kept until it is answered.
   *
   * @throws {MeshError} `refused_by_peer` with the reason, `blocked`, `aborted`, also where the owner decided otherwise meanwhile
   */
  async request(
    { instance, peer }: { instance: Fingerprint; peer: string },
    purpose: string,
    options: AbortOptions = {}
  ): Promise<Asked> {
    const { store, clock, trust, presence } = this.#components
    if (trust.levelOf(instance) === 'blocked') throw new MeshError('blocked', { peer })
    const [address = ''] = presence.addressesOf(peer)
    const row: ContactRow = {
      instance,
      direction: 'outgoing',
      peer,
      label: '',
      purpose,
      address,
      createdMs: clock.wallMs(),
      state: 'pending'
    }
    store.contacts.prune(clock.wallMs() - CONTACT_KEPT_MS)
    store.contacts.put(row)
    try {
      return await this.#send(row, options)
    } catch (error) {
      // It is kept, and goes out when the peer is met.
      if (error instanceof MeshError && (error.code === 'dial_failed' || isPassing(error))) return 'pending'
      throw error
    }
  }

  /** A connection to this peer opened: a request that is still open is asked again, and its answer may have come meanwhile. */
  connected(peer: string): void {
    const { clock, trust } = this.#components
    const row = this.#wish(fingerprintOf(publicKeyOf(peer)))
    if (row === undefined || trust.closed) return
    const dueMs = (this.#sentMs.get(row.instance) ?? Number.NEGATIVE_INFINITY) + REPEAT_MS
    if (clock.monotonicMs() >= dueMs) {
      this.#repeat(row)
      return
    }
    // It may have been approved while it was away, and stays connected from now on.
    if (this.#due.size >= SENT_MAX) return
    this.#due.set(row.instance, dueMs)
    this.#plan()
  }

  #plan(): void {
    if (this.#due.size === 0) this.#alarm.clear()
    else this.#alarm.at(Math.min(...this.#due.values()))
  }

  #askDue(): void {
    const { clock, network } = this.#components
    const connected = new Set(network.connections().map(({ peer }) => peer))
    for (const [instance, dueMs] of this.#due) {
      if (dueMs > clock.monotonicMs()) continue
      this.#due.delete(instance)
      const row = this.#wish(instance)
      // Who is gone is asked when it comes back.
      if (row !== undefined && connected.has(row.peer)) this.connected(row.peer)
    }
    this.#plan()
  }

  #repeat(row: ContactRow): void {
    const { notices, log } = this.#components
    const { peer } = row
    this.#due.delete(row.instance)
    this.#send(row).catch(error => {
      log.debug('A contact request was not answered.', { peer, ...failure(error) })
      if (!(error instanceof MeshError) || error.code !== 'refused_by_peer' || isPassing(error)) return
      // Nobody waits for this answer; without a word the request would just be gone.
      const { instance } = row
      notices.tell({
        subject: `refused ${instance}`,
        about: instance,
        text: name => `${name(instance)} does not let this instance in, so your request there is over.`
      })
    })
  }

  /** A peer says that its owner let this instance in. It counts for nothing unless this instance had asked. */
  approved(peer: string): PairAnswer {
    const { trust } = this.#components
    const instance = fingerprintOf(publicKeyOf(peer))
    const row = this.#wish(instance)
    if (row !== undefined && !trust.closed) this.#admit(row)
    return trust.admitted(instance)
      ? { accepted: true, reason: 'none', label: this.#label() }
      : refusing('not_admitted')
  }

  gauges(): Gauge[] {
    return [
      { name: 'requests of ours', size: this.#sentMs.size, max: SENT_MAX },
      { name: 'requests of ours to repeat', size: this.#due.size, max: SENT_MAX }
    ]
  }

  /** Without a trace. */
  forget(instance: Fingerprint): void {
    this.#sentMs.delete(instance)
    this.#due.delete(instance)
    this.#components.store.contacts.delete(instance, 'outgoing')
  }

  async #send(row: ContactRow, options: AbortOptions = {}): Promise<Asked> {
    const { network, clock, presence, routes, store, trust } = this.#components
    this.#sentMs.delete(row.instance)
    this.#sentMs.set(row.instance, clock.monotonicMs())
    const oldest = this.#sentMs.keys().next().value
    if (this.#sentMs.size > SENT_MAX && oldest !== undefined) this.#sentMs.delete(oldest)
    const body: PairBody = { kind: 'contact', label: this.#label(), purpose: row.purpose }
    const revision = trust.revisionOf(row.instance)
    const answer = await network.ask(row.peer, presence.addressesOf(row.peer), body, options)
    const open = this.#wish(row.instance) !== undefined
    if (!open || trust.revisionOf(row.instance) !== revision) {
      // The owner decided while the other side answered, or its word came first; that holds.
      if (!trust.admitted(row.instance))
        throw new MeshError('aborted', { peer: row.peer, detail: 'the request was taken back meanwhile' })
      if (!open) return 'admitted'
    }
    if (answer.label !== '') routes.learn({ peer: row.peer, label: answer.label })
    // The owner let nobody in meanwhile: it is asked again once that is over.
    if (answer.accepted && trust.closed) return 'pending'
    if (answer.accepted) {
      this.#admit(row)
      return 'admitted'
    }
    if (answer.reason === 'pending') return 'pending'
    if (!PASSING.has(answer.reason)) {
      this.#sentMs.delete(row.instance)
      store.contacts.delete(row.instance, 'outgoing')
    }
    throw new MeshError('refused_by_peer', { peer: row.peer, reason: answer.reason })
  }

  /** What the owner asked for, as long as it counts. */
  #wish(instance: Fingerprint): ContactRow | undefined {
    const { store, clock } = this.#components
    const row = store.contacts.get(instance, 'outgoing')
    return row !== undefined && clock.wallMs() - row.createdMs < CONTACT_KEPT_MS ? row : undefined
  }

  /** The other side let us in, as our owner wished: it is let in here too. */
  #admit({ instance, peer }: ContactRow): void {
    const { store, trust, notices, log } = this.#components
    guarded(log, 'Pairing after a request', () => {
      const show = trust.transaction(() => {
        store.contacts.delete(instance, 'outgoing')
        if (trust.levelOf(instance) === 'blocked' || trust.admitted(instance)) return undefined
        store.contacts.delete(instance, 'incoming')
        trust.set(instance, { level: 'paired', peer, how: 'request' })
        return notices.write({
          subject: `paired ${instance}`,
          about: instance,
          text: name => `${name(instance)} let this instance in and is paired now.`
        })
      })
      this.#sentMs.delete(instance)
      show?.()
    })
  }
}

function isPassing({ code, details }: MeshError): boolean {
  return code === 'refused_by_peer' && details.reason !== undefined && PASSING.has(details.reason)
}
