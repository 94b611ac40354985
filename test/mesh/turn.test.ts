import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Agent } from '../../src/mesh/ports.ts'
import { eventually, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

it('a turn with several answers loses none: who waits gets the first, the others are told as late answers to the same question', async () => {
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
  await eventually(() => alice.notices.of('settled').length === 2)
  expect(alice.notices.of('settled').map(notice => [notice.id, notice.session, notice.reply?.text])).toEqual([
    [id, 'agent:main:main', 'two'],
    [id, 'agent:main:main', 'three']
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
  expect(bob.store.outbox.queued(alice.instance, 9)).toEqual([])
})
