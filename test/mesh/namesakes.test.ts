import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, type Member, World } from './world.ts'

/** New keys under the old name and at the old place. */
const ROUNDS = 100

let world: World
let alice: Member
let bob: Member
/** Peers to whom an envelope went, or was handed to go. */
let addressed: Set<string>

beforeEach(async () => {
  world = new World()
  alice = await world.member('alice')
  bob = await world.member('bob', { name: 'brisk-otter', display: new FakeDisplay() })
  await world.join(alice, bob)
  addressed = new Set()
  const { transmit } = world.hub
  vi.spyOn(world.hub, 'transmit').mockImplementation((from, to, frame) => {
    if (frame.type === 'envelope') addressed.add(to)
    return transmit.call(world.hub, from, to, frame)
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await world.end()
})

/** Where bob listens, or did. */
const bobsPlace = () =>
  world.hub
    .nodeOf(bob.peer)
    .addresses()
    .map(address => address.replace(/\/p2p\/.*/, ''))

async function meet(other: Member): Promise<void> {
  world.hub.discover(alice.peer, other.peer)
  world.hub.discover(other.peer, alice.peer)
  await eventually(() => world.hub.pairOf(alice.peer, other.peer) !== undefined)
  await world.hub.settled()
}

it(`R-17: ${ROUNDS} new keys under the name, at the address of a peer: none gets a byte of text, what waits goes on waiting`, async () => {
  await bob.stop()
  const sent: string[] = []
  await alice.ask.rename({ who: bob.peer, name: 'otto' })
  for (const text of ['one', 'two', 'three'])
    sent.push((await alice.ask.send({ target: 'brisk-otter', text, timeoutMs: 0 })).id)
  const before = alice.store.outbox.load(bob.instance)
  const others: Member[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const other = await world.member(`successor ${round}`, {
      name: 'brisk-otter',
      addresses: bobsPlace()
    })
    others.push(other)
    await meet(other)
    // The label fits both now, so it names nobody; the name that the owner gave goes on to mean whom it was given.
    const text = `for bob ${round}`
    await expect(alice.ask.send({ target: 'brisk-otter', text })).rejects.toMatchObject({ code: 'ambiguous_target' })
    const { to, id } = await alice.ask.send({ target: 'otto', text, timeoutMs: 0 })
    expect(to.peerId).toBe(bob.peer)
    sent.push(id)
    await world.clock.advance(10_000)
    await other.stop()
  }
  expect(others.filter(({ peer }) => addressed.has(peer))).toEqual([])
  for (const other of others) expect(other.store.inbox.newest(1)).toEqual([])
  expect(before.entries).toBe(3)
  expect(alice.store.outbox.load(bob.instance).entries).toBe(3 + ROUNDS)
  for (const id of sent) expect(alice.store.outbox.get(id)).toMatchObject({ state: 'queued', instance: bob.instance })

  // Who holds the old key gets everything, in order.
  await bob.restart()
  world.hub.discover(alice.peer, bob.peer)
  await world.clock.advance(10_000)
  await eventually(() => addressed.has(bob.peer), 'an envelope to bob')
  await eventually(() => sent.every(id => alice.store.outbox.get(id)?.state === 'delivered'), 'the delivery')
}, 120_000)

it('R-17: the owner is told once a day, by both keys, and decides: what waits is kept until the old one is forgotten', async () => {
  await bob.stop()
  const { id } = await alice.ask.send({ target: 'brisk-otter', text: 'secret', timeoutMs: 0 })
  const told = async () => (await alice.ask.notices({})).filter(({ text }) => text.includes('has another key'))
  const other = await world.member('successor', { name: 'Brisk-Otter', addresses: bobsPlace() })
  await meet(other)
  const [notice, ...more] = await told()
  expect(more).toEqual([])
  expect(notice?.text).toContain(other.instance)
  expect(notice?.text).toContain(bob.instance.slice(0, 9))
  expect(notice?.text).toContain('; 1 for the old key wait.')
  expect(notice?.text).not.toContain('secret')
  await expect(alice.ask.send({ target: other.peer, text: 'x' })).rejects.toMatchObject({ code: 'not_trusted' })

  // By a label nobody can be let in: it is the whole id, or nobody.
  await expect(alice.ask.approve({ who: 'brisk-otter' })).rejects.toMatchObject({ code: 'ambiguous_target' })
  await alice.ask.approve({ who: other.instance })
  await other.ask.approve({ who: alice.peer })
  await world.clock.advance(10_000)
  await eventually(() => alice.linkedTo(other))
  expect((await alice.ask.send({ target: other.peer, text: 'hello again' })).level).toBe('delivered')
  expect(other.store.inbox.newest(9)).toHaveLength(1)
  expect(alice.store.outbox.get(id)).toMatchObject({ state: 'queued', instance: bob.instance })
  expect(await alice.ask.forget({ who: bob.peer })).toMatchObject({ cancelled: 1 })
  expect(alice.store.outbox.get(id)?.state).toBe('cancelled')
  expect(await told()).toEqual([])
})

it('R-17: says nothing of a stranger with a name of its own, and of whom the owner blocked', async () => {
  const [quiet, blocked] = [
    await world.member('quiet', { name: 'quiet-heron' }),
    await world.member('blocked', { name: 'brisk-otter' })
  ]
  await alice.ask.trust({ who: blocked.peer, level: 'blocked' })
  world.hub.discover(quiet.peer, alice.peer)
  world.hub.discover(blocked.peer, alice.peer)
  await eventually(() => world.hub.pairOf(alice.peer, quiet.peer) !== undefined)
  await world.hub.settled()
  expect(await alice.ask.notices({})).toEqual([])
})
