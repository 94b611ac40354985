import type { Clock, InboxLoad, InboxRow, InboxState, InboxStore } from '../mesh/ports.ts'
import { integer, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import { parametersOf, readRow } from './inbox-row.ts'
import { INBOX_ENDS } from './levels.ts'
import { COUNT_HOLDINGS } from './migrations.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import { resealed, sealed } from './sealed.ts'

/** For rows as they are: a state that is none ends nothing. */
const ENDS: ReadonlySet<unknown> = INBOX_ENDS

export interface InboxComponents {
  database: Database
  quarantine: Quarantine
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
  readonly #quarantine: Quarantine
  readonly #clock: Clock
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine, clock }: InboxComponents) {
    this.#database = database
    this.#quarantine = quarantine
    this.#clock = clock
    this.#queries = prepare(database)
  }

  /** A second id for a known seq, and a second seq for a known id, are not new either. */
  insert(rows: InboxRow[]): Set<string> {
    return this.#database.transaction(() => {
      const fresh = new Set<string>()
      for (const row of rows) {
        if (this.#queries.insert.run(sealed('inbox', parametersOf(row))) === 0) continue
        fresh.add(row.id)
        this.#openWindow(row)
        if (INBOX_ENDS.has(row.state)) this.#moveWindow(row)
      }
      return fresh
    })
  }

  get(instance: string, id: string): InboxRow | undefined {
    const row = this.#row(instance, id)
    return row && readRow(row)
  }

  named(prefix: string, limit: number): InboxRow[] {
    return this.#queries.named.all({ prefix, beyond: `${prefix}g`, limit }).map(readRow)
  }

  nextSeq(instance: string, epoch: string, conversation: string): number {
    const row = this.#quarantine.sound('windows', this.#queries.nextSeq.get({ instance, epoch, conversation }))
    return row === undefined ? 1 : integer(row, 'next_seq')
  }

  holds(instance: string, epoch: string, conversation: string, seq: number): boolean {
    return this.#queries.stateAt.get({ instance, epoch, conversation, seq }) !== undefined
  }

  /** A row that reaches an ending moves the window, which never moves back. Undefined: there is no such row. */
  update(
    instance: string,
    id: string,
    change: Partial<Pick<InboxRow, 'state' | 'reason' | 'attempt' | 'verified'>>
  ): InboxRow | undefined {
    return this.#database.transaction(() => {
      const row = this.#row(instance, id)
      if (row === undefined) return undefined
      const next = { ...readRow(row), ...change }
      const { state, reason = null, attempt, verified } = next
      const values = { state, reason, attempt, verified: Number(verified) }
      this.#queries.update.run({ instance, id, ...values, checksum: resealed('inbox', row, values) })
      if (INBOX_ENDS.has(state)) this.#moveWindow(next)
      return next
    })
  }

  inStates(states: InboxState[], limit: number): InboxRow[] {
    // One query per state stops at the limit on the index; one for all would sort every row of those states first.
    const rows = [...new Set(states)].flatMap(state => this.#queries.inState.all({ state, limit }))
    rows.sort((a, b) => integer(a, 'place') - integer(b, 'place'))
    return this.#quarantine.soundOf('inbox', rows.slice(0, limit)).map(readRow)
  }

  newest(limit: number): InboxRow[] {
    return this.#quarantine.soundOf('inbox', this.#queries.newest.all({ limit })).map(readRow)
  }

  prune(beforeMs: number, limit: number): number {
    return this.#database.transaction(() => {
      const rows = this.#queries.old.all({ beforeMs, limit })
      this.#forget(rows)
      return rows.length
    })
  }

  kept(instance?: string): InboxLoad {
    const { kept, keptInAll } = this.#queries
    const row = instance === undefined ? keptInAll.get() : kept.get({ instance })
    return row === undefined
      ? { entries: 0, bytes: 0, conversations: 0 }
      : { entries: integer(row, 'entries'), bytes: integer(row, 'bytes'), conversations: integer(row, 'conversations') }
  }

  largest(): string | undefined {
    const row = this.#queries.largest.get()
    return row && text(row, 'instance')
  }

  trim(
    instance: string,
    bytes: number,
    { limit, gapBeforeMs }: { limit: number; gapBeforeMs: number }
  ): Pick<InboxLoad, 'entries' | 'bytes'> {
    return this.#database.transaction(() => {
      const before = this.kept(instance)
      const rows: Row[] = []
      let free = 0
      // Without the envelopes, which may be large: most of these rows stay.
      for (const head of this.#queries.oldest.all({ instance, limit })) {
        if (free >= bytes) break
        const row = this.#queries.atPlace.get({ place: integer(head, 'place') })
        if (row === undefined || !this.#isPassed(row, gapBeforeMs)) continue
        rows.push(row)
        free += integer(head, 'bytes')
      }
      this.#forget(rows)
      const after = this.kept(instance)
      return { entries: before.entries - after.entries, bytes: before.bytes - after.bytes }
    })
  }

  pruneWindows(beforeMs: number, limit: number): number {
    return this.#database.transaction(() => {
      const rows = this.#queries.idleWindows.all({ beforeMs, limit })
      for (const row of this.#quarantine.soundOf('windows', rows)) this.#queries.removeWindow.run({ ...laneOf(row) })
      return rows.length
    })
  }

  /** Counts anew what is kept, of which a number of its own is kept: true where that one was wrong. */
  recount(): boolean {
    return this.#database.transaction(() => {
      const { holdings, counted } = this.#queries
      if (JSON.stringify(holdings.all()) === JSON.stringify(counted.all())) return false
      this.#queries.forgetHoldings.run()
      this.#queries.countHoldings.run()
      return true
    })
  }

  /**
   * Makes windows for conversations that have rows and no window: after damage only. A window that begins with the oldest of them lets nothing in twice:
   * what is not in the rows any more has expired, or came before them, unless it had come out of its order.
   */
  rebuildWindows(): void {
    this.#database.transaction(() => {
      for (const row of this.#queries.windowless.all()) {
        this.#moveOn(laneOf(row), integer(row, 'seq'))
      }
    })
  }

  #row(instance: string, id: string): Row | undefined {
    return this.#quarantine.sound('inbox', this.#queries.get.get({ instance, id }))
  }

  /** Whether nothing that is missing before a row may still come. */
  #isPassed(row: Row, gapBeforeMs: number): boolean {
    const { instance, epoch, conversation } = laneOf(row)
    return (
      integer(row, 'seq') < this.nextSeq(instance, epoch, conversation) || integer(row, 'received_ms') < gapBeforeMs
    )
  }

  /** Removes rows that ended, and moves the windows past them. */
  #forget(rows: Row[]): void {
    const newest = new Map<string, Lane & { seq: number }>()
    // A damaged seq must not move a window.
    for (const row of this.#quarantine.soundOf('inbox', rows)) {
      const lane = laneOf(row)
      const key = Object.values(lane).join(' ')
      newest.set(key, { ...lane, seq: Math.max(integer(row, 'seq'), newest.get(key)?.seq ?? 0) })
      this.#queries.remove.run({ place: integer(row, 'place') })
    }
    for (const { seq, ...lane } of newest.values()) {
      const next = this.nextSeq(lane.instance, lane.epoch, lane.conversation)
      if (seq >= next) this.#moveOn(lane, seq + 1)
    }
  }

  /** From its first row on a conversation is known, and counted. */
  #openWindow({ instance, epoch, conversation }: InboxRow): void {
    const lane = { instance, epoch, conversation }
    if (this.#queries.nextSeq.get(lane) !== undefined) return
    this.#queries.moveWindow.run(sealed('windows', { ...lane, next_seq: 1, moved_ms: this.#clock.wallMs() }))
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
      if (row === undefined || !ENDS.has(row['state'])) break
      next++
    }
    this.#queries.moveWindow.run(sealed('windows', { ...lane, next_seq: next, moved_ms: this.#clock.wallMs() }))
  }
}

function prepare(database: Database) {
  const lane = 'instance = :instance AND epoch = :epoch AND conversation = :conversation'
  return {
    insert: database.query(`
      INSERT INTO inbox (id, instance, peer, epoch, conversation, seq, kind, in_reply_to, envelope, hash, received_ms, state,
        reason, attempt, verified, checksum)
      SELECT :id, :instance, :peer, :epoch, :conversation, :seq, :kind, :in_reply_to, :envelope, :hash, :received_ms, :state,
        :reason, :attempt, :verified, :checksum
      WHERE :seq >= coalesce((SELECT next_seq FROM windows WHERE ${lane}), 1)
      ON CONFLICT DO NOTHING`),
    get: database.query('SELECT * FROM inbox WHERE instance = :instance AND id = :id'),
    // From sender to sender along the index: a scan of all rows would hold everything up.
    named: database.query(`
      WITH RECURSIVE senders (name) AS (
        SELECT min(instance) FROM inbox
        UNION ALL
        SELECT (SELECT min(instance) FROM inbox WHERE instance > name) FROM senders WHERE name IS NOT NULL
      )
      SELECT inbox.* FROM senders CROSS JOIN inbox ON inbox.instance = name AND inbox.id >= :prefix AND inbox.id < :beyond
      LIMIT :limit`),
    update: database.query(`
      UPDATE inbox SET state = :state, reason = :reason, attempt = :attempt, verified = :verified, checksum = :checksum
      WHERE instance = :instance AND id = :id`),
    newest: database.query('SELECT * FROM inbox ORDER BY place DESC LIMIT :limit'),
    inState: database.query('SELECT * FROM inbox WHERE state = :state ORDER BY place LIMIT :limit'),
    old: database.query(`
      SELECT * FROM inbox
      WHERE state IN ('replied', 'done', 'unknown', 'rejected') AND received_ms < :beforeMs
      ORDER BY received_ms LIMIT :limit`),
    remove: database.query('DELETE FROM inbox WHERE place = :place'),
    // The condition word for word as the index has it, or that is not used.
    oldest: database.query(`
      SELECT place, length(envelope) + 512 AS bytes FROM inbox INDEXED BY inbox_oldest
      WHERE instance = :instance AND state IN ('replied', 'done', 'unknown', 'rejected') ORDER BY place LIMIT :limit`),
    atPlace: database.query('SELECT * FROM inbox WHERE place = :place'),
    kept: database.query('SELECT * FROM holdings WHERE instance = :instance'),
    keptInAll: database.query(`
      SELECT coalesce(sum(entries), 0) AS entries, coalesce(sum(bytes), 0) AS bytes,
        coalesce(sum(conversations), 0) AS conversations FROM holdings`),
    largest: database.query('SELECT instance FROM holdings WHERE entries > 0 ORDER BY bytes DESC, instance LIMIT 1'),
    idleWindows: database.query(`
      SELECT * FROM windows WHERE moved_ms < :beforeMs AND NOT EXISTS (SELECT 1 FROM inbox
        WHERE windows.instance = inbox.instance AND windows.epoch = inbox.epoch AND windows.conversation = inbox.conversation)
      ORDER BY moved_ms LIMIT :limit`),
    removeWindow: database.query(`DELETE FROM windows WHERE ${lane}`),
    holdings: database.query('SELECT * FROM holdings ORDER BY instance'),
    counted: database.query(`${COUNT_HOLDINGS} ORDER BY instance`),
    forgetHoldings: database.query('DELETE FROM holdings'),
    countHoldings: database.query(`INSERT INTO holdings ${COUNT_HOLDINGS}`),
    nextSeq: database.query(`SELECT * FROM windows WHERE ${lane}`),
    stateAt: database.query(`SELECT state FROM inbox WHERE ${lane} AND seq = :seq`),
    moveWindow: database.query(`
      INSERT INTO windows (instance, epoch, conversation, next_seq, moved_ms, checksum)
      VALUES (:instance, :epoch, :conversation, :next_seq, :moved_ms, :checksum)
      ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq, moved_ms = excluded.moved_ms, checksum = excluded.checksum`),
    windowless: database.query(`
      SELECT instance, epoch, conversation, min(seq) AS seq FROM inbox
      WHERE NOT EXISTS (SELECT 1 FROM windows
        WHERE windows.instance = inbox.instance AND windows.epoch = inbox.epoch AND windows.conversation = inbox.conversation)
      GROUP BY instance, epoch, conversation`)
  } satisfies Record<string, Query>
}

function laneOf(row: Row): Lane {
  return { instance: text(row, 'instance'), epoch: text(row, 'epoch'), conversation: text(row, 'conversation') }
}
