import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ROWS_MAX } from '../../src/mesh/endings.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import { eventually, type Member, twoMembers, type World } from './world.ts'

const MINUTE_MS = 60_000

let world: World
let alice: Member
let bob: Member

beforeEach(async () => {
  ;({ world, alice, bob } = await twoMembers())
  await world.join(alice, bob)
  world.hub.cut(alice.peer, bob.peer)
  await eventually(() => !alice.linkedTo(bob))
})

afterEach(async () => {
  await world.end()
})

const write = async (): Promise<string> =>
  (await alice.ask.send({ target: 'bob', text: 'x', timeoutMs: 0, expiresInMs: MINUTE_MS })).id

it('R-09: a mesh starts where a full disk takes no note of what expired, and takes it when there is room', async () => {
  const id = await write()
  await alice.stop()
  await world.clock.advance(2 * MINUTE_MS)
  const expire = alice.store.outbox.expire.bind(alice.store.outbox)
  alice.store.outbox.expire = () => {
    throw new MeshError('store_failed', { detail: 'full', retryable: true })
  }
  await alice.restart()
  await world.clock.advance(MINUTE_MS)
  expect(alice.store.outbox.get(id)?.state).toBe('queued')
  alice.store.outbox.expire = expire
  await world.clock.advance(MINUTE_MS)
  expect(alice.store.outbox.get(id)?.state).toBe('expired')
})

it('R-20: a queue that expires as a whole ends in pieces, with turns of the event loop between', async () => {
  const ids = await Promise.all(Array.from({ length: 2 * ROWS_MAX + 1 }, write))
  const sizes: number[] = []
  const expire = alice.store.outbox.expire.bind(alice.store.outbox)
  alice.store.outbox.expire = (...args) => {
    const rows = expire(...args)
    sizes.push(rows.length)
    return rows
  }
  await world.clock.advance(2 * MINUTE_MS)
  expect(new Set(ids.map(id => alice.store.outbox.get(id)?.state))).toEqual(new Set(['expired']))
  expect(sizes.filter(size => size > 0)).toEqual([ROWS_MAX, ROWS_MAX, 1])
})

it('R-10: a message that the disk spoiled before it was sent leaves no hole that its receiver waits at', async () => {
  const id = (await alice.ask.send({ target: 'bob', text: 'x', timeoutMs: 0 })).id
  const [row] = alice.store.outbox.queued(bob.instance, 1)
  await alice.stop()
  // As if the opening had set it aside.
  alice.store.outbox.advance(id, 'cancelled')
  alice.store.lost = row === undefined ? [] : [row]
  await alice.restart()
  await world.clock.advance(1_000)
  await eventually(() => alice.store.outbox.queued(bob.instance, 9).length === 1)
  expect(alice.store.outbox.queued(bob.instance, 9)).toMatchObject([
    { kind: 'skip', conversation: row?.conversation, seq: row?.seq }
  ])
})

describe('a peer that does not let this instance in any more', () => {
  /** As after a restore from a backup: it waits for its owner's word, and refuses until then. */
  async function suspended(): Promise<string> {
    const id = (await alice.ask.send({ target: 'bob', text: 'x', timeoutMs: 0 })).id
    await bob.ask.forget({ who: alice.peer })
    world.hub.mend(alice.peer, bob.peer)
    world.hub.discover(alice.peer, bob.peer)
    await world.clock.advance(20 * MINUTE_MS)
    return id
  }

  const notices = () => alice.store.notices.unread(9).map(({ text }) => text)

  it('R-17: gets what waited once its owner approves again; until then it is kept, and the owner is told once', async () => {
    const id = await suspended()
    expect(alice.store.outbox.get(id)?.state).toBe('queued')
    expect(notices().filter(text => text.includes('What waits for it is kept'))).toHaveLength(1)
    expect(alice.notices.of('owner').filter(({ text }) => text.includes('What waits for it is kept'))).toHaveLength(1)
    await alice.restart()
    await world.clock.advance(20 * MINUTE_MS)
    expect(alice.store.outbox.get(id)?.state).toBe('queued')
    expect(alice.notices.of('owner').filter(({ text }) => text.includes('What waits for it is kept'))).toHaveLength(1)
    await bob.ask.approve({ who: alice.peer })
    world.hub.discover(alice.peer, bob.peer)
    await world.clock.advance(10 * MINUTE_MS)
    await eventually(() => alice.store.outbox.get(id)?.state === 'delivered')
  })

  it('S-29: is nobody who ever let it in, once it was forgotten here', async () => {
    await alice.ask.forget({ who: bob.peer })
    await bob.ask.forget({ who: alice.peer })
    await alice.ask.approve({ who: bob.peer })
    world.hub.mend(alice.peer, bob.peer)
    const id = (await alice.ask.send({ target: bob.peer, text: 'x', timeoutMs: 0 })).id
    world.hub.discover(alice.peer, bob.peer)
    await world.clock.advance(MINUTE_MS)
    await eventually(() => alice.store.outbox.get(id)?.state === 'rejected')
  })
})
