import type { NoticeRow, NoticeStore } from '../mesh/ports.ts'
import { flag, integer, optionalText, type Row, text } from './columns.ts'
import type { Database } from './database.ts'
import type { Quarantine } from './quarantine.ts'
import type { Query } from './query.ts'
import { isSealed, resealed, sealed } from './sealed.ts'

/** An owner who was away for weeks still reads them all. */
export const NOTICES_MAX = 256

/** What the owner should know. Every method throws MeshError `store_failed`. */
export class Notices implements NoticeStore {
  readonly #database: Database
  readonly #quarantine: Quarantine
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database, quarantine }: { database: Database; quarantine: Quarantine }) {
    this.#database = database
    this.#quarantine = quarantine
    this.#queries = prepare(database)
  }

  /** A new id also where it takes another's place: who reads up to the old one has not seen this text. */
  add({ atMs, subject, text, about, pauseMs = 0 }: Parameters<NoticeStore['add']>[0]): NoticeRow {
    return this.#database.transaction(() => {
      // Without the quarantine, which tells in a notice itself: a damaged one is replaced like any other.
      const rows = this.#queries.takeUnread.all({ subject }).filter(row => isSealed('notices', row))
      const replaced = rows.map(readRow).at(-1)
      const ageMs = atMs - (replaced?.atMs ?? Number.NEGATIVE_INFINITY)
      const first = ageMs >= 0 && ageMs < pauseMs ? replaced : undefined
      const named = about !== undefined && { about }
      const notice = { atMs: first?.atMs ?? atMs, subject, text, ...named, shown: first?.shown ?? false }
      const values = { at_ms: notice.atMs, subject, text, about: about ?? null, shown: Number(notice.shown), read: 0 }
      const row = this.#queries.add.get(sealed('notices', values)) ?? {}
      this.#queries.trim.run({ max: NOTICES_MAX })
      return { id: integer(row, 'id'), ...notice, read: false }
    })
  }

  unread(limit: number): NoticeRow[] {
    return this.#quarantine.soundOf('notices', this.#queries.unread.all({ limit })).map(readRow)
  }

  lastMs(subject: string): number | undefined {
    const row = this.#quarantine.sound('notices', this.#queries.last.get({ subject }))
    return row && integer(row, 'at_ms')
  }

  shown(id: number): void {
    this.#database.transaction(() => this.#mark(this.#queries.get.all({ id }), { shown: 1 }))
  }

  read(upToId: number): void {
    this.#database.transaction(() => this.#mark(this.#queries.upTo.all({ id: upToId }), { read: 1 }))
  }

  dismiss(id: number): boolean {
    return this.#database.transaction(() => {
      const rows = this.#queries.get.all({ id }).filter(row => row['read'] === 0)
      return this.#mark(rows, { read: 1 }) > 0
    })
  }

  /** What was set aside of it goes with it: the texts of messages stand in there. */
  forget(about: string): void {
    this.#database.transaction(() => {
      this.#queries.forget.run({ about })
      this.#quarantine.forget(about)
    })
  }

  /** Returns how many were sound. */
  #mark(rows: Row[], change: { shown: 1 } | { read: 1 }): number {
    const sound = this.#quarantine.soundOf('notices', rows)
    for (const row of sound) {
      const values = { shown: integer(row, 'shown'), read: integer(row, 'read'), ...change }
      this.#queries.mark.run({ id: integer(row, 'id'), ...values, checksum: resealed('notices', row, values) })
    }
    return sound.length
  }
}

function prepare(database: Database) {
  return {
    takeUnread: database.query('DELETE FROM notices WHERE subject = :subject AND read = 0 RETURNING *'),
    add: database.query(`
      INSERT INTO notices (at_ms, subject, text, about, shown, read, checksum)
      VALUES (:at_ms, :subject, :text, :about, :shown, :read, :checksum)
      RETURNING id`),
    trim: database.query(`
      DELETE FROM notices WHERE id IN (SELECT id FROM notices ORDER BY read, id DESC LIMIT -1 OFFSET :max)`),
    unread: database.query('SELECT * FROM notices WHERE read = 0 ORDER BY id LIMIT :limit'),
    last: database.query('SELECT * FROM notices WHERE subject = :subject ORDER BY id DESC LIMIT 1'),
    get: database.query('SELECT * FROM notices WHERE id = :id'),
    upTo: database.query('SELECT * FROM notices WHERE read = 0 AND id <= :id'),
    mark: database.query('UPDATE notices SET shown = :shown, read = :read, checksum = :checksum WHERE id = :id'),
    forget: database.query('DELETE FROM notices WHERE about = :about')
  } satisfies Record<string, Query>
}

function readRow(row: Row): NoticeRow {
  const about = optionalText(row, 'about')
  return {
    id: integer(row, 'id'),
    atMs: integer(row, 'at_ms'),
    subject: text(row, 'subject'),
    text: text(row, 'text'),
    ...(about !== undefined && { about }),
    shown: flag(row, 'shown'),
    read: flag(row, 'read')
  }
}
