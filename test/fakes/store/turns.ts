import type { TurnRow, TurnStore } from '../../../src/mesh/ports.ts'
import type { Journal } from './journal.ts'

export class FakeTurns implements TurnStore {
  readonly #journal: Journal
  readonly #rows = new Map<number, TurnRow>()
  #last = 0

  constructor(journal: Journal) {
    this.#journal = journal
  }

  add(row: TurnRow): number {
    const turn = ++this.#last
    this.#journal.transaction(() => this.#journal.set(this.#rows, turn, { ...row }))
    return turn
  }

  count(turn: number, characters: number): void {
    const row = this.#rows.get(turn)
    if (row === undefined) return
    const next = { ...row, characters: row.characters + characters }
    this.#journal.transaction(() => this.#journal.set(this.#rows, turn, next))
  }

  remove(turn: number): void {
    this.#journal.transaction(() => this.#journal.delete(this.#rows, turn))
  }

  restamp(nowMs: number): void {
    this.#journal.transaction(() => {
      for (const [turn, row] of this.#rows)
        if (row.atMs > nowMs) this.#journal.set(this.#rows, turn, { ...row, atMs: nowMs })
    })
  }

  since(
    atMs: number,
    filter: { instance?: string; conversation?: string; root?: string } = {}
  ): { turns: number; characters: number } {
    const sum = { turns: 0, characters: 0 }
    for (const row of this.#rows.values()) {
      if (row.atMs < atMs) continue
      if (row.instance !== (filter.instance ?? row.instance)) continue
      if (row.conversation !== (filter.conversation ?? row.conversation)) continue
      if (row.root !== (filter.root ?? row.root)) continue
      sum.turns++
      sum.characters += row.characters
    }
    return sum
  }

  prune(beforeMs: number): void {
    this.#journal.transaction(() => {
      for (const [turn, { atMs }] of this.#rows) if (atMs < beforeMs) this.#journal.delete(this.#rows, turn)
    })
  }
}
