import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { decodeEnvelope, type Receipt } from '../../src/protocol/index.ts'
import { FakeAgent } from '../fakes/agent.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, type Member, World } from './world.ts'

let world: World
let alice: Member

beforeEach(async () => {
  world = new World()
  alice = await world.member('alice')
})

afterEach(async () => {
  vi.restoreAllMocks()
  await world.end()
})

/** Every receipt frame that arrives at alice, as `id-part outcome` in the order of arrival. */
function heard(): Receipt[][] {
  const frames: Receipt[][] = []
  const handler = world.handlerOf(alice)
  const { receipts } = handler
  vi.spyOn(handler, 'receipts').mockImplementation((peer, batch) => {
    frames.push(batch)
    receipts.call(handler, peer, batch)
  })
  return frames
}

const stateOf = (id: string) => alice.store.outbox.get(id)?.state

it('survive restarts on both sides: what the receiver had reached is told after both came back', async () => {
  const display = new FakeDisplay()
  const bob = await world.member('bob', { display })
  await world.join(alice, bob)
  const held = Promise.withResolvers<void>()
  display.held = held.promise
  const { id } = await alice.ask.send({ target: 'bob', text: 'x', waitFor: 'received' })
  world.hub.lose(bob.peer, alice.peer)
  held.resolve()
  await eventually(() => bob.store.inbox.inStates(['done'], 1).length === 1)
  await world.hub.settled()
  expect(stateOf(id)).toBe('received')
  await alice.restart()
  // What was reached before stays known without anybody's help.
  expect(await alice.ask.message({ id })).toMatchObject({ state: 'received' })
  await bob.restart()
  world.hub.lose(bob.peer, alice.peer, false)
  world.hub.discover(alice.peer, bob.peer)
  await eventually(() => stateOf(id) === 'delivered')
  expect(display.shown).toHaveLength(1)
})

it('count on any link of the peer: what became of a message that came over an old link is heard over the new one', async () => {
  const agent = new FakeAgent()
  const held = Promise.withResolvers<void>()
  agent.held = held.promise
  const bob = await world.member('bob', { agent })
  await world.join(alice, bob)
  const waiting = alice.ask.send({ target: 'bob', text: 'x', waitFor: 'answered' })
  await eventually(() => bob.store.inbox.inStates(['adopted'], 1).length === 1)
  await world.hub.settled()
  world.hub.drop(alice.peer, bob.peer)
  await world.clock.advance(10_000)
  await eventually(() => alice.linkedTo(bob))
  held.resolve()
  // Nobody asks again about what was delivered: that no answer comes is only in the late receipt.
  expect(await waiting).toMatchObject({ level: 'delivered', reason: 'no_reply', reply: null })
  expect(agent.texts).toEqual(['x'])
})

it('S-30: only grow: a repeat that is answered with less changes nothing', async () => {
  const bob = await world.member('bob', { display: new FakeDisplay() })
  await world.join(alice, bob)
  const { id } = await alice.ask.send({ target: 'bob', text: 'x', waitFor: 'delivered' })
  const row = bob.store.inbox.get(alice.instance, id)
  if (row === undefined) throw new Error('there is no row')
  const receipt = { id, attempt: 2, hash: row.hash, reason: 'none' } as const
  for (const outcome of ['received', 'delivered', 'received'] as const)
    world.handlerOf(alice).receipts(bob.peer, [{ ...receipt, outcome }])
  expect(stateOf(id)).toBe('delivered')
})

it('are repeated on a duplicate, with what became of the first', async () => {
  const display = new FakeDisplay()
  const bob = await world.member('bob', { display })
  await world.join(alice, bob)
  const { id } = await alice.ask.send({ target: 'bob', text: 'x', waitFor: 'delivered' })
  const envelope = alice.store.outbox.get(id)?.envelope
  if (envelope === undefined) throw new Error('there is no row')
  const frames = heard()
  for (let i = 0; i < 3; i++)
    world.hub.nodeOf(alice.peer).send(bob.peer, { type: 'envelope', envelope: decodeEnvelope(envelope) })
  await eventually(() => frames.length > 0)
  await world.hub.settled()
  expect(frames.flat().every(receipt => receipt.id === id && receipt.outcome === 'delivered')).toBe(true)
  expect(display.shown).toHaveLength(1)
})

it('are batched: a burst of messages is answered with a fraction of the frames', async () => {
  const bob = await world.member('bob', { display: new FakeDisplay() })
  await world.join(alice, bob)
  const frames = heard()
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => alice.ask.send({ target: 'bob', text: `${i}`, waitFor: 'delivered' }))
  )
  expect(new Set(results.map(({ level }) => level))).toEqual(new Set(['delivered']))
  expect(new Set(frames.flat().map(({ id }) => id)).size).toBe(200)
  expect(frames.length).toBeLessThanOrEqual(100)
})
