import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { rowOfLost } from '../../src/mesh/lost-messages.ts'
import type { OutboxRow } from '../../src/mesh/ports.ts'
import { encodeContent, encodeEnvelope, hashOf } from '../../src/protocol/index.ts'
import { openStore } from '../../src/store/index.ts'
import { outboxRow } from '../contract/store-rows.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const me = new FakeInstance('me')
const bob = new FakeInstance('bob')

async function messages(epoch: string, count: number): Promise<OutboxRow[]> {
  const contents = Array.from({ length: count }, (_, i) => me.content(bob.instance, `text ${i}`, 1_000, { epoch }))
  const envelopes = await me.seal(contents)
  return contents.map((content, i) => {
    const { id, conversation, seq } = content
    const envelope = encodeEnvelope(envelopes[i] ?? expect.fail('no envelope'))
    const place = { id, conversation, instance: bob.instance, peer: bob.peer }
    return outboxRow(seq, { ...place, envelope, hash: hashOf(encodeContent(content)), expiresMs: content.expiresMs })
  })
}

it.each([
  ['a time', 'expires_ms = 7', true],
  ['its number', 'seq = 77', true],
  ['its conversation', `conversation = '${'d0'.repeat(16)}'`, true],
  ['its envelope', "envelope = x'0102'", false],
  ['its hash', "hash = x'0102'", false],
  ['its peer', "peer = 'nobody'", false]
])(
  'R-10: a message that was spoiled in %s before it was sent is named by what its envelope proves',
  async (_, change, named) => {
    const dir = temporaryDirectory()
    let store = openStore({ dir, log: recordingLog(), clock })
    const { epoch } = store
    const rows = await messages(epoch, 3)
    store.outbox.insert(rows)
    store.outbox.advance(rows[2]?.id ?? '', 'received')
    await store.close()
    const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'))
    // One that waits, and one that the peer has.
    database.exec(`UPDATE outbox SET ${change} WHERE id = '${rows[1]?.id}'`)
    database.exec(`UPDATE outbox SET expires_ms = 8 WHERE id = '${rows[2]?.id}'`)
    database.close()
    store = openStore({ dir, log: recordingLog(), clock })
    expect(store.epoch).toBe(epoch)
    const { instance, peer, conversation, seq, kind } = rows[1] ?? expect.fail('no row')
    const lost = store.takeLost().map(row => rowOfLost(row, epoch))
    expect(lost.filter(row => row !== undefined)).toMatchObject(
      named ? [{ instance, peer, conversation, seq, kind }] : []
    )
    expect(store.takeLost()).toEqual([])
    expect(store.outbox.queued(bob.instance, 9)).toHaveLength(1)
    await store.close()
  }
)
