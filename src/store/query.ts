import type { SQLInputValue, StatementSync } from 'node:sqlite'
import type { Row } from './columns.ts'

type Parameters = Record<string, SQLInputValue>

export interface QueryComponents {
  statement: StatementSync
  guard: <T>(work: () => T) => T
  /** The same within a transaction: its own where none is under way. */
  write: <T>(work: () => T) => T
}

/** One prepared statement. */
export class Query {
  readonly #statement: StatementSync
  readonly #guard: QueryComponents['guard']
  readonly #write: QueryComponents['write']

  constructor({ statement, guard, write }: QueryComponents) {
    this.#statement = statement
    this.#guard = guard
    this.#write = write
  }

  get(parameters: Parameters = {}): Row | undefined {
    return this.#guard(() => this.#statement.get(parameters))
  }

  all(parameters: Parameters = {}): Row[] {
    return this.#guard(() => this.#statement.all(parameters))
  }

  /** Returns how many rows were changed. */
  run(parameters: Parameters = {}): number {
    return Number(this.#write(() => this.#statement.run(parameters)).changes)
  }
}
