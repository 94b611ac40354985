import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  decodeContent,
  decodeEnvelope,
  fingerprintOf,
  VerifiedRoots,
  verifyEnvelope
} from '../../src/protocol/index.ts'
import { openKeyFile, openStore, signerOf } from '../../src/store/index.ts'
import { answersOf } from '../fixtures/state-answers.ts'
import { clock, recordingLog, temporaryDirectory } from './temporary.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)

/** State directories as releases left them, by schema version: made by `make-state.ts`, never changed. */
const STATES = readdirSync(FIXTURES).filter(name => /^state-\d+\.json$/.test(name))

interface Fixture {
  instance: string
  /** The other side of every message in it. */
  peer: string
  answers: Record<string, unknown> & { outbox: Array<[string, string]> }
  /** By name, gzipped, in base64. */
  files: Record<string, string>
}

function unpack(name: string): { dir: string; fixture: Fixture } {
  const fixture: Fixture = JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'))
  const dir = temporaryDirectory()
  mkdirSync(join(dir, 'libp2p'), { mode: 0o700 })
  for (const [file, packed] of Object.entries(fixture.files))
    writeFileSync(join(dir, 'libp2p', file), gunzipSync(Buffer.from(packed, 'base64')), { mode: 0o600 })
  return { dir, fixture }
}

describe('the state of earlier releases', () => {
  it('R-22: is kept, the schema of this release too', async () => {
    const dir = temporaryDirectory()
    await openStore({ dir, log: recordingLog(), clock }).close()
    const database = new DatabaseSync(join(dir, 'libp2p', 'mesh.sqlite'), { readOnly: true })
    const version = database.prepare('PRAGMA user_version').get()?.['user_version']
    database.close()
    // Version 3 was never in a release.
    expect(STATES).toEqual(['state-2.json', `state-${version}.json`])
  })

  it.each(STATES)('R-22: %s opens with everything in it, and again', async name => {
    const { dir, fixture } = unpack(name)
    const log = recordingLog()
    const signer = signerOf(openKeyFile(dir, { log }))
    expect(fingerprintOf(signer.publicKey)).toBe(fixture.instance)
    const sent = fixture.answers.outbox.map(([id]) => id)
    for (let start = 0; start < 2; start++) {
      const store = openStore({ dir, log, clock })
      expect(answersOf(store, sent)).toEqual(fixture.answers)
      expect(store.issues()).toEqual([])
      expect(store.routes.load().map(({ peer }) => peer)).toEqual([fixture.peer])
      await store.close()
    }
    expect(log.lines).toEqual([])
  })

  it.each(STATES)('R-22: %s holds envelopes that still prove who signed them, in each state', async name => {
    const { dir, fixture } = unpack(name)
    const log = recordingLog()
    const signer = signerOf(openKeyFile(dir, { log }))
    const store = openStore({ dir, log, clock })
    const sent = fixture.answers.outbox.flatMap(([id]) => store.outbox.get(id) ?? [])
    const rows = [...sent, ...store.inbox.newest(100)]
    expect(rows.map(({ state }) => state).toSorted()).toEqual(
      [
        ...['queued', 'received', 'delivered', 'answered', 'rejected', 'expired', 'cancelled'],
        ...['received', 'dispatching', 'adopted', 'replied', 'done', 'unknown', 'rejected']
      ].toSorted()
    )
    for (const row of rows) {
      const envelope = decodeEnvelope(row.envelope)
      const content = decodeContent(envelope.signed)
      expect(content).toMatchObject({ id: row.id, conversation: row.conversation, seq: row.seq })
      const verify = signer.verify.bind(signer)
      expect(await verifyEnvelope(envelope, content.key, verify, new VerifiedRoots())).toBe(true)
    }
    await store.close()
  })
})
