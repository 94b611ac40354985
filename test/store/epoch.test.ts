import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/store/index.ts'
import { ALICE, CONVERSATION, idOf, outboxRow } from '../contract/store-rows.ts'
import { clock, copyDatabase, recordingLog, temporaryDirectory } from './temporary.ts'

/** Opens, notes the epoch, closes. */
async function epochOf(dir: string): Promise<string> {
  const store = openStore({ dir, log: recordingLog(), clock })
  await store.close()
  return store.epoch
}

const database = (dir: string) => join(dir, 'libp2p', 'mesh.sqlite')
const witness = (dir: string) => join(dir, 'libp2p', 'epoch')

describe('epoch', () => {
  it('stays the same over restarts and differs between directories', async () => {
    const dir = temporaryDirectory()
    const first = await epochOf(dir)
    expect(await epochOf(dir)).toBe(first)
    expect(await epochOf(dir)).toBe(first)
    expect(await epochOf(temporaryDirectory())).not.toBe(first)
  })

  it('stays the same when a crash came between the database and its witness', async () => {
    const dir = temporaryDirectory()
    const first = await epochOf(dir)
    const before = readFileSync(witness(dir))
    await epochOf(dir)
    writeFileSync(witness(dir), before)
    expect(await epochOf(dir)).toBe(first)
  })

  it('is made anew for the host backup of a database, which comes in delete mode', async () => {
    const dir = temporaryDirectory()
    const first = await epochOf(dir)
    const backup = join(dir, 'backup.sqlite')
    const connection = new DatabaseSync(database(dir))
    connection.exec(`VACUUM INTO '${backup}'`)
    connection.close()
    copyFileSync(backup, database(dir))
    const second = await epochOf(dir)
    expect(second).not.toBe(first)
    expect(await epochOf(dir)).toBe(second)
  })

  it('is made anew for an older copy of the file', async () => {
    const dir = temporaryDirectory()
    const first = await epochOf(dir)
    const copy = readFileSync(database(dir))
    await epochOf(dir)
    writeFileSync(database(dir), copy)
    expect(await epochOf(dir)).not.toBe(first)
  })

  it('is made anew for a copy that was made while it ran, once it was closed', async () => {
    const dir = temporaryDirectory()
    const copy = temporaryDirectory()
    const store = openStore({ dir, log: recordingLog(), clock })
    copyDatabase(dir, copy)
    await store.close()
    await store.close()
    copyDatabase(copy, dir)
    expect(await epochOf(dir)).not.toBe(store.epoch)
  })

  it('stays the same over the upgrade from a witness that counts no revocations', async () => {
    const dir = temporaryDirectory()
    const first = await epochOf(dir)
    writeFileSync(witness(dir), `${first} 1\n`)
    expect(await epochOf(dir)).toBe(first)
  })

  it.each(['', 'nonsense', 'ffffffffffffffff 1\n', 'ffffffffffffffff x\n', 'ffffffffffffffff 1 x\n'])(
    'is made anew beside a witness %j',
    async text => {
      const dir = temporaryDirectory()
      const first = await epochOf(dir)
      writeFileSync(witness(dir), text)
      expect(await epochOf(dir)).not.toBe(first)
    }
  )

  it('counts seqs from 1 in a new epoch, and keeps what waited', async () => {
    const dir = temporaryDirectory()
    const first = openStore({ dir, log: recordingLog(), clock })
    first.outbox.insert([outboxRow(1), outboxRow(2)])
    await first.close()
    rmSync(witness(dir))
    const log = recordingLog()
    const second = openStore({ dir, log, clock })
    expect(log.lines.map(line => line.level)).toEqual(['warn'])
    expect(second.outbox.lastSeq(ALICE, CONVERSATION)).toBe(0)
    second.outbox.insert([outboxRow(1, { id: idOf(11) })])
    expect(second.outbox.queued(ALICE, 10).map(row => row.id)).toEqual([idOf(1), idOf(2), idOf(11)])
    await second.close()
  })
})
