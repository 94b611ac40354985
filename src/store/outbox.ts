import { MeshError } from '../mesh/errors.ts'
import type { OutboxRow, OutboxState, OutboxStore } from '../mesh/ports.ts'
import type { RejectReason } from '../protocol/kinds.ts'
import { bytes, integer, oneOf, optionalText, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import { advanced, isAtPeer } from './levels.ts'
import { messageParameters, readMessage } from './message-columns.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import { isSealed, resealed, sealed } from './sealed.ts'

/** A dead letter stays until it was dismissed. Word for word as the index has it, or that is not used. */
export const IS_DEAD = `state IN ('rejected', 'expired') AND dismissed = 0 AND kind <> 'skip'`

export const STATES = [
  'queued',
  'received',
  'delivered',
  'answered',
  'rejected',
  'expired',
  'cancelled'
] as const satisfies OutboxState[]

export interface OutboxComponents {
  database: Database
  quarantine: Quarantine
  /** Rows and sequences belong to the epoch in which they were made: a new one counts from 1 again. */
  epoch: string
}

/** What this instance has to say. Every method throws MeshError `store_failed`. */
export class Outbox implements OutboxStore {
  readonly #database: Database
  readonly #quarantine: Quarantine
  readonly #epoch: string
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine, epoch }: OutboxComponents) {
    this.#database = database
    this.#quarantine = quarantine
    this.#epoch = epoch
    this.#queries = prepare(database)
  }

  lastSeq(instance: string, conversation: string): number {
    const row = this.#queries.lastSeq.get({ instance, epoch: this.#epoch, conversation })
    // Nothing may be counted from a guess: the next start gives another epoch, in which all of it begins anew.
    if (row !== undefined && !isSealed('sequences', row))
      throw new MeshError('store_failed', { detail: 'the numbers of a conversation are damaged: restart' })
    return row === undefined ? 0 : integer(row, 'last_seq')
  }

  /**
   * All or none: an id, a seq of its conversation, or an idempotency key that is there already refuses the whole group.
   */
  insert(rows: OutboxRow[]): void {
    this.#database.transaction(() => {
      for (const row of rows) this.#queries.insert.run(sealed('outbox', parametersOf(row, this.#epoch)))
      for (const lane of Map.groupBy(rows, row => `${row.instance} ${row.conversation}`).values()) {
        const last = lane.reduce((a, b) => (b.seq > a.seq ? b : a))
        const { instance, conversation, seq } = last
        if (seq <= this.lastSeq(instance, conversation)) continue
        const values = { instance, epoch: this.#epoch, conversation, last_seq: seq }
        this.#queries.raiseSeq.run(sealed('sequences', values))
      }
    })
  }

  get(id: string): OutboxRow | undefined {
    const row = this.#row(id)
    return row && readRow(row)
  }

  byIdempotencyKey(key: string): OutboxRow | undefined {
    const row = this.#quarantine.sound('outbox', this.#queries.byKey.get({ key }))
    return row && readRow(row)
  }

  releaseKey(id: string): void {
    this.#database.transaction(() => {
      const row = this.#row(id)
      if (row === undefined) return
      this.#queries.releaseKey.run({ id, checksum: resealed('outbox', row, { idempotency_key: null }) })
    })
  }

  /** An unknown `afterId` counts as none: what is sent twice is one message at the peer. */
  queued(instance: string, limit: number, afterId = ''): OutboxRow[] {
    return this.#soundRows(this.#queries.queued.all({ instance, limit, afterId }))
  }

  unsettled(instance: string, limit: number, afterId = ''): OutboxRow[] {
    return this.#soundRows(this.#queries.unsettled.all({ instance, limit, afterId }))
  }

  /**
   * What waits is what is queued: a received row is safe at the peer and takes no room of the queue, and a skip stands
   * for a message that ended.
   */
  load(instance?: string): { entries: number; bytes: number } {
    const { load, totalLoad } = this.#queries
    const row = instance === undefined ? totalLoad.get() : load.get({ instance })
    return row === undefined
      ? { entries: 0, bytes: 0 }
      : { entries: integer(row, 'entries'), bytes: integer(row, 'bytes') }
  }

  waitingInstances(): string[] {
    return this.#queries.waiting.all().map(row => text(row, 'instance'))
  }

  /** The rules are those of `advanced`. */
  advance(id: string, state: OutboxState, details?: Pick<OutboxRow, 'reason' | 'replyId'>): OutboxRow | undefined {
    return this.#database.transaction(() => {
      const row = this.#row(id)
      const next = row && advanced(readRow(row), state, details)
      if (row === undefined || next === undefined) return undefined
      this.#write(row, { state: next.state, reason: next.reason ?? null, reply_id: next.replyId ?? null })
      return next
    })
  }

  expire(nowMs: number, limit: number): OutboxRow[] {
    return this.#database.transaction(() =>
      this.#quarantine.soundOf('outbox', this.#queries.overdue.all({ nowMs, limit })).map(row => {
        const change = { state: 'expired', reason: null, reply_id: row['reply_id'] ?? null } as const
        this.#write(row, change)
        return readRow({ ...row, ...change })
      })
    )
  }

  prune(beforeMs: number, limit: number): number {
    return this.#queries.prune.run({ beforeMs, limit })
  }

  /** Counts anew what waits, of which a number of its own is kept: true where that one was wrong. */
  recount(): boolean {
    return this.#database.transaction(() => {
      const { kept, counted } = this.#queries
      if (JSON.stringify(kept.all()) === JSON.stringify(counted.all())) return false
      this.#queries.forgetLoads.run()
      this.#queries.countLoads.run()
      return true
    })
  }

  #write(
    row: Row,
    { state, ...rest }: { state: OutboxState; reason: RejectReason | null; reply_id: Row[string] }
  ): void {
    const reached = row['reached'] === 1 || isAtPeer(state) ? 1 : 0
    const change = { state, ...rest, reached }
    this.#queries.advance.run({ id: text(row, 'id'), ...change, checksum: resealed('outbox', row, change) })
  }

  #row(id: string): Row | undefined {
    return this.#quarantine.sound('outbox', this.#queries.get.get({ id }))
  }

  #soundRows(rows: Row[]): OutboxRow[] {
    return this.#quarantine.soundOf('outbox', rows).map(readRow)
  }
}

function prepare(database: Database) {
  const counted = `
    SELECT instance, count(*) AS entries, sum(length(envelope)) AS bytes FROM outbox
    WHERE state = 'queued' AND kind <> 'skip' GROUP BY instance`
  const after = 'place > coalesce((SELECT place FROM outbox WHERE id = :afterId), 0)'
  return {
    insert: database.query(`
      INSERT INTO outbox (id, instance, peer, epoch, conversation, seq, kind, in_reply_to, envelope, hash, state, reason,
        created_ms, expires_ms, idempotency_key, session, reply_id, reached, checksum)
      VALUES (:id, :instance, :peer, :epoch, :conversation, :seq, :kind, :in_reply_to, :envelope, :hash, :state, :reason,
        :created_ms, :expires_ms, :idempotency_key, :session, :reply_id, :reached, :checksum)`),
    raiseSeq: database.query(`
      INSERT INTO sequences (instance, epoch, conversation, last_seq, checksum)
      VALUES (:instance, :epoch, :conversation, :last_seq, :checksum)
      ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq, checksum = excluded.checksum`),
    lastSeq: database.query(`
      SELECT * FROM sequences WHERE instance = :instance AND epoch = :epoch AND conversation = :conversation`),
    get: database.query('SELECT * FROM outbox WHERE id = :id'),
    byKey: database.query('SELECT * FROM outbox WHERE idempotency_key = :key'),
    releaseKey: database.query('UPDATE outbox SET idempotency_key = NULL, checksum = :checksum WHERE id = :id'),
    queued: database.query(`
      SELECT * FROM outbox WHERE instance = :instance AND state = 'queued' AND ${after} ORDER BY place LIMIT :limit`),
    unsettled: database.query(`
      SELECT * FROM outbox WHERE instance = :instance AND state IN ('queued', 'received') AND ${after}
      ORDER BY place LIMIT :limit`),
    load: database.query('SELECT entries, bytes FROM loads WHERE instance = :instance'),
    totalLoad: database.query(`
      SELECT coalesce(sum(entries), 0) AS entries, coalesce(sum(bytes), 0) AS bytes FROM loads`),
    waiting: database.query('SELECT instance FROM loads'),
    advance: database.query(`
      UPDATE outbox SET state = :state, reason = :reason, reply_id = :reply_id, reached = :reached, checksum = :checksum
      WHERE id = :id`),
    overdue: database.query(`
      SELECT * FROM outbox WHERE state IN ('queued', 'received') AND expires_ms <= :nowMs
      ORDER BY expires_ms, place LIMIT :limit`),
    kept: database.query('SELECT instance, entries, bytes FROM loads ORDER BY instance'),
    counted: database.query(`${counted} ORDER BY instance`),
    forgetLoads: database.query('DELETE FROM loads'),
    countLoads: database.query(`INSERT INTO loads ${counted}`),
    prune: database.query(`
      DELETE FROM outbox WHERE place IN (
        SELECT place FROM outbox WHERE state NOT IN ('queued', 'received') AND expires_ms < :beforeMs AND NOT (${IS_DEAD})
        ORDER BY expires_ms LIMIT :limit)`)
  } satisfies Record<string, Query>
}

function parametersOf(row: OutboxRow, epoch: string) {
  return {
    ...messageParameters(row),
    epoch,
    state: row.state,
    created_ms: row.createdMs,
    expires_ms: row.expiresMs,
    idempotency_key: row.idempotencyKey ?? null,
    session: row.session ?? null,
    reply_id: row.replyId ?? null,
    reached: isAtPeer(row.state) ? 1 : 0
  }
}

function readRow(row: Row): OutboxRow {
  return { ...readHead(row), envelope: bytes(row, 'envelope'), hash: bytes(row, 'hash') }
}

/** All of a row but its bytes. */
export function readHead(row: Row): Omit<OutboxRow, 'envelope' | 'hash'> {
  const idempotencyKey = optionalText(row, 'idempotency_key')
  const session = optionalText(row, 'session')
  const replyId = optionalText(row, 'reply_id')
  return {
    ...readMessage(row),
    state: oneOf(row, 'state', STATES),
    createdMs: integer(row, 'created_ms'),
    expiresMs: integer(row, 'expires_ms'),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(session !== undefined && { session }),
    ...(replyId !== undefined && { replyId })
  }
}
