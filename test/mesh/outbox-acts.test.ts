import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeContent, decodeEnvelope, textOf } from '../../src/protocol/index.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, type Member, twoMembers, type World } from './world.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** The shortest life of a message, and by when its end is noticed. */
const LIFE_MS = 60_000
const ENDED_MS = 2 * LIFE_MS

let world: World
let alice: Member
let bob: Member
let display: FakeDisplay

beforeEach(async () => {
  display = new FakeDisplay()
  ;({ world, alice, bob } = await twoMembers({ display }))
  await world.join(alice, bob)
})

afterEach(async () => {
  await world.end()
})

async function part(): Promise<void> {
  world.hub.cut(alice.peer, bob.peer)
  await eventually(() => !alice.linkedTo(bob))
}

const write = async (text: string, more = {}): Promise<string> =>
  (await alice.ask.send({ target: 'bob', text, timeoutMs: 0, ...more })).id

const contentOf = (id: string) => {
  const row = alice.store.outbox.get(id) ?? expect.fail(`no message ${id}`)
  return decodeContent(decodeEnvelope(row.envelope).signed)
}

const state = (id: string) => alice.store.outbox.get(id)?.state

/** Everything that an act could change. */
const all = (ids: string[]) => [alice.store.outbox.load(), ids.map(id => alice.store.aftermath.get(id))]

/** A message that expired while the peer was away. */
async function expired(text: string): Promise<string> {
  await part()
  const id = await write(text, { expiresInMs: LIFE_MS })
  await world.clock.advance(ENDED_MS)
  await eventually(() => state(id) === 'expired')
  return id
}

describe('the list', () => {
  it('has what waits and the dead letters, and counts what it leaves out', async () => {
    const lost = await expired('lost')
    const ids = [await write('one'), await write('two')]
    const { waiting, deadLetters, counts } = await alice.ask.outbox({ limit: 1 })
    expect(waiting).toMatchObject([{ id: ids[0], state: 'queued', deadLetter: false, to: { name: 'bob' } }])
    expect(deadLetters).toMatchObject([{ id: lost, state: 'expired', reason: null, deadLetter: true }])
    expect(counts).toEqual({ waiting: 2, deadLetters: 1 })
    expect(JSON.stringify([waiting, deadLetters])).not.toMatch(/one|lost/)
  })

  it('S-29: has nothing of whom the owner forgot', async () => {
    const id = await expired('lost')
    await write('one')
    await alice.ask.forget({ who: 'bob' })
    expect(await alice.ask.outbox({ limit: 10 })).toMatchObject({ counts: { waiting: 0, deadLetters: 0 } })
    await expect(alice.ask.message({ id })).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('of whom the owner forgot', () => {
  it('S-29: nothing is heard any more, also of what it had stored', async () => {
    display.outcome = { outcome: 'retry', detail: 'the channel is away' }
    const id = await write('hello', { expiresInMs: LIFE_MS })
    await eventually(() => state(id) === 'received')
    expect(await alice.ask.forget({ who: 'bob' })).toMatchObject({ cancelled: 0 })
    const nothing = { waiting: [], deadLetters: [], counts: { waiting: 0, deadLetters: 0 } }
    expect(await alice.ask.outbox({ limit: 10 })).toEqual(nothing)
    await world.clock.advance(ENDED_MS)
    expect(await alice.ask.outbox({ limit: 10 })).toEqual(nothing)
    expect(await alice.ask.notices({})).toEqual([])
  })

  it('and lets in again nothing is waited for that was taken back', async () => {
    const first = await write('one')
    await eventually(() => state(first) === 'delivered')
    await part()
    await write('lost')
    await alice.ask.forget({ who: 'bob' })
    await alice.ask.approve({ who: bob.peer })
    world.hub.mend(alice.peer, bob.peer)
    world.hub.discover(alice.peer, bob.peer)
    await world.clock.advance(2_000)
    await eventually(() => alice.linkedTo(bob))
    const id = (await alice.ask.send({ target: bob.peer, text: 'two', timeoutMs: 0 })).id
    await eventually(() => state(id) === 'delivered')
    expect(display.shown.map(({ text }) => text)).toEqual(['one', 'two'])
  })
})

describe('one message', () => {
  it('is shown with its text, its times and the tries to reach its peer', async () => {
    await part()
    const id = await write('hello')
    await world.clock.advance(60_000)
    const message = await alice.ask.message({ id })
    expect(message).toMatchObject({ id, state: 'queued', text: 'hello', reply: null, inReplyTo: null, sentAt: null })
    expect(message.attempts).toBeGreaterThan(1)
    expect(Date.parse(message.nextTryAt ?? '')).toBeGreaterThan(world.clock.wallMs())
    expect(Date.parse(message.expiresAt) - Date.parse(message.createdAt)).toBe(7 * DAY_MS)
  })

  it('on its way is shown with the time at which it was handed over', async () => {
    world.hub.lose(alice.peer, bob.peer)
    const id = await write('hello')
    const { sentAt, attempts, nextTryAt } = await alice.ask.message({ id })
    expect([Date.parse(sentAt ?? ''), attempts, nextTryAt]).toEqual([world.clock.wallMs(), null, null])
  })

  it('is shown to its own session only, where a session asks', async () => {
    const own = await write('a', { session: 's1' })
    const none = await write('b')
    expect(await alice.ask.message({ id: own, session: 's1' })).toMatchObject({ id: own })
    expect(await alice.ask.message({ id: own })).toMatchObject({ id: own })
    expect(await alice.ask.message({ id: none })).toMatchObject({ id: none })
    for (const [id, session] of [
      [own, 's2'],
      [own, ''],
      // A caller without a session is nobody: what none sent is the owner's.
      [none, ''],
      [none, 's1']
    ] as const)
      await expect(alice.ask.message({ id, session })).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('a retry', () => {
  it('of what waits dials at once, whatever the backoff', async () => {
    await part()
    const id = await write('hello')
    // Long enough for a backoff of minutes.
    await world.clock.advance(DAY_MS / 24)
    world.hub.mend(alice.peer, bob.peer)
    const dials = Date.parse((await alice.ask.message({ id })).nextTryAt ?? '')
    expect(dials).toBeGreaterThan(world.clock.wallMs() + 2_000)
    expect(await alice.ask.retryMessage({ id })).toMatchObject({ id, retriedAs: null, connected: false })
    await world.clock.advance(1_000)
    await eventually(() => state(id) === 'delivered')
  })

  it('of what was lost on a live link sends it again at once, and it is shown once', async () => {
    world.hub.lose(alice.peer, bob.peer)
    const id = await write('hello')
    world.hub.lose(alice.peer, bob.peer, false)
    expect(await alice.ask.retryMessage({ id })).toMatchObject({ retriedAs: null, connected: true })
    await eventually(() => state(id) === 'delivered')
    await alice.ask.retryMessage({ id }).then(
      () => expect.fail('it was tried again'),
      error => expect(error).toMatchObject({ code: 'wrong_state' })
    )
    expect(display.shown.map(({ text }) => text)).toEqual(['hello'])
  })

  it('of a dead letter is a new message with the same text in the same conversation, and dismisses it', async () => {
    await part()
    const id = await write('hello', { session: 's1', conversation: 'c1'.repeat(16), expiresInMs: LIFE_MS })
    await world.clock.advance(ENDED_MS)
    await eventually(() => state(id) === 'expired')
    const { retriedAs } = await alice.ask.retryMessage({ id })
    const fresh = retriedAs ?? expect.fail('no new message')
    const [old, again] = [contentOf(id), contentOf(fresh)]
    expect(textOf(again)).toBe('hello')
    expect(again).toMatchObject({ to: bob.instance, conversation: old.conversation, trace: { root: fresh, depth: 0 } })
    expect(again.expiresMs - world.clock.wallMs()).toBe(LIFE_MS)
    expect(alice.store.outbox.get(fresh)?.session).toBe('s1')
    expect(await alice.ask.outbox({ limit: 10 })).toMatchObject({
      waiting: [{ id: fresh }],
      deadLetters: [],
      counts: { waiting: 1, deadLetters: 0 }
    })
    world.hub.mend(alice.peer, bob.peer)
    await alice.ask.retryMessage({ id: fresh })
    await world.clock.advance(2_000)
    await eventually(() => state(fresh) === 'delivered')
    expect(display.shown.map(({ text }) => text)).toEqual(['hello'])
  })

  it('that its caller gave up before does nothing', async () => {
    const id = await expired('hello')
    const before = all([id])
    const retrying = alice.ask.retryMessage({ id }, { signal: AbortSignal.abort() })
    await expect(retrying).rejects.toMatchObject({ code: 'aborted' })
    expect(all([id])).toEqual(before)
  })

  it('of one dead letter, asked for five times at once, is one message', async () => {
    const id = await expired('hello')
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => alice.ask.retryMessage({ id })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(alice.store.outbox.load().entries).toBe(1)
  })

  it('R-09: that the disk refuses leaves the dead letter where it is', async () => {
    const id = await expired('hello')
    const insert = alice.store.outbox.insert.bind(alice.store.outbox)
    alice.store.outbox.insert = () => {
      throw new Error('disk full')
    }
    await expect(alice.ask.retryMessage({ id })).rejects.toMatchObject({ code: 'store_failed' })
    expect((await alice.ask.message({ id })).deadLetter).toBe(true)
    alice.store.outbox.insert = insert
    expect((await alice.ask.retryMessage({ id })).retriedAs).not.toBeNull()
  })

  it('of what ran out of time at the peer is refused: the peer has it and shows it yet', async () => {
    display.outcome = { outcome: 'retry', detail: 'the channel is away' }
    const id = await write('hello', { expiresInMs: LIFE_MS })
    await eventually(() => state(id) === 'received')
    await world.clock.advance(ENDED_MS)
    await eventually(() => state(id) === 'expired')
    await expect(alice.ask.retryMessage({ id })).rejects.toMatchObject({
      code: 'wrong_state',
      details: { detail: 'is stored at the peer already and cannot be sent again' }
    })
    expect(alice.store.outbox.load().entries).toBe(0)
    display.outcome = { outcome: 'done' }
    await world.clock.advance(5 * 60_000)
    await eventually(() => state(id) === 'delivered')
  })

  it('of a dead letter that arrives after all meanwhile makes no second message', async () => {
    const id = await expired('hello')
    const retrying = alice.ask.retryMessage({ id })
    alice.store.outbox.advance(id, 'delivered')
    await expect(retrying).rejects.toMatchObject({ code: 'wrong_state' })
    expect(alice.store.outbox.load().entries).toBe(0)
  })

  it('is refused where the peer is not admitted any more', async () => {
    const id = await expired('hello')
    await alice.ask.trust({ who: 'bob', level: 'blocked' })
    const before = all([id])
    await expect(alice.ask.retryMessage({ id })).rejects.toMatchObject({ code: 'blocked' })
    expect(all([id])).toEqual(before)
  })
})

describe('what is taken back', () => {
  it('is never shown, and a skip lets what comes after it through', async () => {
    await part()
    const ids = [await write('one'), await write('two'), await write('three')]
    expect(await alice.ask.cancelMessage({ id: ids[1] ?? '' })).toEqual({ id: ids[1], sent: false })
    expect(ids.map(state)).toEqual(['queued', 'cancelled', 'queued'])
    await eventually(() => alice.store.outbox.queued(bob.instance, 10).some(({ kind }) => kind === 'skip'))
    world.hub.mend(alice.peer, bob.peer)
    await world.clock.advance(5_000)
    await eventually(() => state(ids[2] ?? '') === 'delivered')
    expect(display.shown.map(({ text }) => text)).toEqual(['one', 'three'])
    // Nobody waited for the missing one.
    expect(bob.store.inbox.nextSeq(alice.instance, alice.store.epoch, contentOf(ids[0] ?? '').conversation)).toBe(4)
  })

  it('on its way already is said to be so', async () => {
    world.hub.lose(alice.peer, bob.peer)
    const id = await write('hello')
    expect(await alice.ask.cancelMessage({ id })).toEqual({ id, sent: true })
    expect(state(id)).toBe('cancelled')
  })

  it('and was delivered all the same is told to be so, to its session too', async () => {
    const shown = Promise.withResolvers<void>()
    display.held = shown.promise
    world.hub.lose(bob.peer, alice.peer)
    const id = await write('hello', { session: 's1' })
    await eventually(() => display.shown.length === 1)
    await alice.ask.cancelMessage({ id })
    world.hub.lose(bob.peer, alice.peer, false)
    shown.resolve()
    await eventually(() => state(id) === 'delivered')
    await world.clock.advance(1_000)
    await eventually(() => alice.notices.of('settled').length === 1)
    expect(alice.notices.of('settled')).toMatchObject([{ ids: [id], state: 'delivered', session: 's1' }])
  })
})

describe('an act that does not fit', () => {
  it('is refused and changes nothing', async () => {
    const done = await write('done')
    await eventually(() => state(done) === 'delivered')
    const dead = await expired('dead')
    const waiting = await write('waits')
    const before = all([done, dead, waiting])
    const refused = (promise: Promise<unknown>) => expect(promise).rejects.toMatchObject({ code: 'wrong_state' })
    await refused(alice.ask.retryMessage({ id: done }))
    await refused(alice.ask.cancelMessage({ id: done }))
    await refused(alice.ask.dismissMessage({ id: done }))
    await refused(alice.ask.cancelMessage({ id: dead }))
    await refused(alice.ask.dismissMessage({ id: waiting }))
    expect(all([done, dead, waiting])).toEqual(before)
    expect(await alice.ask.dismissMessage({ id: dead })).toEqual({ id: dead, deadLetters: 0 })
    await refused(alice.ask.dismissMessage({ id: dead }))
    await refused(alice.ask.retryMessage({ id: dead }))
    expect(await alice.ask.message({ id: dead })).toMatchObject({ state: 'expired', deadLetter: false, text: 'dead' })
  })
})
