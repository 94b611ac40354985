import type { Clock, InboxRow, InboxState, InboxStore } from '../mesh/ports.ts'
import { REASONS, type RejectReason } from '../protocol/kinds.ts'
import { bytes, flag, integer, oneOf, optionalText, type Row, text } from './columns.ts'
import type { Database, Query } from './database.ts'
import { INBOX_ENDS } from './levels.ts'

const KINDS = ['message', 'host', 'skip'] as const
const REASON_NAMES = Object.keys(REASONS) as RejectReason[]
const STATES = [
  'received',
  'dispatching',
  'adopted',
  'replied',
  'done',
  'unknown',
  'rejected'
] as const satisfies InboxState[]

export interface InboxComponents {
  database: Database
  clock: Clock
}

interface Lane {
  instance: string
  epoch: string
  conversation: string
}

/**
 * What peers said to this instance. A message is known by (instance, epoch, conversation, seq): the row tells a
 * duplicate while it is there, and the window for ever after. Every method throws MeshError `store_failed`.
 */
export class Inbox implements InboxStore {
  readonly #database: Database
  readonly #clock: Clock
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, clock }: InboxComponents) {
    this.#database = database
    this.#clock = clock
    this.#queries = prepare(database)
  }

  /** A second id for a known seq, and a second seq for a known id, are not new either. */
  insert(rows: InboxRow[]): Set<string> {
    return this.#database.transaction(() => {
      const fresh = new Set<string>()
      for (const row of rows) {
        if (this.#queries.insert.run(parametersOf(row)) === 0) continue
        fresh.add(row.id)
        if (INBOX_ENDS.has(row.state)) this.#moveWindow(row)
      }
      return fresh
    })
  }

  get(instance: string, id: string): InboxRow | undefined {
    const row = this.#queries.get.get({ instance, id })
    return row && readRow(row)
  }

  nextSeq(instance: string, epoch: string, conversation: string): number {
    const row = this.#queries.nextSeq.get({ instance, epoch, conversation })
    return row === undefined ? 1 : integer(row, 'next_seq')
  }

  /** A row that reaches an ending moves the window, which never moves back. Undefined: there is no such row. */
  update(
    instance: string,
    id: string,
    change: Partial<Pick<InboxRow, 'state' | 'reason' | 'attempt' | 'verified'>>
  ): InboxRow | undefined {
    return this.#database.transaction(() => {
      const row = this.get(instance, id)
      if (row === undefined) return undefined
      const next = { ...row, ...change }
      const { state, reason = null, attempt, verified } = next
      this.#queries.update.run({ instance, id, state, reason, attempt, verified: Number(verified) })
      if (INBOX_ENDS.has(state)) this.#moveWindow(next)
      return next
    })
  }

  inStates(states: InboxState[], limit: number): InboxRow[] {
    // One query per state stops at the limit on the index; one for all would sort every row of those states first.
    const rows = [...new Set(states)].flatMap(state => this.#queries.inState.all({ state, limit }))
    return rows
      .sort((a, b) => integer(a, 'place') - integer(b, 'place'))
      .slice(0, limit)
      .map(readRow)
  }

  newest(limit: number): InboxRow[] {
    return this.#queries.newest.all({ limit }).map(readRow)
  }

  prune(beforeMs: number, limit: number): number {
    return this.#database.transaction(() => {
      const rows = this.#queries.old.all({ beforeMs, limit })
      const newest = new Map<string, Lane & { seq: number }>()
      for (const row of rows) {
        const lane = {
          instance: text(row, 'instance'),
          epoch: text(row, 'epoch'),
          conversation: text(row, 'conversation')
        }
        const key = Object.values(lane).join(' ')
        newest.set(key, { ...lane, seq: Math.max(integer(row, 'seq'), newest.get(key)?.seq ?? 0) })
        this.#queries.remove.run({ place: integer(row, 'place') })
      }
      for (const { seq, ...lane } of newest.values()) {
        const next = this.nextSeq(lane.instance, lane.epoch, lane.conversation)
        if (seq >= next) this.#moveOn(lane, seq + 1)
      }
      return rows.length
    })
  }

  /** Only the row at the window's edge can move it. */
  #moveWindow({ instance, epoch, conversation, seq }: InboxRow): void {
    const lane = { instance, epoch, conversation }
    if (seq === this.nextSeq(instance, epoch, conversation)) this.#moveOn(lane, seq)
  }

  /** To `from`, and past every row from there on without a gap that has ended. */
  #moveOn(lane: Lane, from: number): void {
    let next = from
    for (;;) {
      const row = this.#queries.stateAt.get({ ...lane, seq: next })
      if (row === undefined || !INBOX_ENDS.has(oneOf(row, 'state', STATES))) break
      next++
    }
    this.#queries.moveWindow.run({ ...lane, next_seq: next, moved_ms: this.#clock.wallMs() })
  }
}

function prepare(database: Database) {
  const lane = 'instance = :instance AND epoch = :epoch AND conversation = :conversation'
  return {
    insert: database.query(`
      INSERT INTO inbox (id, instance, peer, epoch, conversation, seq, kind, in_reply_to, envelope, hash, received_ms, state,
        reason, attempt, verified)
      SELECT :id, :instance, :peer, :epoch, :conversation, :seq, :kind, :in_reply_to, :envelope, :hash, :received_ms, :state,
        :reason, :attempt, :verified
      WHERE :seq >= coalesce((SELECT next_seq FROM windows WHERE ${lane}), 1)
      ON CONFLICT DO NOTHING`),
    get: database.query('SELECT * FROM inbox WHERE instance = :instance AND id = :id'),
    update: database.query(`
      UPDATE inbox SET state = :state, reason = :reason, attempt = :attempt, verified = :verified
      WHERE instance = :instance AND id = :id`),
    newest: database.query('SELECT * FROM inbox ORDER BY place DESC LIMIT :limit'),
    inState: database.query('SELECT * FROM inbox WHERE state = :state ORDER BY place LIMIT :limit'),
    old: database.query(`
      SELECT place, instance, epoch, conversation, seq FROM inbox
      WHERE state IN ('replied', 'done', 'unknown', 'rejected') AND received_ms < :beforeMs
      ORDER BY received_ms LIMIT :limit`),
    remove: database.query('DELETE FROM inbox WHERE place = :place'),
    nextSeq: database.query(`SELECT next_seq FROM windows WHERE ${lane}`),
    stateAt: database.query(`SELECT state FROM inbox WHERE ${lane} AND seq = :seq`),
    moveWindow: database.query(`
      INSERT INTO windows VALUES (:instance, :epoch, :conversation, :next_seq, :moved_ms)
      ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq, moved_ms = excluded.moved_ms`)
  } satisfies Record<string, Query>
}

function parametersOf(row: InboxRow) {
  return {
    id: row.id,
    instance: row.instance,
    peer: row.peer,
    epoch: row.epoch,
    conversation: row.conversation,
    seq: row.seq,
    kind: row.kind,
    in_reply_to: row.inReplyTo ?? null,
    envelope: row.envelope,
    hash: row.hash,
    received_ms: row.receivedMs,
    state: row.state,
    reason: row.reason ?? null,
    attempt: row.attempt,
    verified: Number(row.verified)
  }
}

function readRow(row: Row): InboxRow {
  const inReplyTo = optionalText(row, 'in_reply_to')
  return {
    id: text(row, 'id'),
    instance: text(row, 'instance'),
    peer: text(row, 'peer'),
    epoch: text(row, 'epoch'),
    conversation: text(row, 'conversation'),
    seq: integer(row, 'seq'),
    kind: oneOf(row, 'kind', KINDS),
    ...(inReplyTo !== undefined && { inReplyTo }),
    envelope: bytes(row, 'envelope'),
    hash: bytes(row, 'hash'),
    receivedMs: integer(row, 'received_ms'),
    state: oneOf(row, 'state', STATES),
    ...(row['reason'] !== null && { reason: oneOf(row, 'reason', REASON_NAMES) }),
    attempt: integer(row, 'attempt'),
    verified: flag(row, 'verified')
  }
}
