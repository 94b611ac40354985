import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { Store, TrustRecord } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB, CONVERSATION, idOf, outboxRow, ticketRow } from '../contract/store-rows.ts'
import { readFiles, writeFiles } from './damage.ts'
import { clock, type Line, recordingLog, temporaryDirectory } from './temporary.ts'

const PAIRED: TrustRecord = {
  instance: BOB,
  peers: [],
  level: 'paired',
  sinceMs: 5,
  how: 'ticket',
  revision: 0,
  tombstone: false
}

const at = (dir: string, name = 'mesh.sqlite') => join(dir, 'libp2p', name)

function open(dir: string, log = recordingLog()): Store {
  return openStore({ dir, log, clock })
}

/** Ways in which a database gets out of a node, and the file they make. */
const COPIES: Array<[string, (dir: string) => Promise<string>]> = [
  [
    'a plain copy of a stopped node',
    async dir => {
      copyFileSync(at(dir), join(dir, 'copy'))
      return join(dir, 'copy')
    }
  ],
  [
    'VACUUM INTO',
    async dir => {
      const database = new DatabaseSync(at(dir))
      database.exec(`VACUUM INTO '${join(dir, 'copy')}'`)
      database.close()
      return join(dir, 'copy')
    }
  ],
  [
    "SQLite's own backup",
    async dir => {
      const database = new DatabaseSync(at(dir))
      await backup(database, join(dir, 'copy'))
      database.close()
      return join(dir, 'copy')
    }
  ]
]

/** A node that was copied, changed and ended, and whose next run was killed: the copy stands beside the log of that one. */
async function restored(
  copy: (dir: string) => Promise<string>,
  { before, change }: { before: (store: Store) => void; change: (store: Store) => void }
): Promise<{ dir: string; epoch: string }> {
  const dir = temporaryDirectory()
  const first = open(dir)
  before(first)
  first.outbox.insert(Array.from({ length: 40 }, (_, index) => outboxRow(index + 1)))
  await first.close()
  const file = await copy(dir)
  const second = open(dir)
  change(second)
  await second.close()
  const third = open(dir)
  for (let i = 0; i < 30; i++) third.setValue('route seq', String(i))
  const killed = readFiles(dir)
  await third.close()
  writeFiles(dir, killed)
  copyFileSync(file, at(dir))
  return { dir, epoch: third.epoch }
}

describe.each(COPIES)('%s beside the log of a killed run', (_, copy) => {
  it('S2.41: lets nobody in whom the owner shut out since, and goes on', async () => {
    const { dir, epoch } = await restored(copy, {
      before: store => store.trust.put(PAIRED),
      change: store => store.trust.put({ ...PAIRED, level: 'blocked', revision: 1 })
    })
    for (let start = 0; start < 2; start++) {
      const store = open(dir)
      expect(store.trust.get(BOB)?.level).toBe('unknown')
      expect(store.epoch).not.toBe(epoch)
      expect(store.notices.unread(10).map(({ subject }) => subject)).toEqual(['restored'])
      await store.close()
    }
  })

  it('S2.41: takes no ticket that was withdrawn since', async () => {
    const { dir } = await restored(copy, {
      before: store => store.tickets.insert(ticketRow(1), 0),
      change: store => store.tickets.delete(ticketRow(1).id)
    })
    const store = open(dir)
    expect(store.tickets.all()).toEqual([])
    await store.close()
  })

  it('R-10: gives no number of a conversation a second time', async () => {
    const { dir, epoch } = await restored(copy, {
      before: () => undefined,
      change: store => store.outbox.insert([outboxRow(41)])
    })
    const store = open(dir)
    expect(store.epoch).not.toBe(epoch)
    expect(store.outbox.lastSeq(ALICE, CONVERSATION)).toBe(0)
    store.outbox.insert([outboxRow(1, { id: idOf(99) })])
    await store.close()
  })
})

describe('a database that changed its place', () => {
  it('has the log of another one set aside, not thrown away', async () => {
    const vacuum = COPIES[1]?.[1] ?? expect.fail()
    const { dir } = await restored(vacuum, { before: () => undefined, change: () => undefined })
    const log = readFileSync(at(dir, 'mesh.sqlite-wal'))
    const lines = recordingLog()
    await open(dir, lines).close()
    expect(readFileSync(at(dir, 'mesh.sqlite-wal.old')).equals(log)).toBe(true)
    expect(messages(lines.lines)).toContain(
      'a restored database had the log of another one beside it, which is set aside'
    )
  })

  it('has the log of another one set aside, also where no witness speaks of it', async () => {
    const vacuum = COPIES[1]?.[1] ?? expect.fail()
    const { dir } = await restored(vacuum, { before: store => store.trust.put(PAIRED), change: () => undefined })
    rmSync(at(dir, 'epoch'))
    const store = open(dir)
    expect(existsSync(at(dir, 'mesh.sqlite-wal.old'))).toBe(true)
    expect(store.trust.get(BOB)?.level).toBe('unknown')
    await store.close()
  })

  it.each([
    ['of a backup', true],
    ['of an older file', false]
  ])('R-10: starts after a power loss that took the count of commits of what was put back %s', async (_, vacuumed) => {
    const dir = temporaryDirectory()
    const first = open(dir)
    first.setValue('a', '0')
    await first.close()
    const copy = (COPIES[vacuumed ? 1 : 0]?.[1] ?? expect.fail())(dir)
    const second = open(dir)
    for (let i = 0; i < 50; i++) second.setValue('a', String(i))
    await second.close()
    const onDisk = readFileSync(at(dir, 'commits'))
    copyFileSync(await copy, at(dir))
    const third = open(dir)
    third.setValue('b', '1')
    const files = readFiles(dir)
    await third.close()
    // All that was synced stands; the count never was.
    writeFiles(dir, files.set('commits', onDisk))
    const store = open(dir)
    expect(store.epoch).toBe(third.epoch)
    expect(store.value('b')).toBe('1')
    await store.close()
  })

  it('R-10: whose log was copied before its last commit is refused, and the refusal names that case', async () => {
    const dir = temporaryDirectory()
    const store = open(dir)
    store.outbox.insert([outboxRow(1)])
    const files = readFiles(dir)
    store.setValue('x', '1')
    files.set('commits', readFileSync(at(dir, 'commits')))
    await store.close()
    writeFiles(dir, files)
    expect(() => open(dir)).toThrow('or it was copied while the program ran')
  })
})

describe('a refused start', () => {
  it.each(['cut', 'flipped'])(
    'R-10: leaves a %s log and its database as they were, and starts when it is put back',
    async how => {
      const dir = temporaryDirectory()
      const store = open(dir)
      for (let seq = 1; seq <= 60; seq++) store.outbox.insert([outboxRow(seq)])
      const files = readFiles(dir)
      await store.close()
      const log = files.get('mesh.sqlite-wal') ?? expect.fail()
      const half = Math.floor(log.length / 2)
      const damaged = how === 'cut' ? log.slice(0, half) : log.with(half, (log[half] ?? 0) ^ 1)
      writeFiles(dir, new Map([...files, ['mesh.sqlite-wal', damaged]]))
      for (let start = 0; start < 2; start++) expect(() => open(dir)).toThrow('of its commits')
      const after = readFiles(dir)
      for (const name of ['mesh.sqlite', 'epoch', 'commits'])
        expect(Buffer.compare(after.get(name) ?? damaged, files.get(name) ?? log), name).toBe(0)
      expect(Buffer.compare(after.get('mesh.sqlite-wal') ?? log, damaged)).toBe(0)
      writeFileSync(at(dir, 'mesh.sqlite-wal'), log)
      const again = open(dir)
      expect(again.outbox.queued(ALICE, 100)).toHaveLength(60)
      await again.close()
    }
  )

  it('R-10: a count of commits whose checksum is wrong lets nobody in', async () => {
    const dir = temporaryDirectory()
    const store = open(dir)
    store.trust.put(PAIRED)
    await store.close()
    const database = new DatabaseSync(at(dir))
    database.exec('UPDATE commits SET count = count + 1')
    database.close()
    for (let start = 0; start < 2; start++) {
      const again = open(dir)
      expect(again.trust.get(BOB)?.level).toBe('unknown')
      expect(again.notices.unread(10)).toHaveLength(1)
      await again.close()
    }
  })
})

function messages(lines: Line[]): string[] {
  return lines.map(({ message }) => message)
}
