import { MeshError } from '../../../src/mesh/errors.ts'
import type { ContactRow, ContactStore } from '../../../src/mesh/ports.ts'
import { PENDING_MAX, PENDING_PER_ADDRESS_MAX, REJECTED_MAX } from '../../../src/store/contacts.ts'
import type { Held, Journal } from './journal.ts'

type Direction = ContactRow['direction']

export class FakeContacts implements ContactStore {
  readonly #journal: Journal
  readonly #held: Held<ContactRow> = { rows: [] }

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get(instance: string, direction: Direction): ContactRow | undefined {
    return structuredClone(this.#find(instance, direction))
  }

  pending(direction: Direction): ContactRow[] {
    return structuredClone(pendingOf(this.#held.rows, direction))
  }

  put(row: ContactRow): void {
    if (row.state !== 'pending') throw new MeshError('store_failed', { detail: 'only a pending request can be put' })
    const before = this.#find(row.instance, row.direction)
    if (before?.state === 'rejected') return
    const after = { ...row, createdMs: before?.createdMs ?? row.createdMs }
    const { rows } = this.#held
    const grown = before === undefined ? [...rows, after] : rows.map(each => (each === before ? after : each))
    const gone = goneFor(after, pendingOf(grown, row.direction))
    this.#replace(grown.filter(each => each !== gone))
  }

  reject(instance: string, nowMs: number): ContactRow | undefined {
    const row = this.#find(instance, 'incoming')
    if (row?.state !== 'pending') return undefined
    const memory: ContactRow = { ...row, label: '', purpose: '', address: '', createdMs: nowMs, state: 'rejected' }
    const rows = [...this.#held.rows.filter(each => each !== row), memory]
    const rejected = rows.filter(each => each.state === 'rejected')
    const gone = rejected.length > REJECTED_MAX ? rejected[0] : undefined
    this.#replace(rows.filter(each => each !== gone))
    return structuredClone(memory)
  }

  delete(instance: string, direction: Direction): boolean {
    const row = this.#find(instance, direction)
    if (row !== undefined) this.#replace(this.#held.rows.filter(each => each !== row))
    return row !== undefined
  }

  prune(beforeMs: number): void {
    this.#replace(this.#held.rows.filter(row => row.createdMs >= beforeMs))
  }

  #find(instance: string, direction: Direction): ContactRow | undefined {
    return this.#held.rows.find(row => row.instance === instance && row.direction === direction)
  }

  #replace(rows: readonly ContactRow[]): void {
    this.#journal.transaction(() => this.#journal.replace(this.#held, rows))
  }
}

function pendingOf(rows: readonly ContactRow[], direction: Direction): ContactRow[] {
  return rows.filter(row => row.direction === direction && row.state === 'pending')
}

/** What goes to make room for the row just put; at most one, since there was room before. */
function goneFor(row: ContactRow, pending: ContactRow[]): ContactRow | undefined {
  const others = pending.filter(each => each !== row)
  if (row.direction === 'outgoing') return pending.length > PENDING_MAX ? others[0] : undefined
  const share = (address: string) => pending.filter(each => each.address === address).length
  if (share(row.address) > PENDING_PER_ADDRESS_MAX) return others.find(each => each.address === row.address)
  if (pending.length <= PENDING_MAX) return undefined
  const most = Math.max(...others.map(each => share(each.address)))
  return others.find(each => share(each.address) === most)
}
