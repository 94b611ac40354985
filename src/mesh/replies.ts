import { decodeContent, decodeEnvelope, textOf } from '../protocol/index.ts'
import type { AckTracker } from './ack-tracker.ts'
import { failure } from './guard.ts'
import type { InboxRow, Log, Notices, OutboxRow, Sender, Store } from './ports.ts'

/** A verified message that answers one of ours, with what makes its inbox row final. */
export interface Answer {
  row: InboxRow
  text: string
  sender: Sender
  outboxRow: OutboxRow
  commit: () => void
}

/** What came back for what was sent: kept with one commit, handed to who waits, or told to the session that asked once nobody does. */
export class Replies {
  readonly #store: Store
  readonly #notices: Notices
  readonly #log: Log

  constructor(components: { store: Store; notices: Notices; log: Log }) {
    this.#store = components.store
    this.#notices = components.notices
    this.#log = components.log
  }

  /** The text of the answer to this row, undefined while there is none. */
  textOf(row: Pick<OutboxRow, 'instance' | 'replyId'>): string | undefined {
    if (row.replyId === undefined) return undefined
    const reply = this.#store.inbox.get(row.instance, row.replyId)
    return reply === undefined ? undefined : textOf(decodeContent(decodeEnvelope(reply.envelope).signed))
  }

  /** Marks the question answered and the answer done in one transaction. `late`: nobody waited any more, a notice says it. */
  take({ row, text, sender, outboxRow, commit }: Answer, acks: AckTracker): 'taken' | 'late' {
    const changed = this.#store.transaction(() => {
      commit()
      return this.#store.outbox.advance(outboxRow.id, 'answered', { replyId: row.id })
    })
    const waited = changed !== undefined && acks.awaitsAnswer(changed.id)
    if (changed !== undefined) acks.changed(changed)
    if (waited) return 'taken'
    const reply = {
      id: row.id,
      hostMessageId: row.id,
      conversation: row.conversation,
      inReplyTo: outboxRow.id,
      from: sender,
      text,
      sentMs: row.receivedMs,
      mayStartTurn: false
    }
    this.#notices
      .notify({ kind: 'settled', id: outboxRow.id, session: outboxRow.session, state: 'answered', to: sender, reply })
      .catch(error => this.#log.warn('A late answer could not be told.', failure(error)))
    return 'late'
  }

  /** Tells the session that asked that its message ended, where nobody waits any more. */
  ended(row: OutboxRow, to: Sender): void {
    const { id, session, state } = row
    if (state !== 'rejected' && state !== 'expired') return
    this.#notices
      .notify({ kind: 'settled', id, session, state, to })
      .catch(error => this.#log.warn('The end of a message could not be told.', failure(error)))
  }
}
