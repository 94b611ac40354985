import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { decodeContent, type Envelope, hashOf } from '../../src/protocol/index.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, type Member, twoMembers, type World } from './world.ts'

/** The shortest life of a message, and by when its end is noticed. */
const LIFE_MS = 60_000
const ENDED_MS = 2 * LIFE_MS

/** Long enough to find each other again, and shorter than a conversation waits at a gap. */
const BACK_MS = 8_000

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

const write = async (text: string, more = {}): Promise<string> =>
  (await alice.ask.send({ target: 'bob', text, timeoutMs: 0, ...more })).id

const stateOf = (id: string) => alice.store.outbox.get(id)?.state

const skipAt = (member: Member) =>
  member === bob
    ? bob.store.inbox.newest(100).find(({ kind }) => kind === 'skip')
    : alice.store.outbox.unsettled(bob.instance, 100).find(({ kind }) => kind === 'skip')

/** What bob is sent passes here first. */
function intercept(take: (envelope: Envelope) => boolean): void {
  const handler = world.handlerOf(bob)
  const envelope = handler.envelope.bind(handler)
  handler.envelope = (peer, one) => {
    if (!take(one)) envelope(peer, one)
  }
}

/** Each makes a message end between two others, and returns the ids of the three. */
const ENDS = {
  cancelled: async () => {
    world.hub.cut(alice.peer, bob.peer)
    await eventually(() => !alice.linkedTo(bob))
    const ids = [await write('one'), await write('two'), await write('three')]
    await alice.ask.cancelMessage({ id: ids[1] ?? '' })
    return ids
  },
  expired: async () => {
    world.hub.cut(alice.peer, bob.peer)
    await eventually(() => !alice.linkedTo(bob))
    const ids = [await write('one'), await write('two', { expiresInMs: LIFE_MS }), await write('three')]
    await world.clock.advance(ENDED_MS)
    return ids
  },
  rejected: async () => {
    let refuse: (() => void) | undefined
    intercept(({ signed }) => {
      const content = decodeContent(signed)
      if (content.kind !== 'message' || content.seq !== 2) return false
      const receipt = {
        id: content.id,
        attempt: 1,
        hash: hashOf(signed),
        outcome: 'rejected',
        reason: 'failed'
      } as const
      refuse = () => world.handlerOf(alice).receipts(bob.peer, [receipt])
      return true
    })
    const ids = [await write('one'), await write('two'), await write('three')]
    await eventually(() => refuse !== undefined)
    refuse?.()
    return ids
  }
}

/** Each ends one of the two in the worst moment; what it gives begins it anew. */
const CRASHES = {
  'nobody crashes': () => async () => undefined,
  'the sender crashes between the end and its skip': () => {
    const { insert } = alice.store.outbox
    alice.store.outbox.insert = rows => {
      if (rows.some(({ kind }) => kind === 'skip')) throw new MeshError('store_failed')
      insert.call(alice.store.outbox, rows)
    }
    return async () => {
      expect(skipAt(alice)).toBeUndefined()
      alice.store.outbox.insert = insert.bind(alice.store.outbox)
      await alice.restart()
    }
  },
  'the receiver crashes before the skip comes': () => {
    intercept(({ signed }) => decodeContent(signed).kind === 'skip')
    return async () => {
      expect(skipAt(bob)).toBeUndefined()
      await bob.restart()
    }
  },
  'the receiver crashes between the skip and its end': () => {
    const { update } = bob.store.inbox
    bob.store.inbox.update = (instance, id, change) => {
      if (change.state !== undefined && bob.store.inbox.get(instance, id)?.kind === 'skip')
        throw new MeshError('store_failed')
      return update.call(bob.store.inbox, instance, id, change)
    }
    return async () => {
      await eventually(() => skipAt(bob) !== undefined, 'the skip')
      expect(skipAt(bob)?.state).toBe('received')
      bob.store.inbox.update = update.bind(bob.store.inbox)
      await bob.restart()
    }
  }
}

describe.each(Object.keys(ENDS) as Array<keyof typeof ENDS>)('a message that is %s between two others', end => {
  it.each(Object.keys(CRASHES) as Array<keyof typeof CRASHES>)(
    'R-02: leaves a skip, and the rest goes on in order at once: %s',
    async crash => {
      const recover = CRASHES[crash]()
      const ids = await ENDS[end]()
      await eventually(() => stateOf(ids[1] ?? '') === end, end)
      world.hub.mend(alice.peer, bob.peer)
      await world.clock.advance(BACK_MS)
      await eventually(() => bob.store.inbox.get(alice.instance, ids[2] ?? '') !== undefined, 'the last')
      await eventually(() => display.shown.length > 0, 'the first')
      if (crash !== 'nobody crashes') expect(display.shown.map(({ text }) => text)).toEqual(['one'])
      await recover()
      world.hub.discover(alice.peer, bob.peer)
      await world.clock.advance(BACK_MS)
      await eventually(() => display.shown.length === 2, 'the rest')
      expect(display.shown.map(({ text }) => text)).toEqual(['one', 'three'])
      const { conversation } = alice.store.outbox.get(ids[0] ?? '') ?? expect.fail()
      // Nobody waited at the gap until it was passed: the window went over it.
      expect(bob.store.inbox.nextSeq(alice.instance, alice.store.epoch, conversation)).toBe(4)
      const states = ['delivered', end, 'delivered']
      await eventually(() => ids.map(stateOf).join() === states.join(), states.join())
    }
  )
})
