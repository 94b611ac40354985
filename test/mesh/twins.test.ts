import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Member, World } from './world.ts'

let world: World
let ana: Member
let bob: Member

beforeEach(async () => {
  world = new World()
  ana = await world.member('ana')
  bob = await world.member('bob')
  await world.join(ana, bob)
})

afterEach(async () => {
  await world.end()
})

const LATER = 'f'.repeat(16)

/** A link of bob's key, from a program whose store has this epoch. */
function link(epoch: string): void {
  const handler = world.handlerOf(ana)
  const hello = { ...world.handlerOf(bob).hello(ana.peer), epoch }
  handler.linkDown(bob.peer)
  handler.linkUp(bob.peer, hello, 'lan')
}

async function said(): Promise<string[]> {
  await world.hub.settled()
  return ana.store.notices.unread(10).map(({ text }) => text)
}

it('R-11: a peer that goes back to an epoch that it had left runs twice, and the owner is told once', async () => {
  link(LATER)
  expect(await said()).toEqual([])
  link(bob.store.epoch)
  expect(await said()).toEqual([expect.stringMatching(/^bob .* runs twice: /)])
  for (const epoch of [LATER, bob.store.epoch, LATER]) link(epoch)
  expect(await said()).toHaveLength(1)
})

it('a peer that restarts, or that was restored once, runs once', async () => {
  link(bob.store.epoch)
  link(LATER)
  link(LATER)
  link('e'.repeat(16))
  expect(await said()).toEqual([])
})
