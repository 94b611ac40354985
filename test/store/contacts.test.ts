import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ContactRow, ContactStore } from '../../src/mesh/ports.ts'
import { removeWitness } from '../../src/store/epoch.ts'
import { openStore } from '../../src/store/index.ts'
import { contactRow } from '../contract/store-rows.ts'
import { FakeStore } from '../fakes/store.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

type Direction = ContactRow['direction']

type Step =
  | { do: 'put'; number: number; direction: Direction; address: number }
  | { do: 'reject' | 'delete'; number: number }
  | { do: 'prune'; ageMs: number }

/** Without fast-check's liking for small numbers: few would ask, and no cap would be met. */
const number = fc.noBias(fc.integer({ min: 0, max: 300 }))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant<'put'>('put'),
      number,
      direction: fc.constantFrom<Direction>('incoming', 'incoming', 'incoming', 'outgoing'),
      // A few crowded addresses, and many that are not.
      address: fc.noBias(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 80 })))
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reject' as const, 'delete' as const), number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant<'prune'>('prune'), ageMs: fc.integer({ min: 150, max: 400 }) }) }
)

interface Kept {
  number: number
  address: number
  atMs: number
}

/** The rules of the port in the plainest words: two queues, and a memory that never fills in these runs. */
class Model {
  readonly queues: Record<Direction, Kept[]> = { incoming: [], outgoing: [] }
  readonly rejected = new Map<number, number>()
  /** How often each cap was met. */
  readonly met = { crowd: 0, full: 0 }

  put(direction: Direction, { number, address, atMs }: Kept): void {
    if (direction === 'incoming' && this.rejected.has(number)) return
    const queue = this.queues[direction]
    const known = queue.find(kept => kept.number === number)
    if (known !== undefined) known.address = address
    else queue.push({ number, address, atMs })
    const gone = this.#candidates(direction, address).find(kept => kept.number !== number)
    if (gone !== undefined) queue.splice(queue.indexOf(gone), 1)
    // What the port promises of every queue.
    expect(queue.length).toBeLessThanOrEqual(64)
    if (direction === 'incoming') expect(queue.filter(kept => kept.address === address).length).toBeLessThanOrEqual(4)
  }

  /** Those of whom the oldest goes. */
  #candidates(direction: Direction, address: number): Kept[] {
    const queue = this.queues[direction]
    const neighbours = queue.filter(kept => kept.address === address)
    if (direction === 'incoming' && neighbours.length > 4) {
      this.met.crowd++
      return neighbours
    }
    if (queue.length <= 64) return []
    if (direction === 'outgoing') return queue
    this.met.full++
    const shares = Map.groupBy(queue, kept => kept.address)
    const most = Math.max(...[...shares.values()].map(share => share.length))
    return queue.filter(kept => shares.get(kept.address)?.length === most)
  }
}

function apply(contacts: ContactStore, model: Model, one: Step, atMs: number): void {
  if (one.do === 'put') {
    const address = `192.0.2.${one.address}`
    contacts.put(contactRow(one.number, { direction: one.direction, address, createdMs: atMs }))
    model.put(one.direction, { ...one, atMs })
    return
  }
  const { incoming, outgoing } = model.queues
  if (one.do === 'prune') {
    const beforeMs = atMs - one.ageMs
    contacts.prune(beforeMs)
    for (const direction of ['incoming', 'outgoing'] as const) {
      model.queues[direction] = model.queues[direction].filter(kept => kept.atMs >= beforeMs)
    }
    for (const [number, saidMs] of model.rejected) if (saidMs < beforeMs) model.rejected.delete(number)
    return
  }
  const instance = contactRow(one.number).instance
  const known = incoming.some(kept => kept.number === one.number)
  model.queues.incoming = incoming.filter(kept => kept.number !== one.number)
  if (one.do === 'reject') {
    expect(contacts.reject(instance, atMs)?.createdMs).toBe(known ? atMs : undefined)
    if (known) model.rejected.set(one.number, atMs)
  } else {
    expect(contacts.delete(instance, 'incoming')).toBe(known || model.rejected.delete(one.number))
    const wished = outgoing.some(kept => kept.number === one.number)
    expect(contacts.delete(instance, 'outgoing')).toBe(wished)
    model.queues.outgoing = outgoing.filter(kept => kept.number !== one.number)
  }
}

/** What a store shows of a queue. */
function shown(contacts: ContactStore, direction: Direction): Kept[] {
  return contacts.pending(direction).map(row => ({
    number: Number(row.instance.slice('stranger-'.length)),
    address: Number(row.address.slice('192.0.2.'.length)),
    atMs: row.createdMs
  }))
}

describe('Contacts', () => {
  it('S-25: keeps 64 requests, 4 of one address, and never drops the newest, whoever asks in whatever order', async () => {
    const real = openStore({ dir: temporaryDirectory(), log: recordingLog(), clock })
    const met = { crowd: 0, full: 0 }
    fc.assert(
      fc.property(fc.array(step, { minLength: 200, maxLength: 350, size: 'max' }), steps => {
        for (const store of [real, new FakeStore()]) {
          const model = new Model()
          const run = () => {
            for (const [index, one] of steps.entries()) {
              apply(store.contacts, model, one, 1_000 + index)
              if (index % 20 > 0 && index < steps.length - 1) continue
              expect(shown(store.contacts, 'incoming')).toStrictEqual(model.queues.incoming)
              expect(shown(store.contacts, 'outgoing')).toStrictEqual(model.queues.outgoing)
            }
            throw new Undone()
          }
          expect(() => store.transaction(run)).toThrow(Undone)
          expect(store.contacts.pending('incoming')).toEqual([])
          met.crowd += model.met.crowd
          met.full += model.met.full
        }
      }),
      { numRuns: 20 }
    )
    expect(met.crowd).toBeGreaterThan(100)
    expect(met.full).toBeGreaterThan(100)
    await real.close()
  })

  it('keeps requests and rejections over a restart', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    for (const each of [1, 2]) first.contacts.put(contactRow(each))
    first.contacts.put(contactRow(3, { direction: 'outgoing' }))
    first.contacts.reject('stranger-1', 9_000)
    await first.close()
    const log = recordingLog()
    const second = openStore({ dir, log, clock })
    expect(second.contacts.get('stranger-1', 'incoming')?.state).toBe('rejected')
    expect(second.contacts.pending('incoming')).toStrictEqual([contactRow(2)])
    expect(second.contacts.pending('outgoing')).toStrictEqual([contactRow(3, { direction: 'outgoing' })])
    expect(log.lines).toEqual([])
    await second.close()
  })

  it('S2.41: drops requests in both directions that come back with an older copy, and keeps rejections', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    first.contacts.put(contactRow(1))
    first.contacts.put(contactRow(1, { direction: 'outgoing' }))
    first.contacts.put(contactRow(2))
    first.contacts.reject('stranger-2', 9_000)
    await first.close()
    removeWitness(join(dir, 'libp2p'))
    const log = recordingLog()
    const second = openStore({ dir, log, clock })
    expect(second.contacts.pending('outgoing')).toEqual([])
    expect(second.contacts.pending('incoming')).toEqual([])
    expect(second.contacts.get('stranger-2', 'incoming')?.state).toBe('rejected')
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn', fields: { count: 2 } })
    await second.close()
  })

  it.each(["direction = 'incominf'", "state = 'pendinf'"])(
    'R-10: reads no damaged row (%s) as something else',
    async damage => {
      const dir = temporaryDirectory()
      const first = openStore({ dir, log: recordingLog(), clock })
      first.contacts.put(contactRow(1))
      await first.close()
      const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
      database.exec(`UPDATE contacts SET ${damage}`)
      database.close()
      const second = openStore({ dir, log: recordingLog(), clock })
      expect(second.contacts.pending('incoming')).toEqual([])
      expect(second.contacts.pending('outgoing')).toEqual([])
      await second.close()
    }
  )
})

/** Takes a run back, so that the next one finds the store empty and no run waits for the disk. */
class Undone extends Error {}
