import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { startEngine } from '../../src/engine/index.ts'
import { acquireLock, openKeyFile, openStore } from '../../src/store/index.ts'
import { SEALED_TABLES } from '../../src/store/sealed.ts'
import { inboxRow } from '../contract/store-rows.ts'
import { FakeLog } from '../fakes/log.ts'
import { canMount, smallDisk } from '../store/small-disk.ts'
import { optionsFor, testHost } from './options.ts'

const DISK_BYTES = 2 * 1024 * 1024
const RECOVERY_MAX_MS = 5_000

/** A state directory that was used before, on a disk that is full now. */
async function fullDisk() {
  const disk = smallDisk(DISK_BYTES)
  openKeyFile(disk.dir)
  await openStore({ dir: disk.dir, log: new FakeLog(), clock: systemClock() }).close()
  disk.fill()
  return disk
}

it.skipIf(!canMount)(
  'R-09: a start on a full disk waits, says so once, and goes on by itself when there is room',
  async () => {
    const disk = await fullDisk()
    const { host, log, events } = testHost()
    const end = new AbortController()
    const starting = startEngine(optionsFor(disk.dir), host, { signal: end.signal })
    await expect
      .poll(() => events)
      .toEqual([{ type: 'waiting', reason: expect.stringContaining('the disk of the state directory is full') }])
    expect(() => acquireLock(disk.dir, { program: 'other' })).toThrow('state_locked')
    expect(log.at('error')).toHaveLength(1)
    disk.free()
    const freedMs = performance.now()
    const engine = await starting
    expect(performance.now() - freedMs).toBeLessThan(RECOVERY_MAX_MS)
    expect(events.map(({ type }) => type)).toEqual(['waiting', 'ready'])
    expect(await engine.call('status', {})).toMatchObject({ issues: [] })
    end.abort()
    await engine.ended
  }
)

it.skipIf(!canMount)(
  'R-09: a start that waits for room ends at once when it is told to, and leaves the lock',
  async () => {
    const disk = await fullDisk()
    const { host, events } = testHost()
    const end = new AbortController()
    const starting = startEngine(optionsFor(disk.dir), host, { signal: end.signal })
    starting.catch(() => undefined)
    await expect.poll(() => events).toHaveLength(1)
    end.abort()
    await expect(starting).rejects.toThrow()
    acquireLock(disk.dir, { program: 'other' }).release()
  }
)

it.skipIf(!canMount)(
  'R-09: a migration that does not fit the disk waits for room, though SQLite freed what it had taken',
  { timeout: 60_000 },
  async () => {
    const disk = smallDisk(12 * 1024 * 1024)
    openKeyFile(disk.dir)
    const store = openStore({ dir: disk.dir, log: new FakeLog(), clock: systemClock() })
    const envelope = new Uint8Array(3_000).fill(7)
    store.inbox.insert(Array.from({ length: 1_000 }, (_, i) => inboxRow(i + 1, { envelope, state: 'done' })))
    await store.close()
    const database = new DatabaseSync(join(disk.dir, 'libp2p', 'mesh.sqlite'))
    const added = `SELECT type, name FROM sqlite_schema
      WHERE name LIKE '%_digest_%' OR (type = 'trigger' AND sql LIKE '%holdings%') OR name IN ('inbox_oldest', 'windows_moved')`
    for (const { type, name } of database.prepare(added).all()) database.exec(`DROP ${type} ${name}`)
    for (const table of SEALED_TABLES) database.exec(`ALTER TABLE ${table} DROP COLUMN checksum`)
    database.exec('DROP TABLE holdings; DROP TABLE damaged; DROP TABLE commits; PRAGMA user_version = 3')
    database.close()
    disk.fill(2 * 1024 * 1024)
    const { host, events } = testHost()
    const end = new AbortController()
    const starting = startEngine(optionsFor(disk.dir), host, { signal: end.signal })
    starting.catch(() => undefined)
    await expect.poll(() => events, { timeout: 20_000 }).toHaveLength(1)
    expect(events[0]).toMatchObject({ type: 'waiting' })
    disk.free()
    const engine = await starting
    expect(events.map(({ type }) => type)).toEqual(['waiting', 'ready'])
    end.abort()
    await engine.ended
  }
)

it.skipIf(!canMount)(
  'R-09: a start that meets the full disk after its store was opened waits and goes on too',
  { timeout: 60_000 },
  async () => {
    const disk = smallDisk(8 * 1024 * 1024)
    openKeyFile(disk.dir)
    const store = openStore({ dir: disk.dir, log: new FakeLog(), clock: systemClock() })
    // Nobody can read these: the start rejects each of them, which it has to write.
    const envelope = new Uint8Array(3_000).fill(7)
    store.inbox.insert(Array.from({ length: 300 }, (_, i) => inboxRow(i + 1, { envelope, verified: false })))
    await store.close()
    const { host, events } = testHost()
    const options = optionsFor(disk.dir)
    let asked = 0
    // The name is first asked for when the store is open.
    const settings = Object.defineProperty({ ...options.settings }, 'name', {
      enumerable: true,
      get: () => {
        if (asked++ === 0) disk.fill()
        return 'tester'
      }
    })
    const end = new AbortController()
    const starting = startEngine({ ...options, settings }, host, { signal: end.signal })
    await expect.poll(() => events, { timeout: 20_000 }).toHaveLength(1)
    expect(events[0]).toMatchObject({ type: 'waiting' })
    expect(asked).toBeGreaterThan(0)
    disk.free()
    const engine = await starting
    expect(events.map(({ type }) => type)).toEqual(['waiting', 'ready'])
    expect(await engine.call('status', {})).toMatchObject({ issues: [] })
    end.abort()
    await engine.ended
  }
)
