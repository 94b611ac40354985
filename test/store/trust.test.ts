import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { TrustRecord } from '../../src/mesh/ports.ts'
import { removeWitness } from '../../src/store/epoch.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB } from '../contract/store-rows.ts'
import { clock, copyDatabase, recordingLog, temporaryDirectory } from './temporary.ts'

const CAROL = 'cccc-cccc-cccc-cccc-cccc-cccc'

const record: TrustRecord = {
  instance: ALICE,
  peers: ['12D3KooWAlice'],
  level: 'paired',
  petname: 'Ada',
  sinceMs: 5,
  how: 'ticket',
  revision: 0,
  tombstone: false
}

describe('Trust', () => {
  it.each([
    "level = 'trusted'",
    "level = 'unknown'",
    'tombstone = 1',
    'revision = 2',
    "petname = 'Adb'",
    'peers = \'["12D3KooWMallory"]\'',
    'checksum = checksum + 1'
  ])('R-10: blocks the instance of a damaged record (%s) until it is set anew', async damage => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    first.trust.put(record)
    first.trust.put({ ...record, instance: BOB })
    await first.close()
    const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
    database.exec(`UPDATE trust SET ${damage} WHERE instance = '${ALICE}'`)
    database.close()

    const log = recordingLog()
    const second = openStore({ dir, log, clock })
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['error', { source: 'trust' }],
      ['error', { instance: ALICE }]
    ])
    const blocked = second.trust.get(ALICE)
    expect(blocked).toMatchObject({ level: 'blocked', peers: [], tombstone: false })
    expect(second.trust.get(BOB)).toStrictEqual({ ...record, instance: BOB, revision: 1 })
    const restored = second.trust.put({ ...record, revision: blocked?.revision ?? -1 })
    expect(second.trust.get(ALICE)).toStrictEqual(restored)
    await second.close()
  })

  /** The database as the host's backup has it, from before Bob was shut out. */
  async function restored(): Promise<string> {
    const dir = temporaryDirectory()
    const path = join(dir, 'libp2p', 'mesh.sqlite')
    const first = openStore({ dir, log: recordingLog(), clock })
    first.trust.put(record)
    const bob = first.trust.put({ ...record, instance: BOB, level: 'trusted' })
    first.trust.put({ ...record, instance: CAROL, level: 'blocked' })
    const backup = join(dir, 'backup.sqlite')
    const connection = new DatabaseSync(path)
    connection.exec(`VACUUM INTO '${backup}'`)
    connection.close()
    first.trust.put({ ...record, instance: BOB, level: 'unknown', tombstone: true, revision: bob?.revision ?? -1 })
    await first.close()
    copyFileSync(backup, path)
    return dir
  }

  it('S2.41: a restored backup lets nobody in until the owner says so again, and tells', async () => {
    const dir = await restored()
    const log = recordingLog()
    const second = openStore({ dir, log, clock })
    expect(second.trust.all().map(({ instance, level, petname }) => [instance, level, petname])).toEqual([
      [ALICE, 'unknown', 'Ada'],
      [BOB, 'unknown', 'Ada'],
      [CAROL, 'blocked', 'Ada']
    ])
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { count: 2 } }])
    expect(second.notices.unread(10).map(({ text }) => text)).toEqual([
      expect.stringContaining('the 2 peers that it lets in wait until you approve again')
    ])
    const again = second.trust.put({ ...record, revision: second.trust.get(ALICE)?.revision ?? -1 })
    expect(again?.level).toBe('paired')
    await second.close()
    const third = openStore({ dir, log: recordingLog(), clock })
    expect(third.trust.get(ALICE)?.level).toBe('paired')
    expect(third.trust.get(BOB)?.level).toBe('unknown')
    expect(third.notices.unread(10)).toHaveLength(1)
    await third.close()
  })

  it('S2.41: one that was interrupted before that lets nobody in either', async () => {
    const dir = await restored()
    const path = join(dir, 'libp2p', 'mesh.sqlite')
    const database = new DatabaseSync(path)
    // What is left when the process ends between the new epoch and the look at the records.
    const broken = "CREATE TRIGGER stop BEFORE UPDATE ON trust BEGIN SELECT RAISE(ABORT, 'gone'); END"
    database.exec(broken)
    database.close()
    expect(() => openStore({ dir, log: recordingLog(), clock })).toThrow(/gone/)
    const again = new DatabaseSync(path)
    again.exec('DROP TRIGGER stop')
    again.close()
    const second = openStore({ dir, log: recordingLog(), clock })
    expect(second.trust.get(BOB)?.level).toBe('unknown')
    await second.close()
  })

  it.each([
    ['blocked', { level: 'blocked', tombstone: false }],
    ['lowered', { level: 'paired', tombstone: false }],
    ['forgotten', { level: 'unknown', tombstone: true }]
  ] as const)(
    'S2.41: files that were copied while it ran let nobody in once somebody was %s, also after a crash',
    async (_, change) => {
      const [dir, monday] = [temporaryDirectory(), temporaryDirectory()]
      const first = openStore({ dir, log: recordingLog(), clock })
      const bob = first.trust.put({ ...record, instance: BOB, level: 'trusted' })
      copyDatabase(dir, monday)
      first.trust.put({ ...record, instance: BOB, ...change, revision: bob?.revision ?? -1 })
      // The process ends without closing anything.
      const crashed = temporaryDirectory()
      cpSync(dir, crashed, { recursive: true })
      copyDatabase(monday, crashed)
      expect(() => openStore({ dir: crashed, log: recordingLog(), clock })).toThrow(/lacks the last 1 of its commits/)
      // As the message advises.
      removeWitness(join(crashed, 'libp2p'))
      const second = openStore({ dir: crashed, log: recordingLog(), clock })
      expect(second.epoch).not.toBe(first.epoch)
      expect(second.trust.get(BOB)?.level).toBe('unknown')
      expect(second.notices.unread(10)).toHaveLength(1)
      await second.close()
      await first.close()
    }
  )

  it('S2.41: a crash before a revocation is committed costs a new approval; a revocation that failed costs nothing', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    const bob = first.trust.put({ ...record, instance: BOB })
    const crashed = temporaryDirectory()
    const revoke = () =>
      first.transaction(() => {
        first.trust.put({ ...record, instance: BOB, level: 'blocked', revision: bob?.revision ?? -1 })
        cpSync(dir, crashed, { recursive: true })
        throw new Error('taken back')
      })
    expect(revoke).toThrow('taken back')
    const second = openStore({ dir: crashed, log: recordingLog(), clock })
    expect(second.trust.get(BOB)?.level).toBe('unknown')
    await second.close()
    await first.close()
    const third = openStore({ dir, log: recordingLog(), clock })
    expect(third.epoch).toBe(first.epoch)
    expect(third.trust.get(BOB)?.level).toBe('paired')
    // And what is revoked after one that failed is known from then on.
    const monday = temporaryDirectory()
    copyDatabase(dir, monday)
    expect(() =>
      third.transaction(() => {
        third.trust.put({ ...record, instance: BOB, level: 'blocked', revision: bob?.revision ?? -1 })
        throw new Error('taken back')
      })
    ).toThrow('taken back')
    third.trust.put({ ...record, instance: BOB, level: 'blocked', revision: bob?.revision ?? -1 })
    const later = temporaryDirectory()
    cpSync(dir, later, { recursive: true })
    await third.close()
    const fourth = openStore({ dir: later, log: recordingLog(), clock })
    expect([fourth.epoch, fourth.trust.get(BOB)?.level]).toEqual([first.epoch, 'blocked'])
    await fourth.close()
    copyDatabase(monday, later)
    const fifth = openStore({ dir: later, log: recordingLog(), clock })
    expect(fifth.trust.get(BOB)?.level).toBe('unknown')
    await fifth.close()
  })

  it('letting somebody in or naming somebody leaves the epoch file alone', async () => {
    const dir = temporaryDirectory()
    const store = openStore({ dir, log: recordingLog(), clock })
    const read = () => readFileSync(join(dir, 'libp2p', 'epoch'), 'utf8')
    const before = read()
    const alice = store.trust.put(record)
    store.trust.put({ ...record, petname: 'Ann', revision: alice?.revision ?? -1 })
    expect(read()).toBe(before)
    await store.close()
  })

  it('an ordinary restart changes nothing', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    first.trust.put(record)
    await first.close()
    const second = openStore({ dir, log: recordingLog(), clock })
    expect(second.trust.get(ALICE)).toStrictEqual({ ...record, revision: 1 })
    expect(second.notices.unread(10)).toEqual([])
    await second.close()
  })

  it.each([
    ['no database', (bytes: Uint8Array) => bytes.fill(7)],
    ['a damaged first page', (bytes: Uint8Array) => bytes.fill(7, 100, 4_096)],
    ['nothing', (bytes: Uint8Array) => bytes.subarray(0, 0)],
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, 5_000)]
  ])(
    'S-32: a store that is %s stops the start and says what to do; it trusts neither nobody nor everybody',
    async (_, break_) => {
      const dir = temporaryDirectory()
      const path = join(dir, 'libp2p', 'mesh.sqlite')
      const first = openStore({ dir, log: recordingLog(), clock })
      first.trust.put(record)
      await first.close()
      const sound = readFileSync(path)
      const broken = break_(Uint8Array.from(sound))
      writeFileSync(path, broken)
      for (let start = 0; start < 2; start++) {
        expect(() => openStore({ dir, log: recordingLog(), clock })).toThrow(
          /restore it from a backup; or, to start with nobody trusted, move .*epoch/
        )
      }
      expect(Buffer.compare(readFileSync(path), broken)).toBe(0)
      // The advice works: put back, everything is there again.
      writeFileSync(path, sound)
      const second = openStore({ dir, log: recordingLog(), clock })
      expect(second.trust.get(ALICE)?.petname).toBe('Ada')
      await second.close()
    }
  )
})
