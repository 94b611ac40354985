import {
  CLOCK_TOLERANCE_MS,
  type Fingerprint,
  fingerprintOf,
  formatTicket,
  isTicketProof,
  type PairAnswer,
  type PairBody,
  ProtocolError,
  parseTicket,
  peerIdOf,
  publicKeyOf,
  ROUTE_ADDRESSES_MAX,
  refusing,
  TICKET_SECRET_BYTES,
  type Ticket,
  ticketIdBytesOf,
  ticketIdOf,
  ticketProof,
  toHex,
  withoutPeer
} from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { isoOf } from './iso.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { AbortOptions, Clock, Network, Signer, Store, TicketRow, TrustLevel } from './ports.ts'
import type { Presence } from './presence.ts'
import type { MeshHandlers, TicketReport } from './requests.ts'
import type { RouteTable } from './route-table.ts'
import type { Trust } from './trust.ts'

/** An invitation that nobody used is forgotten this long after it expired: until then its bearer hears why it does not work any more. */
export const TICKET_REMEMBERED_MS = 24 * 60 * 60 * 1000

export interface TicketsComponents {
  network: Network
  store: Store
  signer: Signer
  clock: Clock
  trust: Trust
  routes: RouteTable
  presence: Presence
  notices: OwnerNotices
}

export interface Invitation {
  id: string
  /** The text to paste on the other side. */
  ticket: string
  expiresMs: number
}

/** Invitations: issued here, or brought from elsewhere. One secret, one paste, and both sides know each other. */
export class Tickets {
  readonly #components: TicketsComponents
  readonly #self: { instance: Fingerprint; peer: string }
  readonly #label: () => string

  constructor(
    components: TicketsComponents,
    init: { self: { instance: Fingerprint; peer: string }; label: () => string }
  ) {
    this.#components = components
    this.#self = init.self
    this.#label = init.label
  }

  /** @throws {MeshError} `bad_request` where nobody may be let in, `too_many` with too many open tickets */
  invite({ ttlMs, uses, petname }: { ttlMs: number; uses: number; petname?: string }): Invitation {
    const { network, store, signer, clock } = this.#components
    this.#components.trust.demandOpen()
    const nowMs = clock.wallMs()
    const secret = crypto.getRandomValues(new Uint8Array(TICKET_SECRET_BYTES))
    const row: TicketRow = {
      id: ticketIdOf(secret),
      secret,
      createdMs: this.#createdMs(nowMs),
      expiresMs: nowMs + ttlMs,
      uses,
      usedBy: [],
      ...(petname !== undefined && { petname })
    }
    store.tickets.prune(nowMs - TICKET_REMEMBERED_MS)
    if (!store.tickets.insert(row, nowMs)) throw new MeshError('too_many', { detail: 'open tickets' })
    const addresses = ownAddresses(network.addresses(), this.#self.peer)
    const ticket = formatTicket({
      key: signer.publicKey,
      secret,
      expiresMs: row.expiresMs,
      addresses,
      label: this.#label()
    })
    return { id: row.id, ticket, expiresMs: row.expiresMs }
  }

  handlers(): Pick<MeshHandlers, 'tickets' | 'withdraw'> {
    return { tickets: async () => this.list(), withdraw: async ({ id }) => this.withdraw(id) }
  }

  /** Newest first, those that are over too while they are remembered. */
  list(): TicketReport[] {
    return this.#components.store.tickets.all().map(row => this.#reportOf(row))
  }

  /**
   * Makes an invitation worthless; who came with it before stays. Returns what it was.
   *
   * @param start the id, or as much of its beginning as fits one only
   * @throws {MeshError} `bad_request` where it fits none or several
   */
  withdraw(start: string): TicketReport {
    const { tickets } = this.#components.store
    const [row, other] = tickets.all().filter(({ id }) => id.startsWith(start))
    if (row === undefined || other !== undefined) {
      const found = row === undefined ? 'no ticket has' : 'several tickets have'
      throw new MeshError('bad_request', { detail: `${found} an id that starts with ${start}` })
    }
    const report = this.#reportOf(row)
    tickets.delete(row.id)
    return report
  }

  #reportOf({ id, usedBy, uses, expiresMs, petname }: TicketRow): TicketReport {
    const expired = expiresMs < this.#components.clock.wallMs()
    const state = usedBy.length >= uses ? 'spent' : expired ? 'expired' : 'open'
    return { id, state, expiresAt: isoOf(expiresMs), uses, used: usedBy.length, name: petname ?? null }
  }

  /**
   * Goes to the issuer of a ticket, proves the invitation and lets the issuer in here. Returns whom.
   *
   * @throws {MeshError} `bad_ticket`, `self_target`, `blocked`, `bad_request` where nobody may be let in, `dial_failed`, `aborted` where the owner decided
   * about the issuer meanwhile, `refused_by_peer` with `ticket_expired`, `ticket_spent`, `ticket_unknown`, `blocked`
   */
  async join(text: string, options: AbortOptions = {}): Promise<{ instance: Fingerprint; peer: string }> {
    const { network, store, clock, trust, routes, presence, signer } = this.#components
    const ticket = readTicket(text)
    const peer = peerIdOf(ticket.key)
    const instance = fingerprintOf(ticket.key)
    if (peer === this.#self.peer) throw new MeshError('self_target', { peer })
    if (trust.levelOf(instance) === 'blocked') throw new MeshError('blocked', { peer })
    if (ticket.expiresMs + CLOCK_TOLERANCE_MS < clock.wallMs()) throw refused(peer, 'ticket_expired')
    this.#components.trust.demandOpen()
    const revision = trust.revisionOf(instance)
    presence.note(peer, ticket.addresses)
    const proof = await ticketProof(ticket.secret, { issuer: ticket.key, sender: signer.publicKey })
    const body: PairBody = { kind: 'ticket', ticket: ticketIdBytesOf(ticket.secret), proof, label: this.#label() }
    const answer = await network.ask(peer, presence.addressesOf(peer), body, options)
    if (!answer.accepted) throw refused(peer, answer.reason)
    this.#components.trust.demandOpen()
    const admitted = isAdmitted(trust.recordedLevelOf(instance))
    // Who was blocked or forgotten while the other side answered stays so.
    if (!admitted && trust.revisionOf(instance) !== revision)
      throw new MeshError('aborted', { peer, detail: 'its trust changed meanwhile' })
    const addresses = network.dialable(ticket.addresses, 'ticket').map(address => `${address}/p2p/${peer}`)
    routes.learn({ peer, label: answer.label === '' ? ticket.label : answer.label, addresses })
    trust.transaction(() => {
      if (!admitted) trust.set(instance, { level: 'paired', peer, how: 'ticket' })
      store.contacts.delete(instance, 'incoming')
      store.contacts.delete(instance, 'outgoing')
    })
    presence.want(peer)
    return { instance, peer }
  }

  /** Somebody brings a ticket of ours. */
  async redeem(peer: string, { ticket, proof, label }: Extract<PairBody, { kind: 'ticket' }>): Promise<PairAnswer> {
    const { store, signer, clock, trust, routes, notices } = this.#components
    const row = store.tickets.get(toHex(ticket))
    const sender = publicKeyOf(peer)
    if (row === undefined) return refusing('ticket_unknown')
    if (!(await isTicketProof(proof, row.secret, { issuer: signer.publicKey, sender })))
      return refusing('ticket_unknown')
    const instance = fingerprintOf(sender)
    const record = store.trust.get(instance)
    if (record?.level === 'blocked') return refusing('blocked')
    // Who was forgotten after the invitation was written is not meant by it any more. Both times are put in order when they are written.
    if (trust.closed || (record?.tombstone === true && record.sinceMs >= row.createdMs)) return refusing('not_admitted')
    if (row.expiresMs < clock.wallMs()) return refusing('ticket_expired')
    const used = trust.transaction(() => {
      const place = store.tickets.use(row.id, instance)
      if (place === undefined) return undefined
      routes.learn({ peer, label })
      store.contacts.delete(instance, 'incoming')
      store.contacts.delete(instance, 'outgoing')
      // The record makes it last, also where the settings let it in today.
      if (isAdmitted(trust.recordedLevelOf(instance))) return {}
      const petname = place === 0 ? row.petname : undefined
      trust.set(instance, { level: 'paired', peer, how: 'ticket', ...(petname !== undefined && { petname }) })
      const show = notices.write({
        subject: `paired ${instance}`,
        about: instance,
        text: name => `${name(instance)} came with your ticket and is paired now. Its fingerprint: ${instance}`
      })
      return { show }
    })
    if (used === undefined) return refusing('ticket_spent')
    used.show?.()
    return { accepted: true, reason: 'none', label: this.#label() }
  }

  /** After whoever was forgotten: a new invitation may be for them, also in the same millisecond, and where the clock was set back since. */
  #createdMs(nowMs: number): number {
    const tombstones = this.#components.trust.all().filter(({ tombstone }) => tombstone)
    return Math.max(nowMs, ...tombstones.map(({ sinceMs }) => sinceMs + 1))
  }
}

function isAdmitted(level: TrustLevel): boolean {
  return level === 'paired' || level === 'trusted'
}

function readTicket(text: string): Ticket {
  try {
    return parseTicket(text)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new MeshError('bad_ticket', { detail: error.code, cause: error })
  }
}

function refused(peer: string, reason: PairAnswer['reason']): MeshError {
  return new MeshError('refused_by_peer', { peer, reason })
}

/** Without our own peer id, which the ticket's key says; loopback only where there is nothing else. */
function ownAddresses(addresses: string[], peer: string): Ticket['addresses'] {
  const bare = addresses.map(address => withoutPeer(address, peer))
  const far = bare.filter(address => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address))
  return (far.length > 0 ? far : bare).slice(0, ROUTE_ADDRESSES_MAX)
}
