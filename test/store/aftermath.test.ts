import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import { idOf, outboxRow } from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

it.each(["state = 'rejectee', reason = 'expired!'", "reason = 'nonsense'", "kind = 'massage'"])(
  'R-10: a row that is damaged while the store is open (%s) keeps no list from anybody, and is told to nobody',
  async change => {
    const dir = temporaryDirectory()
    const store = openStore({ dir, log: recordingLog(), clock })
    const rejected = { state: 'rejected', reason: 'overloaded', session: 's' } as const
    store.outbox.insert([1, 2, 3].map(seq => outboxRow(seq, { ...rejected })))
    store.outbox.insert([4, 5, 6].map(seq => outboxRow(seq)))
    const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
    database.exec(`UPDATE outbox SET ${change} WHERE id IN ('${idOf(2)}', '${idOf(5)}')`)
    database.close()
    const ids = (rows: Array<{ id: string }>) => rows.map(({ id }) => id)
    const { aftermath } = store
    expect(ids(aftermath.deadLetters(10))).toEqual([idOf(3), idOf(1)])
    expect(ids(aftermath.waiting(10))).toEqual([idOf(4), idOf(6)])
    expect(ids(aftermath.untold(10))).toEqual([idOf(1), idOf(3)])
    expect(aftermath.get(idOf(2))).toBeUndefined()
    expect(store.issues()).toHaveLength(1)
    await store.close()
  }
)

it('R-10: a row whose session is damaged is told to nobody', async () => {
  const dir = temporaryDirectory()
  const store = openStore({ dir, log: recordingLog(), clock })
  store.outbox.insert([outboxRow(1, { state: 'delivered', session: 'one' })])
  const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
  database.exec("UPDATE outbox SET session = 'two'")
  database.close()
  expect(store.aftermath.untold(10)).toEqual([])
  expect(store.issues()).toHaveLength(1)
  await store.close()
})
