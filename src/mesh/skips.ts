import * as z from 'zod'
import { EXPIRY_MAX_MS, newId } from '../protocol/index.ts'
import type { Draft } from './outbox.ts'
import type { Clock, OutboxRow, Store } from './ports.ts'
import { traceOfNew } from './trace.ts'

/** Where the store keeps what is owed. */
const KEY = 'skipsOwed'

/** Skips of one transaction. */
const GROUP_MAX = 256

const holeSchema = z.object({
  instance: z.string(),
  peer: z.string(),
  conversation: z.string(),
  seq: z.number().int().positive()
})

type Hole = z.output<typeof holeSchema>

/**
 * Receivers go through a conversation by seq and wait at a hole. A message that ended without reaching its addressee would leave one, so a `skip`
 * takes its place. What is owed is written in the transaction that ended the message, and cleared in the one that stores the skips.
 */
export class Skips {
  readonly #store: Store
  readonly #clock: Clock
  readonly #enqueueAll: (drafts: Draft[], within: () => void) => Promise<OutboxRow[]>
  #settling: Promise<void> | undefined

  constructor(
    components: { store: Store; clock: Clock },
    init: { enqueueAll: (drafts: Draft[], within: () => void) => Promise<OutboxRow[]> }
  ) {
    this.#store = components.store
    this.#clock = components.clock
    this.#enqueueAll = init.enqueueAll
  }

  /** To be called inside the transaction that ended these rows. */
  owe(rows: OutboxRow[]): void {
    const holes = rows.filter(row => row.kind !== 'skip')
    if (holes.length === 0) return
    const owed = holes.map(({ instance, peer, conversation, seq }) => ({ instance, peer, conversation, seq }))
    this.#write([...this.#read(), ...owed])
  }

  /** Stores a skip for everything owed. A failure leaves the debt for the next call, and throws. */
  settle(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined
    })
    return this.#settling
  }

  async #settle(): Promise<void> {
    for (let owed = this.#read(); owed.length > 0; owed = this.#read()) {
      const drafts = owed.slice(0, GROUP_MAX).map(hole => this.#draftOf(hole))
      await this.#enqueueAll(drafts, () => this.#write(this.#read().slice(drafts.length)))
    }
  }

  #draftOf(hole: Hole): Draft {
    const id = newId()
    const expiresMs = this.#clock.wallMs() + EXPIRY_MAX_MS
    return { id, ...hole, kind: 'skip', trace: traceOfNew(id), text: '', expiresMs }
  }

  #read(): Hole[] {
    const text = this.#store.value(KEY)
    return text === undefined ? [] : z.array(holeSchema).parse(JSON.parse(text))
  }

  #write(owed: Hole[]): void {
    this.#store.setValue(KEY, JSON.stringify(owed))
  }
}
