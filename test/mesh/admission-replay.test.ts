import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KEPT_MAX_BYTES } from '../../src/mesh/inbox-caps.ts'
import {
  type Content,
  decodeEnvelope,
  type Envelope,
  encodeContent,
  encodeEnvelope,
  hashOf,
  newId,
  type Receipt
} from '../../src/protocol/index.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { eventually, type Member, World } from './world.ts'

/** Contents that one signature proves, as an outbox would cut them. */
const GROUP = 64

/** More frames of one peer than its quota lets through at once are dropped for that alone, and would prove nothing. */
const REFILL_MS = 10_000

const DAY_MS = 24 * 60 * 60 * 1000

const ana = new FakeInstance('ana')
const mallory = new FakeInstance('mallory')

let world: World
let bob: Member
let display: FakeDisplay

beforeEach(async () => {
  world = new World()
  display = new FakeDisplay()
  bob = await world.member('bob', { display })
  await bob.ask.approve({ who: ana.peer })
})

afterEach(async () => {
  await world.end()
})

const shown = () => display.shown.map(({ text }) => text)

/** Messages of somebody to bob, signed; each group in a conversation of its own, so that no order between groups is waited for. */
async function recorded(from: FakeInstance, count: number, change: Partial<Content> = {}): Promise<Envelope[]> {
  const envelopes: Envelope[] = []
  while (envelopes.length < count) {
    const conversation = newId()
    const size = Math.min(GROUP, count - envelopes.length)
    const contents = Array.from({ length: size }, (_, index) =>
      from.content(bob.instance, `${envelopes.length + index}`, world.clock.wallMs(), { conversation, ...change })
    )
    envelopes.push(...(await from.seal(contents)))
  }
  return envelopes
}

async function play(to: Member, carrier: FakeInstance, envelopes: Envelope[]): Promise<void> {
  const handler = world.handlerOf(to)
  for (const [index, envelope] of envelopes.entries()) {
    handler.envelope(carrier.peer, envelope)
    if (index % GROUP === GROUP - 1) await world.hub.turn()
  }
  await world.hub.settled()
  await world.clock.advance(REFILL_MS)
}

async function firstTime(from: FakeInstance, envelopes: Envelope[]): Promise<void> {
  const before = display.shown.length
  await play(bob, from, envelopes)
  await eventually(() => display.shown.length === before + envelopes.length, 'the first time')
}

describe('S-05: 1,000 recorded frames, each replayed ten times', () => {
  const FRAMES = 1_000
  const REPLAYS = 10
  let frames: Envelope[]

  beforeEach(async () => {
    frames = await recorded(ana, FRAMES)
    await firstTime(ana, frames)
    expect(new Set(shown()).size).toBe(FRAMES)
  })

  async function replay(to = bob, carrier = ana): Promise<void> {
    for (let round = 0; round < REPLAYS; round++) await play(to, carrier, frames)
  }

  it('S-05: in the same run: nothing is shown again', async () => {
    await replay()
    expect(display.shown).toHaveLength(FRAMES)
  })

  it('S-05: after a restart: nothing is shown again', async () => {
    await bob.restart()
    await replay()
    expect(display.shown).toHaveLength(FRAMES)
  })

  it('S-05: after 31 days, when the rows are forgotten: nothing is shown again', async () => {
    world.clock.jump(31 * DAY_MS)
    await bob.restart()
    await world.clock.advance(DAY_MS)
    await replay()
    expect(display.shown).toHaveLength(FRAMES)
    // What is said now still comes through.
    await firstTime(ana, await recorded(ana, 1))
  })

  it('S-05, S-12: after most rows went, because more was kept than may be: nothing is shown again', async () => {
    const mayBytes = 100_000
    const { inbox } = bob.store
    const kept = inbox.kept.bind(inbox)
    const bytes = () => kept(ana.instance).bytes
    expect(bytes()).toBeGreaterThan(5 * mayBytes)
    inbox.kept = instance => {
      const load = kept(instance)
      return instance === undefined ? load : { ...load, bytes: load.bytes + KEPT_MAX_BYTES - mayBytes }
    }
    for (let more = 0; bytes() > mayBytes; more++) {
      expect(more).toBeLessThan(100)
      await play(bob, ana, await recorded(ana, 1))
    }
    await replay()
    const ids = display.shown.map(({ id }) => id)
    expect(ids.length).toBeGreaterThanOrEqual(FRAMES)
    expect(new Set(ids).size).toBe(ids.length)
    expect(bytes()).toBeLessThanOrEqual(mayBytes)
  })

  it('S-05: to another peer, and by another carrier: it is not for them, or not from them', async () => {
    const others = new FakeDisplay()
    const carol = await world.member('carol', { display: others })
    await carol.ask.approve({ who: ana.peer })
    await bob.ask.approve({ who: mallory.peer })
    await replay(carol)
    await replay(bob, mallory)
    expect([others.shown.length, display.shown.length]).toEqual([0, FRAMES])
    const toCarol = ana.content(carol.instance, 'to you', world.clock.wallMs(), { conversation: newId() })
    await play(carol, ana, await ana.seal([toCarol]))
    await eventually(() => others.shown.length === 1)
  })

  it('S-05: as a broadcast, in this topic and in another: it is neither shown nor passed on', async () => {
    const handler = world.handlerOf(bob)
    for (const topic of ['mesh', 'other']) {
      for (const envelope of frames.slice(0, 100)) {
        const verdict = await handler.broadcast(ana.peer, topic, encodeEnvelope(envelope))
        expect(verdict).not.toBe('accept')
      }
    }
    expect(display.shown).toHaveLength(FRAMES)
  })
})

it('S-05: a broadcast is shown once, in its topic, and is no message, also after a restart', async () => {
  const dan = await world.member('dan')
  await world.join(bob, dan)
  const heard: Uint8Array[] = []
  const listening = world.handlerOf(bob)
  const broadcast = listening.broadcast.bind(listening)
  listening.broadcast = async (carrier, topic, data) => {
    heard.push(data)
    return await broadcast(carrier, topic, data)
  }
  await dan.ask.broadcast({ text: 'to all' })
  await eventually(() => bob.notices.of('broadcast').length === 1)
  const [data] = heard
  if (data === undefined) throw new Error('no broadcast came')
  for (const restarted of [false, true]) {
    if (restarted) await bob.restart()
    const handler = world.handlerOf(bob)
    for (let i = 0; i < 10; i++) expect(await handler.broadcast(dan.peer, 'mesh', data)).toBe('ignore')
    expect(await handler.broadcast(dan.peer, 'other', data)).toBe('reject')
    handler.envelope(dan.peer, decodeEnvelope(data))
    await world.hub.settled()
  }
  expect([bob.notices.of('broadcast').length, display.shown.length]).toEqual([1, 0])
})

it('S-06: a flood of 20,000 ids of one peer makes room for no replay of another', async () => {
  await bob.ask.approve({ who: mallory.peer })
  const said = await recorded(ana, 100)
  await firstTime(ana, said)
  const flood = await recorded(mallory, 1_000)
  await firstTime(mallory, flood)
  // Ids as such: 20,000 envelopes that differ in the id alone, of which the window takes none.
  for (let round = 0; round < 4; round++) {
    const ids = Array.from({ length: 5_000 }, () => {
      const id = newId()
      const content = mallory.content(bob.instance, 'x', world.clock.wallMs(), {
        id,
        conversation: 'f0'.repeat(16),
        seq: 2 ** 30
      })
      return { signed: encodeContent(content), sig: new Uint8Array(64), sides: 0, path: [] }
    })
    await play(bob, mallory, ids)
  }
  const before = display.shown.length
  for (let round = 0; round < 10; round++) await play(bob, ana, said)
  expect(display.shown).toHaveLength(before)
})

it('S-07: ids that somebody else used first censor nothing: 1,000 of 1,000 arrive', async () => {
  await bob.ask.approve({ who: mallory.peer })
  const frames: Envelope[] = []
  const copies: Envelope[] = []
  for (let group = 0; group < 1_000 / GROUP; group++) {
    const conversation = newId()
    const size = Math.min(GROUP, 1_000 - frames.length)
    const contents = Array.from({ length: size }, () =>
      ana.content(bob.instance, 'ana', world.clock.wallMs(), { conversation })
    )
    frames.push(...(await ana.seal(contents)))
    copies.push(
      ...(await mallory.seal(
        contents.map(({ id, seq }) =>
          mallory.content(bob.instance, 'mallory', world.clock.wallMs(), { id, seq, conversation })
        )
      ))
    )
  }
  const stranger = new FakeInstance('stranger')
  await play(bob, stranger, copies)
  await firstTime(mallory, copies)
  await play(bob, ana, frames)
  await eventually(() => shown().filter(text => text === 'ana').length === 1_000, 'all of them')
  expect(shown().filter(text => text === 'mallory')).toHaveLength(1_000)
})

it('S-08: a clock that jumps loses nothing of honest peers within ten minutes, and crashes nothing beyond', async () => {
  const MINUTE_MS = 60_000
  const honestMs = world.clock.wallMs()
  const say = async (text: string) => {
    const content = ana.content(bob.instance, text, honestMs, { conversation: newId(), expiresMs: honestMs + DAY_MS })
    return await ana.seal([content])
  }
  let at = 0
  const jumpTo = (ms: number) => {
    world.clock.jump(ms - at)
    at = ms
  }
  for (const minutes of [-10, -5, 0, 5, 9]) {
    jumpTo(minutes * MINUTE_MS)
    bob.log.lines.length = 0
    await firstTime(ana, await say(`${minutes}`))
  }
  for (const [ms, reason] of [
    [-DAY_MS, 'clock_skew'],
    [3_650 * DAY_MS, 'expired']
  ] as const) {
    jumpTo(ms)
    bob.log.lines.length = 0
    await play(bob, ana, await say(reason))
    expect(shown()).not.toContain(reason)
    expect(bob.log.lines.map(({ fields }) => fields?.['reason'])).toContain(reason)
    expect(bob.log.at('error')).toEqual([])
  }
  jumpTo(60 * MINUTE_MS)
  await firstTime(ana, await say('an hour ahead, and it holds a day'))
  jumpTo(0)
  await firstTime(ana, await say('back'))
})

describe('S-27: names that are properties of every object', () => {
  const NAMES = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype', 'isPrototypeOf', '__proto__']

  it('S-27: are names like others: they name whom they were given to, and nobody before', async () => {
    const before = Object.getOwnPropertyNames(Object.prototype).toSorted()
    for (const name of NAMES) {
      await expect(bob.ask.resolve({ target: name })).rejects.toMatchObject({ code: 'unknown_target' })
      const friend = new FakeInstance(name)
      const given = await bob.ask.approve({ who: friend.peer, name }).then(
        () => name,
        error => error.code
      )
      // A label has a letter or a digit first; whatever is refused is refused as a name.
      if (given === name) expect(await bob.ask.resolve({ target: name })).toMatchObject({ peerId: friend.peer })
      else expect([given, name]).toEqual(['bad_request', '__proto__'])
    }
    expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(before)
  })

  it('S-27: in purposes and labels, with lone surrogates and huge numbers, change nothing but a row', async () => {
    Object.freeze(Object.prototype)
    const handler = world.handlerOf(bob)
    for (const [index, text] of [
      ...NAMES,
      '\ud800',
      '{"__proto__":{"admitted":true}}',
      `${2 ** 70}`,
      '1e999'
    ].entries()) {
      const stranger = new FakeInstance(`stranger ${index}`)
      const answer = await handler.asked(stranger.peer, `/ip4/10.0.0.${index + 1}/tcp/4001`, {
        kind: 'contact',
        label: '',
        purpose: text
      })
      expect(answer).toMatchObject({ accepted: false, reason: 'pending' })
      expect(bob.store.trust.get(stranger.instance)).toBeUndefined()
    }
    expect(await bob.ask.requests({})).toHaveLength(NAMES.length + 4)
    expect(Reflect.get({}, 'admitted')).toBeUndefined()
  })
})

describe('S-30: receipts', () => {
  it('S-30: of strangers, of another peer, of another text and 100,000 of them leave the message as it is', async () => {
    const carol = await world.member('carol')
    await world.join(bob, carol)
    world.hub.hold(bob.peer, carol.peer)
    const { id } = await bob.ask.send({ target: carol.peer, text: 'hello', waitFor: 'received', timeoutMs: 0 })
    const row = bob.store.outbox.get(id)
    if (row === undefined) throw new Error('no row')
    await bob.ask.approve({ who: mallory.peer })
    const right: Receipt = { id, attempt: 1, hash: row.hash, outcome: 'answered', reason: 'none' }
    const wrong: Receipt = { ...right, hash: hashOf(Uint8Array.of(1)) }
    const unknown: Receipt = { ...right, id: newId() }
    const handler = world.handlerOf(bob)
    const stranger = new FakeInstance('stranger')
    for (const receipts of [[right], [wrong], [unknown], Array.from({ length: 1_000 }, () => right)]) {
      handler.receipts(mallory.peer, receipts)
      handler.receipts(stranger.peer, receipts)
    }
    handler.receipts(carol.peer, [wrong, unknown])
    for (let round = 0; round < 100; round++) {
      handler.receipts(
        mallory.peer,
        Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? right : unknown))
      )
    }
    expect(bob.store.outbox.get(id)).toEqual(row)
    world.hub.release(bob.peer, carol.peer)
    await eventually(() => bob.store.outbox.get(id)?.state !== 'queued', 'the right receipt')
  })
})
