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
