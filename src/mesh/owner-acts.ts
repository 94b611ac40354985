import { ProtocolError, parseLabel } from '../protocol/index.ts'
import type { Contacts } from './contacts.ts'
import { MeshError } from './errors.ts'
import { isoOf } from './iso.ts'
import type { OwnRequests } from './own-requests.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { AbortOptions, TrustLevel } from './ports.ts'
import type { Report } from './report.ts'
import type {
  ContactResult,
  ForgetResult,
  InviteResult,
  MeshHandlers,
  NoticeReport,
  Peer,
  TrustResult
} from './requests.ts'
import { resolveTarget } from './resolve.ts'
import type { RouteTable } from './route-table.ts'
import type { Tickets } from './tickets.ts'
import { instanceOf, type Trust } from './trust.ts'

export interface OwnerActsComponents {
  trust: Trust
  routes: RouteTable
  report: Report
  tickets: Tickets
  contacts: Contacts
  ownRequests: OwnRequests
  notices: OwnerNotices
  /** Takes back every message that waits for this instance, in the transaction of why; `tell` is for after that. */
  cancelAll(instance: string): { count: number; tell: () => void }
}

const LEVELS: readonly TrustLevel[] = ['blocked', 'unknown', 'paired', 'trusted']

type OwnerHandlers = Pick<
  MeshHandlers,
  | 'approve'
  | 'trust'
  | 'rename'
  | 'forget'
  | 'invite'
  | 'join'
  | 'nearby'
  | 'request'
  | 'requests'
  | 'reject'
  | 'notices'
  | 'tickets'
  | 'withdraw'
>

/** What only the owner may do: say who is let in, how far, and under which name. */
export class OwnerActs {
  readonly #components: OwnerActsComponents
  readonly #self: { instance: string; peer: string }
  readonly #instanceId: () => string

  constructor(
    components: OwnerActsComponents,
    init: { self: { instance: string; peer: string }; instanceId: () => string }
  ) {
    this.#components = components
    this.#self = init.self
    this.#instanceId = init.instanceId
  }

  handlers(): OwnerHandlers {
    const { contacts, tickets } = this.#components
    return {
      ...tickets.handlers(),
      approve: async ({ who, name }) => this.approve(who, name),
      trust: async ({ who, level }) => this.trust(who, level),
      rename: async ({ who, name }) => this.rename(who, name),
      forget: async ({ who }) => this.forget(who),
      invite: async params => this.invite(params),
      join: async ({ ticket }, options) => await this.join(ticket, options),
      nearby: async () => this.nearby(),
      request: async ({ who, purpose }, options) => await this.request(who, purpose ?? '', options),
      requests: async () => contacts.list(),
      reject: async ({ who }) => this.reject(who),
      notices: async ({ readUpTo, dismiss }) => this.notices(readUpTo, dismiss)
    }
  }

  /**
   * Lets an instance in, one never met too. Who is trusted already stays so. A stranger is let in by its id only: its label is its own choice, and
   * could be a friend's.
   *
   * @throws {MeshError} `unknown_target`, `ambiguous_target`, `self_target`, `bad_request` for a name that is no label, or where nobody may be let in
   */
  approve(who: string, name?: string): TrustResult {
    const subject = this.#certain(who, 'paired')
    this.#components.trust.demandOpen()
    const level = this.#components.trust.recordedLevelOf(subject.instance) === 'trusted' ? 'trusted' : 'paired'
    return this.#set(subject, level, name === undefined ? undefined : petnameOf(name))
  }

  /**
   * What takes rights away is always possible.
   *
   * @throws {MeshError} `unknown_target`, `ambiguous_target`, `self_target`, `bad_request` where nobody may be let in
   */
  trust(who: string, level: 'blocked' | 'paired' | 'trusted'): TrustResult {
    const subject = this.#certain(who, level)
    const { trust } = this.#components
    const lowered = LEVELS.indexOf(level) < LEVELS.indexOf(trust.recordedLevelOf(subject.instance))
    if (level !== 'blocked' && !lowered) trust.demandOpen()
    return this.#set(subject, level)
  }

  /**
   * The name that the owner gives somebody; how far it is trusted stays as it is.
   *
   * @throws {MeshError} as `approve`, `not_trusted` for a stranger, `bad_request` for whom `allowFrom` alone lets in: a record with a name would outlive it
   */
  rename(who: string, name: string): TrustResult {
    const { trust } = this.#components
    const { instance } = this.#subjectOf(who)
    const petname = petnameOf(name)
    if (!trust.names(instance)) throw new MeshError('not_trusted', { peer: who })
    const before = trust.levelOf(instance)
    if (!trust.rename(instance, petname))
      throw new MeshError('bad_request', { detail: 'allowFrom alone lets this peer in: approve it to give it a name' })
    return this.#resultOf(instance, before)
  }

  /**
   * Erases what is known of an instance: name, level, routes, requests, messages that wait. What stays is that nothing of before counts any more.
   *
   * @throws {MeshError} `unknown_target`, `ambiguous_target`, `self_target`
   */
  forget(who: string): ForgetResult {
    const { trust, routes, notices, report, cancelAll } = this.#components
    const { instance } = this.#subjectOf(who)
    const { instanceId } = report.peer(instance)
    // All of it or nothing: half a forgotten peer would be one that nobody forgets again.
    const { count, tell } = trust.transaction(() => {
      // First of all it may do nothing any more.
      trust.forget(instance)
      this.#forgetRequests(instance)
      notices.forget(instance)
      return cancelAll(instance)
    })
    tell()
    routes.forget(instance)
    return { instanceId, cancelled: count }
  }

  /** @throws {MeshError} `bad_request`, `too_many` */
  invite({ ttlMs, uses, name }: { ttlMs: number; uses: number; name?: string }): InviteResult {
    const petname = name === undefined ? undefined : petnameOf(name)
    const { ticket, expiresMs } = this.#components.tickets.invite({
      ttlMs,
      uses,
      ...(petname !== undefined && { petname })
    })
    return { ticket, expiresAt: isoOf(expiresMs), instanceId: this.#instanceId() }
  }

  /** @throws {MeshError} as `Tickets.join` */
  async join(ticket: string, options?: AbortOptions): Promise<TrustResult> {
    const { tickets, trust, report } = this.#components
    const before = new Map(report.peers().map(peer => [peer.instanceId, peer.trust]))
    const { instance } = await tickets.join(ticket, options)
    this.#forgetRequests(instance)
    const { instanceId, peerId, path } = report.peer(instance)
    return {
      instanceId,
      peerId,
      trust: trust.levelOf(instance),
      before: before.get(instanceId) ?? 'unknown',
      connected: path !== null
    }
  }

  /** Instances that were met or seen and on which the owner has not decided. */
  nearby(): Peer[] {
    return this.#components.report.peers().filter(peer => peer.trust === 'unknown')
  }

  /** @throws {MeshError} as `OwnRequests.request`, as `approve` for whom is named, and `bad_request` where nobody may be let in */
  async request(who: string, purpose: string, options?: AbortOptions): Promise<ContactResult> {
    const { trust, ownRequests, report } = this.#components
    const known = this.#subjectOf(who)
    const { instance } = known
    const subject = trust.admitted(instance) ? known : this.#certain(who, 'paired')
    trust.demandOpen()
    const peer = subject.peer ?? report.peer(instance).peerId
    if (peer === null) throw new MeshError('unknown_target', { peer: who, detail: 'never met' })
    const state =
      trust.admitted(instance) && report.peer(instance).path !== null
        ? 'admitted'
        : await ownRequests.request({ instance, peer }, purpose, options)
    return { instanceId: report.peer(instance).instanceId, peerId: peer, state, trust: trust.levelOf(instance) }
  }

  /** @throws {MeshError} `not_found` where nobody of that name asks */
  reject(who: string): ContactResult {
    const { contacts, report, trust } = this.#components
    const { instance, peer } = this.#subjectOf(who)
    if (!contacts.reject(instance)) throw new MeshError('no_request', { peer: who })
    const known = report.peer(instance)
    return {
      instanceId: known.instanceId,
      peerId: peer ?? known.peerId ?? '',
      state: 'rejected',
      trust: trust.levelOf(instance)
    }
  }

  /** What is not read, after that. @throws {MeshError} `bad_request` for one to dismiss that is not listed */
  notices(readUpTo?: number, dismiss?: number): NoticeReport[] {
    const { notices } = this.#components
    if (dismiss !== undefined && !notices.dismiss(dismiss))
      throw new MeshError('bad_request', { detail: `there is no unread notice ${dismiss}` })
    if (readUpTo !== undefined) notices.read(readUpTo)
    return notices.unread().map(({ id, atMs, text, shown }) => ({ id, at: isoOf(atMs), text, shown }))
  }

  /** Whom the words name. To be raised to a level, beyond doubt: by key, or by the name that the owner gave; a label is its owner's choice. */
  #certain(who: string, level: TrustLevel): { instance: string; peer?: string } {
    const subject = this.#subjectOf(who)
    const { trust } = this.#components
    const named = trust.petnameOf(subject.instance)?.toLowerCase() === who.trim().toLowerCase()
    const raised = LEVELS.indexOf(level) > LEVELS.indexOf(trust.recordedLevelOf(subject.instance))
    if (named || instanceOf(who) !== undefined || !raised) return subject
    throw new MeshError('ambiguous_target', {
      peer: who,
      candidates: [this.#components.report.peer(subject.instance).instanceId]
    })
  }

  #set(subject: { instance: string; peer?: string }, level: TrustLevel, petname?: string): TrustResult {
    const { trust, contacts } = this.#components
    const { instance, peer } = subject
    const before = trust.levelOf(instance)
    const tell = trust.transaction(() => {
      trust.set(instance, {
        level,
        how: 'command',
        ...(peer !== undefined && { peer }),
        ...(petname !== undefined && { petname })
      })
      return level === 'blocked' ? this.#forgetRequests(instance) : contacts.settle(instance)
    })
    tell?.()
    return this.#resultOf(instance, before)
  }

  /** Both directions. */
  #forgetRequests(instance: string): void {
    const { contacts, ownRequests } = this.#components
    contacts.forget(instance)
    ownRequests.forget(instance)
  }

  #resultOf(instance: string, before: TrustLevel): TrustResult {
    const { trust, report } = this.#components
    const now = report.peer(instance)
    // The connection of who has just been shut out is closing, and no longer one to speak over.
    const connected = now.path !== null && trust.admitted(instance)
    return { instanceId: now.instanceId, peerId: now.peerId, trust: now.trust, before, connected }
  }

  /** Somebody known, who asks to be let in, or an instance id or peer id that was never met. */
  #subjectOf(who: string): { instance: string; peer?: string } {
    const { trust, routes, contacts } = this.#components
    try {
      const { instance, peer } = resolveTarget(who, { trust, routes, self: this.#self })
      return { instance, peer }
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== 'unknown_target') throw error
      // By the text itself, or by the petname of somebody approved whose key has not been seen yet.
      const named = instanceOf(who) ?? instanceOf(error.details.peer ?? '') ?? this.#asking(who)
      if (named === undefined) throw error
      const peer = named.peer ?? contacts.peerOf(named.instance)
      return { instance: named.instance, ...(peer !== undefined && { peer }) }
    }
  }

  /** Who asks under this label: after a restart the request alone says so. */
  #asking(label: string): { instance: string; peer: string } | undefined {
    const found = this.#components.contacts.askedAs(label)
    if (found.length > 1) {
      const candidates = found.map(({ instanceId }) => instanceId).toSorted()
      throw new MeshError('ambiguous_target', { peer: label, candidates })
    }
    return found[0]
  }
}

function petnameOf(name: string): string {
  try {
    return parseLabel(name)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new MeshError('bad_request', { detail: `name: ${error.message}`, cause: error })
  }
}
