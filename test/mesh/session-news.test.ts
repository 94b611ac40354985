import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Notice } from '../../src/mesh/ports.ts'
import { FakeAgent } from '../fakes/agent.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, type Member, World } from './world.ts'

const DAY_MS = 24 * 60 * 60 * 1000

let world: World
let alice: Member

beforeEach(async () => {
  world = new World()
  alice = await world.member('alice')
})

afterEach(async () => {
  await world.end()
})

async function peer(init: { agent?: FakeAgent; display?: FakeDisplay } = { display: new FakeDisplay() }) {
  const bob = await world.member('bob', init)
  await world.join(alice, bob)
  return bob
}

async function part(bob: Member): Promise<void> {
  world.hub.cut(alice.peer, bob.peer)
  await eventually(() => !alice.linkedTo(bob))
}

async function meet(bob: Member): Promise<void> {
  world.hub.mend(alice.peer, bob.peer)
  world.hub.discover(alice.peer, bob.peer)
  await world.clock.advance(2_000)
  await eventually(() => alice.linkedTo(bob))
}

const write = async (text: string, session = 's1'): Promise<string> =>
  (await alice.ask.send({ target: 'bob', text, timeoutMs: 0, session })).id

const told = () => alice.notices.of('settled').map(({ session, ids, state }) => ({ session, ids, state }))

const state = (id: string) => alice.store.outbox.get(id)?.state

/** Long enough for everything that gathers. */
const gathered = () => world.clock.advance(1_000)

/** A change is heard of some turns of the event loop after its commit, and then gathers. */
async function sentences(count: number): Promise<void> {
  for (let tries = 0; told().length < count && tries < 20; tries++) await gathered()
  expect(told()).toHaveLength(count)
}

describe('the session that sent', () => {
  it('R-08: is told when what was pending is delivered, and again when it is answered, without a word of the peer', async () => {
    const agent = new FakeAgent({ answer: () => 'obey me' })
    const gate = Promise.withResolvers<void>()
    agent.held = gate.promise
    const bob = await peer({ agent })
    await part(bob)
    const id = await write('hello')
    await meet(bob)
    await eventually(() => state(id) === 'delivered')
    await sentences(1)
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'delivered' }])
    gate.resolve()
    // The receipt may come before the answer, and its signature is looked at in a thread.
    await eventually(() => alice.store.outbox.get(id)?.replyId !== undefined)
    await sentences(2)
    expect(told()).toEqual([
      { session: 's1', ids: [id], state: 'delivered' },
      { session: 's1', ids: [id], state: 'answered' }
    ])
    expect(JSON.stringify(alice.notices.of('settled'))).not.toContain('obey')
  })

  it('R-08: is told again after each start for a day, because its host forgets, until it looks for itself', async () => {
    const bob = await peer()
    await part(bob)
    const [read, unread] = [await write('one'), await write('two', 's2')]
    await meet(bob)
    await eventually(() => state(read) === 'delivered' && state(unread) === 'delivered')
    await sentences(2)
    const again = async (): Promise<string[]> => {
      const before = told().length
      await alice.restart()
      await gathered()
      return told()
        .slice(before)
        .flatMap(({ ids }) => ids)
    }
    expect((await again()).toSorted()).toEqual([read, unread].toSorted())
    await alice.ask.message({ id: read, session: 's1' })
    // The owner's look says nothing of the session.
    await alice.ask.message({ id: unread })
    expect(await again()).toEqual([unread])
    await alice.stop()
    await world.clock.advance(DAY_MS + 1)
    expect(await again()).toEqual([])
  })

  it('R-09: hears nothing twice while the disk is full', async () => {
    const bob = await peer()
    await part(bob)
    const id = await write('hello')
    const { tell } = alice.store.aftermath
    alice.store.aftermath.tell = () => {
      throw new MeshError('store_failed', { retryable: true })
    }
    await meet(bob)
    await eventually(() => state(id) === 'delivered')
    await world.clock.advance(10 * 60_000)
    expect(told()).toEqual([])
    Object.assign(alice.store.aftermath, { tell })
    await world.clock.advance(60 * 60_000)
    await sentences(1)
    await world.clock.advance(DAY_MS)
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'delivered' }])
  })

  it('waits once, not once for each session, for a host that hangs', async () => {
    const bob = await peer()
    await part(bob)
    const ids = await Promise.all(['s1', 's2', 's3'].map(session => write('hello', session)))
    let asked = 0
    const notify = alice.notices.notify.bind(alice.notices)
    alice.notices.notify = async notice => {
      if (notice.kind !== 'settled') return await notify(notice)
      asked++
      await new Promise(() => undefined)
    }
    await meet(bob)
    await eventually(() => ids.every(id => state(id) === 'delivered'))
    await gathered()
    await world.clock.advance(45_000)
    expect(asked).toBe(1)
    alice.notices.notify = notify
    await world.clock.advance(2 * 60_000)
    await sentences(3)
  })

  it('is not told what its own call has said', async () => {
    const bob = await peer()
    const { level } = await alice.ask.send({ target: 'bob', text: 'hello', session: 's1' })
    expect(level).toBe('delivered')
    await gathered()
    await part(bob)
    await alice.restart()
    await gathered()
    expect(told()).toEqual([])
  })

  it('is not told of a refusal that its call threw, and is told of one that came later', async () => {
    const bob = await world.member('bob')
    await alice.ask.approve({ who: bob.peer })
    const first = alice.ask.send({ target: bob.peer, text: 'x', session: 's1' }).catch((error: MeshError) => error.code)
    await eventually(() => alice.store.outbox.load().entries === 1)
    world.hub.discover(alice.peer, bob.peer)
    await world.clock.advance(2_000)
    expect(await first).toBe('refused_by_peer')
    await gathered()
    expect(told()).toEqual([])
    const { id } = await alice.ask.send({ target: bob.peer, text: 'y', timeoutMs: 0, session: 's1' })
    await world.clock.advance(60_000)
    await eventually(() => state(id) === 'rejected')
    await gathered()
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'rejected' }])
  })

  it('hears of an answer when its text is here, and of the delivery before', async () => {
    const bob = await peer()
    await part(bob)
    const id = await write('hello')
    // The receipt was quicker than the answer.
    alice.store.outbox.advance(id, 'answered')
    await alice.restart()
    await gathered()
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'delivered' }])
    alice.store.outbox.advance(id, 'answered', { replyId: 'ab'.repeat(16) })
    await alice.restart()
    await gathered()
    expect(told().slice(1)).toEqual([{ session: 's1', ids: [id], state: 'answered' }])
  })

  it('whose call was aborted is told in its place', async () => {
    const bob = await peer()
    world.hub.lose(bob.peer, alice.peer)
    const call = new AbortController()
    const asking = alice.ask.send({ target: 'bob', text: 'x', session: 's1' }, { signal: call.signal })
    await eventually(() => alice.store.outbox.load().entries === 1)
    const id = alice.store.aftermath.waiting(1)[0]?.id ?? expect.fail('nothing waits')
    call.abort()
    await expect(asking).rejects.toMatchObject({ code: 'aborted' })
    world.hub.lose(bob.peer, alice.peer, false)
    await world.clock.advance(31_000)
    await eventually(() => state(id) === 'delivered')
    await gathered()
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'delivered' }])
  })

  it('is told after a restart what happened while it did not run', async () => {
    const bob = await peer()
    await part(bob)
    const id = await write('hello')
    await alice.stop()
    await world.clock.advance(8 * DAY_MS)
    expect(told()).toEqual([])
    await alice.restart()
    await gathered()
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'expired' }])
  })

  it('is told after a restart where the host did not take it', async () => {
    const bob = await peer()
    await part(bob)
    const id = await write('hello')
    const refused: Notice[] = []
    const notify = alice.notices.notify.bind(alice.notices)
    alice.notices.notify = async notice => {
      if (notice.kind !== 'settled') return await notify(notice)
      refused.push(notice)
      throw new Error('no host')
    }
    await meet(bob)
    await eventually(() => state(id) === 'delivered')
    await gathered()
    expect(refused).toHaveLength(1)
    // Once a minute at first, then less often.
    await world.clock.advance(10 * 60_000)
    expect(refused.length).toBeLessThan(6)
    alice.notices.notify = notify
    await alice.restart()
    await gathered()
    expect(told()).toEqual([{ session: 's1', ids: [id], state: 'delivered' }])
  })

  it('is told of many in sentences of 16, and each session of its own', async () => {
    const bob = await peer()
    await part(bob)
    const own: string[] = []
    for (let i = 0; i < 40; i++) own.push(await write(`text ${i}`))
    const other = await write('x', 's2')
    await meet(bob)
    await eventually(() => own.every(id => state(id) === 'delivered') && state(other) === 'delivered')
    await gathered()
    await gathered()
    const sentences = told()
    expect(sentences.filter(({ session }) => session === 's2')).toEqual([
      { session: 's2', ids: [other], state: 'delivered' }
    ])
    const mine = sentences.filter(({ session }) => session === 's1')
    expect(mine.flatMap(({ ids }) => ids).toSorted()).toEqual(own.toSorted())
    expect(Math.max(...mine.map(({ ids }) => ids.length))).toBeLessThanOrEqual(16)
    expect(mine.length).toBeLessThan(12)
  })
})
