import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import type { Store } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { idOf, outboxRow } from '../contract/store-rows.ts'
import { readFiles, writeFiles } from './damage.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const MEGABYTE = 1024 * 1024
const PAGE_BYTES = 4_096
/** More than is looked through at every start. */
const LARGE = 33
const path = (dir: string) => join(dir, 'libp2p', 'mesh.sqlite')

function open(dir: string): Store {
  return openStore({ dir, log: recordingLog(), clock })
}

/** A file with some megabytes of messages, the first of which is damaged and ended long ago. */
async function damaged(megabytes: number): Promise<string> {
  const dir = temporaryDirectory()
  const store = open(dir)
  store.outbox.insert([outboxRow(1)])
  store.outbox.advance(idOf(1), 'delivered')
  const envelope = new Uint8Array(MEGABYTE)
  store.outbox.insert(Array.from({ length: megabytes }, (_, i) => outboxRow(i + 2, { envelope })))
  await store.close()
  const database = new DatabaseSync(path(dir))
  database.exec(`UPDATE outbox SET peer = 'x' WHERE id = '${idOf(1)}'`)
  database.close()
  return dir
}

it('R-10: a small file is looked through at every start', async () => {
  const store = open(await damaged(1))
  expect(store.issues()).toHaveLength(1)
  await store.close()
})

it('R-10: a large file that ended by itself is not looked through, and what is damaged in it is noticed when it is read', async () => {
  const store = open(await damaged(LARGE))
  expect(store.issues()).toEqual([])
  expect(store.outbox.get(idOf(1))).toBeUndefined()
  expect(store.issues()).toHaveLength(1)
  await store.close()
})

it('R-10: a large file is looked through after a kill', async () => {
  const dir = await damaged(LARGE)
  const store = open(dir)
  const killed = readFiles(dir)
  await store.close()
  writeFiles(dir, killed)
  expect(existsSync(`${path(dir)}-wal`)).toBe(true)
  const again = open(dir)
  expect(again.issues()).toHaveLength(1)
  await again.close()
})

it('R-10: whom a damaged index of a large file leaves out is blocked all the same', async () => {
  const dir = await damaged(LARGE)
  const store = open(dir)
  const record = { peers: [], sinceMs: 5, how: 'command' as const, revision: 0, tombstone: false }
  store.trust.put({ instance: 'someone', level: 'blocked', ...record })
  await store.close()
  const database = new DatabaseSync(path(dir))
  const index = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_trust_1'"
  const page = Number(database.prepare(index).get()?.['rootpage'])
  database.close()
  const bytes = readFileSync(path(dir))
  bytes.write('z', bytes.indexOf('someone', (page - 1) * PAGE_BYTES))
  writeFileSync(path(dir), bytes)
  const again = open(dir)
  expect(again.trust.get('someone')?.level).toBe('blocked')
  await again.close()
})
