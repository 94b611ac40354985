import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { Database } from '../../src/store/database.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, CONVERSATION, EPOCH, idOf, inboxRow, outboxRow } from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

function open(dir: string): Store {
  return openStore({ dir, log: recordingLog(), clock })
}

/** Works on the file of a closed store, as another program would. */
function edit(dir: string, sql: string): void {
  const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
  database.exec(sql)
  database.close()
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

describe('Database', () => {
  it('R-04: sets every pragma that a promise rests on, and finds them set', () => {
    const path = join(temporaryDirectory(), 'a.sqlite')
    const database = new Database(path)
    const pragma = (name: string) => Object.values(database.query(`PRAGMA ${name}`).get() ?? {})[0]
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('synchronous')).toBe(2)
    expect(pragma('locking_mode')).toBe('normal')
    expect(pragma('foreign_keys')).toBe(1)
    expect(pragma('fullfsync')).toBe(1)
    expect(pragma('checkpoint_fullfsync')).toBe(1)
    expect(pragma('busy_timeout')).toBe(250)
    database.close()
  })

  it('makes missing directories, and everything in them private, whatever the umask', async () => {
    const dir = join(temporaryDirectory(), 'not', 'there')
    const umask = process.umask(0)
    try {
      const store = open(dir)
      store.setValue('a', '1')
      const directory = join(dir, 'libp2p')
      expect(mode(dir)).toBe('700')
      expect(mode(directory)).toBe('700')
      for (const name of ['mesh.sqlite', 'mesh.sqlite-wal', 'mesh.sqlite-shm', 'epoch']) {
        expect(mode(join(directory, name)), name).toBe('600')
      }
      await store.close()
    } finally {
      process.umask(umask)
    }
  })

  it('keeps everything over a restart, and leaves one file when closed', async () => {
    const dir = temporaryDirectory()
    const first = open(dir)
    first.outbox.insert([outboxRow(1), outboxRow(2)])
    first.inbox.insert([inboxRow(1, { state: 'done' }), inboxRow(2)])
    first.setValue('label', 'otter')
    await first.close()
    expect(existsSync(join(dir, 'libp2p', 'mesh.sqlite-wal'))).toBe(false)
    const second = open(dir)
    expect(second.outbox.queued(ALICE, 10)).toStrictEqual([outboxRow(1), outboxRow(2)])
    expect(second.outbox.load()).toEqual({ entries: 2, bytes: 6 })
    expect(second.inbox.inStates(['received'], 10)).toStrictEqual([inboxRow(2)])
    expect(second.inbox.nextSeq(ALICE, EPOCH, CONVERSATION)).toBe(2)
    expect(second.value('label')).toBe('otter')
    await second.close()
  })

  it('S-05: takes a seq before the window for a duplicate after its row was pruned', async () => {
    const dir = temporaryDirectory()
    const first = open(dir)
    first.inbox.insert([inboxRow(1, { state: 'done' }), inboxRow(2, { state: 'done' })])
    await first.close()
    edit(dir, 'DELETE FROM inbox')
    const second = open(dir)
    expect(second.inbox.insert([inboxRow(1), inboxRow(2), inboxRow(3)])).toEqual(new Set([idOf(3)]))
    await second.close()
  })

  it('never gives a seq twice after rows were pruned', async () => {
    const dir = temporaryDirectory()
    const first = open(dir)
    first.outbox.insert([outboxRow(1), outboxRow(2)])
    await first.close()
    edit(dir, 'DELETE FROM outbox')
    const second = open(dir)
    expect(second.outbox.lastSeq(ALICE, CONVERSATION)).toBe(2)
    expect(second.outbox.load()).toEqual({ entries: 0, bytes: 0 })
    await second.close()
  })

  it('commits a group of many rows at once', async () => {
    const store = open(temporaryDirectory())
    const rows = Array.from({ length: 4_096 }, (_, index) => outboxRow(index + 1))
    store.transaction(() => {
      store.outbox.insert(rows.slice(0, 2_000))
      store.outbox.insert(rows.slice(2_000))
    })
    expect(store.outbox.load(ALICE)).toEqual({ entries: 4_096, bytes: 3 * 4_096 })
    expect(store.outbox.queued(ALICE, 5_000)).toStrictEqual(rows)
    await store.close()
  })

  it('shows other connections nothing before the commit', async () => {
    const dir = temporaryDirectory()
    const store = open(dir)
    const reader = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'), { readOnly: true })
    const count = () => reader.prepare('SELECT count(*) AS n FROM outbox').get()?.['n']
    store.transaction(() => {
      store.transaction(() => store.outbox.insert([outboxRow(1)]))
      expect(count()).toBe(0)
    })
    expect(count()).toBe(1)
    reader.close()
    await store.close()
  })

  it('can be backed up by another connection while it is open', async () => {
    const dir = temporaryDirectory()
    const store = open(dir)
    store.setValue('label', 'otter')
    const target = join(dir, 'backup.sqlite')
    const reader = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'), { readOnly: true })
    reader.exec(`VACUUM INTO '${target}'`)
    reader.close()
    const copy = new DatabaseSync(target)
    expect(copy.prepare("SELECT value FROM meta WHERE key = 'label'").get()?.['value']).toBe('otter')
    copy.close()
    await store.close()
  })

  it('R-09: reports a full disk as retryable, rolls back, keeps what it had and goes on when there is room', () => {
    const database = new Database(join(temporaryDirectory(), 'a.sqlite'))
    const insert = database.query('INSERT INTO meta (key, value) VALUES (:key, :value)')
    const count = () => database.query('SELECT count(*) AS n FROM meta').get()?.['n']
    insert.run({ key: 'kept', value: 'x' })
    const pages = Number(database.query('PRAGMA page_count').get()?.['page_count'])
    database.query(`PRAGMA max_page_count = ${pages}`).get()
    let error: unknown
    try {
      database.transaction(() => {
        for (let i = 0; i < 1_000; i++) insert.run({ key: `k${i}`, value: 'x'.repeat(1_000) })
      })
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(MeshError)
    expect(error).toMatchObject({ code: 'store_failed', retryable: true })
    expect(count()).toBe(1)
    // What status says does not wait for somebody to write: the disk has room.
    expect(database.issues()).toEqual([])
    database.query('PRAGMA max_page_count = 1000000').get()
    database.transaction(() => insert.run({ key: 'later', value: 'x' }))
    expect(count()).toBe(2)
    database.close()
  })

  it('lets no statement through on its own after SQLite ended the transaction by itself', () => {
    const database = new Database(join(temporaryDirectory(), 'a.sqlite'))
    const insert = database.query('INSERT INTO meta (key, value) VALUES (:key, :value)')
    const fatal = database.query('INSERT OR ROLLBACK INTO meta (key, value) VALUES (:key, :value)')
    expect(() =>
      database.transaction(() => {
        insert.run({ key: 'a', value: '1' })
        expect(() => fatal.run({ key: 'a', value: '2' })).toThrow('UNIQUE')
        expect(() => insert.run({ key: 'b', value: '1' })).toThrow('ended by an earlier error')
      })
    ).toThrow('store_failed')
    expect(database.query('SELECT * FROM meta').all()).toEqual([])
    database.transaction(() => insert.run({ key: 'c', value: '1' }))
    expect(database.query('SELECT key FROM meta').all()).toHaveLength(1)
    database.close()
  })

  it('R-10: refuses a file that is no database and leaves it as it is', () => {
    const text = '{"not":"a database"}'.repeat(100)
    const dir = temporaryDirectory()
    const path = join(dir, 'libp2p', 'mesh.sqlite')
    mkdirSync(join(dir, 'libp2p'))
    writeFileSync(path, text)
    expect(() => open(dir)).toThrow('store_failed: mesh.sqlite')
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})

describe('openStore', () => {
  it.each(['', 'x', undefined])(
    'R-10: refuses an emptied or missing database (%j): trust is never silently empty',
    async text => {
      const dir = temporaryDirectory()
      const path = join(dir, 'libp2p', 'mesh.sqlite')
      await open(dir).close()
      rmSync(path)
      if (text !== undefined) writeFileSync(path, text)
      expect(() => open(dir)).toThrow('was used before and is empty or gone')
      expect(() => open(dir)).toThrow('store_failed')
      rmSync(join(dir, 'libp2p', 'epoch'))
      await open(dir).close()
    }
  )

  it('R-10: refuses a database cut in the middle', async () => {
    const dir = temporaryDirectory()
    const path = join(dir, 'libp2p', 'mesh.sqlite')
    const store = open(dir)
    store.outbox.insert(Array.from({ length: 500 }, (_, index) => outboxRow(index + 1)))
    await store.close()
    const whole = readFileSync(path)
    for (const part of [0.9, 0.5, 0.1]) {
      writeFileSync(path, whole.subarray(0, whole.length * part))
      expect(() => open(dir), `${part}`).toThrow('store_failed')
    }
  })
})

describe('migrations', () => {
  it('R-22: opens a schema whose text another SQLite would have set otherwise, and no other schema', async () => {
    const dir = temporaryDirectory()
    await open(dir).close()
    const write = (from: string, to: string): void => {
      const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
      database.enableDefensive(false)
      database.exec(`PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = 'outbox'`)
      database.close()
    }
    write(', checksum INTEGER', ',"checksum"  INTEGER')
    await open(dir).close()
    write('expires_ms INTEGER', 'expires_mt INTEGER')
    expect(() => open(dir)).toThrow('store_failed')
  })

  it('R-22: refuses a newer schema by its numbers and does not touch the file', async () => {
    const dir = temporaryDirectory()
    await open(dir).close()
    edit(dir, 'PRAGMA user_version = 7')
    const path = join(dir, 'libp2p', 'mesh.sqlite')
    const before = readFileSync(path)
    expect(() => open(dir)).toThrow(/schema version 7, this program knows up to 4/)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('R-22: leaves nothing of a step that fails', () => {
    const path = join(temporaryDirectory(), 'a.sqlite')
    const stranger = new DatabaseSync(path)
    stranger.exec('CREATE TABLE trust (a)')
    stranger.close()
    expect(() => new Database(path)).toThrow('store_failed')
    const after = new DatabaseSync(path)
    expect(
      after
        .prepare('SELECT name FROM sqlite_schema')
        .all()
        .map(row => row['name'])
    ).toEqual(['trust'])
    expect(after.prepare('PRAGMA user_version').get()?.['user_version']).toBe(0)
    after.close()
  })
})
