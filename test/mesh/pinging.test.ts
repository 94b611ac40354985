import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeInstance } from '../fakes/instance.ts'
import { type Member, twoMembers, type World } from './world.ts'

let world: World
let alice: Member
let bob: Member

beforeEach(async () => {
  ;({ world, alice, bob } = await twoMembers())
})

afterEach(() => world.end())

const ping = (who: string, options?: { signal?: AbortSignal }) => alice.ask.ping({ who }, options)

describe('ping', () => {
  it('measures one round trip to whoever is named as for a message, and says the path', async () => {
    await world.join(alice, bob)
    for (const who of ['bob', bob.peer, bob.instance, bob.mesh.instanceId])
      expect(await ping(who)).toEqual({
        instanceId: bob.mesh.instanceId,
        peerId: bob.peer,
        name: 'bob',
        path: 'lan',
        rttMs: 1,
        address: expect.stringContaining(bob.peer)
      })
    world.hub.reroute(alice.peer, bob.peer, 'relayed')
    expect(await ping('bob')).toMatchObject({ path: 'relayed' })
  })

  it('connects first where there is no connection, at the addresses that are known', async () => {
    await world.join(alice, bob)
    world.hub.drop(alice.peer, bob.peer)
    // The peer is away for a moment: nobody has dialled it again yet.
    expect(alice.linkedTo(bob)).toBe(false)
    expect(await ping('bob')).toMatchObject({ peerId: bob.peer, path: 'lan' })
    expect(alice.linkedTo(bob)).toBe(true)
  })

  it('says of a peer out of reach its instance id, and that it may be tried again', async () => {
    await world.join(alice, bob)
    world.hub.cut(alice.peer, bob.peer)
    await expect(ping('bob')).rejects.toMatchObject({
      code: 'dial_failed',
      retryable: true,
      details: { peer: bob.mesh.instanceId }
    })
    world.hub.mend(alice.peer, bob.peer)
    expect(await ping('bob')).toMatchObject({ path: 'lan' })
  })

  it('says where nothing is known of a peer but its key', async () => {
    const carol = new FakeInstance('carol')
    await alice.ask.approve({ who: carol.peer, name: 'carol' })
    await expect(ping('carol')).rejects.toMatchObject({
      code: 'dial_failed',
      details: { detail: 'no address of it is known' }
    })
  })

  it('reaches a peer that has not admitted this instance, for it is there', async () => {
    await alice.ask.approve({ who: bob.peer })
    world.hub.discover(alice.peer, bob.peer)
    await world.hub.settled()
    expect(await ping(bob.peer)).toMatchObject({ peerId: bob.peer, path: 'lan' })
    world.hub.drop(alice.peer, bob.peer)
    expect(await ping(bob.peer)).toMatchObject({ peerId: bob.peer, path: 'lan' })
    expect(alice.linkedTo(bob)).toBe(false)
  })

  it('refuses whom a message would be refused to', async () => {
    await world.join(alice, bob)
    const carol = await world.member('carol')
    world.hub.discover(alice.peer, carol.peer)
    await expect(ping('nobody')).rejects.toMatchObject({ code: 'unknown_target' })
    await expect(ping('alice')).rejects.toMatchObject({ code: 'unknown_target' })
    await expect(ping(alice.peer)).rejects.toMatchObject({ code: 'self_target' })
    await world.hub.settled()
    await expect(ping(carol.peer)).rejects.toMatchObject({ code: 'not_trusted' })
    await alice.ask.trust({ who: 'bob', level: 'blocked' })
    await expect(ping('bob')).rejects.toMatchObject({ code: 'blocked' })
  })

  it('ends with its signal', async () => {
    await world.join(alice, bob)
    world.hub.drop(alice.peer, bob.peer)
    await expect(ping('bob', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})

describe('a change of path', () => {
  it('is told to both hosts and shown in the list of peers, and the link stays', async () => {
    await world.join(alice, bob)
    world.hub.reroute(alice.peer, bob.peer, 'relayed')
    world.hub.reroute(alice.peer, bob.peer, 'direct')
    for (const [one, other] of [
      [alice, bob],
      [bob, alice]
    ] as const) {
      const told = one.events.flatMap(event => (event.type === 'peer' ? [[event.state, event.path]] : []))
      expect(told).toEqual([
        ['connected', 'lan'],
        ['connected', 'relayed'],
        ['connected', 'direct']
      ])
      expect(await one.ask.peers({})).toMatchObject([{ peerId: other.peer, path: 'direct' }])
    }
    expect(await alice.ask.send({ target: 'bob', text: 'x', waitFor: 'received' })).toMatchObject({ path: 'direct' })
  })
})
