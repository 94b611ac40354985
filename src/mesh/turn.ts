import type { Content, Receipt } from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { guarded } from './guard.ts'
import { receiptOf } from './inbox-row.ts'
import type { InboxRow, InboxState, Log, Store, TurnEvents } from './ports.ts'
import { traceOfCaused } from './trace.ts'

/** An answer on its way to the outbox. */
export interface ReplyDraft {
  instance: string
  peer: string
  kind: 'message'
  conversation: string
  inReplyTo: string
  trace: Content['trace']
  text: string
}

export interface TurnComponents {
  store: Store
  log: Log
  receipts: (peer: string, receipts: Receipt[]) => void
  /** Commits the draft to the outbox and runs `within` in the same transaction. */
  reply: (draft: ReplyDraft, within: () => void) => Promise<unknown>
}

/**
 * One turn of the host over one row: what the host reports becomes the row's state first and a receipt then. Its first answer is the row's end;
 * further ones are messages of their own to the same question. Once the turn is closed it hears nothing more.
 */
export class Turn implements TurnEvents {
  readonly #components: TurnComponents
  readonly #row: InboxRow
  readonly #content: Content
  #state: 'begun' | 'adopted' | 'replied' = 'begun'
  /** Settles with the newest answer under way; never rejects. */
  #replying: Promise<void> = Promise.resolve()
  #closed = false

  constructor(components: TurnComponents, init: { row: InboxRow; content: Content }) {
    this.#components = components
    this.#row = init.row
    this.#content = init.content
  }

  get state(): 'begun' | 'adopted' | 'replied' {
    return this.#state
  }

  adopted(): void {
    if (this.#closed || this.#state !== 'begun') return
    guarded(this.#components.log, 'Noting an adopted turn', () => {
      const row = this.#advance('adopted')
      this.#state = 'adopted'
      this.#tell(row)
    })
  }

  /** @throws {MeshError} `aborted` once the turn is over, and whatever the outbox refuses: another answer, a shorter one for example, may follow. */
  async reply(text: string): Promise<void> {
    if (this.#closed) throw new MeshError('aborted', { id: this.#row.id, detail: 'the turn is over' })
    const committed = this.#replying.then(async () => await this.#commit(text))
    this.#replying = committed.catch(() => undefined)
    await committed
  }

  /** No more events. Resolves when an answer under way is committed or refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#replying
  }

  async #commit(text: string): Promise<void> {
    const { id, instance, peer, conversation } = this.#row
    const trace = traceOfCaused(this.#content)
    let row: InboxRow | undefined
    await this.#components.reply({ instance, peer, kind: 'message', conversation, inReplyTo: id, trace, text }, () => {
      if (this.#state !== 'replied') row = this.#advance('replied')
    })
    this.#state = 'replied'
    this.#tell(row)
  }

  #advance(state: InboxState): InboxRow | undefined {
    return this.#components.store.inbox.update(this.#row.instance, this.#row.id, { state })
  }

  #tell(row: InboxRow | undefined): void {
    if (row !== undefined) this.#components.receipts(row.peer, [receiptOf(row)])
  }
}
