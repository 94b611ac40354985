import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { type Member, type MemberInit, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

const live = (dmPolicy: 'pairing' | 'allowlist' | 'disabled', allowFrom: string[] = []) => ({
  dmPolicy,
  allowFrom,
  deliveryAckTimeoutMs: 15_000
})

/** Ana and bob have met. */
async function met(init: MemberInit = {}): Promise<{ ana: Member; bob: Member }> {
  const ana = await world.member('ana')
  const bob = await world.member('bob', init)
  world.hub.discover(bob.peer, ana.peer)
  await world.hub.settled()
  return { ana, bob }
}

it('S2.7: a new name changes nothing else of the record, also while dmPolicy is disabled', async () => {
  const { ana, bob } = await met()
  await bob.ask.trust({ who: ana.peer, level: 'trusted' })
  const { petname: _, revision, ...before } = bob.store.trust.get(ana.instance) ?? expect.fail('no record')
  bob.mesh.update(live('disabled'))
  expect(await bob.ask.rename({ who: ana.peer, name: 'sister' })).toMatchObject({ trust: 'unknown', before: 'unknown' })
  expect(bob.store.trust.get(ana.instance)).toEqual({ ...before, petname: 'sister', revision: revision + 1 })
  bob.mesh.update(live('pairing'))
  await bob.ask.approve({ who: ana.peer })
  expect(bob.store.trust.get(ana.instance)).toMatchObject({ level: 'trusted' })
})

it('S-32: while dmPolicy is disabled nobody is asked or let in, and rights can still be taken away', async () => {
  const { ana, bob } = await met()
  const eve = await world.member('eve')
  await bob.ask.trust({ who: eve.peer, level: 'trusted' })
  bob.mesh.update(live('disabled'))
  for (const raise of [
    () => bob.ask.request({ who: ana.peer }),
    () => bob.ask.approve({ who: ana.peer }),
    () => bob.ask.trust({ who: ana.peer, level: 'paired' }),
    () => bob.ask.trust({ who: eve.peer, level: 'trusted' })
  ])
    await expect(raise()).rejects.toMatchObject({
      code: 'bad_request',
      details: { detail: expect.stringContaining('dmPolicy is disabled') }
    })
  expect(bob.store.trust.get(ana.instance)).toBeUndefined()
  expect(bob.store.contacts.pending('outgoing')).toEqual([])
  await bob.ask.trust({ who: eve.peer, level: 'paired' })
  expect(bob.store.trust.get(eve.instance)).toMatchObject({ level: 'paired' })
  expect(await bob.ask.trust({ who: ana.peer, level: 'blocked' })).toMatchObject({ trust: 'blocked' })
  await bob.ask.forget({ who: eve.peer })
  expect(bob.store.trust.get(eve.instance)).toMatchObject({ tombstone: true })
})

describe('a request that was made before a restart', () => {
  async function asked(): Promise<{ ana: Member; bob: Member }> {
    const { ana, bob } = await met()
    await ana.ask.request({ who: bob.peer })
    await ana.stop()
    await bob.restart()
    return { ana, bob }
  }

  it('S2.6: is approved with the key that asked', async () => {
    const { ana, bob } = await asked()
    expect(await bob.ask.approve({ who: ana.instance })).toMatchObject({ peerId: ana.peer, trust: 'paired' })
    expect(bob.store.trust.get(ana.instance)).toMatchObject({ peers: [ana.peer] })
  })

  it('S2.29: is rejected by its id, with the key that asked', async () => {
    const { ana, bob } = await asked()
    expect(await bob.ask.reject({ who: ana.instance })).toMatchObject({ peerId: ana.peer, state: 'rejected' })
  })

  it('S-28: is rejected by the label that it came with, and approved by its id only', async () => {
    const { ana, bob } = await asked()
    await expect(bob.ask.approve({ who: 'ana' })).rejects.toMatchObject({ code: 'ambiguous_target' })
    expect(await bob.ask.reject({ who: 'Ana' })).toMatchObject({ peerId: ana.peer, state: 'rejected' })
    expect(await bob.ask.requests({})).toEqual([])
  })

  it('S-28: is not rejected by a label that another request could be taken for', async () => {
    const { ana, bob } = await asked()
    const other = new FakeInstance('other')
    const body = { kind: 'contact' as const, label: 'An\u0430', purpose: '' }
    await world.handlerOf(bob).asked(other.peer, '/ip4/10.0.0.9/tcp/1', body)
    await bob.restart()
    await expect(bob.ask.reject({ who: 'ana' })).rejects.toMatchObject({
      code: 'ambiguous_target',
      details: { candidates: expect.arrayContaining([expect.stringContaining(ana.instance)]) }
    })
    expect(await bob.ask.requests({})).toHaveLength(2)
  })
})

it('S-29: a peer is forgotten altogether or, where the store fails, not at all', async () => {
  const { ana, bob } = await met()
  await world.join(ana, bob)
  world.hub.cut(ana.peer, bob.peer)
  const { id } = await bob.ask.send({ target: ana.peer, text: 'for later', timeoutMs: 0 })
  const forget = bob.store.notices.forget.bind(bob.store.notices)
  const broken = new MeshError('store_failed')
  bob.store.notices.forget = () => {
    throw broken
  }
  await expect(bob.ask.forget({ who: ana.peer })).rejects.toBe(broken)
  expect(bob.store.trust.get(ana.instance)).toMatchObject({ level: 'paired', tombstone: false })
  expect(bob.store.outbox.get(id)).toMatchObject({ state: 'queued' })
  expect((await bob.ask.peers({})).map(({ peerId }) => peerId)).toEqual([ana.peer])
  bob.store.notices.forget = forget
  expect(await bob.ask.forget({ who: ana.peer })).toMatchObject({ cancelled: 1 })
  expect(bob.store.outbox.get(id)).toMatchObject({ state: 'cancelled' })
  // Nothing of it would come back after a crash.
  expect(bob.store.routes.flushed.map(({ instance }) => instance)).not.toContain(ana.instance)
})

it('S-32: whom allowFrom alone lets in gets no record by a new name, so that leaving allowFrom still shuts it out', async () => {
  const ana = await world.member('ana')
  const bob = await world.member('bob', { allowFrom: [ana.peer] })
  await expect(bob.ask.rename({ who: ana.peer, name: 'sister' })).rejects.toMatchObject({
    code: 'bad_request',
    details: { detail: expect.stringContaining('allowFrom') }
  })
  expect(bob.store.trust.all()).toEqual([])
  bob.mesh.update(live('allowlist'))
  expect((await bob.ask.peers({})).map(({ trust }) => trust)).not.toContain('paired')
})

it('S-28: a label that somebody chose raises no level; the name that the owner gave, or an id, does', async () => {
  const { ana, bob } = await met()
  await world.join(ana, bob)
  for (const raise of [() => bob.ask.trust({ who: 'ana', level: 'trusted' })])
    await expect(raise()).rejects.toMatchObject({ code: 'ambiguous_target' })
  // What takes nothing but rights away needs less.
  expect(await bob.ask.approve({ who: 'ana' })).toMatchObject({ trust: 'paired', before: 'paired' })
  expect(await bob.ask.trust({ who: 'ana', level: 'blocked' })).toMatchObject({ trust: 'blocked' })
  await expect(bob.ask.trust({ who: 'ana', level: 'paired' })).rejects.toThrow(/_target/)
  await bob.ask.rename({ who: ana.peer, name: 'sister' })
  expect(await bob.ask.trust({ who: 'sister', level: 'paired' })).toMatchObject({ trust: 'paired' })
  expect(await bob.ask.trust({ who: ana.instance, level: 'trusted' })).toMatchObject({ trust: 'trusted' })
})

it('S-28: nor does it make a record of what the settings let in for today', async () => {
  const { ana, bob } = await met({ dmPolicy: 'open', allowFrom: ['*'] })
  expect(await bob.ask.resolve({ target: 'ana' })).toMatchObject({ peerId: ana.peer, trust: 'paired' })
  await expect(bob.ask.approve({ who: 'ana' })).rejects.toMatchObject({ code: 'ambiguous_target' })
  expect(bob.store.trust.all()).toEqual([])
})
