import { afterEach, beforeEach, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Agent } from '../../src/mesh/ports.ts'
import { FakeAgent } from '../fakes/agent.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, type Member, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

it('a turn with several answers loses none: who waits gets the first, the others are shown as late answers to the same question', async () => {
  const talkative: Agent = {
    async turn(_, events) {
      events.adopted()
      for (const text of ['one', 'two', 'three']) await events.reply(text)
      return { outcome: 'done' }
    }
  }
  const alice = await world.member('alice')
  const bob = await world.member('bob', { agent: talkative })
  await world.join(alice, bob)
  const question = { target: 'bob', text: 'well?', waitFor: 'answered' as const, session: 'agent:main:main' }
  const { id, level, reply } = await alice.ask.send(question)
  expect([level, reply]).toEqual(['answered', 'one'])
  await eventually(() => alice.notices.of('answer').length === 2)
  expect(alice.notices.of('answer').map(({ question, inbound }) => [question, inbound.text])).toEqual([
    [id, 'two'],
    [id, 'three']
  ])
})

it('S-32: an answer that is being signed while its peer is shut out does not stay in the outbox', async () => {
  const agent: Agent = {
    async turn(_, events) {
      const answer = events.reply('late')
      // It is with the outbox now, and not committed.
      for (let turns = 0; turns < 5; turns++) await Promise.resolve()
      await bob.ask.trust({ who: alice.peer, level: 'blocked' })
      await answer
      return { outcome: 'done' }
    }
  }
  const alice = await world.member('alice')
  const bob = await world.member('bob', { agent })
  await world.join(alice, bob)
  // Bob hangs up in the middle, and its receipt may be lost with the link.
  const { id } = await alice.ask.send({ target: 'bob', text: 'well?', waitFor: 'received', timeoutMs: 0 })
  await eventually(() => bob.store.inbox.get(alice.instance, id)?.state === 'replied', 'the answer')
  await world.hub.settled()
  expect(bob.store.outbox.queued(alice.instance, 9).filter(({ kind }) => kind !== 'skip')).toEqual([])
})

it('a late answer is shown once where a display shows what comes, and is kept for the owner', async () => {
  const display = new FakeDisplay()
  const alice = await world.member('alice', { display })
  const agent = new FakeAgent({ answer: () => 'at last' })
  const gate = Promise.withResolvers<void>()
  agent.held = gate.promise
  const bob = await world.member('bob', { agent })
  await world.join(alice, bob)
  const { id } = await alice.ask.send({ target: 'bob', text: 'hm?', waitFor: 'received', timeoutMs: 0 })
  gate.resolve()
  await eventually(() => alice.store.outbox.get(id)?.state === 'answered' && display.shown.length > 0)
  await world.clock.advance(2_000)
  expect(display.shown.map(({ text }) => text)).toEqual(['at last'])
  expect(alice.notices.of('answer')).toEqual([])
  expect(alice.store.notices.unread(9).map(({ text }) => text)).toEqual([
    expect.stringMatching(` answered message ${id}: at last$`)
  ])
})

/** Refuses answers, and nothing else, while it says so. */
function fillFor(member: Member): { full: boolean; refused: number } {
  const disk = { full: true, refused: 0 }
  const { outbox } = member.store
  const insert = outbox.insert.bind(outbox)
  outbox.insert = rows => {
    if (!disk.full) return insert(rows)
    disk.refused++
    throw new MeshError('store_failed', { detail: 'full', retryable: true })
  }
  return disk
}

it('R-09: an answer that meets a full disk waits for room, and no second turn is run for it', async () => {
  const agent = new FakeAgent({ answer: () => 'yes' })
  const alice = await world.member('alice')
  const bob = await world.member('bob', { agent })
  await world.join(alice, bob)
  const disk = fillFor(bob)
  const { id } = await alice.ask.send({ target: 'bob', text: 'well?', waitFor: 'received', timeoutMs: 0 })
  await eventually(() => disk.refused > 0)
  await world.clock.advance(60_000)
  expect(alice.store.outbox.get(id)?.state).toBe('delivered')
  disk.full = false
  await world.clock.advance(2_000)
  await eventually(() => alice.store.outbox.get(id)?.state === 'answered')
  expect(agent.turns).toHaveLength(1)
})

it('R-09: a host that calls a turn failed because its answer was not stored in time does not make a refusal of it', async () => {
  const agent = new FakeAgent({ answer: () => 'yes' })
  const turn = agent.turn.bind(agent)
  agent.turn = async (inbound, events, options) =>
    await turn(inbound, events, options).catch(error => ({ outcome: 'failed' as const, detail: String(error) }))
  const alice = await world.member('alice')
  const bob = await world.member('bob', { agent })
  await world.join(alice, bob)
  const disk = fillFor(bob)
  const { id } = await alice.ask.send({ target: 'bob', text: 'well?', waitFor: 'received', timeoutMs: 0 })
  await eventually(() => disk.refused > 0)
  // Longer than any turn.
  await world.clock.advance(11 * 60_000)
  disk.full = false
  await world.clock.advance(60_000)
  await eventually(() => alice.store.outbox.get(id)?.state === 'answered')
  expect(alice.store.outbox.get(id)?.reason).toBeUndefined()
})
