import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { TrustRecord } from '../../src/mesh/ports.ts'
import { openStore } from '../../src/store/index.ts'
import { ALICE, BOB } from '../contract/store-rows.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

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
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual([['error', { instance: ALICE }]])
    const blocked = second.trust.get(ALICE)
    expect(blocked).toMatchObject({ level: 'blocked', peers: [], tombstone: false })
    expect(second.trust.get(BOB)).toStrictEqual({ ...record, instance: BOB, revision: 1 })
    const restored = second.trust.put({ ...record, revision: blocked?.revision ?? -1 })
    expect(second.trust.get(ALICE)).toStrictEqual(restored)
    await second.close()
  })
})
