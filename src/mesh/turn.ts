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
 * One turn of the host over one row: what the host reports becomes the row's state first and a receipt then. It gives one answer at most,
 * and once it is closed it hears nothing more.
 */
export class Turn implements TurnEvents {
  readonly #components: TurnComponents
  readonly #row: InboxRow
  readonly #content: Content
  #state: 'begun' | 'adopted' | 'replied' = 'begun'
  #replying: Promise<void> | undefined
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

  /** @throws {MeshError} `aborted` once the turn is over, `bad_request` for a second answer, and whatever the outbox refuses. */
  async reply(text: string): Promise<void> {
    if (this.#closed) throw new MeshError('aborted', { id: this.#row.id, detail: 'the turn is over' })
    if (this.#replying !== undefined) throw new MeshError('bad_request', { id: this.#row.id, detail: 'a second reply' })
    this.#replying = this.#commit(text)
    try {
      await this.#replying
    } catch (error) {
      // Nothing was committed: the host may give another answer, a shorter one for example.
      this.#replying = undefined
      throw error
    }
  }

  /** No more events. Resolves when an answer under way is committed or refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#replying?.catch(() => undefined)
  }

  async #commit(text: string): Promise<void> {
    const { id, instance, peer, conversation } = this.#row
    const trace = traceOfCaused(this.#content)
    let row: InboxRow | undefined
    await this.#components.reply({ instance, peer, kind: 'message', conversation, inReplyTo: id, trace, text }, () => {
      row = this.#advance('replied')
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
