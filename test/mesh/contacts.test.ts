import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { eventually, type Member, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

async function refusalOf(work: Promise<unknown>): Promise<MeshError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (error instanceof MeshError) return error
  throw new Error('not refused', { cause: error })
}

async function two(init = {}): Promise<{ alice: Member; bob: Member }> {
  const alice = await world.member('alice')
  const bob = await world.member('bob', init)
  world.hub.discover(alice.peer, bob.peer)
  await world.hub.settled()
  await eventually(() => alice.store.trust.all().length === 0)
  return { alice, bob }
}

interface Pair {
  alice: Member
  bob: Member
}

/** Both sides of what the owner does to get in, up to the decision. */
async function asked(): Promise<{ alice: Member; bob: Member }> {
  const members = await two()
  const { alice, bob } = members
  expect(await alice.ask.request({ who: bob.peer, purpose: 'Ana from the office' })).toMatchObject({ state: 'pending' })
  return members
}

describe('a contact request', () => {
  it('S2.4: an instance that was found is nearby until the owner decides', async () => {
    const { alice, bob } = await two()
    expect((await alice.ask.nearby({})).map(({ peerId }) => peerId)).toEqual([bob.peer])
    await alice.ask.approve({ who: bob.peer })
    expect(await alice.ask.nearby({})).toEqual([])
  })

  it('S2.5, S2.27: waits for the owner of the other side, who is told once and sees who asks and why', async () => {
    const { alice, bob } = await asked()
    expect(await bob.ask.requests({})).toMatchObject([
      { direction: 'incoming', peerId: alice.peer, name: 'alice', purpose: 'Ana from the office' }
    ])
    expect(await alice.ask.requests({})).toMatchObject([{ direction: 'outgoing', peerId: bob.peer }])
    expect(await bob.ask.notices({})).toMatchObject([
      { text: '1 instance asks to be let in; see: libp2p-mesh requests' }
    ])
    expect(await refusalOf(alice.ask.send({ target: bob.peer, text: 'hi' }))).toMatchObject({ code: 'not_trusted' })
  })

  it('keeps the name of who asks over a restart, which forgets strangers', async () => {
    const { alice, bob } = await asked()
    world.hub.cut(alice.peer, bob.peer)
    await bob.restart()
    const named = [{ name: 'alice', instanceId: `alice@${alice.instance}` }]
    expect(await bob.ask.requests({})).toMatchObject(named)
    // A connection alone says no name.
    world.handlerOf(bob).connected(alice.peer, 'lan', '/ip4/127.0.0.1/tcp/1')
    expect(await bob.ask.requests({})).toMatchObject(named)
  })

  it('S2.6, S2.29: approved, pairs both sides at once, and the one who asked may write', async () => {
    const { alice, bob } = await asked()
    await bob.ask.approve({ who: alice.peer })
    await eventually(() => alice.linkedTo(bob) && bob.linkedTo(alice))
    expect(alice.store.trust.get(bob.instance)).toMatchObject({ level: 'paired', how: 'request' })
    expect(await alice.ask.send({ target: bob.peer, text: 'hi', waitFor: 'received' })).toMatchObject({
      repeated: false
    })
    expect(await alice.ask.requests({})).toEqual([])
    expect(await bob.ask.requests({})).toEqual([])
    expect(await alice.ask.notices({})).toMatchObject([{ text: expect.stringMatching(/let this instance in/) }])
  })

  it('approved while the one who asked was away is heard when it comes back', async () => {
    const { alice, bob } = await asked()
    world.hub.cut(alice.peer, bob.peer)
    await bob.ask.approve({ who: alice.peer })
    await world.hub.settled()
    expect(alice.store.trust.get(bob.instance)).toBeUndefined()
    world.hub.mend(alice.peer, bob.peer)
    await world.clock.advance(120_000)
    world.hub.discover(alice.peer, bob.peer)
    await eventually(() => alice.store.trust.get(bob.instance)?.level === 'paired')
  })

  it('S2.29: approved while the one who asked was away for seconds is heard half a minute after it asked', async () => {
    const { alice, bob } = await asked()
    world.hub.cut(alice.peer, bob.peer)
    await bob.ask.approve({ who: alice.peer })
    await world.hub.settled()
    await world.clock.advance(5_000)
    world.hub.mend(alice.peer, bob.peer)
    world.hub.discover(bob.peer, alice.peer)
    await world.clock.advance(20_000)
    expect(alice.store.trust.get(bob.instance)).toBeUndefined()
    await world.clock.advance(5_000)
    await eventually(() => alice.store.trust.get(bob.instance)?.level === 'paired')
  })

  it('S2.5: goes on when its own side lets the other in before it could be asked', async () => {
    const { alice, bob } = await two()
    world.hub.cut(alice.peer, bob.peer)
    expect(await alice.ask.request({ who: bob.peer, purpose: 'from away' })).toMatchObject({ state: 'pending' })
    await alice.ask.approve({ who: bob.peer })
    world.hub.mend(alice.peer, bob.peer)
    world.hub.discover(alice.peer, bob.peer)
    await world.clock.advance(60_000)
    await eventually(() => bob.store.contacts.get(alice.instance, 'incoming') !== undefined, 'the request')
    expect(await bob.ask.requests({})).toMatchObject([{ peerId: alice.peer, purpose: 'from away' }])
    await bob.ask.approve({ who: alice.peer })
    await eventually(() => alice.linkedTo(bob) && bob.linkedTo(alice), 'the link')
    expect(await alice.ask.requests({})).toEqual([])
  })

  it('S-32: gets nobody in here while dmPolicy is disabled, and is asked again after that', async () => {
    const { alice, bob } = await asked()
    const live = { allowFrom: [], deliveryAckTimeoutMs: 15_000 }
    alice.mesh.update({ ...live, dmPolicy: 'disabled' })
    await bob.ask.approve({ who: alice.peer })
    await world.hub.settled()
    expect(alice.store.trust.get(bob.instance)).toBeUndefined()
    alice.mesh.update({ ...live, dmPolicy: 'pairing' })
    await meetAgain({ alice, bob })
    await eventually(() => alice.store.trust.get(bob.instance)?.level === 'paired')
  })

  it('S-25: an approval that nobody asked for counts for nothing', async () => {
    const { alice, bob } = await two()
    await bob.ask.approve({ who: alice.peer })
    await world.hub.settled()
    expect(alice.store.trust.all()).toEqual([])
    expect((await alice.ask.nearby({})).map(({ peerId }) => peerId)).toEqual([bob.peer])
  })

  it('S2.29: rejected, leaves no trust, no text, and no second notice however often it is repeated', async () => {
    const { alice, bob } = await asked()
    await bob.ask.reject({ who: alice.peer })
    for (let again = 0; again < 5; again++)
      expect(await refusalOf(alice.ask.request({ who: bob.peer, purpose: 'please' }))).toMatchObject({
        code: 'refused_by_peer',
        details: { reason: 'not_admitted' }
      })
    expect(bob.store.trust.all()).toEqual([])
    expect(await bob.ask.requests({})).toEqual([])
    expect(await bob.ask.notices({})).toHaveLength(1)
    expect(JSON.stringify(bob.store.contacts.get(alice.instance, 'incoming'))).not.toContain('office')
    expect(await refusalOf(bob.ask.reject({ who: alice.peer }))).toMatchObject({ code: 'no_request' })
  })

  it.each(['allowlist', 'open', 'disabled'] as const)('is not taken with dmPolicy %s', async dmPolicy => {
    const { alice, bob } = await two({ dmPolicy, allowFrom: dmPolicy === 'open' ? ['*'] : [] })
    const request = alice.ask.request({ who: bob.peer })
    if (dmPolicy === 'open') expect(await request).toMatchObject({ state: 'admitted' })
    else expect(await refusalOf(request)).toMatchObject({ details: { reason: 'requests_off' } })
    expect(await bob.ask.requests({})).toEqual([])
  })

  it('of somebody blocked is refused as such', async () => {
    const { alice, bob } = await two()
    await bob.ask.trust({ who: alice.peer, level: 'blocked' })
    expect(await refusalOf(bob.ask.request({ who: alice.peer }))).toMatchObject({ code: 'blocked' })
    await alice.ask.trust({ who: bob.peer, level: 'blocked' })
    expect(await refusalOf(alice.ask.request({ who: bob.peer }))).toMatchObject({ code: 'blocked' })
  })

  it('S-25: 10,000 requests of 1,000 keys leave 64 rows and one notice, and an honest ticket works', async () => {
    const bob = await world.member('bob')
    const strangers = Array.from({ length: 1_000 }, (_, index) => new FakeInstance(`stranger ${index}`))
    const handler = world.handlerOf(bob)
    for (let round = 0; round < 10; round++) {
      for (const [index, { peer }] of strangers.entries()) {
        const address = `/ip4/10.0.${index % 250}.${(index * 7) % 250}/tcp/4001`
        await handler.asked(peer, address, { kind: 'contact', label: 'x', purpose: 'let me in' })
      }
    }
    expect((await bob.ask.requests({})).length).toBeLessThanOrEqual(64)
    expect(bob.notices.of('owner')).toHaveLength(1)
    const [{ text = '' } = {}] = await bob.ask.notices({})
    expect(text).toMatch(/^\d\d instances ask to be let in; see: /)
    for (const { instance } of strangers) expect(text).not.toContain(instance)
    const alice = await world.member('alice')
    const { ticket } = await bob.ask.invite({ ttlMs: 60_000, uses: 1 })
    expect(await alice.ask.join({ ticket })).toMatchObject({ trust: 'paired' })
  })
})

async function meetAgain({ alice, bob }: Pair): Promise<void> {
  world.hub.cut(alice.peer, bob.peer)
  await world.hub.settled()
  world.hub.mend(alice.peer, bob.peer)
  await world.clock.advance(120_000)
  world.hub.discover(alice.peer, bob.peer)
}

/** Lets something happen here while the other side answers what it is asked. */
function whileAnswering(asked: Member, work: () => Promise<unknown>): void {
  const handler = world.handlerOf(asked)
  const answer = handler.asked.bind(handler)
  handler.asked = async (...request) => {
    await work()
    return await answer(...request)
  }
}

describe('a contact request that is under way', () => {
  it.each([
    ['forgets', ({ alice, bob }: Pair) => alice.ask.forget({ who: bob.peer }), { level: 'unknown', tombstone: true }],
    ['blocks', ({ alice, bob }: Pair) => alice.ask.trust({ who: bob.peer, level: 'blocked' }), { level: 'blocked' }]
  ] as const)('S2.41: lets nobody in whom the owner %s meanwhile', async (_, decide, record) => {
    const members = await two()
    const { alice, bob } = members
    await bob.ask.approve({ who: alice.peer })
    whileAnswering(bob, () => decide(members))
    expect(await refusalOf(alice.ask.request({ who: bob.peer }))).toMatchObject({ code: 'aborted' })
    expect(alice.store.trust.get(bob.instance)).toMatchObject(record)
  })

  it.each(['overloaded', 'unsupported'] as const)(
    'S2.5: is kept when the answer is %s, and asked again',
    async reason => {
      const { alice, bob } = await two()
      const handler = world.handlerOf(bob)
      const answer = handler.asked.bind(handler)
      handler.asked = async () => ({ accepted: false, reason, label: '' })
      expect(await alice.ask.request({ who: bob.peer })).toMatchObject({ state: 'pending' })
      expect(await alice.ask.requests({})).toHaveLength(1)
      handler.asked = answer
      await meetAgain({ alice, bob })
      await eventually(() => bob.store.contacts.get(alice.instance, 'incoming') !== undefined)
      expect(await alice.ask.notices({})).toEqual([])
    }
  )

  it('S2.29: that gets a no while nobody waits ends with a notice to its owner', async () => {
    const { alice, bob } = await asked()
    await bob.ask.reject({ who: alice.peer })
    await meetAgain({ alice, bob })
    await eventually(() => alice.store.contacts.get(bob.instance, 'outgoing') === undefined)
    expect(await alice.ask.notices({})).toMatchObject([
      { text: expect.stringMatching(/does not let this instance in/) }
    ])
  })

  it('S2.41: counts for a week: an approval that comes later lets nobody in', async () => {
    const { alice, bob } = await asked()
    const approve = async () =>
      await world.handlerOf(alice).asked(bob.peer, '/ip4/10.0.0.1/tcp/1', { kind: 'approved' })
    const row = alice.store.contacts.get(bob.instance, 'outgoing')
    if (row === undefined) throw new Error('no request')
    alice.store.contacts.delete(bob.instance, 'outgoing')
    alice.store.contacts.put({ ...row, createdMs: world.clock.wallMs() - 7 * 24 * 60 * 60 * 1000 })
    expect(await approve()).toMatchObject({ accepted: false })
    alice.store.contacts.delete(bob.instance, 'outgoing')
    alice.store.contacts.put(row)
    expect(await approve()).toMatchObject({ accepted: true })
  })

  it('S2.6: approved in one commit with what it ends, or not at all', async () => {
    const { alice, bob } = await asked()
    const broken = new MeshError('store_failed')
    const remove = bob.store.contacts.delete.bind(bob.store.contacts)
    bob.store.contacts.delete = () => {
      throw broken
    }
    expect(await refusalOf(bob.ask.approve({ who: alice.peer }))).toBe(broken)
    expect(bob.store.trust.get(alice.instance)).toBeUndefined()
    expect(bob.linkedTo(alice)).toBe(false)
    bob.store.contacts.delete = remove
    await bob.ask.approve({ who: alice.peer })
    await eventually(() => bob.linkedTo(alice))
  })
})

describe('forgetting', () => {
  it('S-29: revokes before anything else, and leaves no notice with its name or its texts', async () => {
    const { alice, bob } = await two({ notifyOnly: ['*'] })
    await world.join(alice, bob)
    const carol = await world.member('carol')
    await world.join(carol, bob)
    for (const from of [alice, carol]) await from.ask.send({ target: bob.peer, text: `of ${from.peer}` })
    expect(await bob.ask.notices({})).toHaveLength(2)
    const steps: unknown[] = []
    const unsettled = bob.store.outbox.unsettled.bind(bob.store.outbox)
    bob.store.outbox.unsettled = (...args) => {
      steps.push(bob.store.trust.get(alice.instance)?.level)
      return unsettled(...args)
    }
    await bob.ask.forget({ who: alice.peer })
    expect(steps[0]).toBe('unknown')
    expect(await bob.ask.notices({})).toMatchObject([{ text: expect.stringContaining(carol.peer) }])
  })

  it('erases name, level, routes, requests and waiting messages, and nothing old brings the peer back', async () => {
    const { alice, bob } = await two({ allowFrom: [] })
    await world.join(alice, bob)
    await alice.ask.rename({ who: bob.peer, name: 'Bobby' })
    world.hub.cut(alice.peer, bob.peer)
    await alice.ask.send({ target: 'Bobby', text: 'for later', timeoutMs: 0 })
    expect(await alice.ask.forget({ who: 'Bobby' })).toMatchObject({ cancelled: 1 })
    expect(await alice.ask.peers({})).toEqual([])
    expect(await refusalOf(alice.ask.resolve({ target: 'Bobby' }))).toMatchObject({ code: 'unknown_target' })
    expect(alice.store.trust.get(bob.instance)).toMatchObject({ level: 'unknown', tombstone: true, peers: [] })
    alice.mesh.update({ dmPolicy: 'open', allowFrom: ['*', bob.peer], deliveryAckTimeoutMs: 15_000 })
    world.hub.mend(alice.peer, bob.peer)
    await world.clock.advance(120_000)
    await world.hub.settled()
    expect(alice.linkedTo(bob)).toBe(false)
    await alice.ask.approve({ who: bob.peer })
    world.hub.discover(alice.peer, bob.peer)
    await eventually(() => alice.linkedTo(bob))
  })
})
