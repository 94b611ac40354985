import { MeshError } from '../../../src/mesh/errors.ts'
import type { TicketRow, TicketStore } from '../../../src/mesh/ports.ts'
import { TICKETS_MAX } from '../../../src/store/tickets.ts'
import type { Held, Journal } from './journal.ts'

export class FakeTickets implements TicketStore {
  readonly #journal: Journal
  readonly #held: Held<TicketRow> = { rows: [] }

  constructor(journal: Journal) {
    this.#journal = journal
  }

  insert(row: TicketRow, nowMs: number): boolean {
    return this.#journal.transaction(() => {
      let { rows } = this.#held
      if (rows.length >= TICKETS_MAX) {
        const over = rows.find(each => each.expiresMs < nowMs || each.usedBy.length >= each.uses)
        if (over === undefined) return false
        rows = rows.filter(each => each !== over)
      }
      if (rows.some(each => each.id === row.id))
        throw new MeshError('store_failed', { detail: 'a ticket of this id is there' })
      this.#journal.replace(this.#held, [...rows, structuredClone(row)])
      return true
    })
  }

  get(id: string): TicketRow | undefined {
    return structuredClone(this.#held.rows.find(row => row.id === id))
  }

  all(): TicketRow[] {
    return structuredClone(this.#held.rows.toReversed())
  }

  use(id: string, instance: string): number | undefined {
    const row = this.get(id)
    if (row === undefined) return undefined
    if (row.usedBy.includes(instance)) return row.usedBy.indexOf(instance)
    if (row.usedBy.length >= row.uses) return undefined
    const next = { ...row, usedBy: [...row.usedBy, instance] }
    this.#replace(this.#held.rows.map(each => (each.id === id ? next : each)))
    return row.usedBy.length
  }

  delete(id: string): boolean {
    const rows = this.#held.rows.filter(row => row.id !== id)
    if (rows.length === this.#held.rows.length) return false
    this.#replace(rows)
    return true
  }

  prune(beforeMs: number): void {
    this.#replace(this.#held.rows.filter(row => row.expiresMs >= beforeMs))
  }

  #replace(rows: TicketRow[]): void {
    this.#journal.transaction(() => this.#journal.replace(this.#held, rows))
  }
}
