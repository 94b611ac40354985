import type { Content, Receipt } from '../protocol/index.ts'
import type { Budget } from './budget.ts'
import { MeshError } from './errors.ts'
import { failure } from './guard.ts'
import { receiptOf } from './inbox-row.ts'
import type { Clock, InboxRow, Log, Store, Tier, TurnEvents } from './ports.ts'
import type { Tiers } from './tiers.ts'
import { traceOfCaused } from './trace.ts'
import type { Trust } from './trust.ts'

/** From the least that a text may do to the most. */
const TIERS: readonly Tier[] = ['notify', 'reply', 'trusted']

/** Pause before a store that failed is asked again, ms: an answer that a model made is not made again for a disk that is full for a moment. */
const STORE_WAIT_MS = 2_000

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
  clock: Clock
  log: Log
  trust: Trust
  tiers: Tiers
  receipts: (peer: string, receipts: Receipt[]) => void
  budget: Budget
  /** Commits the draft to the outbox and runs `within` in the same transaction. */
  reply: (draft: ReplyDraft, within: () => void) => Promise<unknown>
}

/**
 * One turn of the host over one row: what the host reports becomes the row's state first and a receipt then. Its first answer is the row's end;
 * further ones are messages of their own to the same question. Once the turn is closed it hears nothing more. `expense` is what the budget calls it.
 */
export class Turn implements TurnEvents {
  readonly #components: TurnComponents
  readonly #row: InboxRow
  readonly #content: Content
  readonly #expense: number
  readonly #tier: Tier
  readonly #withdrawals: number
  readonly #cut = new AbortController()
  /** Ends the wait of an answer for the store. */
  readonly #over = new AbortController()
  #state: 'begun' | 'adopted' | 'replied' = 'begun'
  /** Settles with the newest answer under way; never rejects. */
  #replying: Promise<void> = Promise.resolve()
  #closed = false
  #unsaved = false

  constructor(components: TurnComponents, init: { row: InboxRow; content: Content; expense: number; tier: Tier }) {
    this.#components = components
    this.#row = init.row
    this.#content = init.content
    this.#expense = init.expense
    this.#tier = init.tier
    this.#withdrawals = components.tiers.withdrawals
  }

  get state(): 'begun' | 'adopted' | 'replied' {
    return this.#state
  }

  /** Whether there was an answer that the store never took: how the turn ended says nothing of it. */
  get unsaved(): boolean {
    return this.#unsaved && this.#state !== 'replied'
  }

  /** Aborted when the turn may not go on: the mesh stops, or the peer may not do this any more. */
  get signal(): AbortSignal {
    return this.#cut.signal
  }

  /** Whether the peer may do less than when this turn began: it is trusted less, or the owner took a tool back. */
  get revoked(): boolean {
    const { trust, tiers } = this.#components
    const { instance } = this.#row
    if (!trust.admitted(instance) || TIERS.indexOf(tiers.of(instance)) < TIERS.indexOf(this.#tier)) return true
    return this.#tier === 'trusted' && tiers.withdrawals > this.#withdrawals
  }

  /** Ends it where it stands: it answers nothing more. That it was adopted counts until it is closed, as that may cross the cut. */
  cut(reason: unknown): void {
    this.#cut.abort(reason)
    this.#over.abort(reason)
  }

  adopted(): void {
    if (this.#closed || this.#state !== 'begun') return
    try {
      const row = this.#advance({ state: 'adopted' })
      this.#state = 'adopted'
      this.#tell(row)
    } catch (error) {
      // What could not be written down has not happened: the turn ends before its model says a word, and comes again.
      this.#components.log.error('An adopted turn could not be written down.', failure(error))
      if (this.#state === 'begun') this.cut(error)
    }
  }

  /**
   * Waits for a store that fails for now, as long as the turn does.
   *
   * @throws {MeshError} `aborted` once the turn is over, `not_trusted` once its peer is shut out, `too_many` for a further answer to a peer that has
   * used up its characters, and whatever the outbox refuses: another answer, a shorter one for example, may follow
   */
  async reply(text: string): Promise<void> {
    if (this.#closed || this.#cut.signal.aborted)
      throw new MeshError('aborted', { id: this.#row.id, detail: 'the turn is over' })
    const committed = this.#replying.then(async () => await this.#store(text))
    this.#replying = committed.catch(() => undefined)
    await committed
  }

  /** No more events. Resolves when an answer under way is committed or refused. */
  async close(): Promise<void> {
    this.#closed = true
    this.#over.abort()
    await this.#replying
  }

  async #store(text: string): Promise<void> {
    for (;;) {
      try {
        await this.#commit(text)
        return
      } catch (error) {
        if (!(error instanceof MeshError) || error.code !== 'store_failed') throw error
        const { clock, log } = this.#components
        if (!this.#unsaved) log.warn('An answer was not stored.', { id: this.#row.id, ...failure(error) })
        this.#unsaved = true
        if (!error.retryable) throw error
        await clock.sleep(STORE_WAIT_MS, { signal: this.#over.signal }).catch(() => {
          throw error
        })
      }
    }
  }

  async #commit(text: string): Promise<void> {
    const { id, instance, peer, conversation } = this.#row
    // It may have waited for the one before it.
    if (!this.#components.trust.admitted(instance)) throw new MeshError('not_trusted', { id })
    // The first answer was paid for by the budget that let the turn begin; it is the only one that may go beyond.
    if (this.#state === 'replied' && this.#components.budget.usedUp(instance))
      throw new MeshError('too_many', { id, detail: 'characters for this peer within a day' })
    const trace = traceOfCaused(this.#content)
    let row: InboxRow | undefined
    await this.#components.reply({ instance, peer, kind: 'message', conversation, inReplyTo: id, trace, text }, () => {
      this.#components.budget.count(this.#expense, [...text].length)
      if (this.#state !== 'replied') row = this.#advance({ state: 'replied', reason: 'none' })
    })
    this.#state = 'replied'
    this.#tell(row)
  }

  /** @param change a row that has its answer has nothing hidden any more */
  #advance(change: { state: 'adopted' } | { state: 'replied'; reason: 'none' }): InboxRow | undefined {
    return this.#components.store.inbox.update(this.#row.instance, this.#row.id, change)
  }

  #tell(row: InboxRow | undefined): void {
    if (row !== undefined) this.#components.receipts(row.peer, [receiptOf(row)])
  }
}
