import { beforeEach, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { Outbox } from '../../src/mesh/outbox.ts'
import type { OutboxRow } from '../../src/mesh/ports.ts'
import { Skips } from '../../src/mesh/skips.ts'
import { traceOfNew } from '../../src/mesh/trace.ts'
import { decodeContent, decodeEnvelope, newId } from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeStore } from '../fakes/store.ts'

const me = new FakeInstance('me')
const bob = new FakeInstance('bob')
const CONVERSATION = 'ab'.repeat(16)

let store: FakeStore
let outbox: Outbox
let skips: Skips

function open(): void {
  const clock = new FakeClock()
  outbox = new Outbox({ store, signer: me.signer, clock }, { self: me.instance, committed: () => {} })
  skips = new Skips({ store, clock }, { enqueueAll: (drafts, within) => outbox.enqueueAll(drafts, within) })
}

beforeEach(() => {
  store = new FakeStore()
  open()
})

function send(count: number): Promise<OutboxRow[]> {
  const { instance, peer } = bob
  const drafts = Array.from({ length: count }, () => {
    const id = newId()
    return {
      id,
      instance,
      peer,
      kind: 'message' as const,
      conversation: CONVERSATION,
      trace: traceOfNew(id),
      text: 'x'
    }
  })
  return Promise.all(drafts.map(draft => outbox.enqueue(draft)))
}

function reject(rows: OutboxRow[]): void {
  store.transaction(() => {
    for (const { id } of rows) store.outbox.advance(id, 'rejected')
    skips.owe(rows)
  })
}

it('puts a skip in the place of each message that ended, and burns no seq', async () => {
  const rows = await send(600)
  reject(rows.slice(0, 500))
  await skips.settle()
  const queued = store.outbox.queued(bob.instance, 2_000)
  expect(queued.filter(({ kind }) => kind === 'skip').map(({ seq }) => seq)).toEqual(
    rows.slice(0, 500).map(({ seq }) => seq)
  )
  const content = decodeContent(decodeEnvelope(queued.at(-1)?.envelope ?? new Uint8Array()).signed)
  expect(content).toMatchObject({ kind: 'skip', seq: 500, body: { type: 'none' } })
  expect((await send(1))[0]?.seq).toBe(601)
})

it('owes none for a skip', async () => {
  const [row] = await send(1)
  reject([row as OutboxRow])
  await skips.settle()
  reject(store.outbox.queued(bob.instance, 1))
  await skips.settle()
  expect(store.outbox.queued(bob.instance, 1)).toEqual([])
})

it('what is owed outlives a crash and a full disk, and is paid once', async () => {
  const rows = await send(3)
  reject(rows)
  store.failure = new MeshError('store_failed')
  await expect(skips.settle()).rejects.toMatchObject({ code: 'store_failed' })
  store.failure = undefined
  open()
  await Promise.all([skips.settle(), skips.settle()])
  await skips.settle()
  expect(store.outbox.queued(bob.instance, 10).map(({ kind, seq }) => [kind, seq])).toEqual([
    ['skip', 1],
    ['skip', 2],
    ['skip', 3]
  ])
})
