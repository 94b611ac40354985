import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeInstance } from '../fakes/instance.ts'
import { eventually, type Member, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

/** Alice has asked bob; returns the name of her request in the lists of bob's host. */
async function asked(init = {}): Promise<{ alice: Member; bob: Member; request: string }> {
  const alice = await world.member('alice')
  const bob = await world.member('bob', init)
  world.hub.discover(alice.peer, bob.peer)
  await world.hub.settled()
  await alice.ask.request({ who: bob.peer, purpose: 'Ana from the office' })
  return { alice, bob, request: bob.mesh.hostApprovals([]).open[0]?.id ?? '' }
}

describe('approvals at the host', () => {
  it('S2.28: a request is shown there under a name that is neither a peer nor an instance', async () => {
    const { alice, bob, request } = await asked()
    const { open } = bob.mesh.hostApprovals([])
    expect(open).toEqual([{ id: request, instanceId: `alice@${alice.instance}`, purpose: 'Ana from the office' }])
    expect(request).toMatch(/^request-[0-9a-f]{16}$/)
    await expect(bob.ask.resolve({ target: request })).rejects.toMatchObject({ code: 'unknown_target' })
    await expect(bob.ask.approve({ who: request })).rejects.toMatchObject({ code: 'unknown_target' })
  })

  it('S2.29: one lets in the key that asked, tells it at once, and is done', async () => {
    const { alice, bob, request } = await asked()
    expect(bob.mesh.hostApprovals([request])).toEqual({ open: [], done: [request] })
    expect(bob.store.trust.get(alice.instance)).toMatchObject({ level: 'paired', how: 'host', peers: [alice.peer] })
    await eventually(() => alice.linkedTo(bob))
    expect(await alice.ask.send({ target: bob.peer, text: 'hi', waitFor: 'received' })).toMatchObject({
      repeated: false
    })
    // The host may say it again; nothing is changed by that.
    const before = bob.store.trust.get(alice.instance)
    expect(bob.mesh.hostApprovals([request])).toEqual({ open: [], done: [request] })
    expect(bob.store.trust.get(alice.instance)).toEqual(before)
  })

  it('S2.29: one that the host still has after a restart is not called stale, as it has let somebody in', async () => {
    const { alice, bob, request } = await asked()
    bob.mesh.hostApprovals([request])
    await bob.restart()
    expect(bob.mesh.hostApprovals([request])).toEqual({ open: [], done: [request] })
    expect(bob.store.trust.get(alice.instance)).toMatchObject({ level: 'paired', how: 'host' })
    expect((await bob.ask.notices({})).filter(({ text }) => text.includes('lets nobody in'))).toEqual([])
    // As many are remembered as can be open at once.
    const others = Array.from({ length: 63 }, (_, index) => `request-${index.toString(16).padStart(16, '0')}`)
    bob.store.setValue('host-approvals', [request, ...others].join(' '))
    await world.clock.advance(120_000)
    const carol = await world.member('carol')
    world.hub.discover(carol.peer, bob.peer)
    await world.hub.settled()
    await carol.ask.request({ who: bob.peer })
    const [{ id } = { id: '' }] = bob.mesh.hostApprovals([]).open
    expect(bob.mesh.hostApprovals([id]).done).toEqual([id])
    expect(bob.store.value('host-approvals')?.split(' ')).toEqual([...others, id])
  })

  it('S2.41: one of an earlier request counts for no later one, also where the list of the host came from a backup', async () => {
    const { alice, bob, request } = await asked()
    await bob.ask.approve({ who: alice.peer })
    await bob.ask.forget({ who: alice.peer })
    await world.clock.advance(120_000)
    world.hub.discover(alice.peer, bob.peer)
    await world.hub.settled()
    await bob.ask.forget({ who: alice.peer })
    expect(bob.mesh.hostApprovals([request, alice.peer, `alice@${alice.instance}`]).done).toHaveLength(3)
    expect(bob.store.trust.get(alice.instance)).toMatchObject({ level: 'unknown', tombstone: true })
  })

  it('S2.41: none counts after an older copy was restored, until the list of the host was found clear of them', async () => {
    const { alice, bob, request } = await asked()
    const [carol, dave] = [new FakeInstance('carol'), new FakeInstance('dave')]
    // What the older copy has: an earlier epoch of the same store, in which the list was read.
    bob.store.setValue('hostApprovals.epoch', 'ffffffffffffffff')
    const old = [carol.peer, `dave@${dave.instance}`, request]
    for (let look = 0; look < 2; look++)
      expect(bob.mesh.hostApprovals(['someone@example.org', ...old]).done).toEqual(old)
    for (const { instance } of [carol, dave, alice]) expect(bob.store.trust.get(instance)).toBeUndefined()
    // What the owner approves after that is a new word.
    bob.mesh.hostApprovals(['someone@example.org'])
    expect(bob.mesh.hostApprovals([request, carol.peer]).done).toHaveLength(2)
    for (const { instance } of [carol, alice]) expect(bob.store.trust.get(instance)?.level).toBe('paired')
  })

  it('one of a request that a forgotten peer made later is the word of the owner', async () => {
    const { alice, bob, request } = await asked()
    await bob.ask.forget({ who: alice.peer })
    expect(bob.mesh.hostApprovals([request])).toEqual({ open: [], done: [request] })
    expect(bob.store.trust.get(alice.instance)?.tombstone).toBe(true)
    await world.clock.advance(120_000)
    await alice.ask.request({ who: bob.peer })
    const [again] = bob.mesh.hostApprovals([]).open
    expect(again?.id).not.toBe(request)
    bob.mesh.hostApprovals([again?.id ?? ''])
    expect(bob.store.trust.get(alice.instance)).toMatchObject({ level: 'paired', tombstone: false, how: 'host' })
  })

  it('S-25: of a request that is not open any more, as a crowd pushed it out, is told to the owner, once', async () => {
    const { alice, bob, request } = await asked()
    bob.store.contacts.delete(alice.instance, 'incoming')
    for (let look = 0; look < 3; look++)
      expect(bob.mesh.hostApprovals([request])).toEqual({ open: [], done: [request] })
    expect(bob.store.trust.get(alice.instance)).toBeUndefined()
    const told = (await bob.ask.notices({})).filter(({ text }) => text.includes('list of the host'))
    expect(told).toMatchObject([{ text: expect.stringMatching(/lets nobody in\. Whoever asked has to ask again\.$/) }])
  })

  it('a peer that was named there comes in unless the owner has decided here', async () => {
    const bob = await world.member('bob')
    const { alice, carol, dan } = {
      alice: await world.member('alice'),
      carol: await world.member('carol'),
      dan: await world.member('dan')
    }
    await bob.ask.trust({ who: carol.peer, level: 'blocked' })
    await bob.ask.approve({ who: dan.peer })
    await bob.ask.forget({ who: dan.peer })
    const entries = [alice.peer, `carol@${carol.instance}`, dan.instance, 'ana']
    expect(bob.mesh.hostApprovals(entries)).toEqual({ open: [], done: entries.slice(0, 3) })
    const levels = [alice, carol, dan].map(({ instance }) => bob.store.trust.get(instance)?.level)
    expect(levels).toEqual(['paired', 'blocked', 'unknown'])
  })

  it.each(['allowlist', 'disabled'] as const)('nothing is taken from there while dmPolicy is %s', async dmPolicy => {
    const { alice, bob, request } = await asked()
    bob.mesh.update({ dmPolicy, allowFrom: [], deliveryAckTimeoutMs: 15_000 })
    expect(bob.mesh.hostApprovals([request, alice.peer])).toEqual({ open: [], done: [] })
    expect(bob.store.trust.get(alice.instance)).toBeUndefined()
  })
})
