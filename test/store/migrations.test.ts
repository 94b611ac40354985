import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import {
  ALICE,
  BOB,
  CONVERSATION,
  contactRow,
  EPOCH,
  idOf,
  inboxRow,
  outboxRow,
  ticketRow,
  turnRow
} from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const VERSION_1 = readFileSync(new URL('../fixtures/store-1.sql', import.meta.url), 'utf8')

const MIGRATOR = fileURLToPath(new URL('migrator.ts', import.meta.url))

/** As `store-1.sql` has it. */
const VERSION_1_EPOCH = '4a812c390428e7ec'

/** A state directory as version 1 left it. */
function versionOne(): { dir: string; path: string } {
  const dir = temporaryDirectory()
  const path = join(dir, 'libp2p', 'mesh.sqlite')
  mkdirSync(join(dir, 'libp2p'), { mode: 0o700 })
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(VERSION_1)
  database.close()
  writeFileSync(join(dir, 'libp2p', 'epoch'), `${VERSION_1_EPOCH} 1\n`)
  return { dir, path }
}

/** Migrates in a process of its own, which is killed before that statement. */
async function migrated(path: string, last: number): Promise<{ output: string; signal: NodeJS.Signals | null }> {
  const child = spawn(process.execPath, [MIGRATOR, path, String(last)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [, signal] = await once(child, 'close')
  return { output, signal }
}

/** The rows that a migration has to keep. */
function dumpOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  const tables = ['outbox', 'inbox', 'sequences', 'windows', 'loads', 'trust']
  const rows = tables.map(table => database.prepare(`SELECT * FROM ${table}`).all())
  database.close()
  return JSON.parse(JSON.stringify(rows))
}

function schemaOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all()
  const version = database.prepare('PRAGMA user_version').get()
  database.close()
  return [...rows, version]
}

describe('migrations', () => {
  it('R-22: open a database of version 1 and keep its rows, its epoch and its trust', async () => {
    const { dir } = versionOne()
    const log = recordingLog()
    const store = openStore({ dir, log, clock })
    expect(store.epoch).toBe(VERSION_1_EPOCH)
    expect(log.lines).toEqual([])
    const host = outboxRow(2, { kind: 'host', inReplyTo: idOf(9), idempotencyKey: 'k', session: 's' })
    expect(store.outbox.unsettled(ALICE, 10)).toStrictEqual([outboxRow(1, { state: 'received' }), host])
    expect(store.outbox.load()).toEqual({ entries: 1, bytes: 3 })
    expect(store.outbox.lastSeq(ALICE, CONVERSATION)).toBe(2)
    expect(store.inbox.get(ALICE, idOf(1))).toStrictEqual(inboxRow(1, { state: 'done' }))
    expect(store.inbox.inStates(['received'], 10)).toStrictEqual([inboxRow(2)])
    expect(store.inbox.nextSeq(ALICE, EPOCH, CONVERSATION)).toBe(2)
    expect(store.value('label')).toBe('brisk otter')
    expect(store.trust.all()).toStrictEqual([
      {
        instance: ALICE,
        peers: ['12D3KooWAlice'],
        level: 'paired',
        petname: 'Ada',
        sinceMs: 5,
        how: 'ticket',
        revision: 1,
        tombstone: false
      },
      { instance: BOB, peers: [], level: 'unknown', sinceMs: 6, how: 'command', revision: 1, tombstone: true }
    ])
    store.tickets.insert(ticketRow(1), 0)
    store.contacts.put(contactRow(1))
    store.turns.add(turnRow(1))
    store.notices.add({ atMs: 1, subject: 's', text: 't' })
    await store.close()
    const again = openStore({ dir, log, clock })
    expect(again.tickets.all()).toStrictEqual([ticketRow(1)])
    expect(again.outbox.load()).toEqual({ entries: 1, bytes: 3 })
    expect(log.lines).toEqual([])
    await again.close()
  })

  it('R-22: end at the same schema from wherever they begin', async () => {
    const old = versionOne()
    await openStore({ dir: old.dir, log: recordingLog(), clock }).close()
    const dir = temporaryDirectory()
    await openStore({ dir, log: recordingLog(), clock }).close()
    expect(schemaOf(old.path)).toEqual(schemaOf(join(dir, 'libp2p', 'mesh.sqlite')))
  })

  it('R-22: tell nobody of what had ended before, and of what waits as of any other message', async () => {
    const { dir, path } = versionOne()
    const database = new DatabaseSync(path)
    database.exec(`UPDATE outbox SET state = 'expired', session = 's' WHERE id = '${idOf(1)}'`)
    database.close()
    const store = openStore({ dir, log: recordingLog(), clock })
    expect(store.aftermath.deadLetterCount()).toBe(0)
    expect(store.aftermath.untold(10)).toEqual([])
    expect(store.aftermath.sayLate(10)).toEqual([])
    expect(store.aftermath.sayWaiting(clock.wallMs(), 10)).toEqual(new Map([[ALICE, 1]]))
    await store.close()
  })

  it('R-22: killed before any of their statements, leave a file that opens as if nothing had been', {
    timeout: 300_000
  }, async () => {
    const model = versionOne()
    const statements = Number((await migrated(model.path, Number.POSITIVE_INFINITY)).output)
    expect(statements).toBeGreaterThan(20)
    const expected = dumpOf(model.path)
    for (let last = 0; last < statements; last++) {
      const { dir, path } = versionOne()
      expect((await migrated(path, last)).signal, `statement ${last}`).toBe('SIGKILL')
      const log = recordingLog()
      const store = openStore({ dir, log, clock })
      expect(store.epoch, `statement ${last}`).toBe(VERSION_1_EPOCH)
      expect(store.trust.get(ALICE)?.level).toBe('paired')
      expect(store.outbox.get(idOf(1))).toStrictEqual(outboxRow(1, { state: 'received' }))
      expect(store.inbox.get(ALICE, idOf(1))).toStrictEqual(inboxRow(1, { state: 'done' }))
      expect(log.lines).toEqual([])
      await store.close()
      expect(schemaOf(path)).toEqual(schemaOf(model.path))
      expect(dumpOf(path), `statement ${last}`).toEqual(expected)
    }
  })

  it('R-22: of a newer program are refused by number, and its file stays as it is', async () => {
    const { dir, path } = versionOne()
    await openStore({ dir, log: recordingLog(), clock }).close()
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE later (a); PRAGMA user_version = 5')
    database.close()
    const before = readFileSync(path)
    for (let start = 0; start < 2; start++)
      expect(() => openStore({ dir, log: recordingLog(), clock })).toThrow(
        /schema version 5, this program knows up to 4: use the newer program again/
      )
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('R-22: leave a database of version 1 as it is when the next step fails', () => {
    const { dir, path } = versionOne()
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE notices (a)')
    database.close()
    const before = schemaOf(path)
    expect(() => openStore({ dir, log: recordingLog(), clock })).toThrow('store_failed')
    expect(schemaOf(path)).toEqual(before)
  })
})
