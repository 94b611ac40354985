import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Store, TicketRow } from '../../src/mesh/ports.ts'
import { removeWitness } from '../../src/store/epoch.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB, ticketRow } from '../contract/store-rows.ts'
import { FakeStore } from '../fakes/store.ts'
import { clock, copyDatabase, recordingLog, temporaryDirectory } from './temporary.ts'

const GOOD = ticketRow(2, { petname: 'Ada' })

/** A store that holds a spent ticket and a good one, closed again. */
async function written(): Promise<string> {
  const dir = temporaryDirectory()
  const store = openStore({ dir, log: recordingLog(), clock })
  store.tickets.insert(ticketRow(1), 0)
  store.tickets.use(ticketRow(1).id, BOB)
  store.tickets.insert(GOOD, 0)
  await store.close()
  return dir
}

const DAMAGES = [
  'uses = 2',
  'uses = 257',
  "used_by = '[]'",
  "used_by = ''",
  'expires_ms = expires_ms + 1048576',
  'created_ms = created_ms + 1',
  "secret = X'00'",
  'secret = zeroblob(16)',
  "petname = 'Adb'",
  "epoch = '0123456789abcdef'",
  "id = '00000000000000f1'",
  'checksum = checksum + 1'
]

type Step =
  | { do: 'issue'; ttlMs: number; uses: number }
  | { do: 'use'; number: number; instance: string }
  | { do: 'delete'; number: number }
  | { do: 'prune'; ageMs: number }

/** Of the ticket that the step with this index issued, if it did. */
const number = fc.noBias(fc.nat(200))

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant<'issue'>('issue'),
      ttlMs: fc.constantFrom(0, 20, 1_000, 1_000, 1_000),
      uses: fc.integer({ min: 1, max: 3 })
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant<'use'>('use'), number, instance: fc.constantFrom('a', 'b', 'c', 'd') })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant<'delete'>('delete'), number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant<'prune'>('prune'), ageMs: fc.integer({ min: 50, max: 200 }) }) }
)

/** What an owner believes: who came in by which ticket. */
class Model {
  tickets: TicketRow[] = []
  /** How often the list was full, and what that led to. */
  readonly met = { refused: 0, madeRoom: 0 }

  apply(store: Store, one: Step, index: number): void {
    const nowMs = 1_000 + index
    if (one.do === 'issue') {
      this.#issue(store, ticketRow(index, { expiresMs: nowMs + one.ttlMs, uses: one.uses }), nowMs)
      return
    }
    if (one.do === 'prune') {
      store.tickets.prune(nowMs - one.ageMs)
      this.tickets = this.tickets.filter(each => each.expiresMs >= nowMs - one.ageMs)
      return
    }
    const { id } = ticketRow(one.number)
    const known = this.tickets.find(row => row.id === id)
    if (one.do === 'delete') {
      expect(store.tickets.delete(id)).toBe(known !== undefined)
      this.tickets = this.tickets.filter(each => each !== known)
      return
    }
    const again = known?.usedBy.includes(one.instance) === true
    const fresh = known !== undefined && !again && known.usedBy.length < known.uses
    if (fresh) known.usedBy.push(one.instance)
    const place = again || fresh ? known?.usedBy.indexOf(one.instance) : undefined
    expect(store.tickets.use(id, one.instance)).toBe(place)
  }

  #issue({ tickets }: Store, row: TicketRow, nowMs: number): void {
    const over = this.tickets.find(each => each.expiresMs < nowMs || each.usedBy.length === each.uses)
    const full = this.tickets.length === 64
    expect(tickets.insert(row, nowMs)).toBe(!full || over !== undefined)
    if (full) this.met[over === undefined ? 'refused' : 'madeRoom']++
    if (full && over === undefined) return
    if (full) this.tickets = this.tickets.filter(each => each !== over)
    this.tickets.push(row)
  }
}

/** Takes a run back, so that the next one finds the store empty and no run waits for the disk. */
class Undone extends Error {}

describe('Tickets', () => {
  it('keeps tickets and their uses over a restart', async () => {
    const log = recordingLog()
    const store = openStore({ dir: await written(), log, clock })
    expect(store.tickets.all()).toStrictEqual([GOOD, ticketRow(1, { usedBy: [BOB] })])
    expect(store.tickets.use(ticketRow(1).id, ALICE)).toBeUndefined()
    expect(log.lines).toEqual([])
    await store.close()
  })

  it.each(DAMAGES)('R-10: takes a damaged ticket (%s) for none', async damage => {
    const dir = await written()
    const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
    database.exec(`UPDATE tickets SET ${damage} WHERE id = '${ticketRow(1).id}'`)
    database.close()
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['error', { source: 'tickets' }],
      ['warn', { count: 1 }]
    ])
    expect(store.issues()).toEqual([expect.stringContaining('(tickets 1)')])
    expect(store.tickets.all()).toStrictEqual([GOOD])
    expect(store.tickets.use(ticketRow(1).id, ALICE)).toBeUndefined()
    // Nothing of it is in the way of a new one.
    expect(store.tickets.insert(ticketRow(1), 0)).toBe(true)
    await store.close()
  })

  it.each(DAMAGES)('R-10: takes a ticket that is damaged while it runs (%s) for none', async damage => {
    const dir = await written()
    const store = openStore({ dir, log: recordingLog(), clock })
    const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
    database.exec(`UPDATE tickets SET ${damage} WHERE id = '${ticketRow(1).id}'`)
    database.close()
    expect(store.tickets.use(ticketRow(1).id, ALICE)).toBeUndefined()
    expect(store.tickets.get(ticketRow(1).id)).toBeUndefined()
    expect(store.tickets.all()).toStrictEqual([GOOD])
    await store.close()
  })

  it('withdraws what comes back with an older copy: it may have been spent or withdrawn since', async () => {
    const dir = await written()
    removeWitness(join(dir, 'libp2p'))
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    expect(store.tickets.all()).toEqual([])
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', fields: { count: 2 } })
    store.tickets.insert(GOOD, 0)
    await store.close()
    const again = openStore({ dir, log: recordingLog(), clock })
    expect(again.tickets.all()).toStrictEqual([GOOD])
    await again.close()
  })

  it.each([
    ['spent', (store: Store) => store.tickets.use(GOOD.id, ALICE)],
    ['withdrawn', (store: Store) => store.tickets.delete(GOOD.id)]
  ])('withdraws them all when files come back that were copied before one was %s', async (_, end) => {
    const dir = await written()
    const [monday, crashed] = [temporaryDirectory(), temporaryDirectory()]
    const store = openStore({ dir, log: recordingLog(), clock })
    copyDatabase(dir, monday)
    end(store)
    cpSync(dir, crashed, { recursive: true })
    await store.close()
    copyDatabase(monday, crashed)
    expect(() => openStore({ dir: crashed, log: recordingLog(), clock })).toThrow(/lacks the last 1 of its commits/)
    removeWitness(join(crashed, 'libp2p'))
    const second = openStore({ dir: crashed, log: recordingLog(), clock })
    expect(second.tickets.all()).toEqual([])
    await second.close()
  })

  it('lets in as many as the owner meant, whatever happens in whatever order, in the fake and in the file', async () => {
    const real = openStore({ dir: temporaryDirectory(), log: recordingLog(), clock })
    const met = { refused: 0, madeRoom: 0 }
    fc.assert(
      fc.property(fc.array(step, { minLength: 120, maxLength: 200, size: 'max' }), steps => {
        for (const store of [real, new FakeStore()]) {
          const model = new Model()
          const run = () => {
            for (const [index, one] of steps.entries()) {
              model.apply(store, one, index)
              if (index % 20 > 0 && index < steps.length - 1) continue
              expect(store.tickets.all()).toStrictEqual(model.tickets.toReversed())
            }
            throw new Undone()
          }
          expect(() => store.transaction(run)).toThrow(Undone)
          expect(store.tickets.all()).toEqual([])
          met.refused += model.met.refused
          met.madeRoom += model.met.madeRoom
        }
      }),
      { numRuns: 20 }
    )
    expect(met.refused).toBeGreaterThan(10)
    expect(met.madeRoom).toBeGreaterThan(100)
    await real.close()
  })
})
