import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import type { Store } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB, idOf, inboxRow, outboxRow } from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const WEEK_MS = 7 * 24 * 60 * 60 * 1000

/** A store with a message to Alice and one of Bob set aside, and a clock that can be set on. */
function damaged(): { store: Store; path: string; pass: (ms: number) => void } {
  const dir = temporaryDirectory()
  const path = join(dir, 'libp2p', 'mesh.sqlite')
  let nowMs = clock.wallMs()
  const store = openStore({ dir, log: recordingLog(), clock: { ...clock, wallMs: () => nowMs } })
  store.outbox.insert([outboxRow(1)])
  store.inbox.insert([inboxRow(1, { instance: BOB })])
  edit(path, 'UPDATE outbox SET expires_ms = 7; UPDATE inbox SET received_ms = 7')
  expect([store.outbox.get(idOf(1)), store.inbox.get(BOB, idOf(1))]).toEqual([undefined, undefined])
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { store, path, pass }
}

it('forgets what was set aside after a week, while the store is open', async () => {
  const { store, pass } = damaged()
  pass(WEEK_MS)
  store.prune()
  expect(store.issues()).toEqual([expect.stringContaining('(inbox 1, outbox 1)')])
  pass(1)
  store.prune()
  expect(store.issues()).toEqual([])
  await store.close()
})

it('forgets with an instance what was set aside of it, and nothing else', async () => {
  const { store, path } = damaged()
  store.notices.forget(ALICE)
  expect(store.issues()).toEqual([expect.stringContaining('(inbox 1)')])
  await store.close()
  const database = new DatabaseSync(path, { readOnly: true })
  expect(
    database
      .prepare('SELECT source FROM damaged')
      .all()
      .map(row => row['source'])
  ).toEqual(['inbox'])
  database.close()
})

function edit(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}
