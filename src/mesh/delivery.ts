import {
  type Content,
  type Fingerprint,
  ProtocolError,
  type RejectReason,
  TRACE_DEPTH_MAX,
  textOf
} from '../protocol/index.ts'
import { bounded, OVERDUE } from './bounded.ts'
import { checkTrust } from './check-trust.ts'
import { MeshError } from './errors.ts'
import { failure } from './guard.ts'
import { isEnded, openRow, receiptOf } from './inbox-row.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type {
  Agent,
  Clock,
  DispatchOutcome,
  Display,
  Inbound,
  InboxRow,
  InboxState,
  Notices,
  OutboxRow,
  Path,
  Sender
} from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { Turn, type TurnComponents } from './turn.ts'

/** An inbound text that answers a message of ours. */
export interface Answered {
  row: InboxRow
  text: string
  sender: Sender
  outboxRow: OutboxRow
  /** Makes the inbox row what it becomes by this; to be run in the transaction that settles the outbox row. */
  commit: () => void
}

export interface DeliveryComponents extends TurnComponents {
  clock: Clock
  routes: RouteTable
  agent?: Agent
  /** Where texts are shown instead of starting turns. */
  display?: Display
  notices: Notices
  /** What the owner finds again later. */
  owner: OwnerNotices
  /** How a peer is connected now. */
  pathOf: (peer: string) => Path | undefined
  /** Settles the outbox row and tells who waits, or the owner where nobody does. */
  answered: (answer: Answered) => unknown
}

export interface DeliveryInit {
  /** Our own fingerprint. */
  instance: Fingerprint
  /** How long a display may take, ms. */
  deliveryAckTimeoutMs: () => number
}

/**
 * `ended`: the row is final. `again`: nothing happened, try later. `left`: we stop; the row is taken up after the next start. `untilMs`: there is no
 * budget for it before this time, wall clock.
 */
export type Delivered = 'ended' | 'again' | 'left' | { untilMs: number }

/** A row on its way, read. */
interface Message {
  row: InboxRow
  content: Content
  inbound: Inbound
  /** What the budget calls the turn that it allowed; undefined where none may begin. */
  expense: number | undefined
  last: boolean
  signal: AbortSignal
}

/** Longest turn, ms. The agent ends its turns itself before; this holds when its host does not answer at all. */
const TURN_MAX_MS = 10 * 60 * 1000

/** One row's way to the display, the agent, or the one who asked. The intent is written before the call, the outcome after it. */
export class Delivery {
  readonly #components: DeliveryComponents
  readonly #init: DeliveryInit
  /** Turns under way: one per dispatch, whose number is bounded. */
  readonly #turns = new Set<Turn>()

  constructor(components: DeliveryComponents, init: DeliveryInit) {
    this.#components = components
    this.#init = init
    components.trust.onChange(() => this.#cutRevoked())
  }

  /** @param last a `retry` is a failure now */
  async deliver(
    instance: string,
    id: string,
    { last, signal }: { last: boolean; signal: AbortSignal }
  ): Promise<Delivered> {
    const { store, trust, log } = this.#components
    const stored = store.inbox.get(instance, id)
    if (stored === undefined || isEnded(stored) || !stored.verified) return 'ended'
    if (stored.kind === 'skip') return this.#end(stored, 'done')
    const refusal = checkTrust(trust.levelOf(instance))
    if (refusal !== undefined) return this.#end(stored, 'rejected', refusal)
    // It waited, and its sender was forgotten and let in again meanwhile.
    if (stored.receivedMs < trust.forgottenMs(instance)) return this.#end(stored, 'rejected', 'not_admitted')
    const read = this.#read(stored)
    if (read === undefined) return this.#end(stored, 'rejected', 'failed')
    const begun = store.transaction(() => this.#begin(stored, read))
    if ('untilMs' in begun) return this.#defer(stored, begun.untilMs)
    const { row, inbound, expense } = begun
    if (row.attempt === 1) log.info(`Direct message from ${row.peer}: ${[...read.text].length} characters`)
    try {
      return await this.#handOver({ row, content: read.content, inbound, expense, last, signal })
    } catch (error) {
      if (signal.aborted) return 'left'
      throw error
    }
  }

  /** Inside the transaction: writes down that it is dispatched and what that costs, or until when it waits. */
  #begin(
    stored: InboxRow,
    { content, text }: { content: Content; text: string }
  ): { row: InboxRow; inbound: Inbound; expense: number | undefined } | { untilMs: number } {
    const { store, budget, agent, display, owner, tiers } = this.#components
    const { instance, id, conversation } = stored
    const { trace } = content
    const tier = tiers.of(instance)
    let mayStartTurn = tier !== 'notify' && this.#mayStartTurn(stored, trace)
    let expense: number | undefined
    if (mayStartTurn && agent !== undefined && display === undefined) {
      const verdict = budget.begin({ instance, conversation, trace, characters: [...text].length })
      if (verdict.verdict === 'later') return verdict
      if (verdict.verdict === 'begun') expense = verdict.turn
      else mayStartTurn = false
    }
    const adoptedBefore = stored.state === 'adopted'
    // What was adopted once stays so: a second crash must not make it look untouched.
    const state = adoptedBefore ? stored.state : 'dispatching'
    const row = store.inbox.update(instance, id, { state, attempt: stored.attempt + 1 }) ?? stored
    const inbound = { ...this.#inboundOf(row, content, text), tier, mayStartTurn, adoptedBefore }
    // Told by a notice, which may get lost: listed in the same commit, whatever attempt this is.
    const told = display === undefined && expense === undefined && this.#questionOf(row) === undefined
    if (told) owner.list(inbound)
    return { row, inbound, expense }
  }

  /** The row waits as it is; its sender is told once per wait, and rests its conversation. */
  #defer(row: InboxRow, untilMs: number): Delivered {
    const { budget, receipts } = this.#components
    budget.refused(row.instance)
    receipts(row.peer, [{ ...receiptOf(row), outcome: 'deferred', reason: 'overloaded', untilMs }])
    return { untilMs }
  }

  async #handOver(message: Message): Promise<Delivered> {
    const { agent, display, notices } = this.#components
    const { row, inbound, expense, last, signal } = message
    const question = this.#questionOf(row)
    if (question !== undefined) {
      const after = this.#answer(message, question)
      if (after !== undefined) return after
    }
    if (display !== undefined) {
      const outcome = await this.#show(inner => display.show(inbound, { signal: inner }), signal)
      return this.#settle(row, outcome, { last })
    }
    if (agent !== undefined && expense !== undefined) return await this.#turn(agent, message, expense)
    const told = await this.#show(async inner => {
      await notices.notify({ kind: 'message', inbound }, { signal: inner })
      return { outcome: 'done' }
    }, signal)
    return this.#settle(row, told, { last, silent: true })
  }

  /** The message of ours that this one answers. */
  #questionOf({ instance, inReplyTo }: InboxRow): OutboxRow | undefined {
    const question = inReplyTo === undefined ? undefined : this.#components.store.outbox.get(inReplyTo)
    return question?.instance === instance ? question : undefined
  }

  /** Hands an answer to who asked. With a display it is shown too, and final only then. */
  #answer({ row, inbound }: Message, outboxRow: OutboxRow): Delivered | undefined {
    const { answered, receipts, store, display } = this.#components
    const answer = { row, text: inbound.text, sender: inbound.from, outboxRow }
    if (display !== undefined) {
      if (outboxRow.replyId !== row.id) answered({ ...answer, commit: () => undefined })
      return undefined
    }
    let done: InboxRow | undefined
    const commit = (): void => {
      done = store.inbox.update(row.instance, row.id, { state: 'done' })
    }
    answered({ ...answer, commit })
    if (done !== undefined) receipts(row.peer, [receiptOf(done)])
    return 'ended'
  }

  /** A display may hang for ever, and may have shown the text when it failed. */
  async #show(call: (signal: AbortSignal) => Promise<DispatchOutcome>, signal: AbortSignal): Promise<DispatchOutcome> {
    const { clock, log } = this.#components
    try {
      const outcome = await bounded(clock, this.#init.deliveryAckTimeoutMs(), call, { signal })
      return outcome === OVERDUE ? { outcome: 'unknown', detail: 'no answer in time' } : outcome
    } catch (error) {
      if (signal.aborted) throw error
      log.warn('Showing a message failed.', failure(error))
      return { outcome: 'unknown', detail: 'it threw' }
    }
  }

  async #turn(agent: Agent, { row, content, inbound, last, signal }: Message, expense: number): Promise<Delivered> {
    const { clock, log, budget, owner, trust } = this.#components
    const turn = new Turn(this.#components, { row, content, expense, tier: inbound.tier })
    const stop = (): void => turn.cut(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    this.#turns.add(turn)
    let outcome: DispatchOutcome
    try {
      const call = (inner: AbortSignal) => agent.turn(inbound, turn, { signal: inner })
      const ended = await bounded(clock, TURN_MAX_MS, call, { signal: turn.signal })
      outcome = ended === OVERDUE ? { outcome: 'unknown', detail: 'no end in time' } : ended
    } catch (error) {
      if (!signal.aborted) log.warn('A turn failed.', failure(error))
      const untouched = turn.state === 'begun'
      outcome = untouched ? { outcome: 'retry', detail: 'it threw' } : { outcome: 'unknown', detail: 'it threw' }
    } finally {
      this.#turns.delete(turn)
      signal.removeEventListener('abort', stop)
    }
    await turn.close()
    if (turn.state === 'replied') return 'ended'
    // What was cut off may have been adopted all the same, and that word be on its way.
    const untouched = turn.state === 'begun' && outcome.outcome === 'retry' && !turn.signal.aborted
    if (untouched) budget.refund(expense, row.instance)
    // Cut off by our own stop: the row stays as it is, and recovery knows what that means.
    if (signal.aborted && outcome.outcome !== 'done') return 'left'
    const refusal = checkTrust(trust.levelOf(row.instance))
    // Of whom the owner forgot no notice may speak.
    if (outcome.outcome === 'unknown' && (refusal === undefined || trust.names(row.instance))) owner.cutOff(inbound)
    if (refusal !== undefined && outcome.outcome !== 'done') return this.#end(row, 'rejected', refusal)
    return this.#settle(row, outcome, { last, silent: true, adopted: turn.state === 'adopted' })
  }

  /** The owner's word changed: turns of peers that may do less now end at once. */
  #cutRevoked(): void {
    for (const turn of this.#turns)
      if (turn.revoked) turn.cut(new MeshError('not_trusted', { detail: 'it may do less now' }))
  }

  /** @param how `silent`: taken, and no answer comes of it; `adopted`: now or before, the row says so and keeps saying it while it waits */
  #settle(
    row: InboxRow,
    outcome: DispatchOutcome,
    how: { last: boolean; silent?: boolean; adopted?: boolean }
  ): Delivered {
    const { log, store } = this.#components
    if (outcome.outcome === 'done') return this.#end(row, 'done', how.silent === true ? 'no_reply' : undefined)
    log.warn('A message was not dispatched.', { id: row.id, outcome: outcome.outcome, attempt: row.attempt })
    if (outcome.outcome === 'unknown') return this.#end(row, 'unknown', 'unknown_outcome')
    if (outcome.outcome === 'failed' || how.last) return this.#end(row, 'rejected', 'failed')
    const adopted = how.adopted === true || row.state === 'adopted'
    if (!adopted) store.inbox.update(row.instance, row.id, { state: 'received' })
    return 'again'
  }

  #end(row: InboxRow, state: InboxState, reason?: RejectReason): Delivered {
    const { store, receipts } = this.#components
    const ended = store.inbox.update(row.instance, row.id, { state, ...(reason !== undefined && { reason }) })
    if (ended !== undefined) receipts(row.peer, [receiptOf(ended)])
    return 'ended'
  }

  #read(row: InboxRow): { content: Content; text: string } | undefined {
    try {
      const { content } = openRow(row)
      return { content, text: textOf(content) }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#components.log.error('A stored message is damaged.', { id: row.id, ...failure(error) })
      return undefined
    }
  }

  #mayStartTurn({ kind, inReplyTo }: InboxRow, { depth, hops }: Content['trace']): boolean {
    const looped = depth > TRACE_DEPTH_MAX || hops.includes(this.#init.instance)
    return kind === 'message' && inReplyTo === undefined && !looped
  }

  #inboundOf(row: InboxRow, content: Content, text: string): Omit<Inbound, 'tier' | 'mayStartTurn' | 'adoptedBefore'> {
    return {
      id: row.id,
      // The host silently drops an id that it has seen.
      hostMessageId: row.attempt === 1 ? row.id : `${row.id}#${row.attempt}`,
      conversation: row.conversation,
      ...(row.inReplyTo !== undefined && { inReplyTo: row.inReplyTo }),
      from: senderOf(row.instance, row.peer, this.#components),
      text,
      sentMs: content.timeMs,
      path: this.#components.pathOf(row.peer) ?? null
    }
  }
}
