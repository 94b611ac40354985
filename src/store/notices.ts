import type { NoticeRow, NoticeStore } from '../mesh/ports.ts'
import { flag, integer, optionalText, type Row, text } from './columns.ts'
import type { Database, Query } from './database.ts'

/** An owner who was away for weeks still reads them all. */
export const NOTICES_MAX = 256

/** What the owner should know. Every method throws MeshError `store_failed`. */
export class Notices implements NoticeStore {
  readonly #database: Database
  readonly #queries: ReturnType<typeof prepare>

  constructor({ database }: { database: Database }) {
    this.#database = database
    this.#queries = prepare(database)
  }

  /** A new id also where it takes another's place: who reads up to the old one has not seen this text. */
  add({ atMs, subject, text, about, pauseMs = 0 }: Parameters<NoticeStore['add']>[0]): NoticeRow {
    return this.#database.transaction(() => {
      const replaced = this.#queries.takeUnread.all({ subject }).map(readRow).at(-1)
      const ageMs = atMs - (replaced?.atMs ?? Number.NEGATIVE_INFINITY)
      const first = ageMs >= 0 && ageMs < pauseMs ? replaced : undefined
      const named = about !== undefined && { about }
      const notice = { atMs: first?.atMs ?? atMs, subject, text, ...named, shown: first?.shown ?? false }
      const values = { at_ms: notice.atMs, subject, text, about: about ?? null, shown: Number(notice.shown) }
      const row = this.#queries.add.get(values) ?? {}
      this.#queries.trim.run({ max: NOTICES_MAX })
      return { id: integer(row, 'id'), ...notice, read: false }
    })
  }

  unread(limit: number): NoticeRow[] {
    return this.#queries.unread.all({ limit }).map(readRow)
  }

  lastMs(subject: string): number | undefined {
    const row = this.#queries.last.get({ subject })
    return row && integer(row, 'at_ms')
  }

  shown(id: number): void {
    this.#queries.shown.run({ id })
  }

  read(upToId: number): void {
    this.#queries.read.run({ id: upToId })
  }

  dismiss(id: number): boolean {
    return this.#queries.dismiss.get({ id }) !== undefined
  }

  forget(about: string): void {
    this.#queries.forget.run({ about })
  }
}

function prepare(database: Database) {
  return {
    takeUnread: database.query('DELETE FROM notices WHERE subject = :subject AND read = 0 RETURNING *'),
    add: database.query(`
      INSERT INTO notices (at_ms, subject, text, about, shown, read)
      VALUES (:at_ms, :subject, :text, :about, :shown, 0)
      RETURNING id`),
    trim: database.query(`
      DELETE FROM notices WHERE id IN (SELECT id FROM notices ORDER BY read, id DESC LIMIT -1 OFFSET :max)`),
    unread: database.query('SELECT * FROM notices WHERE read = 0 ORDER BY id LIMIT :limit'),
    last: database.query('SELECT at_ms FROM notices WHERE subject = :subject ORDER BY id DESC LIMIT 1'),
    shown: database.query('UPDATE notices SET shown = 1 WHERE id = :id'),
    read: database.query('UPDATE notices SET read = 1 WHERE id <= :id'),
    dismiss: database.query('UPDATE notices SET read = 1 WHERE id = :id AND read = 0 RETURNING id'),
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
