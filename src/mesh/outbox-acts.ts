import { type Content, decodeContent, decodeEnvelope, newId, ProtocolError, textOf } from '../protocol/index.ts'
import type { Endings } from './endings.ts'
import { MeshError } from './errors.ts'
import { guarded } from './guard.ts'
import { isoOf } from './iso.ts'
import type { Lanes } from './lanes.ts'
import type { Outbox } from './outbox.ts'
import type { AbortOptions, Clock, Log, OutboxEntry, OutboxRow, Store } from './ports.ts'
import type { Presence } from './presence.ts'
import type { Replies } from './replies.ts'
import type {
  Addressee,
  MeshHandlers,
  MessageReport,
  OutboxReport,
  OutboxReportEntry,
  RetryResult
} from './requests.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { traceOfNew } from './trace.ts'
import type { Trust } from './trust.ts'

export interface OutboxActsComponents {
  store: Store
  clock: Clock
  log: Log
  trust: Trust
  routes: RouteTable
  presence: Presence
  lanes: Lanes
  outbox: Outbox
  endings: Endings
  replies: Replies
}

type OutboxHandlers = Pick<MeshHandlers, 'message' | 'outbox' | 'retryMessage' | 'cancelMessage' | 'dismissMessage'>

/** The outbox for people: what waits, what did not arrive, and what the owner does about it. */
export class OutboxActs {
  readonly #components: OutboxActsComponents
  /** Dead letters whose new message is being written; as many as calls that are open. */
  readonly #retried = new Set<string>()

  constructor(components: OutboxActsComponents) {
    this.#components = components
  }

  handlers(): OutboxHandlers {
    return {
      message: async ({ id, session }) => this.message(id, session),
      outbox: async ({ limit }) => this.list(limit),
      retryMessage: async ({ id }, options) => await this.retry(id, options),
      cancelMessage: async ({ id }) => this.cancel(id),
      dismissMessage: async ({ id }) => this.dismiss(id)
    }
  }

  list(limit: number): OutboxReport {
    const { aftermath } = this.#components.store
    return {
      waiting: aftermath.waiting(limit).map(entry => this.#report(entry)),
      deadLetters: aftermath.deadLetters(limit).map(entry => this.#report(entry)),
      counts: { waiting: aftermath.waitingCount(), deadLetters: aftermath.deadLetterCount() }
    }
  }

  /**
   * @param session where given, only what this session sent is found; the empty one has sent nothing
   * @throws {MeshError} `not_found`
   */
  message(id: string, session?: string): MessageReport {
    const { store, replies, log } = this.#components
    const entry = this.#entry(id)
    if (session !== undefined && (session === '' || entry.session !== session)) throw new MeshError('not_found', { id })
    const row = store.outbox.get(id)
    const content = row && readContent(row)
    // What cannot be written down is told once more.
    if (session !== undefined) guarded(log, 'Noting a look at a message', () => store.aftermath.heard(id))
    return {
      ...this.#report(entry),
      reply: replies.textOf(entry) ?? null,
      text: content === undefined ? null : textOf(content),
      conversation: entry.conversation,
      inReplyTo: entry.inReplyTo ?? null,
      ...this.#tries(entry)
    }
  }

  /**
   * Tries at once what waits: its peer is dialled, or the message sent again where the link is up. A dead letter becomes a new message to the same
   * instance, in the same conversation, which lives as long as the old one was to; not where the peer has stored the old one, and may show it yet.
   *
   * @throws {MeshError} `aborted` before anything was done; `not_found`, `wrong_state`, `not_trusted`, `blocked`, and as `Outbox.enqueue`
   */
  async retry(id: string, { signal }: AbortOptions = {}): Promise<RetryResult> {
    if (signal?.aborted === true) throw new MeshError('aborted', { id, cause: signal.reason })
    const { lanes, presence, store, outbox } = this.#components
    const entry = this.#entry(id)
    const to = this.#addressee(entry)
    this.#mustBeAdmitted(entry.instance, to)
    if (isWaiting(entry)) {
      const connected = lanes.again(entry)
      presence.want(entry.peer)
      return { id, retriedAs: null, to, connected }
    }
    const row = store.outbox.get(id)
    if (!isDead(entry) || isAtPeer(entry) || row === undefined || this.#retried.has(id))
      throw new MeshError('wrong_state', { id, detail: `${stateOf(entry)} and cannot be sent again` })
    const content = readContent(row)
    if (content === undefined) throw new MeshError('wrong_state', { id, detail: 'is damaged and cannot be sent again' })
    this.#retried.add(id)
    try {
      const draft = this.#draftOf(row, content)
      // Dismissed with the new row, so that no crash makes two of one. It may have arrived after all while the new one was signed.
      const fresh = await outbox.enqueue(draft, () => {
        if (!store.aftermath.dismiss(id))
          throw new MeshError('wrong_state', { id, detail: 'is no dead letter any more' })
      })
      presence.want(fresh.peer)
      return { id, retriedAs: fresh.id, to, connected: lanes.linked(fresh.peer) }
    } finally {
      this.#retried.delete(id)
    }
  }

  /**
   * Takes back what is queued; a skip takes its place.
   *
   * @throws {MeshError} `not_found`, `wrong_state`
   */
  cancel(id: string): { id: string; sent: boolean } {
    const entry = this.#entry(id)
    const sent = this.#components.lanes.sentMs(entry) !== undefined
    if (entry.state !== 'queued' || !this.#components.endings.takeBack(id))
      throw new MeshError('wrong_state', { id, detail: `${stateOf(entry)} and cannot be taken back` })
    return { id, sent }
  }

  /** @throws {MeshError} `not_found`, `wrong_state` */
  dismiss(id: string): { id: string; deadLetters: number } {
    const { aftermath } = this.#components.store
    const entry = this.#entry(id)
    if (!aftermath.dismiss(id))
      throw new MeshError('wrong_state', { id, detail: `${stateOf(entry)} and is no dead letter` })
    return { id, deadLetters: aftermath.deadLetterCount() }
  }

  /** Of whom the owner forgot nothing is shown. */
  #entry(id: string): OutboxEntry {
    const { aftermath, trust } = this.#components.store
    const entry = aftermath.get(id)
    if (entry === undefined || trust.get(entry.instance)?.tombstone === true) throw new MeshError('not_found', { id })
    return entry
  }

  #report(entry: OutboxEntry): OutboxReportEntry {
    return {
      id: entry.id,
      to: this.#addressee(entry),
      state: entry.state,
      reason: entry.reason ?? null,
      createdAt: isoOf(entry.createdMs),
      expiresAt: isoOf(entry.expiresMs),
      deadLetter: isDead(entry)
    }
  }

  #addressee({ instance, peer }: OutboxEntry): Addressee {
    const { instanceId, name } = senderOf(instance, peer, this.#components)
    return { instanceId, peerId: peer, name }
  }

  #tries(entry: OutboxEntry): Pick<MessageReport, 'attempts' | 'nextTryAt' | 'sentAt'> {
    const { presence, lanes, clock } = this.#components
    const wallOf = (monotonicMs: number | undefined): string | null =>
      monotonicMs === undefined ? null : isoOf(Math.round(clock.wallMs() + monotonicMs - clock.monotonicMs()))
    if (!isWaiting(entry)) return { attempts: null, nextTryAt: null, sentAt: null }
    const tries = presence.tries(entry.peer)
    return {
      attempts: tries?.failures ?? null,
      nextTryAt: wallOf(tries?.nextMs),
      sentAt: wallOf(lanes.sentMs(entry))
    }
  }

  #mustBeAdmitted(instance: string, { instanceId }: Addressee): void {
    const { trust } = this.#components
    if (trust.levelOf(instance) === 'blocked') throw new MeshError('blocked', { peer: instanceId })
    if (!trust.admitted(instance)) throw new MeshError('not_trusted', { peer: instanceId })
  }

  #draftOf(row: OutboxRow, content: Content): Parameters<Outbox['enqueue']>[0] {
    const { clock } = this.#components
    const id = newId()
    return {
      id,
      instance: row.instance,
      peer: row.peer,
      kind: row.kind,
      conversation: row.conversation,
      // A chain that began with the old message begins anew with this one; any other goes on, with its limits.
      trace: content.trace.root === row.id ? traceOfNew(id) : content.trace,
      text: textOf(content),
      expiresMs: clock.wallMs() + row.expiresMs - row.createdMs,
      ...(row.inReplyTo !== undefined && { inReplyTo: row.inReplyTo }),
      ...(row.session !== undefined && { session: row.session })
    }
  }
}

function isWaiting({ state }: OutboxEntry): boolean {
  return state === 'queued' || state === 'received'
}

function isDead({ state, dismissed }: OutboxEntry): boolean {
  return (state === 'rejected' || state === 'expired') && !dismissed
}

/** It ran out of time here, not there. */
function isAtPeer({ state, reached }: OutboxEntry): boolean {
  return state === 'expired' && reached
}

/** The beginning of a sentence's predicate about this message. */
function stateOf(entry: OutboxEntry): string {
  if (entry.state === 'received' || isAtPeer(entry)) return 'is stored at the peer already'
  return entry.dismissed ? `is ${entry.state}, was dismissed,` : `is ${entry.state}`
}

/** Undefined where the disk spoiled the row. */
function readContent(row: OutboxRow): Content | undefined {
  try {
    return decodeContent(decodeEnvelope(row.envelope).signed)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
