import { afterEach, beforeEach, expect, it } from 'vitest'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

it('S2.33: lists what came in, newest first, with who said it, and nothing of whom the owner forgot', async () => {
  const display = new FakeDisplay()
  const bob = await world.member('bob', { display })
  const ana = await world.member('ana')
  await world.join(bob, ana)
  expect(await bob.ask.messages({ limit: 10 })).toEqual([])
  for (const text of ['one', 'two\u001b[2J', 'three']) {
    await ana.ask.send({ target: bob.peer, text, waitFor: 'delivered' })
  }
  await eventually(() => display.shown.length === 3)
  const list = await bob.ask.messages({ limit: 2 })
  expect(list).toMatchObject([
    { text: 'three', state: 'done', from: { peerId: ana.peer, name: 'ana' }, inReplyTo: null },
    { text: 'two\u001b[2J' }
  ])
  await bob.ask.forget({ who: ana.peer })
  expect(await bob.ask.messages({ limit: 10 })).toEqual([])
})

it('S-29: lists nothing of before a peer was forgotten, also when the owner lets it in again', async () => {
  const display = new FakeDisplay()
  const bob = await world.member('bob', { display })
  const ana = await world.member('ana')
  await world.join(bob, ana)
  await ana.ask.send({ target: bob.peer, text: 'of before', waitFor: 'delivered' })
  await world.clock.advance(1)
  await bob.ask.forget({ who: ana.peer })
  await bob.ask.approve({ who: ana.peer })
  await world.clock.advance(2_000)
  world.hub.discover(ana.peer, bob.peer)
  world.hub.discover(bob.peer, ana.peer)
  await world.clock.advance(60_000)
  await eventually(() => bob.linkedTo(ana), 'the link')
  expect(await bob.ask.messages({ limit: 10 })).toEqual([])
  await ana.ask.send({ target: bob.peer, text: 'of now', waitFor: 'delivered' })
  await bob.ask.trust({ who: ana.peer, level: 'trusted' })
  expect(await bob.ask.messages({ limit: 10 })).toMatchObject([{ text: 'of now' }])
})

it('S2.33, S2.47: shows one message by the beginning of its id, and none that the list leaves out', async () => {
  const bob = await world.member('bob', { display: new FakeDisplay() })
  const ana = await world.member('ana')
  await world.join(bob, ana)
  const { id } = await ana.ask.send({ target: bob.peer, text: 'hello\nthere', waitFor: 'delivered' })
  const shown = await bob.ask.inbound({ id: id.slice(0, 8) })
  expect(shown).toEqual({
    ...(await bob.ask.messages({ limit: 1 }))[0],
    kind: 'message',
    conversation: expect.stringMatching(/^[0-9a-f]{32}$/),
    sentAt: expect.stringMatching(/Z$/),
    reason: null,
    attempts: 1
  })
  expect(shown).toMatchObject({ id, state: 'done', text: 'hello\nthere', from: { peerId: ana.peer } })
  await expect(bob.ask.inbound({ id: '0'.repeat(32) })).rejects.toMatchObject({ code: 'not_found' })

  const row = bob.store.inbox.get(ana.instance, id)
  if (row === undefined) throw new Error('there is no such row')
  bob.store.inbox.insert([{ ...row, id: `${id.slice(0, 8)}${'0'.repeat(24)}`, seq: 99 }])
  await expect(bob.ask.inbound({ id: id.slice(0, 8) })).rejects.toMatchObject({ code: 'bad_request' })
  expect(await bob.ask.inbound({ id })).toMatchObject({ id })

  bob.store.inbox.update(ana.instance, id, { verified: false })
  await expect(bob.ask.inbound({ id })).rejects.toMatchObject({ code: 'not_found' })
  await bob.ask.forget({ who: ana.peer })
  await expect(bob.ask.inbound({ id: id.slice(0, 8) })).rejects.toMatchObject({ code: 'not_found' })
})
