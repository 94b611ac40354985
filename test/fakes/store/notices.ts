import type { NoticeRow, NoticeStore } from '../../../src/mesh/ports.ts'
import { NOTICES_MAX } from '../../../src/store/notices.ts'
import type { Held, Journal } from './journal.ts'

export class FakeNotices implements NoticeStore {
  readonly #journal: Journal
  readonly #held: Held<NoticeRow> = { rows: [] }
  #lastId = 0

  constructor(journal: Journal) {
    this.#journal = journal
  }

  add({ atMs, subject, text, about, pauseMs = 0 }: Parameters<NoticeStore['add']>[0]): NoticeRow {
    const { rows } = this.#held
    const replaced = rows.find(row => row.subject === subject && !row.read)
    const paused = replaced !== undefined && atMs >= replaced.atMs && atMs < replaced.atMs + pauseMs
    const id = ++this.#lastId
    const row: NoticeRow = {
      id,
      atMs: paused ? replaced.atMs : atMs,
      subject,
      text,
      ...(about !== undefined && { about }),
      shown: paused && replaced.shown,
      read: false
    }
    const grown = [...rows.filter(each => each !== replaced), row]
    const gone = grown.length > NOTICES_MAX ? (grown.find(each => each.read) ?? grown[0]) : undefined
    this.#replace(grown.filter(each => each !== gone))
    return { ...row }
  }

  unread(limit: number): NoticeRow[] {
    const rows = this.#held.rows.filter(row => !row.read)
    return structuredClone(rows.slice(0, limit))
  }

  lastMs(subject: string): number | undefined {
    return this.#held.rows.findLast(row => row.subject === subject)?.atMs
  }

  shown(id: number): void {
    this.#replace(this.#held.rows.map(row => (row.id === id ? { ...row, shown: true } : row)))
  }

  read(upToId: number): void {
    this.#replace(this.#held.rows.map(row => (row.id <= upToId ? { ...row, read: true } : row)))
  }

  dismiss(id: number): boolean {
    const found = this.#held.rows.some(row => row.id === id && !row.read)
    if (found) this.#replace(this.#held.rows.map(row => (row.id === id ? { ...row, read: true } : row)))
    return found
  }

  forget(about: string): void {
    this.#replace(this.#held.rows.filter(row => row.about !== about))
  }

  #replace(rows: readonly NoticeRow[]): void {
    this.#journal.transaction(() => this.#journal.replace(this.#held, rows))
  }
}
