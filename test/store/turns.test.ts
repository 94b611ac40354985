import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import { turnRow } from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

describe('Turns', () => {
  it('S-24: keeps what was spent over a restart, and gives no number twice', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    first.turns.add(turnRow(1))
    const old = first.turns.add(turnRow(2))
    first.turns.count(old, 5)
    await first.close()
    const second = openStore({ dir, log: recordingLog(), clock })
    expect(second.turns.since(0)).toEqual({ turns: 2, characters: 25 })
    second.turns.prune(9)
    expect(second.turns.add(turnRow(10))).toBeGreaterThan(old)
    await second.close()
  })

  it('R-01: has committed a turn and its characters when it returns', async () => {
    const dir = temporaryDirectory()
    const store = openStore({ dir, log: recordingLog(), clock })
    const reader = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'), { readOnly: true })
    const characters = () =>
      reader
        .prepare('SELECT characters FROM turns')
        .all()
        .map(row => row['characters'])
    const turn = store.turns.add(turnRow(1))
    expect(characters()).toEqual([10])
    store.turns.count(turn, 5)
    expect(characters()).toEqual([15])
    reader.close()
    await store.close()
  })

  it('counts the same as a list does, for every filter and time', async () => {
    const store = openStore({ dir: temporaryDirectory(), log: recordingLog(), clock })
    const name = fc.constantFrom('a', 'b', 'c')
    const place = { instance: name, conversation: name, root: name }
    const turn = fc.record({ ...place, atMs: fc.nat(20), characters: fc.nat(100) })
    const filter = fc.record(place, { requiredKeys: [] })
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 40 }), fc.array(filter), fc.nat(21), (turns, filters, atMs) => {
        const run = () => {
          for (const one of turns) store.turns.add(one)
          for (const wanted of filters) {
            const fit = turns.filter(
              one => one.atMs >= atMs && Object.entries({ ...one, ...wanted }).every(sameIn(one))
            )
            const characters = fit.reduce((sum, one) => sum + one.characters, 0)
            expect(store.turns.since(atMs, wanted)).toEqual({ turns: fit.length, characters })
          }
          throw new Undone()
        }
        expect(() => store.transaction(run)).toThrow(Undone)
      }),
      { numRuns: 60 }
    )
    await store.close()
  })
})

function sameIn(one: object): (entry: [string, unknown]) => boolean {
  const entries = new Map<string, unknown>(Object.entries(one))
  return ([key, value]) => entries.get(key) === value
}

/** Takes a run back, so that the next one finds the store empty and no run waits for the disk. */
class Undone extends Error {}
