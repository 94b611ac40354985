import {
  type Content,
  type Fingerprint,
  ProtocolError,
  type RejectReason,
  TRACE_DEPTH_MAX,
  textOf
} from '../protocol/index.ts'
import { bounded, OVERDUE } from './bounded.ts'
import { checkTrust } from './checks.ts'
import { failure } from './guard.ts'
import { isEnded, openRow, receiptOf } from './inbox-row.ts'
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
  Sender
} from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'
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
  trust: Trust
  routes: RouteTable
  agent?: Agent
  /** Where texts are shown instead of starting turns. */
  display?: Display
  notices: Notices
  /** Settles the outbox row and tells who waits, or the owner where nobody does. */
  answered: (answer: Answered) => unknown
}

export interface DeliveryInit {
  /** Our own fingerprint. */
  instance: Fingerprint
  /** How long a display may take, ms. */
  deliveryAckTimeoutMs: () => number
}

/** `ended`: the row is final. `again`: nothing happened, try later. `left`: we stop; the row is taken up after the next start. */
export type Delivered = 'ended' | 'again' | 'left'

/** A row on its way, read. */
interface Message {
  row: InboxRow
  content: Content
  inbound: Inbound
  last: boolean
  signal: AbortSignal
}

/** Longest turn, ms. The agent ends its turns itself before; this holds when its host does not answer at all. */
const TURN_MAX_MS = 10 * 60 * 1000

/** One row's way to the display, the agent, or the one who asked. The intent is written before the call, the outcome after it. */
export class Delivery {
  readonly #components: DeliveryComponents
  readonly #init: DeliveryInit

  constructor(components: DeliveryComponents, init: DeliveryInit) {
    this.#components = components
    this.#init = init
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
    const read = this.#read(stored)
    if (read === undefined) return this.#end(stored, 'rejected', 'failed')
    const row = store.inbox.update(instance, id, { state: 'dispatching', attempt: stored.attempt + 1 }) ?? stored
    if (row.attempt === 1) log.info(`Direct message from ${row.peer}: ${[...read.text].length} characters`)
    const inbound = this.#inboundOf(row, read.content, read.text)
    try {
      return await this.#handOver({ row, content: read.content, inbound, last, signal })
    } catch (error) {
      if (signal.aborted) return 'left'
      throw error
    }
  }

  async #handOver(message: Message): Promise<Delivered> {
    const { store, agent, display, notices } = this.#components
    const { row, inbound, last, signal } = message
    const question = row.inReplyTo === undefined ? undefined : store.outbox.get(row.inReplyTo)
    if (question?.instance === row.instance) {
      const after = this.#answer(message, question)
      if (after !== undefined) return after
    }
    if (display !== undefined) {
      const outcome = await this.#show(inner => display.show(inbound, { signal: inner }), signal)
      return this.#settle(row, outcome, { last })
    }
    if (agent !== undefined && inbound.mayStartTurn) return this.#turn(agent, message)
    const told = await this.#show(async inner => {
      await notices.notify({ kind: 'message', inbound }, { signal: inner })
      return { outcome: 'done' }
    }, signal)
    return this.#settle(row, told, { last, silent: true })
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

  async #turn(agent: Agent, { row, content, inbound, last, signal }: Message): Promise<Delivered> {
    const { clock, log } = this.#components
    const turn = new Turn(this.#components, { row, content })
    let outcome: DispatchOutcome
    try {
      const ended = await bounded(clock, TURN_MAX_MS, inner => agent.turn(inbound, turn, { signal: inner }), { signal })
      outcome = ended === OVERDUE ? { outcome: 'unknown', detail: 'no end in time' } : ended
    } catch (error) {
      if (!signal.aborted) log.warn('A turn failed.', failure(error))
      const untouched = turn.state === 'begun'
      outcome = untouched ? { outcome: 'retry', detail: 'it threw' } : { outcome: 'unknown', detail: 'it threw' }
    }
    await turn.close()
    if (turn.state === 'replied') return 'ended'
    // Cut off by our own stop: the row stays as it is, and recovery knows what that means.
    if (signal.aborted && outcome.outcome !== 'done') return 'left'
    return this.#settle(row, outcome, { last, silent: true, adopted: turn.state === 'adopted' })
  }

  /** @param how `silent`: taken, and no answer comes of it; `adopted`: the row says so and keeps saying it while it waits */
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
    if (how.adopted !== true) store.inbox.update(row.instance, row.id, { state: 'received' })
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

  #inboundOf(row: InboxRow, content: Content, text: string): Inbound {
    const { depth, hops } = content.trace
    const looped = depth > TRACE_DEPTH_MAX || hops.includes(this.#init.instance)
    return {
      id: row.id,
      // The host silently drops an id that it has seen.
      hostMessageId: row.attempt === 1 ? row.id : `${row.id}#${row.attempt}`,
      conversation: row.conversation,
      ...(row.inReplyTo !== undefined && { inReplyTo: row.inReplyTo }),
      from: senderOf(row.instance, row.peer, this.#components),
      text,
      sentMs: content.timeMs,
      mayStartTurn: row.kind === 'message' && row.inReplyTo === undefined && !looped
    }
  }
}
