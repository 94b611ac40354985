import { decodeContent, decodeEnvelope, textOf } from '../protocol/index.ts'
import type { AckTracker } from './ack-tracker.ts'
import { failure } from './guard.ts'
import type { OwnerNotices } from './owner-notices.ts'
import type { Inbound, InboxRow, Log, Notices, OutboxRow, Store } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import { answerTo } from './shown-texts.ts'
import type { Trust } from './trust.ts'

export interface RepliesComponents {
  store: Store
  trust: Trust
  routes: RouteTable
  notices: Notices
  /** What the owner finds again later. */
  owner: Pick<OwnerNotices, 'keep'>
  log: Log
}

/** What came back for what was sent: kept, handed to who waits, or shown to the owner once nobody does. Its session hears that it is there. */
export class Replies {
  readonly #components: RepliesComponents
  /** After the commit of an answer. */
  readonly #answered: (question: OutboxRow) => void
  readonly #displayed: boolean

  /** @param init `displayed`: every text that comes is shown on a display by itself, answers too */
  constructor(components: RepliesComponents, init: { answered: (question: OutboxRow) => void; displayed: boolean }) {
    this.#components = components
    this.#answered = init.answered
    this.#displayed = init.displayed
  }

  /** The text of the answer to this row, undefined while there is none. */
  textOf(row: Pick<OutboxRow, 'instance' | 'replyId'>): string | undefined {
    if (row.replyId === undefined) return undefined
    const reply = this.#components.store.inbox.get(row.instance, row.replyId)
    return reply === undefined ? undefined : textIn(reply)
  }

  /**
   * Looks at a verified row before its dispatch. An answer of the addressee needs no turn and no order, and turns that hold every slot of the
   * dispatch may be waiting for it, so it settles its question at once. Its own row is dispatched like any other.
   */
  notice(row: InboxRow, acks: AckTracker): void {
    const { store, trust } = this.#components
    if (row.inReplyTo === undefined || !trust.admitted(row.instance)) return
    const question = store.outbox.get(row.inReplyTo)
    if (question?.instance === row.instance && question.replyId === undefined) this.#settle(question, row, acks)
  }

  /** The answer's turn in the dispatch: its row becomes final, in the same transaction as the question where that is not settled yet. */
  take(
    { row, outboxRow, commit }: { row: InboxRow; outboxRow: OutboxRow; commit: () => void },
    acks: AckTracker
  ): void {
    const { store } = this.#components
    if (store.outbox.get(outboxRow.id)?.replyId === row.id) store.transaction(commit)
    else this.#settle(outboxRow, row, acks, commit)
  }

  #settle(question: OutboxRow, row: InboxRow, acks: AckTracker, commit?: () => void): void {
    const { store } = this.#components
    const text = textIn(row)
    const answered = store.transaction(() => {
      commit?.()
      return store.outbox.advance(question.id, 'answered', { replyId: row.id })
    })
    const waited = answered !== undefined && acks.awaitsAnswer(question.id)
    if (answered !== undefined) {
      acks.changed(answered)
      this.#answered(answered)
    }
    // A second answer changes nothing and nobody waits for it: it is told when its row's turn comes.
    if (waited || (answered === undefined && commit === undefined)) return
    const reply: Inbound = {
      id: row.id,
      hostMessageId: row.id,
      conversation: row.conversation,
      inReplyTo: question.id,
      from: senderOf(question.instance, question.peer, this.#components),
      text,
      sentMs: row.receivedMs,
      path: null,
      tier: 'notify',
      mayStartTurn: false,
      adoptedBefore: false,
      mayRepeat: false
    }
    this.#show(question.id, reply)
  }

  #show(question: string, inbound: Inbound): void {
    const { notices, owner, log } = this.#components
    if (this.#displayed) {
      owner.keep(inbound, answerTo(question))
      return
    }
    notices
      .notify({ kind: 'answer', question, inbound })
      .catch(error => log.warn('A late answer could not be shown.', failure(error)))
  }
}

function textIn(row: InboxRow): string {
  return textOf(decodeContent(decodeEnvelope(row.envelope).signed))
}
