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

/** What the owner wants done where nobody knows what came of a dispatch; undefined: what can do no harm twice is repeated. */
export type OnUnknown = 'repeat' | 'skip' | undefined

export interface DeliveryInit {
  /** Our own fingerprint. */
  instance: Fingerprint
  /** How long a display may take, ms. */
  deliveryAckTimeoutMs: () => number
  /** @default what can do no harm twice is repeated */
  onUnknown?: () => OnUnknown
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

/** What a dispatch begins with, until when it waits, or that it does not begin again. */
type Begun = Pick<Message, 'row' | 'inbound' | 'expense'> | { untilMs: number } | { given: 'up'; inbound: Inbound }

/** How a row says that the outcome of one of its dispatches is not known. */
const HIDDEN = { reason: 'unknown_outcome' } as const

/** Longest turn, ms. The agent ends its turns itself before; this holds when its host does not answer at all. */
const TURN_MAX_MS = 10 * 60 * 1000

/** One row's way to the display, the agent, or the one who asked. The intent is written before the call, the outcome after it. */
export class Delivery {
  readonly #components: DeliveryComponents
  readonly #init: DeliveryInit
  /** Turns under way: one per dispatch, whose number is bounded. */
  readonly #turns = new Set<Turn>()

  /** Rows that are done, which the store did not take yet: not dispatched again. By instance and id, with the reason; at most one per row that waits. */
  readonly #owed = new Map<string, RejectReason | undefined>()

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
    const key = `${instance} ${id}`
    if (this.#owed.has(key)) return this.#end(stored, 'done', this.#owed.get(key))
    if (stored.kind === 'skip') return this.#end(stored, 'done')
    const refusal = checkTrust(trust.levelOf(instance))
    if (refusal !== undefined) return this.#end(stored, 'rejected', refusal)
    // It waited, and its sender was forgotten and let in again meanwhile.
    if (stored.receivedMs < trust.forgottenMs(instance)) return this.#end(stored, 'rejected', 'not_admitted')
    const read = this.#read(stored)
    if (read === undefined) return this.#end(stored, 'rejected', 'failed')
    const begun = store.transaction(() => this.#begin(stored, read))
    if ('untilMs' in begun) return this.#defer(stored, begun.untilMs)
    if ('given' in begun) return this.#giveUp(stored, begun.inbound)
    const { row, inbound, expense } = begun
    if (row.attempt === 1) log.info(`Direct message from ${row.peer}: ${[...read.text].length} characters`)
    try {
      return await this.#handOver({ row, content: read.content, inbound, expense, last, signal })
    } catch (error) {
      if (signal.aborted) return 'left'
      throw error
    }
  }

  /**
   * Inside the transaction: writes down that it is dispatched and what that costs, or until when it waits. Where a crash, or whoever took the text,
   * hid what came of a dispatch, it begins once more and the row notes that as its reason; hidden twice is not begun again.
   */
  #begin(stored: InboxRow, { content, text }: { content: Content; text: string }): Begun {
    const { store, budget, agent, display, owner, tiers } = this.#components
    const { instance, id, conversation } = stored
    const { trace } = content
    const tier = tiers.of(instance)
    let mayStartTurn = tier !== 'notify' && this.#mayStartTurn(stored, trace)
    const toAgent = mayStartTurn && agent !== undefined && display === undefined
    // The host does nothing for a turn before it adopts it; a channel may have shown a text before it said so.
    const cutOff = stored.state === 'adopted' || (stored.state === 'dispatching' && !toAgent)
    if (cutOff && this.#isLast(stored))
      return { given: 'up', inbound: this.#inboundOf(stored, content, text, { tier, mayStartTurn: toAgent }) }
    let expense: number | undefined
    if (toAgent) {
      const verdict = budget.begin({ instance, conversation, trace, characters: [...text].length })
      if (verdict.verdict === 'later') return verdict
      if (verdict.verdict === 'begun') expense = verdict.turn
      else mayStartTurn = false
    }
    const change = { state: 'dispatching', attempt: stored.attempt + 1 } as const
    const row = store.inbox.update(instance, id, { ...change, ...(cutOff && HIDDEN) }) ?? stored
    const inbound = this.#inboundOf(row, content, text, { tier, mayStartTurn })
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
    const { row, inbound, expense, signal } = message
    const question = this.#questionOf(row)
    if (question !== undefined) {
      const after = this.#answer(message, question)
      if (after !== undefined) return after
    }
    if (display !== undefined) {
      const outcome = await this.#show(inner => display.show(inbound, { signal: inner }), signal)
      return this.#settle(message, outcome)
    }
    if (agent !== undefined && expense !== undefined) return await this.#turn(agent, message, expense)
    const told = await this.#show(async inner => {
      await notices.notify({ kind: 'message', inbound }, { signal: inner })
      return { outcome: 'done' }
    }, signal)
    return this.#settle(message, told, { silent: true })
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
      done = store.inbox.update(row.instance, row.id, { state: 'done', reason: 'none' })
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

  async #turn(agent: Agent, message: Message, expense: number): Promise<Delivered> {
    const { row, content, inbound, signal } = message
    const { clock, log, budget, trust } = this.#components
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
    // The store took no answer. Whatever its host makes of that, the message is not the reason.
    if (turn.unsaved) outcome = { outcome: 'unknown', detail: 'its answer was not stored' }
    // Coming back without a complaint is no proof of a turn.
    if (turn.state === 'begun' && outcome.outcome === 'done')
      outcome = { outcome: 'retry', detail: 'no turn was taken' }
    // What was cut off may have been adopted all the same, and that word be on its way.
    const untouched = turn.state === 'begun' && outcome.outcome === 'retry' && !turn.signal.aborted
    if (untouched) budget.refund(expense, row.instance)
    // Cut off by our own stop: the row stays as it is, and recovery knows what that means.
    if (signal.aborted && outcome.outcome !== 'done') return 'left'
    const refusal = checkTrust(trust.levelOf(row.instance))
    if (refusal !== undefined && outcome.outcome !== 'done') {
      if (outcome.outcome === 'unknown') this.#tellUnknown(inbound)
      return this.#end(row, 'rejected', refusal)
    }
    const adopted = turn.state === 'adopted'
    // A turn of any other tier has no tool with which it could act twice.
    const mayHaveActed = inbound.tier === 'trusted' && this.#init.onUnknown?.() !== 'repeat'
    return this.#settle(message, outcome, { silent: true, adopted, final: mayHaveActed || (adopted && turn.revoked) })
  }

  /** The owner's word changed: turns of peers that may do less now end at once. */
  #cutRevoked(): void {
    for (const turn of this.#turns)
      if (turn.revoked) turn.cut(new MeshError('not_trusted', { detail: 'it may do less now' }))
  }

  /**
   * @param how `silent`: taken, and no answer comes of it; `adopted`: the row says so and keeps saying it while it waits; `final`: not to be repeated
   */
  #settle(
    { row, inbound, last }: Message,
    outcome: DispatchOutcome,
    how: { silent?: boolean; adopted?: boolean; final?: boolean } = {}
  ): Delivered {
    const { log, store } = this.#components
    const { instance, id } = row
    if (outcome.outcome === 'done') return this.#end(row, 'done', how.silent === true ? 'no_reply' : undefined)
    log.warn('A message was not dispatched.', { id, outcome: outcome.outcome, attempt: row.attempt })
    if (outcome.outcome === 'unknown') {
      if (last || how.final === true || this.#isLast(row)) return this.#giveUp(row, inbound)
      store.inbox.update(instance, id, { state: 'received', ...HIDDEN })
      return 'again'
    }
    if (outcome.outcome === 'failed' || last) return this.#end(row, 'rejected', 'failed')
    if (how.adopted !== true) store.inbox.update(instance, id, { state: 'received' })
    return 'again'
  }

  /** Whether a dispatch whose outcome is hidden is the last one. */
  #isLast({ reason }: InboxRow): boolean {
    return reason === HIDDEN.reason || this.#init.onUnknown?.() === 'skip'
  }

  /** Nobody will ever know: the sender and the owner are told so. */
  #giveUp(row: InboxRow, inbound: Inbound): Delivered {
    this.#tellUnknown(inbound)
    return this.#end(row, 'unknown', HIDDEN.reason)
  }

  #tellUnknown(inbound: Inbound): void {
    const { owner, trust, agent, display } = this.#components
    const { instance } = inbound.from
    const what = agent !== undefined && display === undefined && inbound.mayStartTurn ? 'turn' : 'text'
    // Of whom the owner forgot no notice may speak.
    if (checkTrust(trust.levelOf(instance)) === undefined || trust.names(instance)) owner.cutOff(inbound, what)
  }

  #end(row: InboxRow, state: InboxState, reason: RejectReason = 'none'): Delivered {
    const { store, receipts } = this.#components
    const key = `${row.instance} ${row.id}`
    // It happened, also where a full disk takes no word of it.
    if (state === 'done') this.#owed.set(key, reason)
    const ended = store.inbox.update(row.instance, row.id, { state, reason })
    this.#owed.delete(key)
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

  #inboundOf(row: InboxRow, content: Content, text: string, may: Pick<Inbound, 'tier' | 'mayStartTurn'>): Inbound {
    const hidden = row.reason === HIDDEN.reason
    return {
      id: row.id,
      // The host silently drops an id that it has seen.
      hostMessageId: row.attempt === 1 ? row.id : `${row.id}#${row.attempt}`,
      conversation: row.conversation,
      ...(row.inReplyTo !== undefined && { inReplyTo: row.inReplyTo }),
      from: senderOf(row.instance, row.peer, this.#components),
      text,
      sentMs: content.timeMs,
      path: this.#components.pathOf(row.peer) ?? null,
      ...may,
      // To an agent a turn that the owner wants repeated is like any other.
      adoptedBefore: hidden && this.#init.onUnknown?.() !== 'repeat',
      mayRepeat: hidden
    }
  }
}
