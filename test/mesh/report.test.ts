import { afterEach, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { messageSchema } from '../../src/control/message-methods.ts'
import { type Handlers, methods, peerSchema, sendResultSchema, statusSchema } from '../../src/control/methods.ts'
import { netcheckSchema, pingSchema } from '../../src/control/network-methods.ts'
import { FakeAgent } from '../fakes/agent.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { type Member, World } from './world.ts'

let world: World
let alice: Member
let bob: Member

beforeEach(async () => {
  world = new World()
  alice = await world.member('alice', { version: '1.2.3', pendingSettings: ['dht'] })
  bob = await world.member('bob', { agent: new FakeAgent({ answer: () => 'yes' }) })
})

afterEach(async () => {
  await world.end()
})

it('answers every control method in its shape', async () => {
  await world.join(alice, bob)
  const ask: Handlers = alice.mesh.handlers()
  expect(Object.keys(ask).toSorted()).toEqual(Object.keys(methods).toSorted())
  const sent = await ask.send({ target: 'bob', text: 'x', waitFor: 'answered' })
  expect(sendResultSchema.parse(sent)).toEqual(sent)
  const status = await ask.status({})
  expect(statusSchema.parse(status)).toEqual(status)
  const peers = await ask.peers({})
  expect(z.array(peerSchema).parse(peers)).toEqual(peers)
  const message = await ask.message({ id: sent.id })
  expect(messageSchema.parse(message)).toEqual(message)
  expect(message.createdAt).toBe(new Date(world.clock.wallMs()).toISOString())
  expect(await ask.resolve({ target: 'bob' })).toEqual(peers[0])
  const ping = await ask.ping({ who: 'bob' })
  expect(pingSchema.parse(ping)).toEqual(ping)
  const netcheck = await ask.netcheck({})
  expect(netcheckSchema.parse(netcheck)).toEqual(netcheck)
})

it('says who and where this instance is, and what waits', async () => {
  await world.join(alice, bob)
  expect(await alice.ask.status({})).toMatchObject({
    peerId: alice.peer,
    instanceId: alice.mesh.instanceId,
    reachability: 'unknown',
    reachabilityReason: 'Nobody outside has been asked yet.',
    relays: [],
    relay: null,
    peers: 1,
    version: '1.2.3',
    outbox: { waiting: 0 },
    inbox: { open: 0, unknown: 0 },
    pendingSettings: ['dht'],
    issues: []
  })
  world.hub.cut(alice.peer, bob.peer)
  await alice.ask.send({ target: 'bob', text: 'x', timeoutMs: 0 })
  expect(await alice.ask.status({})).toMatchObject({ peers: 0, outbox: { waiting: 1 } })
})

it('S1.48: says what the network found out about relays and about how others reach this instance', async () => {
  const { diagnostics } = world.hub.nodeOf(alice.peer)
  diagnostics.verdict = { verdict: 'private', reason: 'Two others could not dial this instance.' }
  const reserved = { peer: bob.peer, address: '/ip4/9.9.9.9/tcp/4001', state: 'reserved', ageMs: 5, rttMs: 1 } as const
  const trying = { peer: bob.peer, address: '/ip4/9.9.9.8/tcp/4001', state: 'trying', problem: 'It is away.' } as const
  diagnostics.relayStates = [reserved, trying]
  diagnostics.usage = {
    reservations: { used: 1, max: 16 },
    circuits: 2,
    today: { bytes: 3, peers: [{ peer: bob.peer, bytes: 3, maxBytes: 4 }] },
    refused: { reservations: 5, circuits: 6 }
  }
  const status = await alice.ask.status({})
  expect(statusSchema.parse(status)).toEqual(status)
  expect(status).toMatchObject({
    reachability: 'private',
    reachabilityReason: 'Two others could not dial this instance.',
    relays: [reserved, trying],
    relay: diagnostics.usage
  })
})

it('lists everybody known, linked peers first', async () => {
  const carol = new FakeInstance('carol')
  await alice.ask.approve({ who: carol.peer, name: 'Aunt Carol' })
  await world.join(alice, bob)
  expect(await alice.ask.peers({})).toMatchObject([
    { name: 'bob', peerId: bob.peer, trust: 'paired', path: 'lan', rttMs: 1, queued: 0 },
    { name: 'Aunt Carol', peerId: carol.peer, trust: 'paired', path: null, lastSeenAt: null }
  ])
})

it('the owner lets in by instance id, blocks, and hears what it was before', async () => {
  const carol = new FakeInstance('carol')
  expect(await alice.ask.approve({ who: `carol@${carol.instance}` })).toEqual({
    instanceId: carol.instance,
    peerId: null,
    trust: 'paired',
    before: 'unknown',
    connected: false
  })
  expect(await alice.ask.trust({ who: carol.instance, level: 'trusted' })).toMatchObject({ trust: 'trusted' })
  await world.join(alice, bob)
  expect(await alice.ask.trust({ who: bob.instance, level: 'trusted' })).toMatchObject({
    trust: 'trusted',
    before: 'paired'
  })
  expect(await alice.ask.approve({ who: 'bob', name: 'Robert' })).toMatchObject({ trust: 'trusted', connected: true })
  expect(await alice.ask.resolve({ target: 'robert' })).toMatchObject({ peerId: bob.peer })
  await expect(alice.ask.approve({ who: 'bob', name: 'two  spaces ' })).rejects.toMatchObject({ code: 'bad_request' })
  await expect(alice.ask.approve({ who: 'nobody' })).rejects.toMatchObject({ code: 'unknown_target' })
  await expect(alice.ask.approve({ who: alice.peer })).rejects.toMatchObject({ code: 'self_target' })
  await expect(alice.ask.message({ id: '0'.repeat(32) })).rejects.toMatchObject({ code: 'not_found' })
})
