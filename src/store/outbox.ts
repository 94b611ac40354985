import type { OutboxRow, OutboxState, OutboxStore } from '../mesh/ports.ts'
import { REASONS, type RejectReason } from '../protocol/kinds.ts'
import { bytes, integer, oneOf, optionalText, type Row, text } from './columns.ts'
import type { Database, Query } from './database.ts'
import { advanced } from './levels.ts'

const KINDS = ['message', 'host', 'skip'] as const
const REASON_NAMES = Object.keys(REASONS) as RejectReason[]
const STATES = [
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
  /** Rows and sequences belong to the epoch in which they were made: a new one counts from 1 again. */
  epoch: string
}

/** What this instance has to say. Every method throws MeshError `store_failed`. */
export class Outbox implements OutboxStore {
  readonly #database: Database
  readonly #epoch: string
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, epoch }: OutboxComponents) {
    this.#database = database
    this.#epoch = epoch
    this.#queries = prepare(database)
  }

  lastSeq(instance: string, conversation: string): number {
    const row = this.#queries.lastSeq.get({ instance, epoch: this.#epoch, conversation })
    return row === undefined ? 0 : integer(row, 'last_seq')
  }

  /**
   * All or none: an id, a seq of its conversation, or an idempotency key that is there already refuses the whole group.
   */
  insert(rows: OutboxRow[]): void {
    this.#database.transaction(() => {
      for (const row of rows) {
        const { instance, conversation, seq } = row
        this.#queries.insert.run(parametersOf(row, this.#epoch))
        this.#queries.raiseSeq.run({ instance, epoch: this.#epoch, conversation, seq })
      }
    })
  }

  get(id: string): OutboxRow | undefined {
    return rowOf(this.#queries.get.get({ id }))
  }

  byIdempotencyKey(key: string): OutboxRow | undefined {
    return rowOf(this.#queries.byKey.get({ key }))
  }

  releaseKey(id: string): void {
    this.#queries.releaseKey.run({ id })
  }

  /** An unknown `afterId` counts as none: what is sent twice is one message at the peer. */
  queued(instance: string, limit: number, afterId = ''): OutboxRow[] {
    return this.#queries.queued.all({ instance, limit, afterId }).map(readRow)
  }

  unsettled(instance: string, limit: number, afterId = ''): OutboxRow[] {
    return this.#queries.unsettled.all({ instance, limit, afterId }).map(readRow)
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
    const row = this.get(id)
    const next = row && advanced(row, state, details)
    if (next === undefined) return undefined
    this.#queries.advance.run({ id, state: next.state, reason: next.reason ?? null, reply_id: next.replyId ?? null })
    return next
  }

  expire(nowMs: number): OutboxRow[] {
    // The order of RETURNING is left open by SQLite.
    const rows = this.#queries.expire.all({ nowMs }).toSorted((a, b) => integer(a, 'place') - integer(b, 'place'))
    return rows.map(readRow)
  }

  prune(beforeMs: number, limit: number): number {
    return this.#queries.prune.run({ beforeMs, limit })
  }
}

function prepare(database: Database) {
  const after = 'place > coalesce((SELECT place FROM outbox WHERE id = :afterId), 0)'
  return {
    insert: database.query(`
      INSERT INTO outbox (id, instance, peer, epoch, conversation, seq, kind, in_reply_to, envelope, hash, state, reason,
        created_ms, expires_ms, idempotency_key, session, reply_id)
      VALUES (:id, :instance, :peer, :epoch, :conversation, :seq, :kind, :in_reply_to, :envelope, :hash, :state, :reason,
        :created_ms, :expires_ms, :idempotency_key, :session, :reply_id)`),
    raiseSeq: database.query(`
      INSERT INTO sequences VALUES (:instance, :epoch, :conversation, :seq)
      ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq)`),
    lastSeq: database.query(`
      SELECT last_seq FROM sequences WHERE instance = :instance AND epoch = :epoch AND conversation = :conversation`),
    get: database.query('SELECT * FROM outbox WHERE id = :id'),
    byKey: database.query('SELECT * FROM outbox WHERE idempotency_key = :key'),
    releaseKey: database.query('UPDATE outbox SET idempotency_key = NULL WHERE id = :id'),
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
      UPDATE outbox SET state = :state, reason = :reason, reply_id = :reply_id WHERE id = :id`),
    expire: database.query(`
      UPDATE outbox SET state = 'expired', reason = NULL
      WHERE state IN ('queued', 'received') AND expires_ms <= :nowMs RETURNING *`),
    prune: database.query(`
      DELETE FROM outbox WHERE place IN (
        SELECT place FROM outbox WHERE state NOT IN ('queued', 'received') AND expires_ms < :beforeMs
        ORDER BY expires_ms LIMIT :limit)`)
  } satisfies Record<string, Query>
}

function parametersOf(row: OutboxRow, epoch: string) {
  return {
    id: row.id,
    instance: row.instance,
    peer: row.peer,
    epoch,
    conversation: row.conversation,
    seq: row.seq,
    kind: row.kind,
    in_reply_to: row.inReplyTo ?? null,
    envelope: row.envelope,
    hash: row.hash,
    state: row.state,
    reason: row.reason ?? null,
    created_ms: row.createdMs,
    expires_ms: row.expiresMs,
    idempotency_key: row.idempotencyKey ?? null,
    session: row.session ?? null,
    reply_id: row.replyId ?? null
  }
}

function rowOf(row: Row | undefined): OutboxRow | undefined {
  return row && readRow(row)
}

function readRow(row: Row): OutboxRow {
  const inReplyTo = optionalText(row, 'in_reply_to')
  const idempotencyKey = optionalText(row, 'idempotency_key')
  const session = optionalText(row, 'session')
  const replyId = optionalText(row, 'reply_id')
  return {
    id: text(row, 'id'),
    instance: text(row, 'instance'),
    peer: text(row, 'peer'),
    conversation: text(row, 'conversation'),
    seq: integer(row, 'seq'),
    kind: oneOf(row, 'kind', KINDS),
    ...(inReplyTo !== undefined && { inReplyTo }),
    envelope: bytes(row, 'envelope'),
    hash: bytes(row, 'hash'),
    state: oneOf(row, 'state', STATES),
    ...(row['reason'] !== null && { reason: oneOf(row, 'reason', REASON_NAMES) }),
    createdMs: integer(row, 'created_ms'),
    expiresMs: integer(row, 'expires_ms'),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(session !== undefined && { session }),
    ...(replyId !== undefined && { replyId })
  }
}
