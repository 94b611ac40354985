import { beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import {
  ASK_AGAIN_MS,
  HOLD_MAX_MS,
  Lane,
  RESEND_MS,
  RETRY_MS,
  WINDOW_BYTES,
  WINDOW_ENVELOPES
} from '../../src/mesh/lane.ts'
import type { OutboxRow } from '../../src/mesh/ports.ts'
import {
  type Content,
  decodeContent,
  encodeContent,
  encodeEnvelope,
  type Frame,
  hashOf,
  type Receipt,
  textOf
} from '../../src/protocol/index.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const me = new FakeInstance('me')
const bob = new FakeInstance('bob')

let clock: FakeClock
let store: FakeStore
let texts: string[]
let owed: string[]
let changed: OutboxRow[]
let room: number
let lane: Lane

beforeEach(() => {
  clock = new FakeClock()
  store = new FakeStore()
  texts = []
  owed = []
  changed = []
  room = Number.POSITIVE_INFINITY
  lane = open()
})

function open(): Lane {
  const send = (peer: string, frame: Frame): boolean => {
    if (texts.length >= room) return false
    expect(peer).toBe(bob.peer)
    if (frame.type === 'envelope') texts.push(textOf(decodeContent(frame.envelope.signed)))
    return true
  }
  return new Lane(
    { store, network: { send }, clock, log: new FakeLog() },
    {
      peer: bob.peer,
      instance: bob.instance,
      owe: rows => owed.push(...rows.map(({ id }) => id)),
      changed: rows => changed.push(...rows)
    }
  )
}

async function stored(count: number, change: Partial<Content> = {}, text = 'text'): Promise<OutboxRow[]> {
  const contents = Array.from({ length: count }, (_, i) =>
    me.content(bob.instance, `${text} ${i}`, clock.wallMs(), change)
  )
  const envelopes = await me.seal(contents)
  const rows = contents.map((content, i): OutboxRow => {
    const envelope = envelopes[i]
    if (envelope === undefined) throw new Error('no envelope')
    const { id, conversation, seq } = content
    return {
      id,
      instance: bob.instance,
      peer: bob.peer,
      conversation,
      seq,
      kind: 'message',
      envelope: encodeEnvelope(envelope),
      hash: hashOf(encodeContent(content)),
      state: 'queued',
      createdMs: content.timeMs,
      expiresMs: content.expiresMs
    }
  })
  store.outbox.insert(rows)
  return rows
}

const receipt = (row: OutboxRow, outcome: Receipt['outcome'], change: Partial<Receipt> = {}): Receipt => ({
  id: row.id,
  attempt: 1,
  hash: row.hash,
  outcome,
  reason: 'none',
  ...change
})

const stateOf = (row: OutboxRow | undefined): string | undefined => store.outbox.get(row?.id ?? '')?.state

describe('Lane', () => {
  it('sends in order, with a window in flight, and goes on as receipts come', async () => {
    const rows = await stored(WINDOW_ENVELOPES + 50)
    lane.pump()
    expect(texts).toHaveLength(WINDOW_ENVELOPES)
    lane.receipts(rows.slice(0, 20).map(row => receipt(row, 'received')))
    expect(texts).toEqual(Array.from({ length: WINDOW_ENVELOPES + 20 }, (_, i) => `text ${i}`))
    expect(changed.map(({ state }) => state)).toEqual(Array(20).fill('received'))
  })

  it('bounds the window by bytes too', async () => {
    await stored(40, {}, 'x'.repeat(30_000))
    lane.pump()
    expect(texts.length).toBe(Math.ceil(WINDOW_BYTES / 30_300))
  })

  it('sends what was just committed without asking the store', async () => {
    lane.pump()
    store.outbox.queued = () => {
      throw new Error('not needed')
    }
    lane.push(await stored(10))
    expect(texts).toHaveLength(10)
  })

  it('keeps the order when rows come while older ones wait in the store', async () => {
    room = 3
    await stored(5, {}, 'old')
    lane.pump()
    lane.push(await stored(5, {}, 'new'))
    room = Number.POSITIVE_INFINITY
    lane.drained()
    expect(texts).toEqual([0, 1, 2, 3, 4].map(i => `old ${i}`).concat([0, 1, 2, 3, 4].map(i => `new ${i}`)))
  })

  it('stops at a full link and goes on where it stopped when it has drained', async () => {
    room = 2
    await stored(4)
    lane.pump()
    lane.pump()
    expect(texts).toEqual(['text 0', 'text 1'])
    room = 10
    lane.pump()
    expect(texts).toHaveLength(2)
    lane.drained()
    expect(texts).toEqual(['text 0', 'text 1', 'text 2', 'text 3'])
  })

  it('a new link sends everything without a receipt again, and asks once about what was only received', async () => {
    const rows = await stored(3)
    lane.pump()
    lane.receipts([receipt(rows[0] as OutboxRow, 'received'), receipt(rows[1] as OutboxRow, 'delivered')])
    lane.close()
    texts = []
    lane = open()
    lane.pump()
    expect(texts).toEqual(['text 0', 'text 2'])
    lane.receipts([receipt(rows[0] as OutboxRow, 'received')])
    await clock.advance(RESEND_MS)
    expect(texts).toEqual(['text 0', 'text 2', 'text 2'])
  })

  it('S-30: receipts from the wrong peer, with the wrong hash, or for unknown ids change nothing', async () => {
    const [row] = await stored(1)
    const other = new FakeInstance('carol')
    const foreign: OutboxRow = { ...(row as OutboxRow), id: 'f'.repeat(32), instance: other.instance, seq: 2 }
    store.outbox.insert([foreign])
    lane.pump()
    const wrong = new Uint8Array(32)
    lane.receipts([
      receipt(row as OutboxRow, 'delivered', { hash: wrong }),
      receipt(row as OutboxRow, 'rejected', { hash: wrong }),
      receipt(row as OutboxRow, 'deferred', { hash: wrong }),
      receipt(foreign, 'delivered'),
      receipt(row as OutboxRow, 'answered', { id: '0'.repeat(32) })
    ])
    expect([stateOf(row), stateOf(foreign), changed]).toEqual(['queued', 'queued', []])
    // It is still in flight and is sent again in its time.
    await clock.advance(RESEND_MS)
    expect(texts).toEqual(['text 0', 'text 0'])
  })

  it('S-30: levels only grow, endings stay, repeats are harmless', async () => {
    const [row, refused] = (await stored(2)) as [OutboxRow, OutboxRow]
    lane.pump()
    lane.receipts([receipt(row, 'delivered'), receipt(row, 'received'), receipt(row, 'delivered')])
    lane.receipts([receipt(refused, 'rejected', { reason: 'failed' }), receipt(refused, 'delivered')])
    expect([stateOf(row), stateOf(refused)]).toEqual(['delivered', 'rejected'])
    expect(changed.map(({ state, reason }) => [state, reason])).toEqual([
      ['delivered', undefined],
      ['rejected', 'failed']
    ])
  })

  it('owes a skip for what was refused before it was received, and none after', async () => {
    const [never, taken] = (await stored(2)) as [OutboxRow, OutboxRow]
    lane.pump()
    lane.receipts([receipt(taken, 'received')])
    lane.receipts([receipt(never, 'rejected'), receipt(taken, 'rejected')])
    expect(owed).toEqual([never.id])
  })

  it('a deferral rests its conversation until then, and no other', async () => {
    const [first, second] = (await stored(2)) as [OutboxRow, OutboxRow]
    const [other] = await stored(1, { conversation: 'dd'.repeat(16) }, 'other')
    lane.pump()
    lane.receipts([
      receipt(first, 'deferred', { untilMs: clock.wallMs() + 60_000 }),
      receipt(other as OutboxRow, 'received')
    ])
    lane.receipts([receipt(second, 'deferred', { untilMs: clock.wallMs() + 60_000 })])
    texts = []
    lane.push(await stored(1, {}, 'more'))
    const [elsewhere] = await stored(1, { conversation: 'ee'.repeat(16) }, 'else')
    lane.push([elsewhere as OutboxRow])
    expect(texts).toEqual(['else 0'])
    lane.receipts([receipt(elsewhere as OutboxRow, 'received')])
    texts = []
    await clock.advance(59_000)
    expect(texts).toEqual([])
    await clock.advance(1_000)
    expect(texts).toEqual(['text 0', 'text 1', 'more 0'])
    expect(stateOf(first)).toBe('queued')
  })

  it('honours no deferral beyond five minutes, whatever the clock of the peer says', async () => {
    const [row] = (await stored(1)) as [OutboxRow]
    lane.pump()
    lane.receipts([receipt(row, 'deferred', { untilMs: clock.wallMs() + 365 * 86_400_000 })])
    await clock.advance(HOLD_MAX_MS)
    expect(texts).toEqual(['text 0', 'text 0'])
  })

  it('sends what got no receipt for 30 s again, in order, and nothing else', async () => {
    const rows = await stored(3)
    lane.pump()
    lane.receipts([receipt(rows[1] as OutboxRow, 'received')])
    await clock.advance(RESEND_MS - 1)
    expect(texts).toHaveLength(3)
    await clock.advance(1)
    expect(texts.slice(3)).toEqual(['text 0', 'text 2'])
  })

  it('has no timer while nothing is in flight, and none after its end', async () => {
    expect(clock.sleeping).toBe(0)
    const rows = await stored(2)
    lane.pump()
    expect(clock.sleeping).toBe(1)
    lane.receipts(rows.map(row => receipt(row, 'received')))
    await clock.advance(0)
    expect(clock.sleeping).toBe(0)
    lane.push(await stored(1))
    lane.close()
    await clock.advance(0)
    expect(clock.sleeping).toBe(0)
  })

  it('does not send what ended elsewhere', async () => {
    room = 0
    const [row] = (await stored(2)) as [OutboxRow]
    lane.pump()
    lane.forget(row.id)
    room = 5
    lane.drained()
    expect(texts).toEqual(['text 1'])
  })

  it('a row that the disk spoiled ends, and those after it go out', async () => {
    const [row] = (await stored(1)) as [OutboxRow]
    const spoiled = { ...row, id: 'e'.repeat(32), seq: 2, envelope: new Uint8Array([1, 2, 3]) }
    store.outbox.insert([spoiled])
    await stored(1, { seq: 3 }, 'next')
    lane.pump()
    expect(texts).toEqual(['text 0', 'next 0'])
    expect(store.outbox.get(spoiled.id)).toMatchObject({ state: 'rejected', reason: 'malformed' })
    expect(owed).toEqual([spoiled.id])
  })

  it('R-09: a store that fails for a moment does not stop a live link', async () => {
    await stored(2)
    const { queued, unsettled } = store.outbox
    const fail = (): never => {
      throw new MeshError('store_failed', { retryable: true })
    }
    Object.assign(store.outbox, { queued: fail, unsettled: fail })
    lane.pump()
    expect(texts).toEqual([])
    Object.assign(store.outbox, { queued, unsettled })
    await clock.advance(RETRY_MS)
    expect(texts).toEqual(['text 0', 'text 1'])
  })

  it('R-09: asks again at once for receipts of which a full disk took no note', async () => {
    const rows = await stored(3)
    lane.pump()
    lane.receipts([receipt(rows[0] as OutboxRow, 'received')])
    store.failure = new MeshError('store_failed', { retryable: true })
    lane.receipts(rows.map(row => receipt(row, 'delivered')))
    expect(rows.map(stateOf)).toEqual(['received', 'queued', 'queued'])
    store.failure = undefined
    await clock.advance(ASK_AGAIN_MS)
    // Those that the peer had already too: nobody else asks for their outcome.
    expect(texts).toEqual(['text 0', 'text 1', 'text 2', 'text 0', 'text 1', 'text 2'])
    lane.receipts(rows.map(row => receipt(row, 'delivered')))
    expect(rows.map(stateOf)).toEqual(['delivered', 'delivered', 'delivered'])
    await clock.advance(RESEND_MS)
    expect(texts).toHaveLength(6)
  })
})
