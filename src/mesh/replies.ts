import { decodeContent, decodeEnvelope, textOf } from '../protocol/index.ts'
import type { AckTracker } from './ack-tracker.ts'
import { failure } from './guard.ts'
import type { Inbound, InboxRow, Log, Notices, OutboxRow, Sender, Store } from './ports.ts'
import type { RouteTable } from './route-table.ts'
import { senderOf } from './sender.ts'
import type { Trust } from './trust.ts'

export interface RepliesComponents {
  store: Store
  trust: Trust
  routes: RouteTable
  notices: Notices
  log: Log
}

/** What came back for what was sent: kept, handed to who waits, or told to the session that asked once nobody does. */
export class Replies {
  readonly #components: RepliesComponents

  constructor(components: RepliesComponents) {
    this.#components = components
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

  /** Tells the session that asked that its message ended, where nobody waits any more. */
  ended(row: OutboxRow): void {
    const { id, session, state } = row
    if (state !== 'rejected' && state !== 'expired') return
    this.#tell({ id, session, state, to: this.#sender(row) })
  }

  #settle(question: OutboxRow, row: InboxRow, acks: AckTracker, commit?: () => void): void {
    const { store } = this.#components
    const text = textIn(row)
    const answered = store.transaction(() => {
      commit?.()
      return store.outbox.advance(question.id, 'answered', { replyId: row.id })
    })
    const waited = answered !== undefined && acks.awaitsAnswer(question.id)
    if (answered !== undefined) acks.changed(answered)
    // A second answer changes nothing and nobody waits for it: it is told when its row's turn comes.
    if (waited || (answered === undefined && commit === undefined)) return
    const to = this.#sender(question)
    const reply: Inbound = {
      id: row.id,
      hostMessageId: row.id,
      conversation: row.conversation,
      inReplyTo: question.id,
      from: to,
      text,
      sentMs: row.receivedMs,
      path: null,
      tier: 'notify',
      mayStartTurn: false,
      adoptedBefore: false
    }
    this.#tell({ id: question.id, session: question.session, state: 'answered', to, reply })
  }

  #sender({ instance, peer }: OutboxRow): Sender {
    return senderOf(instance, peer, this.#components)
  }

  #tell(settled: Omit<Parameters<Notices['notify']>[0] & { kind: 'settled' }, 'kind'>): void {
    const { notices, log } = this.#components
    notices
      .notify({ kind: 'settled', ...settled })
      .catch(error => log.warn('The end of a message could not be told.', failure(error)))
  }
}

function textIn(row: InboxRow): string {
  return textOf(decodeContent(decodeEnvelope(row.envelope).signed))
}
