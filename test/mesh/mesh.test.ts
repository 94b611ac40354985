import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MeshError } from '../../src/mesh/errors.ts'
import { decodeContent, decodeEnvelope } from '../../src/protocol/index.ts'
import { FakeAgent } from '../fakes/agent.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

const failing = (promise: Promise<unknown>): Promise<MeshError> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    error => error
  )

describe('a message between two meshes', () => {
  it('reaches received, delivered and answered, with the path and the answer', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob', { agent: new FakeAgent({ answer: ({ text }) => `re: ${text}` }) })
    await world.join(alice, bob)

    const received = await alice.ask.send({ target: bob.mesh.instanceId, text: 'one', waitFor: 'received' })
    const delivered = await alice.ask.send({ target: bob.peer, text: 'two' })
    const answered = await alice.ask.send({ target: 'bob', text: 'three', waitFor: 'answered' })

    expect(['received', 'delivered', 'answered']).toContain(received.level)
    expect(['delivered', 'answered']).toContain(delivered.level)
    expect(answered).toMatchObject({
      level: 'answered',
      path: 'lan',
      reply: 're: three',
      reason: null,
      repeated: false
    })
    expect(answered.to).toEqual({ instanceId: bob.mesh.instanceId, peerId: bob.peer, name: 'bob' })
    await eventually(() => alice.store.outbox.get(delivered.id)?.state === 'answered')
    expect(await alice.ask.message({ id: delivered.id })).toMatchObject({ state: 'answered', reply: 're: two' })
  })

  it('says delivered and why no more comes when the agent gives no answer', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob', { agent: new FakeAgent() })
    await world.join(alice, bob)
    const result = await alice.ask.send({ target: 'bob', text: 'hello', waitFor: 'answered' })
    expect(result).toMatchObject({ level: 'delivered', reason: 'no_reply', reply: null })
  })

  it('R-08: a late answer finds no waiter, ends in the right state and is told to the session that asked', async () => {
    const alice = await world.member('alice')
    const agent = new FakeAgent({ answer: () => 'at last' })
    const gate = Promise.withResolvers<void>()
    agent.held = gate.promise
    const bob = await world.member('bob', { agent })
    await world.join(alice, bob)

    const asking = alice.ask.send({ target: 'bob', text: 'hm?', waitFor: 'answered', timeoutMs: 5_000, session: 's1' })
    await eventually(() => agent.turns.length === 1)
    await eventually(() => alice.store.outbox.queued(bob.instance, 1).length === 0)
    await eventually(() => alice.store.outbox.unsettled(bob.instance, 1).length === 0)
    await world.clock.advance(5_000)
    const result = await asking
    expect(result).toMatchObject({ level: 'delivered', reason: null, reply: null })

    gate.resolve()
    await eventually(() => alice.notices.of('answer').length === 1)
    expect(alice.notices.of('answer')).toMatchObject([
      { question: result.id, inbound: { text: 'at last', inReplyTo: result.id, mayStartTurn: false } }
    ])
    await world.clock.advance(1_000)
    await eventually(() => alice.notices.of('settled').length === 1)
    expect(alice.notices.of('settled')).toEqual([
      {
        kind: 'settled',
        session: 's1',
        ids: [result.id],
        state: 'answered',
        to: expect.objectContaining({ instance: bob.instance })
      }
    ])
    expect(await alice.ask.message({ id: result.id })).toMatchObject({ state: 'answered', reply: 'at last' })
  })

  it('is accepted while the peer is away, and delivered when the link comes up', async () => {
    const alice = await world.member('alice')
    const display = new FakeDisplay()
    const bob = await world.member('bob', { display })
    await world.join(alice, bob)
    world.hub.cut(alice.peer, bob.peer)
    await eventually(() => !alice.linkedTo(bob))

    const result = await alice.ask.send({ target: 'bob', text: 'later', timeoutMs: 0 })
    expect(result).toMatchObject({ level: 'pending', path: null })
    expect(await alice.ask.peers({})).toMatchObject([{ name: 'bob', path: null, queued: 1 }])

    world.hub.mend(alice.peer, bob.peer)
    await world.clock.advance(10_000)
    await eventually(() => alice.store.outbox.get(result.id)?.state === 'delivered')
    expect(display.shown.map(({ text }) => text)).toEqual(['later'])
  })

  it('survives a restart of either side in the middle, and is dispatched once', async () => {
    const alice = await world.member('alice')
    const agent = new FakeAgent({ answer: ({ text }) => `re: ${text}` })
    const bob = await world.member('bob', { agent })
    await world.join(alice, bob)
    world.hub.lose(alice.peer, bob.peer)
    const { id } = await alice.ask.send({ target: 'bob', text: 'hold on', timeoutMs: 0 })
    await alice.restart()
    world.hub.lose(alice.peer, bob.peer, false)
    world.hub.discover(alice.peer, bob.peer)
    await eventually(() => alice.store.outbox.get(id)?.replyId !== undefined)
    await bob.restart()
    world.hub.discover(bob.peer, alice.peer)
    await eventually(() => alice.linkedTo(bob))
    await world.hub.settled()
    expect(agent.texts).toEqual(['hold on'])
    expect(await alice.ask.message({ id })).toMatchObject({ state: 'answered', reply: 're: hold on' })
  })

  it('a receipt that was lost with its link is asked for again on the next one', async () => {
    const alice = await world.member('alice')
    const display = new FakeDisplay()
    const gate = Promise.withResolvers<void>()
    display.held = gate.promise
    const bob = await world.member('bob', { display })
    await world.join(alice, bob)
    const { id } = await alice.ask.send({ target: 'bob', text: 'x', waitFor: 'received' })
    world.hub.lose(bob.peer, alice.peer)
    gate.resolve()
    await eventually(() => bob.store.inbox.inStates(['done'], 1).length === 1)
    await world.hub.settled()
    world.hub.drop(alice.peer, bob.peer)
    world.hub.lose(bob.peer, alice.peer, false)
    await world.clock.advance(5_000)
    await eventually(() => alice.store.outbox.get(id)?.state === 'delivered')
    expect(display.shown).toHaveLength(1)
  })

  it('is sent again on a live link when no receipt comes for 30 s', async () => {
    const alice = await world.member('alice')
    const display = new FakeDisplay()
    const bob = await world.member('bob', { display })
    await world.join(alice, bob)
    world.hub.lose(alice.peer, bob.peer)
    const { id } = await alice.ask.send({ target: 'bob', text: 'x', timeoutMs: 0 })
    await world.hub.settled()
    world.hub.lose(alice.peer, bob.peer, false)
    await world.clock.advance(29_000)
    expect(alice.store.outbox.get(id)?.state).toBe('queued')
    await world.clock.advance(1_000)
    await eventually(() => alice.store.outbox.get(id)?.state === 'delivered')
    expect(display.shown).toHaveLength(1)
  })

  it('2,000 messages go through pipelined, in order, none lost and none twice', async () => {
    const alice = await world.member('alice')
    const display = new FakeDisplay()
    const bob = await world.member('bob', { display })
    await world.join(alice, bob)
    const texts = Array.from({ length: 2_000 }, (_, i) => `message ${i}`)
    const results = []
    for (let i = 0; i < texts.length; i += 500) {
      const batch = texts.slice(i, i + 500).map(text => alice.ask.send({ target: 'bob', text }))
      results.push(...(await Promise.all(batch)))
    }
    expect(results.every(({ level }) => level === 'delivered')).toBe(true)
    expect(display.shown.map(({ text }) => text)).toEqual(texts)
    // One commit per group, not per message.
    expect(alice.store.commits).toBeLessThan(texts.length)
  })
})

describe('turns', () => {
  it('two agents that always answer stop after one exchange', async () => {
    const chatty = (): FakeAgent => new FakeAgent({ answer: ({ text }) => `you said ${text}` })
    const [first, second] = [chatty(), chatty()]
    const alice = await world.member('alice', { agent: first })
    const bob = await world.member('bob', { agent: second })
    await world.join(alice, bob)
    const result = await alice.ask.send({ target: 'bob', text: 'hi', waitFor: 'answered' })
    expect(result.reply).toBe('you said hi')
    for (let i = 0; i < 20; i++) await world.hub.settled()
    await world.clock.advance(60_000)
    expect([first.turns.length, second.turns.length]).toEqual([0, 1])
  })

  it('starts none for text that the host sent by itself', async () => {
    const agent = new FakeAgent({ answer: () => 'no' })
    const alice = await world.member('alice')
    const bob = await world.member('bob', { agent })
    await world.join(alice, bob)
    const result = await alice.ask.send({ target: 'bob', text: 'by the host', kind: 'host' })
    expect(result.level).toBe('delivered')
    expect(agent.turns).toHaveLength(0)
    expect(bob.notices.of('message').map(({ inbound }) => inbound.text)).toEqual(['by the host'])
  })

  it('an answer is not held up by eight turns that wait for it', async () => {
    const alice = await world.member('alice', {
      agent: new FakeAgent({
        answer: async ({ id }) =>
          (await alice.ask.send({ target: 'bob', text: id, waitFor: 'answered', conversation: id })).reply ?? 'none'
      })
    })
    const bob = await world.member('bob', { agent: new FakeAgent({ answer: () => 'helped' }) })
    await world.join(alice, bob)
    const asks = Array.from({ length: 8 }, (_, i) =>
      bob.ask.send({ target: 'alice', text: 'ask me back', waitFor: 'answered', conversation: `${i}`.repeat(32) })
    )
    expect((await Promise.all(asks)).map(({ reply }) => reply)).toEqual(Array(8).fill('helped'))
  })

  it('carries the trace on: a send caused by an inbound message goes one deeper', async () => {
    const agent = new FakeAgent()
    const alice = await world.member('alice')
    const bob = await world.member('bob', { agent })
    const carol = await world.member('carol', { agent: new FakeAgent({ answer: () => 'x' }) })
    await world.join(alice, bob)
    await world.join(bob, carol)
    const { id } = await alice.ask.send({ target: 'bob', text: 'pass it on' })
    const onward = await bob.ask.send({
      target: 'carol',
      text: 'passed on',
      cause: `${alice.instance}/${id}`,
      waitFor: 'answered'
    })
    expect(onward.level).toBe('answered')
    for (const cause of [`${alice.instance}/${'0'.repeat(32)}`, `${carol.instance}/${id}`, id])
      expect((await failing(bob.ask.send({ target: 'carol', text: 'x', cause }))).code).toBe('bad_request')
  })

  it('S-23: a message with the id of another sender does not lend its trace', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const carol = await world.member('carol')
    await world.join(alice, bob)
    await world.join(bob, carol)
    const { id } = await alice.ask.send({ target: 'bob', text: 'pass it on', waitFor: 'received' })
    const trace = { root: 'f0'.repeat(16), parent: 'f1'.repeat(16), depth: 2, hops: [alice.instance, carol.instance] }
    const content = carol.identity.content(bob.instance, 'the same id', world.clock.wallMs(), { id, trace })
    const [envelope] = await carol.identity.seal([content])
    if (envelope !== undefined) world.handlerOf(bob).envelope(carol.peer, envelope)
    await eventually(() => bob.store.inbox.get(carol.instance, id)?.verified === true)
    const depths = await Promise.all(
      [alice, carol].map(async ({ instance }) => {
        const sent = await bob.ask.send({ target: 'alice', text: 'x', cause: `${instance}/${id}`, timeoutMs: 0 })
        const row = bob.store.outbox.get(sent.id)
        return row && decodeContent(decodeEnvelope(row.envelope).signed).trace.depth
      })
    )
    expect(depths).toEqual([1, 3])
  })
})

describe('what is refused', () => {
  it('names an unknown, an ambiguous, a not admitted and a blocked target', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    const other = await world.member('bobby', { name: 'bob' })
    await world.join(alice, bob)
    await world.join(alice, other)

    expect(await failing(alice.ask.send({ target: 'nobody', text: 'x' }))).toMatchObject({ code: 'unknown_target' })
    const ambiguous = await failing(alice.ask.send({ target: 'bob', text: 'x' }))
    expect(ambiguous).toMatchObject({ code: 'ambiguous_target' })
    expect(ambiguous.details.candidates?.toSorted()).toEqual([bob.mesh.instanceId, other.mesh.instanceId].toSorted())
    expect(await failing(alice.ask.send({ target: alice.peer, text: 'x' }))).toMatchObject({ code: 'self_target' })
    await alice.ask.trust({ who: bob.peer, level: 'blocked' })
    expect(await failing(alice.ask.send({ target: bob.peer, text: 'x' }))).toMatchObject({ code: 'blocked' })
    await eventually(() => !alice.linkedTo(bob))

    const stranger = await world.member('carol')
    world.hub.discover(alice.peer, stranger.peer)
    await eventually(() => alice.ask !== undefined && world.hub.pairOf(alice.peer, stranger.peer) !== undefined)
    expect(await failing(alice.ask.send({ target: stranger.peer, text: 'x' }))).toMatchObject({ code: 'not_trusted' })
    expect(alice.store.outbox.load().entries).toBe(0)
  })

  it('a peer that has not admitted us refuses the message, and status says so', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    world.hub.discover(alice.peer, bob.peer)
    await eventually(() => world.hub.pairOf(alice.peer, bob.peer) !== undefined)
    await alice.ask.approve({ who: bob.peer })
    let refused = false
    const sending = failing(alice.ask.send({ target: bob.peer, text: 'let me in' })).finally(() => {
      refused = true
    })
    // Its signature is made in a thread; time may go on once it waits.
    await eventually(() => refused || alice.store.outbox.load().entries === 1)
    await world.clock.advance(1_000)
    const error = await sending
    expect(error).toMatchObject({ code: 'refused_by_peer', details: { reason: 'not_admitted' } })
    expect(await alice.ask.message({ id: error.details.id ?? '' })).toMatchObject({
      state: 'rejected',
      reason: 'not_admitted'
    })
    expect((await alice.ask.status({})).issues.join()).toContain('has not admitted this instance')

    // The message that ended leaves no hole: what is sent after the approval arrives.
    await bob.ask.approve({ who: alice.peer })
    await world.clock.advance(10_000)
    await eventually(() => alice.linkedTo(bob))
    const after = await alice.ask.send({ target: bob.peer, text: 'thanks' })
    expect(after.level).toBe('delivered')
    expect((await alice.ask.status({})).issues).toEqual([])
  })

  it('S-28: a stranger is let in by its id, never by the label that it chose', async () => {
    const carol = await world.member('carol')
    const dave = await world.member('dave', { dmPolicy: 'allowlist', allowFrom: [carol.peer] })
    await carol.ask.approve({ who: dave.peer })
    world.hub.discover(dave.peer, carol.peer)
    await eventually(() => dave.linkedTo(carol))
    dave.mesh.update({ dmPolicy: 'allowlist', allowFrom: [], deliveryAckTimeoutMs: 15_000 })
    expect(await dave.ask.peers({})).toMatchObject([{ name: 'carol', trust: 'unknown' }])
    const { instanceId } = await carol.ask.status({})
    expect(await failing(dave.ask.approve({ who: 'carol' }))).toMatchObject({
      code: 'ambiguous_target',
      details: { candidates: [instanceId] }
    })
    // To shut somebody out by a name is no risk; to let it in again is one.
    expect(await dave.ask.trust({ who: 'carol', level: 'blocked' })).toMatchObject({ trust: 'blocked' })
    expect(await failing(dave.ask.approve({ who: 'carol' }))).toMatchObject({ code: 'ambiguous_target' })
    expect(await dave.ask.approve({ who: carol.peer })).toMatchObject({ trust: 'paired' })
  })

  it('S-32: who is no longer admitted after a change of settings is disconnected', async () => {
    const bob = await world.member('bob')
    const alice = await world.member('alice', { dmPolicy: 'allowlist', allowFrom: [bob.peer] })
    await bob.ask.approve({ who: alice.peer })
    world.hub.discover(alice.peer, bob.peer)
    await eventually(() => alice.linkedTo(bob))
    alice.mesh.update({ dmPolicy: 'allowlist', allowFrom: [], deliveryAckTimeoutMs: 15_000 })
    await eventually(() => !alice.linkedTo(bob))
    expect(await failing(alice.ask.send({ target: bob.peer, text: 'x' }))).toMatchObject({ code: 'not_trusted' })
  })

  it('S1.45: a new name and a new timeout are in force at once, without losing a link', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    await world.join(alice, bob)
    alice.mesh.update({ dmPolicy: 'pairing', allowFrom: [], name: 'study', deliveryAckTimeoutMs: 200 })
    expect(await alice.ask.status({})).toMatchObject({ instanceId: expect.stringMatching(/^study@/), peers: 1 })
    await expect
      .poll(async () => await bob.ask.resolve({ target: alice.peer }))
      .toMatchObject({ instanceId: expect.stringMatching(/^study@/) })
    world.hub.cut(alice.peer, bob.peer)
    let waited = 0
    void alice.ask.send({ target: bob.peer, text: 'are you there?' }).then(({ ms }) => {
      waited = ms
    })
    await expect
      .poll(async () => {
        await world.clock.advance(50)
        return waited
      })
      .toBeGreaterThanOrEqual(200)
    expect(waited).toBeLessThan(15_000)
  })

  it('a text over the limit, naming the limit', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    await world.join(alice, bob)
    const error = await failing(alice.ask.send({ target: 'bob', text: 'x'.repeat(40_000) }))
    expect(error).toMatchObject({ code: 'text_too_long' })
    expect(error.message).toContain('32768')
  })
})
