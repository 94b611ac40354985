import { beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { type Draft, Outbox } from '../../src/mesh/outbox.ts'
import { INSTANCE_MAX_ENTRIES, TOTAL_MAX_ENTRIES } from '../../src/mesh/outbox-caps.ts'
import type { OutboxRow } from '../../src/mesh/ports.ts'
import { traceOfNew } from '../../src/mesh/trace.ts'
import {
  decodeContent,
  decodeEnvelope,
  newId,
  rootOf,
  textOf,
  toHex,
  verifyEnvelope
} from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeStore } from '../fakes/store.ts'

const me = new FakeInstance('me')
const bob = new FakeInstance('bob')
const CONVERSATION = 'ab'.repeat(16)

let store: FakeStore
let sent: OutboxRow[]
let signatures: number
let outbox: Outbox

const signer = {
  publicKey: me.signer.publicKey,
  verify: me.signer.verify.bind(me.signer),
  sign: (bytes: Uint8Array) => {
    signatures++
    return me.signer.sign(bytes)
  }
}

function open(): Outbox {
  return new Outbox(
    { store, signer, clock: new FakeClock() },
    { self: me.instance, committed: rows => sent.push(...rows) }
  )
}

function draft(text: string, change: Partial<Draft> = {}): Draft {
  const id = newId()
  const { instance, peer } = bob
  return { id, instance, peer, kind: 'message', conversation: CONVERSATION, trace: traceOfNew(id), text, ...change }
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    error => (error instanceof MeshError ? error.code : String(error))
  )

beforeEach(() => {
  store = new FakeStore()
  sent = []
  signatures = 0
  outbox = open()
})

describe('Outbox', () => {
  it('commits the drafts of one turn together, under one signature, and hands them on in order', async () => {
    const rows = await Promise.all(Array.from({ length: 100 }, (_, i) => outbox.enqueue(draft(`text ${i}`))))
    expect(store.commits).toBe(1)
    expect(signatures).toBe(1)
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(sent.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    const envelopes = rows.map(({ envelope }) => decodeEnvelope(envelope))
    expect(new Set(envelopes.map(envelope => toHex(rootOf(envelope)))).size).toBe(1)
    for (const envelope of envelopes) {
      expect(await verifyEnvelope(envelope, me.signer.publicKey, signer.verify)).toBe(true)
    }
    expect(textOf(decodeContent(envelopes[42]?.signed ?? new Uint8Array()))).toBe('text 42')
  })

  it('counts the seq per addressee and conversation, over a restart too', async () => {
    const other = new FakeInstance('carol')
    await outbox.enqueue(draft('a'))
    await outbox.enqueue(draft('b', { conversation: 'cd'.repeat(16) }))
    await outbox.enqueue(draft('c', { instance: other.instance, peer: other.peer }))
    outbox = open()
    const row = await outbox.enqueue(draft('d'))
    expect([...sent.slice(0, 3).map(({ seq }) => seq), row.seq]).toEqual([1, 1, 1, 2])
  })

  it('resolves only after the commit, and runs `within` inside it', async () => {
    const row = await outbox.enqueue(draft('x'), () => {
      store.setValue('seen', String(store.outbox.lastSeq(bob.instance, CONVERSATION)))
    })
    expect(store.value('seen')).toBe('1')
    expect(store.outbox.get(row.id)).toEqual(row)
    expect(store.commits).toBe(1)
  })

  it('a batch that fails rejects all its drafts, leaves nothing and burns no seq', async () => {
    await outbox.enqueue(draft('before'))
    store.failure = new MeshError('store_failed', { detail: 'disk full' })
    const codes = await Promise.all([draft('a'), draft('b')].map(one => codeOf(outbox.enqueue(one))))
    store.failure = undefined
    expect(codes).toEqual(['store_failed', 'store_failed'])
    const thrower = (): void => {
      throw new MeshError('not_found')
    }
    expect(
      await Promise.all([codeOf(outbox.enqueue(draft('c'))), codeOf(outbox.enqueue(draft('d'), thrower))])
    ).toEqual(['not_found', 'not_found'])
    expect((await outbox.enqueue(draft('after'))).seq).toBe(2)
    expect(sent).toHaveLength(2)
  })

  it('refuses a text alone, without harm to its batch', async () => {
    const batch = [draft('fits'), draft(''), draft('é'.repeat(20_000)), draft('fits too')]
    const codes = await Promise.all(batch.map(one => codeOf(outbox.enqueue(one))))
    expect(codes).toEqual(['accepted', 'text_empty', 'text_too_long', 'accepted'])
    expect(sent.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it('gives the first row for a repeated key: in one batch, later, and after a restart', async () => {
    const key = { idempotencyKey: 'k' }
    let ran = 0
    const [one, two] = await Promise.all([
      outbox.enqueue(draft('first', key)),
      outbox.enqueue(draft('second', key), () => ran++)
    ])
    outbox = open()
    const three = await outbox.enqueue(draft('third', key), () => ran++)
    expect(new Set([one.id, two.id, three.id]).size).toBe(1)
    expect(sent).toHaveLength(1)
    expect(ran).toBe(2)
  })

  it('holds 1,000 messages for one instance, and drops none of them for one more', async () => {
    const codes = await Promise.all(
      Array.from({ length: INSTANCE_MAX_ENTRIES + 1 }, (_, i) => codeOf(outbox.enqueue(draft(`${i}`))))
    )
    expect(codes.filter(code => code === 'accepted')).toHaveLength(INSTANCE_MAX_ENTRIES)
    expect(codes.at(-1)).toBe('outbox_full')
    const other = new FakeInstance('carol')
    expect(await codeOf(outbox.enqueue(draft('x', { instance: other.instance, peer: other.peer })))).toBe('accepted')
    expect(store.outbox.load(bob.instance).entries).toBe(INSTANCE_MAX_ENTRIES)
  })

  /** Bytes that a message of one letter counts: the same for each. */
  async function sizeOf(): Promise<number> {
    const { id } = await outbox.enqueue(draft('x'))
    return decodeEnvelope(store.outbox.get(id)?.envelope ?? new Uint8Array()).signed.byteLength
  }

  it.each([
    ['32 MiB for one instance', 'bytes', 32 * 1024 * 1024, 'one'],
    ['256 MiB in all', 'bytes', 256 * 1024 * 1024, 'all'],
    ['1,000 messages for one instance, however they were counted', 'entries', 1_000, 'one'],
    ['10,000 messages in all', 'entries', TOTAL_MAX_ENTRIES, 'all']
  ] as const)('holds %s: two more where there is room for two, and drops none for the third', async (...bound) => {
    const [, unit, max, whose] = bound
    const size = unit === 'bytes' ? await sizeOf() : 1
    const before = store.outbox.queued(bob.instance, 10).map(({ id }) => id)
    const load = { entries: 0, bytes: 0, [unit]: max - 2 * size }
    store.outbox.load = instance => ((instance === undefined) === (whose === 'all') ? load : { entries: 0, bytes: 0 })
    const drafts = ['1', '2', '3'].map(text => draft(text))
    const codes = await Promise.all(drafts.map(one => codeOf(outbox.enqueue(one))))
    expect(codes).toEqual(['accepted', 'accepted', 'outbox_full'])
    const left = store.outbox.queued(bob.instance, 10).map(({ id }) => id)
    expect(left).toEqual([...before, ...drafts.slice(0, 2).map(({ id }) => id)])
  })

  it('takes a skip where nothing else has room: it makes some', async () => {
    store.outbox.load = () => ({ entries: TOTAL_MAX_ENTRIES, bytes: 256 * 1024 * 1024 })
    expect(await codeOf(outbox.enqueue(draft('', { kind: 'skip', seq: 1 })))).toBe('accepted')
  })

  it('cuts groups by size, so that a crowd of long texts is not one tree', async () => {
    await Promise.all(Array.from({ length: 100 }, () => outbox.enqueue(draft('x'.repeat(30_000)))))
    expect(store.commits).toBe(1)
    expect(signatures).toBe(3)
  })

  it('commits what was accepted before a stop, and refuses what comes after', async () => {
    const last = outbox.enqueue(draft('last'))
    const stopped = outbox.stop()
    expect(await codeOf(outbox.enqueue(draft('late')))).toBe('engine_down')
    await stopped
    expect(store.outbox.get((await last).id)?.state).toBe('queued')
  })
})
