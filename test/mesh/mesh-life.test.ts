import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
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

describe('repeated calls', () => {
  it('send once, over a restart too, and say so', async () => {
    const alice = await world.member('alice')
    const display = new FakeDisplay()
    const bob = await world.member('bob', { display })
    await world.join(alice, bob)
    const call = { target: 'bob', text: 'only once', idempotencyKey: 'turn-1/call-1' }
    const [first, twin] = await Promise.all([alice.ask.send(call), alice.ask.send(call)])
    await alice.restart()
    const again = await alice.ask.send(call)
    expect([first.repeated, twin.repeated, again.repeated]).toEqual([false, true, true])
    expect(new Set([first.id, twin.id, again.id]).size).toBe(1)
    expect(again.level).toBe('delivered')
    expect(display.shown).toHaveLength(1)
  })

  it('a key until told is released when its caller was told, and kept when the engine stops first', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob', { display: new FakeDisplay() })
    await world.join(alice, bob)
    const call = { target: 'bob', text: 'same', idempotencyKey: 'k', keyUntilTold: true }
    const first = await alice.ask.send(call)
    const second = await alice.ask.send(call)
    expect(second.id).not.toBe(first.id)

    world.hub.cut(alice.peer, bob.peer)
    const cutOff = alice.ask.send(call)
    await eventually(() => alice.store.outbox.load().entries === 1)
    await alice.restart()
    expect((await cutOff).level).toBe('pending')
    const repeated = await alice.ask.send({ ...call, timeoutMs: 0 })
    expect(repeated).toMatchObject({ id: (await cutOff).id, repeated: true })
    const aborted = AbortSignal.abort()
    expect(await failing(alice.ask.send(call, { signal: aborted }))).toMatchObject({ code: 'aborted' })
  })

  it('R-09: is pending under its id where a full disk takes no note of what its caller heard', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob', { display: new FakeDisplay() })
    await world.join(alice, bob)
    world.hub.cut(alice.peer, bob.peer)
    await eventually(() => !alice.linkedTo(bob))
    const key = { idempotencyKey: 'k', keyUntilTold: true }
    const sending = alice.ask.send({ target: 'bob', text: 'hello', session: 's1', timeoutMs: 5_000, ...key })
    await eventually(() => alice.store.outbox.load().entries === 1)
    const [row] = alice.store.outbox.queued(bob.instance, 1)
    alice.store.failure = new MeshError('store_failed', { detail: 'full', retryable: true })
    await world.clock.advance(5_000)
    expect(await sending).toMatchObject({ id: row?.id, level: 'pending' })
    alice.store.failure = undefined
    // The same text of the same session is a message of its own now.
    const again = await alice.ask.send({ target: 'bob', text: 'hello', session: 's1', timeoutMs: 0, ...key })
    expect([again.repeated, again.id === row?.id]).toEqual([false, false])
  })

  it('a caller that gives up is let go at once, and its message goes on', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob', { display: new FakeDisplay() })
    await world.join(alice, bob)
    world.hub.cut(alice.peer, bob.peer)
    const caller = new AbortController()
    const sending = alice.ask.send({ target: 'bob', text: 'x' }, { signal: caller.signal })
    await eventually(() => alice.store.outbox.load().entries === 1)
    caller.abort()
    const error = await failing(sending)
    expect(error).toMatchObject({ code: 'aborted' })
    expect(await alice.ask.message({ id: error.details.id ?? '' })).toMatchObject({ state: 'queued' })
  })
})

describe('the life of a mesh', () => {
  it('S1.55 S1.57: logs its start and each peer that comes and goes, and tells its host', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    await world.join(alice, bob)
    world.hub.cut(alice.peer, bob.peer)
    const lines = alice.log.at('info')
    expect(lines).toContain(`Node started. Peer ID: ${alice.peer}`)
    expect(lines).toContain(`Peer connected: ${bob.peer}`)
    expect(lines).toContain(`Peer disconnected: ${bob.peer}`)
    expect(alice.events).toMatchObject([
      { type: 'ready', peerId: alice.peer, instanceId: alice.mesh.instanceId },
      { type: 'peer', state: 'connected', peerId: bob.peer, instanceId: bob.mesh.instanceId, path: 'lan' },
      { type: 'peer', state: 'disconnected', peerId: bob.peer, path: null }
    ])
  })

  it('S-29: makes a label of two words once, and keeps it', async () => {
    const alice = await world.member('alice', { name: undefined })
    expect(alice.mesh.instanceId).toMatch(/^[a-z]+-[a-z]+@([a-z2-7]{4}-){5}[a-z2-7]{4}$/)
    const before = alice.mesh.instanceId
    await alice.restart()
    expect(alice.mesh.instanceId).toBe(before)
  })

  it('leaves no timer behind, and ends waits with what is true', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob', { display: new FakeDisplay() })
    await world.join(alice, bob)
    world.hub.cut(alice.peer, bob.peer)
    const waiting = alice.ask.send({ target: 'bob', text: 'x' })
    await eventually(() => alice.store.outbox.load().entries === 1)
    await alice.stop()
    await bob.stop()
    expect((await waiting).level).toBe('pending')
    expect(world.clock.sleeping).toBe(0)
  })

  it('shows a broadcast on the other side', async () => {
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    await world.join(alice, bob)
    const result = await alice.ask.broadcast({ text: 'to all' })
    expect(result).toMatchObject({ topic: 'mesh', recipients: 1 })
    await eventually(() => bob.notices.of('broadcast').length === 1)
    expect(bob.notices.of('broadcast')[0]?.broadcast).toMatchObject({ id: result.id, text: 'to all' })
    expect(await failing(alice.ask.broadcast({ text: 'x', topic: 'other' }))).toMatchObject({ code: 'topic_unknown' })
  })

  it.each([
    ['a minute', 60_000],
    ['2 hours', 2 * 60 * 60 * 1000],
    ['31 days', 31 * 24 * 60 * 60 * 1000],
    ['nothing, so 7 days', undefined]
  ])('a message waits for as long as its sender says: %s', async (_, said) => {
    const expiresInMs = said ?? 7 * 24 * 60 * 60 * 1000
    const alice = await world.member('alice')
    const bob = await world.member('bob')
    await world.join(alice, bob)
    await bob.stop()
    const { id } = await alice.ask.send({ target: 'bob', text: 'x', timeoutMs: 0, ...(said && { expiresInMs: said }) })
    const { createdAt, expiresAt } = await alice.ask.message({ id })
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(expiresInMs)
    // What an earlier run accepted is not forgotten.
    await alice.restart()
    await world.clock.advance(expiresInMs - 1_000)
    expect(alice.store.outbox.get(id)?.state).toBe('queued')
    // It is looked at once a minute.
    await world.clock.advance(61_000)
    await eventually(() => alice.store.outbox.get(id)?.state === 'expired')
  })

  it('expired messages end, are told, and leave no hole', async () => {
    const alice = await world.member('alice')
    const display = new FakeDisplay()
    const bob = await world.member('bob', { display })
    await world.join(alice, bob)
    await bob.stop()
    const { id } = await alice.ask.send({ target: 'bob', text: 'too late', timeoutMs: 0, session: 's' })
    await world.clock.advance(7 * 24 * 60 * 60 * 1000 + 3_600_000)
    await eventually(() => alice.store.outbox.get(id)?.state === 'expired')
    expect(alice.notices.of('settled')).toMatchObject([{ ids: [id], session: 's', state: 'expired' }])
    await bob.restart()
    world.hub.discover(bob.peer, alice.peer)
    await eventually(() => alice.linkedTo(bob))
    expect((await alice.ask.send({ target: 'bob', text: 'in time' })).level).toBe('delivered')
    expect(display.shown.map(({ text }) => text)).toEqual(['in time'])
  })
})
