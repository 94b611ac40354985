import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  CONVERSATIONS_MAX,
  CONVERSATIONS_TOTAL_MAX,
  KEPT_MAX_BYTES,
  KEPT_TOTAL_MAX_BYTES
} from '../../src/mesh/inbox-caps.ts'
import type { InboxLoad, InboxRow } from '../../src/mesh/ports.ts'
import { type Content, type Envelope, hashOf, newId, type Receipt } from '../../src/protocol/index.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { roomyInbox } from '../fakes/roomy-inbox.ts'
import { FakeStore } from '../fakes/store.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const self = new FakeInstance('self')
let number = 0

/** A store that says it keeps this much more than it does: so the bounds are reached by a few messages. */
class BurdenedStore extends FakeStore {
  burden: Partial<InboxLoad> = {}
  burdenInAll: Partial<InboxLoad> = {}

  constructor() {
    super()
    const kept = this.inbox.kept.bind(this.inbox)
    this.inbox.kept = instance => {
      const load = kept(instance)
      const more = instance === undefined ? this.burdenInAll : this.burden
      return {
        entries: load.entries,
        bytes: load.bytes + (more.bytes ?? 0),
        conversations: load.conversations + (more.conversations ?? 0)
      }
    }
  }
}

/** An inbox that says of each arrival what its receipt was, and of each message how often it was ready for its dispatch. */
function inboxOf(store: FakeStore, clock: FakeClock) {
  const receipts: Receipt[] = []
  const ready: InboxRow[] = []
  const inbox = roomyInbox({
    store,
    signer: self.signer,
    clock,
    send: (_, batch) => receipts.push(...batch),
    ready: row => ready.push(row)
  })
  const take = async (from: FakeInstance, content: Content, envelope: Envelope): Promise<string> => {
    const before = receipts.length
    inbox.accept(from.peer, envelope, content, hashOf(envelope.signed))
    await inbox.idle()
    await settled()
    const receipt = receipts[before]
    return `${receipt?.outcome} ${receipt?.reason ?? ''}`.trim()
  }
  return { inbox, ready, take }
}

const end = (store: FakeStore, { instance, id }: Pick<InboxRow, 'instance' | 'id'>) =>
  store.inbox.update(instance, id, { state: 'done' })

describe('bounds of the inbox', () => {
  let store: BurdenedStore
  let clock: FakeClock
  let ana: FakeInstance
  let ben: FakeInstance
  let part: ReturnType<typeof inboxOf>

  beforeEach(() => {
    number++
    store = new BurdenedStore()
    clock = new FakeClock()
    ana = new FakeInstance(`ana ${number}`)
    ben = new FakeInstance(`ben ${number}`)
    part = inboxOf(store, clock)
  })

  async function say(from: FakeInstance, change: Partial<Content> = {}) {
    const content = from.content(self.instance, 'hello', clock.wallMs(), change)
    const [envelope] = (await from.seal([content])) as [Envelope]
    const outcome = await part.take(from, content, envelope)
    return { content, envelope, outcome, has: () => store.inbox.get(from.instance, content.id) !== undefined }
  }

  /** Bytes that the next message of this sender will count. */
  async function sizeOf(from: FakeInstance): Promise<number> {
    const before = store.inbox.kept(from.instance).bytes
    const { content } = await say(from)
    end(store, { instance: from.instance, id: content.id })
    return store.inbox.kept(from.instance).bytes - before
  }

  it('S-12: 32 MiB of one peer are kept to the last byte; then the oldest that ended goes, and no other', async () => {
    const size = await sizeOf(ana)
    const [one, two] = [await say(ana), await say(ben)]
    for (const { content } of [one, two]) end(store, { instance: content.from, id: content.id })
    store.burden = { bytes: KEPT_MAX_BYTES - 3 * size }
    const fits = await say(ana)
    expect([fits.outcome, one.has()]).toEqual(['received none', true])
    expect(store.inbox.kept(ana.instance).bytes).toBe(KEPT_MAX_BYTES)
    const more = await say(ana)
    expect(more.outcome).toBe('received none')
    expect([one.has(), fits.has(), more.has(), two.has()]).toEqual([false, true, true, true])
    expect(store.inbox.kept(ana.instance).bytes).toBeLessThanOrEqual(KEPT_MAX_BYTES)
  })

  it('S-05, S-12: what went is a duplicate for ever: its repeat is answered, and not ready again', async () => {
    const size = await sizeOf(ana)
    const one = await say(ana)
    end(store, { instance: ana.instance, id: one.content.id })
    store.burden = { bytes: KEPT_MAX_BYTES - 2 * size }
    await say(ana)
    expect(one.has()).toBe(false)
    const ready = part.ready.length
    const again = inboxOf(store, clock)
    for (const inbox of [part, again])
      expect(await inbox.take(ana, one.content, one.envelope)).toBe('rejected unknown_outcome')
    expect([part.ready.length, again.ready.length, store.inbox.kept(ana.instance).entries]).toEqual([ready, 0, 1])
    // Its sender gave it up meanwhile.
    const { seq } = one.content
    expect((await say(ana, { kind: 'skip', seq, body: { type: 'none' } })).outcome).toBe('delivered none')
  })

  it('S-12: what has not ended stays; then its sender comes back, and others are served', async () => {
    const size = await sizeOf(ana)
    const open = [await say(ana), await say(ana)]
    store.burden = { bytes: KEPT_MAX_BYTES - 2 * size }
    const late = await say(ana)
    expect([late.outcome, late.has()]).toEqual(['deferred overloaded', false])
    expect(open.map(({ has }) => has())).toEqual([true, true])
    expect(await part.take(ana, late.content, late.envelope)).toBe('deferred overloaded')
    end(store, { instance: ana.instance, id: open[0]?.content.id ?? '' })
    expect(await part.take(ana, late.content, late.envelope)).toBe('received none')
    store.burden = {}
    expect((await say(ben)).outcome).toBe('received none')
  })

  it('S-12: 256 MiB in all: the oldest of whoever has most go, whoever comes', async () => {
    const size = await sizeOf(ana)
    const [one, two] = [await say(ana), await say(ben)]
    for (const { content } of [one, two]) end(store, { instance: content.from, id: content.id })
    store.burdenInAll = { bytes: KEPT_TOTAL_MAX_BYTES - 4 * size }
    expect([(await say(ben)).outcome, one.has()]).toEqual(['received none', true])
    expect(store.inbox.kept().bytes).toBe(KEPT_TOTAL_MAX_BYTES)
    expect([(await say(ben)).outcome, one.has(), two.has()]).toEqual(['received none', false, true])
    store.burdenInAll = { bytes: KEPT_TOTAL_MAX_BYTES }
    for (const seq of [1, 2, 3]) expect((await say(ana)).outcome, String(seq)).toBe('deferred overloaded')
  })

  it('S-12: where nothing of whoever has most may go, a sender makes room by its own', async () => {
    const size = await sizeOf(ana)
    for (let i = 0; i < 3; i++) await say(ben)
    const own = await say(ana)
    end(store, { instance: ana.instance, id: own.content.id })
    store.burdenInAll = { bytes: KEPT_TOTAL_MAX_BYTES - 5 * size }
    expect([(await say(ana)).outcome, own.has()]).toEqual(['received none', false])
    expect(store.inbox.kept(ben.instance).entries).toBe(3)
  })

  it('S-05, S-12: beyond a gap nothing goes for a day, in which what is missing may come', async () => {
    const size = await sizeOf(ana)
    const missing = ana.content(self.instance, 'late', clock.wallMs())
    const [envelope] = (await ana.seal([missing])) as [Envelope]
    const beyond = await say(ana)
    end(store, { instance: ana.instance, id: beyond.content.id })
    store.inbox.trim(ana.instance, 1, { limit: 1, gapBeforeMs: 0 })
    store.burden = { bytes: KEPT_MAX_BYTES - size }
    expect((await say(ana)).outcome).toBe('deferred overloaded')
    store.burden = { bytes: KEPT_MAX_BYTES - 2 * size }
    expect(await part.take(ana, missing, envelope)).toBe('received none')
    expect(beyond.has()).toBe(true)
    await clock.advance(DAY_MS + 1)
    expect((await say(ana)).outcome).toBe('received none')
    expect(beyond.has()).toBe(false)
  })

  it.each([
    ['one peer', 'burden', CONVERSATIONS_MAX],
    ['all', 'burdenInAll', CONVERSATIONS_TOTAL_MAX]
  ] as const)('S-12: of %s only so many conversations: a new one waits, a known one goes on', async (_, which, max) => {
    const known = await say(ana)
    end(store, { instance: ana.instance, id: known.content.id })
    store[which] = { conversations: max - 2 }
    expect((await say(ana, { conversation: newId(), seq: 1 })).outcome).toBe('received none')
    expect(store.inbox.kept(which === 'burden' ? ana.instance : undefined).conversations).toBe(max)
    expect((await say(ana, { conversation: newId(), seq: 1 })).outcome).toBe('deferred overloaded')
    expect((await say(ana)).outcome).toBe('received none')
  })

  it('S-12: one commit forgets 256 rows at most; who needs more comes back', async () => {
    const looked: number[] = []
    store.inbox.trim = (_, bytes, { limit }) => {
      looked.push(limit)
      return { entries: limit, bytes: Math.min(bytes, 100_000) }
    }
    store.burden = { bytes: KEPT_MAX_BYTES }
    const contents = Array.from({ length: 10 }, () => ana.content(self.instance, 'hello', clock.wallMs()))
    for (const [index, envelope] of (await ana.seal(contents)).entries())
      part.inbox.accept(ana.peer, envelope, contents[index] as Content, hashOf(envelope.signed))
    await part.inbox.idle()
    expect(looked).toEqual(Array.from({ length: 4 }, () => 64))
    expect(part.ready).toHaveLength(4)
  })

  it('S-12: says in the gauges how much is kept', async () => {
    const size = await sizeOf(ana)
    await say(ben)
    const gauges = new Map(part.inbox.gauges().map(({ name, ...rest }) => [name, rest]))
    expect(gauges.get('bytes kept of messages')).toEqual({ size: 2 * size, max: KEPT_TOTAL_MAX_BYTES })
    expect(gauges.get('bytes kept of messages of one peer')).toEqual({ size, max: KEPT_MAX_BYTES })
    expect(gauges.get('conversations remembered')).toEqual({ size: 2, max: CONVERSATIONS_TOTAL_MAX })
  })
})

describe('S-05, S-12: whatever is sent, repeated, ended and trimmed', () => {
  type Step = { act: 'say' | 'repeat' | 'end' | 'restart'; pick: number }

  const steps = fc.array(
    fc.record({
      act: fc.constantFrom<Step['act']>('say', 'say', 'repeat', 'repeat', 'end', 'end', 'restart'),
      pick: fc.nat(1_000)
    }),
    { minLength: 20, maxLength: 60 }
  )

  /** `forgets`: the window goes with the last row of its conversation, as a careless clean-up would have it. */
  async function worked(acts: Step[], { forgets = false } = {}): Promise<{ shown: string[]; accepted: string[] }> {
    const store = new BurdenedStore()
    const clock = new FakeClock()
    const ana = new FakeInstance('ana of the property')
    store.burden = { bytes: KEPT_MAX_BYTES - 4_000 }
    if (forgets) {
      const { trim } = store.inbox
      store.inbox.trim = (...args) => {
        const freed = trim.apply(store.inbox, args)
        store.inbox.pruneWindows(Number.MAX_SAFE_INTEGER, 100)
        return freed
      }
    }
    let part = inboxOf(store, clock)
    let taken = 0
    const lanes = ['a0', 'b0', 'c0'].map(lane => lane.repeat(16))
    const seqs = new Map<string, number>()
    const said: Array<{ content: Content; envelope: Envelope }> = []
    const open: InboxRow[] = []
    const shown: string[] = []
    const accepted: string[] = []
    const step = async ({ act, pick }: Step): Promise<void> => {
      if (act === 'say') {
        const conversation = lanes[pick % lanes.length] ?? ''
        const seq = (seqs.get(conversation) ?? 0) + 1
        const content = ana.content(self.instance, 'hello', clock.wallMs(), { conversation, seq })
        const [envelope] = (await ana.seal([content])) as [Envelope]
        const outcome = await part.take(ana, content, envelope)
        // What is deferred is not kept: its sender has it still, and its seq.
        if (!outcome.startsWith('received')) return
        seqs.set(conversation, seq)
        said.push({ content, envelope })
        accepted.push(content.id)
      } else if (act === 'repeat') {
        const one = said[pick % Math.max(1, said.length)]
        if (one !== undefined) await part.take(ana, one.content, one.envelope)
      } else if (act === 'end') {
        const row = open.shift()
        if (row === undefined) return
        shown.push(row.id)
        end(store, row)
      } else {
        part = inboxOf(store, clock)
        taken = 0
        open.length = 0
        part.inbox.recover()
        await part.inbox.idle()
      }
      open.push(...part.ready.slice(taken))
      taken = part.ready.length
    }
    for (const one of acts) await step(one)
    while (open.length > 0) await step({ act: 'end', pick: 0 })
    expect(store.inbox.kept(ana.instance).bytes).toBeLessThanOrEqual(KEPT_MAX_BYTES)
    return { shown, accepted }
  }

  it('nothing is shown twice, nothing accepted is lost, and the bound holds', async () => {
    let trimmed = 0
    await fc.assert(
      fc.asyncProperty(steps, async acts => {
        const { shown, accepted } = await worked(acts)
        expect(shown.toSorted()).toEqual(accepted.toSorted())
        trimmed += Number(accepted.length > 6)
      }),
      { numRuns: 100 }
    )
    expect(trimmed).toBeGreaterThan(10)
  })

  it('a clean-up that forgets the window is noticed', async () => {
    const details = await fc.check(
      fc.asyncProperty(steps, async acts => {
        const { shown } = await worked(acts, { forgets: true })
        expect(new Set(shown).size).toBe(shown.length)
      }),
      { numRuns: 300, endOnFailure: true }
    )
    expect(details.failed).toBe(true)
  })
})
