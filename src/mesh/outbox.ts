import type { Content, Envelope, Trace } from '../protocol/index.ts'
import {
  EXPIRY_DEFAULT_MS,
  encodeContent,
  encodeEnvelope,
  hashOf,
  newId,
  ProtocolError,
  sealGroup,
  TEXT_MAX_BYTES
} from '../protocol/index.ts'
import { MeshError } from './errors.ts'
import { OutboxCaps, outboxFull, TOTAL_MAX_ENTRIES } from './outbox-caps.ts'
import type { Clock, OutboxRow, Signer, Store } from './ports.ts'

/** Drafts of one transaction: more would hold up the event loop and gain nothing. */
const BATCH_MAX_DRAFTS = 1_024

/** One signature covers a group of this size at most: 1 MiB is hashed in some 10 ms, and each doubling costs every envelope 34 bytes of path. */
const GROUP_MAX_ENVELOPES = 256
const GROUP_MAX_BYTES = 1024 * 1024

/** A message to be: the outbox gives it its seq, its signature and its row. */
export interface Draft {
  /** 32 hex digits, made here when absent. Give it where the trace names it. */
  id?: string
  instance: string
  peer: string
  kind: OutboxRow['kind']
  conversation: string
  inReplyTo?: string
  trace: Trace
  /** Empty for a skip. */
  text: string
  /** Skip only: the seq whose place it takes. A skip is also exempt from the caps, it makes room. */
  seq?: number
  /** Wall clock, `EXPIRY_DEFAULT_MS` from now when absent. */
  expiresMs?: number
  idempotencyKey?: string
  session?: string
}

interface Entry {
  draft: Draft
  /** Entries of one `enqueueAll` share a batch. */
  group?: object
  within: (() => void) | undefined
  resolve: (row: OutboxRow) => void
  reject: (error: unknown) => void
}

/** A draft on its way through one commit: to be written, or the repetition of a message that has its row. */
interface Placed {
  entry: Entry
  content: Content
  signed: Uint8Array
}

/**
 * Accepts messages. "Accepted" means committed: `enqueue` resolves after the transaction, and the row goes straight to its lane.
 *
 * Drafts of one turn of the event loop share a transaction, and a signature per group. Commits never overlap, so this is the only writer of seqs
 * and a batch that fails burns none.
 */
export class Outbox {
  readonly #store: Store
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #self: string
  readonly #committed: (rows: OutboxRow[]) => void
  readonly #waiting: Entry[] = []
  #pumping: Promise<void> | undefined
  #stopped = false

  constructor(
    components: { store: Store; signer: Signer; clock: Clock },
    init: { self: string; committed: (rows: OutboxRow[]) => void }
  ) {
    this.#store = components.store
    this.#signer = components.signer
    this.#clock = components.clock
    this.#self = init.self
    this.#committed = init.committed
  }

  /**
   * Resolves with the row as soon as it is durable. A known idempotency key gives the first row and writes nothing new. `within` runs inside the
   * transaction either way; what it throws fails the whole batch.
   *
   * @throws {MeshError} `text_too_long`, `text_empty`, `outbox_full`, `store_failed`, `engine_down`
   */
  enqueue(draft: Draft, within?: () => void): Promise<OutboxRow> {
    return this.#add({ draft, within })
  }

  /** The same for several drafts that stand or fall together with `within`, in one transaction. */
  enqueueAll(drafts: Draft[], within: () => void): Promise<OutboxRow[]> {
    const group = {}
    return Promise.all(drafts.map((draft, i) => this.#add({ draft, group, within: i === 0 ? within : undefined })))
  }

  /** Refuses what comes from now on and resolves when what was under way is committed or rejected. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#pumping
  }

  #add(entry: Omit<Entry, 'resolve' | 'reject'>): Promise<OutboxRow> {
    if (this.#stopped) return Promise.reject(new MeshError('engine_down', { retryable: true }))
    if (this.#waiting.length >= TOTAL_MAX_ENTRIES)
      return Promise.reject(outboxFull(TOTAL_MAX_ENTRIES, 'entries in all'))
    const { promise, resolve, reject } = Promise.withResolvers<OutboxRow>()
    this.#waiting.push({ ...entry, resolve, reject })
    this.#pumping ??= this.#pump()
    return promise
  }

  async #pump(): Promise<void> {
    // The rest of this turn joins the first batch; what comes while a batch is signed makes the next.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      let size = Math.min(BATCH_MAX_DRAFTS, this.#waiting.length)
      const group = this.#waiting[size - 1]?.group
      while (group !== undefined && this.#waiting[size]?.group === group) size++
      const batch = this.#waiting.splice(0, size)
      try {
        await this.#commit(batch)
      } catch (error) {
        for (const entry of batch) entry.reject(asMeshError(error))
      }
    }
    this.#pumping = undefined
  }

  async #commit(batch: Entry[]): Promise<void> {
    const { placed, repeated } = this.#place(batch)
    const envelopes = await this.#seal(placed.map(({ signed }) => signed))
    const rows = placed.map(({ entry, content, signed }, i) =>
      rowOf(entry.draft, content, signed, envelopes[i] as Envelope)
    )
    this.#store.transaction(() => {
      if (rows.length > 0) this.#store.outbox.insert(rows)
      for (const { entry } of placed) entry.within?.()
      for (const { entry } of repeated) entry.within?.()
    })
    const byKey = new Map(rows.map(row => [row.idempotencyKey, row]))
    for (const [i, { entry }] of placed.entries()) entry.resolve(rows[i] as OutboxRow)
    for (const { entry, row } of repeated) {
      const first = row ?? byKey.get(entry.draft.idempotencyKey)
      if (first === undefined)
        entry.reject(new MeshError('internal', { detail: 'the first message of this key is gone' }))
      else entry.resolve(first)
    }
    if (rows.length > 0) this.#committed(rows)
  }

  /** Sorts a batch into messages to write and repetitions; what may not be written is rejected here, alone. */
  #place(batch: Entry[]): { placed: Placed[]; repeated: Array<{ entry: Entry; row: OutboxRow | undefined }> } {
    const placed: Placed[] = []
    const repeated: Array<{ entry: Entry; row: OutboxRow | undefined }> = []
    const keys = new Set<string>()
    const seqs = new Map<string, number>()
    const room = new OutboxCaps(this.#store)
    const nowMs = this.#clock.wallMs()
    for (const entry of batch) {
      const { draft } = entry
      const key = draft.idempotencyKey
      const row = key === undefined ? undefined : this.#store.outbox.byIdempotencyKey(key)
      if (row !== undefined || (key !== undefined && keys.has(key))) {
        repeated.push({ entry, row })
        continue
      }
      try {
        const lane = `${draft.instance} ${draft.conversation}`
        const last = seqs.get(lane) ?? this.#store.outbox.lastSeq(draft.instance, draft.conversation)
        const seq = draft.seq ?? last + 1
        const content = this.#contentOf(draft, seq, nowMs)
        const signed = encodeContent(content)
        if (draft.kind !== 'skip') room.take(draft.instance, signed.byteLength)
        placed.push({ entry, content, signed })
        seqs.set(lane, Math.max(seq, last))
        if (key !== undefined) keys.add(key)
      } catch (error) {
        entry.reject(asMeshError(error))
      }
    }
    return { placed, repeated }
  }

  #contentOf(draft: Draft, seq: number, nowMs: number): Content {
    const body = new TextEncoder().encode(draft.text)
    if (draft.kind !== 'skip') checkText(draft.text, body)
    return {
      kind: draft.kind,
      id: draft.id ?? newId(),
      from: this.#self,
      key: this.#signer.publicKey,
      to: draft.instance,
      epoch: this.#store.epoch,
      conversation: draft.conversation,
      seq,
      ...(draft.inReplyTo !== undefined && { inReplyTo: draft.inReplyTo }),
      timeMs: nowMs,
      expiresMs: draft.expiresMs ?? nowMs + EXPIRY_DEFAULT_MS,
      trace: draft.trace,
      body: draft.kind === 'skip' ? { type: 'none' } : { type: 'plain', bytes: body }
    }
  }

  async #seal(signed: Uint8Array[]): Promise<Envelope[]> {
    const sealed: Envelope[] = []
    for (const group of groups(signed)) sealed.push(...(await sealGroup(group, bytes => this.#signer.sign(bytes))))
    return sealed
  }
}

function rowOf(draft: Draft, content: Content, signed: Uint8Array, envelope: Envelope): OutboxRow {
  return {
    id: content.id,
    instance: draft.instance,
    peer: draft.peer,
    conversation: content.conversation,
    seq: content.seq,
    kind: draft.kind,
    ...(content.inReplyTo !== undefined && { inReplyTo: content.inReplyTo }),
    envelope: encodeEnvelope(envelope),
    hash: hashOf(signed),
    state: 'queued',
    createdMs: content.timeMs,
    expiresMs: content.expiresMs,
    ...(draft.idempotencyKey !== undefined && { idempotencyKey: draft.idempotencyKey }),
    ...(draft.session !== undefined && { session: draft.session })
  }
}

function* groups(signed: Uint8Array[]): Generator<Uint8Array[]> {
  let group: Uint8Array[] = []
  let bytes = 0
  for (const one of signed) {
    if (group.length === GROUP_MAX_ENVELOPES || (group.length > 0 && bytes + one.byteLength > GROUP_MAX_BYTES)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(one)
    bytes += one.byteLength
  }
  if (group.length > 0) yield group
}

function checkText(text: string, body: Uint8Array): void {
  if (text.length === 0) throw new MeshError('text_empty')
  if (body.byteLength > TEXT_MAX_BYTES) {
    throw new MeshError('text_too_long', { detail: `${body.byteLength} bytes, at most ${TEXT_MAX_BYTES} are allowed` })
  }
}

function asMeshError(error: unknown): MeshError {
  if (error instanceof MeshError) return error
  if (error instanceof ProtocolError && (error.code === 'text_too_long' || error.code === 'text_empty')) {
    return new MeshError(error.code, { detail: error.message, cause: error })
  }
  if (error instanceof ProtocolError) return new MeshError('bad_request', { detail: error.message, cause: error })
  return new MeshError('store_failed', { cause: error, retryable: true })
}
