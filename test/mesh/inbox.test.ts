import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { Inbox } from '../../src/mesh/inbox.ts'
import type { InboxRow } from '../../src/mesh/ports.ts'
import { type Content, type Envelope, hashOf, newId, type Receipt } from '../../src/protocol/index.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const self = new FakeInstance('self')
const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')

interface Options {
  store?: FakeStore
  room?: (instance: string) => boolean
  /** Wall clock, ms. */
  fullUntilMs?: number
}

/** An inbox over a store, with everything that it says to the outside. */
function world({ store = new FakeStore(), room = () => true, fullUntilMs = 0 }: Options = {}) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const sent: Array<{ peer: string; receipts: Receipt[] }> = []
  /** Receipts that promised what the store did not hold. */
  const broken: string[] = []
  const ready: InboxRow[] = []
  const strikes: string[] = []
  let verifications = 0
  const signer: typeof self.signer = {
    ...self.signer,
    verify: (...args) => {
      verifications++
      return self.signer.verify(...args)
    }
  }
  const inbox = new Inbox({
    store,
    signer,
    clock,
    log,
    room,
    fullUntilMs: () => fullUntilMs,
    send: (peer, receipts) => {
      for (const { id, outcome } of receipts) {
        const row = store.inbox.get(peer === ana.peer ? ana.instance : ben.instance, id)
        const kept = outcome === 'received' ? /received|dispatching/ : outcome === 'answered' ? /replied/ : /./
        if (outcome !== 'deferred' && row !== undefined && !kept.test(row.state)) broken.push(`${outcome} ${row.state}`)
        if (outcome === 'received' && row === undefined) broken.push(`${outcome} of nothing`)
      }
      sent.push({ peer, receipts })
    },
    ready: row => ready.push(row),
    strike: peer => strikes.push(peer)
  })
  const accept = (from: FakeInstance, content: Content, envelope: Envelope | undefined): void => {
    if (envelope === undefined) throw new Error('a message was not sealed')
    inbox.accept(from.peer, envelope, content, hashOf(envelope.signed))
  }
  const say = async (from: FakeInstance, ...contents: Content[]): Promise<Envelope[]> => {
    const envelopes = await from.seal(contents)
    for (const [index, content] of contents.entries()) accept(from, content, envelopes[index])
    await inbox.idle()
    await settled()
    return envelopes
  }
  const receipts = () => {
    expect(broken).toEqual([])
    return sent.flatMap(({ receipts }) => receipts)
  }
  const outcomes = () => receipts().map(({ outcome, reason, attempt }) => `${outcome} ${reason} ${attempt}`)
  return {
    store,
    clock,
    log,
    sent,
    ready,
    strikes,
    inbox,
    accept,
    say,
    receipts,
    outcomes,
    verifications: () => verifications
  }
}

const text = (from: FakeInstance, change: Partial<Content> = {}) =>
  from.content(self.instance, 'hello', new FakeClock().wallMs(), change)

describe('Inbox', () => {
  it('stores all arrivals of a turn in one commit, and sends their receipts per peer after it', async () => {
    const { store, accept, inbox, sent } = world()
    const ofAna = [text(ana), text(ana), text(ana)]
    const ofBen = [text(ben)]
    const envelopes = [...(await ana.seal(ofAna)), ...(await ben.seal(ofBen))]
    const order: string[] = []
    const transaction = store.transaction.bind(store)
    store.transaction = work => {
      const result = transaction(work)
      order.push('commit')
      return result
    }
    const push = sent.push.bind(sent)
    sent.push = (...items) => {
      order.push(...items.map(item => `receipts ${item.receipts.length}`))
      return push(...items)
    }
    for (const [index, content] of [...ofAna, ...ofBen].entries()) {
      accept(index < 3 ? ana : ben, content, envelopes[index])
    }
    expect(order).toEqual([])
    await inbox.idle()
    expect(order.slice(0, 3)).toEqual(['commit', 'receipts 3', 'receipts 1'])
    expect(sent.map(({ peer }) => peer)).toEqual([ana.peer, ben.peer])
  })

  it('promises nothing that it could not store: a full disk defers, and the repeat is taken', async () => {
    const { store, say, accept, inbox, outcomes, ready } = world()
    const content = text(ana)
    store.failure = new MeshError('store_failed')
    const [envelope] = await say(ana, content)
    expect(outcomes()).toEqual(['deferred overloaded 1'])
    expect(ready).toEqual([])
    store.failure = undefined
    accept(ana, content, envelope)
    await inbox.idle()
    expect(outcomes().at(-1)).toBe('received none 1')
    expect(ready.map(row => row.id)).toEqual([content.id])
  })

  it('keeps a row from dispatch until its signature was verified, and verifies a group once', async () => {
    const { say, ready, verifications, receipts } = world()
    const contents = Array.from({ length: 40 }, () => text(ana))
    await say(ana, ...contents)
    expect(ready.map(row => row.id)).toEqual(contents.map(({ id }) => id))
    expect(ready.every(row => row.verified)).toBe(true)
    expect(verifications()).toBe(1)
    expect(receipts()).toHaveLength(40)
  })

  it('rejects a bad signature after the receipt and before any dispatch, and counts it', async () => {
    const { accept, inbox, ready, strikes, outcomes, store } = world()
    const content = text(ana)
    const [envelope] = await ana.seal([content])
    const forged = { ...(envelope as Envelope), sig: new Uint8Array(64) }
    accept(ana, content, forged)
    await inbox.idle()
    expect(outcomes()).toEqual(['received none 1', 'rejected bad_signature 1'])
    expect(ready).toEqual([])
    expect(strikes).toEqual([ana.peer])
    expect(store.inbox.get(ana.instance, content.id)?.state).toBe('rejected')
    accept(ana, content, envelope)
    await inbox.idle()
    expect(outcomes().at(-1)).toBe('rejected bad_signature 2')
  })

  it('S-05: a replay is answered with the present state and never dispatched again, also after a restart', async () => {
    const store = new FakeStore()
    const first = world({ store })
    const content = text(ana)
    const [envelope] = (await first.say(ana, content)) as [Envelope]
    const states = [
      ['received', 'received none'],
      ['dispatching', 'received none'],
      ['adopted', 'delivered none'],
      ['replied', 'answered none']
    ] as const
    const second = world({ store })
    for (const { accept, inbox, outcomes, ready } of [first, second]) {
      for (const [state, outcome] of states) {
        store.inbox.update(ana.instance, content.id, { state })
        for (let i = 0; i < 10; i++) accept(ana, content, envelope)
        await inbox.idle()
        expect(outcomes().at(-1)).toMatch(outcome)
      }
      expect(ready.length).toBe(first.inbox === inbox ? 1 : 0)
    }
    expect(first.receipts().at(-1)?.attempt).toBe(41)
  })

  it('tells of no reply and of an unknown outcome in a repeated receipt', async () => {
    const { store, say, accept, inbox, outcomes } = world()
    const content = text(ana)
    const [envelope] = (await say(ana, content)) as [Envelope]
    const repeat = async (change: Partial<InboxRow>) => {
      store.inbox.update(ana.instance, content.id, change)
      accept(ana, content, envelope)
      await inbox.idle()
      return outcomes().at(-1)
    }
    expect(await repeat({ state: 'done', reason: 'no_reply' })).toMatch('delivered no_reply')
    expect(await repeat({ state: 'unknown', reason: 'unknown_outcome' })).toMatch('rejected unknown_outcome')
  })

  it('S-06 S-07: ids of others, used before or flooded, neither censor a message nor let a replay through', async () => {
    const { say, accept, inbox, ready } = world()
    const ids = Array.from({ length: 200 }, () => newId())
    const own = (from: FakeInstance, id: string) => text(from, { id, trace: { root: id, depth: 0, hops: [] } })
    await say(ben, ...ids.map(id => own(ben, id)))
    const ofAna = ids.map(id => own(ana, id))
    const envelopes = await say(ana, ...ofAna)
    expect(ready.filter(row => row.instance === ana.instance)).toHaveLength(ids.length)
    await say(ben, ...Array.from({ length: 500 }, () => text(ben)))
    const before = ready.length
    for (const [index, content] of ofAna.entries()) accept(ana, content, envelopes[index])
    await inbox.idle()
    expect(ready).toHaveLength(before)
  })

  it('S-05: any mix of first arrivals and replays, in any turn, is ready exactly once each', async () => {
    const messages = Array.from({ length: 12 }, (_, index) => text(index % 3 === 0 ? ben : ana))
    const sealed = await Promise.all(
      messages.map(async content => {
        const from = content.from === ana.instance ? ana : ben
        return { from, content, envelope: (await from.seal([content]))[0] as Envelope }
      })
    )
    const schedules = fc.array(fc.array(fc.nat(messages.length - 1), { maxLength: 8 }), { maxLength: 8 })
    const property = fc.asyncProperty(schedules, async turns => {
      const { accept, inbox, ready, receipts } = world()
      for (const turn of turns) {
        for (const index of turn) {
          const { from, content, envelope } = sealed[index] as (typeof sealed)[number]
          accept(from, content, envelope)
        }
        await inbox.idle()
      }
      const seen = new Set(turns.flat().map(index => (messages[index] as Content).id))
      expect(ready.map(row => row.id).toSorted()).toEqual([...seen].toSorted())
      expect(receipts()).toHaveLength(turns.flat().length)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('refuses another content under a known id, and a seq that was used', async () => {
    const { say, outcomes, ready } = world()
    const content = text(ana)
    await say(ana, content)
    await say(ana, { ...content, body: { type: 'plain', bytes: Uint8Array.of(65) } })
    await say(ana, text(ana, { seq: content.seq }))
    expect(outcomes().slice(1)).toEqual(['rejected malformed 1', 'rejected malformed 1'])
    expect(ready).toHaveLength(1)
  })

  it('takes a skip as done where its seq is taken already, and keeps it where not', async () => {
    const { say, outcomes, ready } = world()
    const content = text(ana)
    await say(ana, content)
    const skip = (seq: number) => text(ana, { kind: 'skip', seq, body: { type: 'none' } })
    await say(ana, skip(content.seq))
    await say(ana, skip(content.seq + 1))
    expect(outcomes()).toEqual(['received none 1', 'delivered none 1', 'received none 1'])
    expect(ready.map(row => row.kind)).toEqual(['message', 'skip'])
  })

  it('takes a message with another epoch of its sender as another message', async () => {
    const { say, ready } = world()
    const content = text(ana)
    await say(ana, content, text(ana, { seq: content.seq, epoch: 'e000000000000002' }))
    expect(ready).toHaveLength(2)
  })

  it('S-24: defers what has no room until there can be room again', async () => {
    const fullUntilMs = new FakeClock().wallMs() + 60 * 60 * 1000
    const { say, sent, inbox } = world({ room: () => false, fullUntilMs })
    await say(ana, text(ana))
    await inbox.idle()
    expect(sent.flatMap(({ receipts }) => receipts)).toMatchObject([{ outcome: 'deferred', untilMs: fullUntilMs }])
  })

  it('defers what has no room, and still answers repeats', async () => {
    const full = new Set<string>()
    const { say, accept, inbox, outcomes } = world({ room: instance => !full.has(instance) })
    const content = text(ana)
    const [envelope] = (await say(ana, content)) as [Envelope]
    full.add(ana.instance)
    await say(ana, text(ana))
    accept(ana, content, envelope)
    await inbox.idle()
    expect(outcomes()).toEqual(['received none 1', 'deferred overloaded 1', 'received none 2'])
  })

  it('defers what exceeds its memory', async () => {
    const { accept, inbox, outcomes } = world()
    const body = { type: 'plain' as const, bytes: new Uint8Array(32 * 1024).fill(65) }
    const contents = Array.from({ length: 1_100 }, () => text(ana, { body }))
    const envelopes = await ana.seal(contents)
    for (const [index, content] of contents.entries()) accept(ana, content, envelopes[index])
    await inbox.idle()
    const deferred = outcomes().filter(outcome => outcome.startsWith('deferred')).length
    expect(deferred).toBeGreaterThan(50)
    expect(deferred).toBeLessThan(200)
  })

  it('writes signature checks down once the disk lets it', async () => {
    const { store, clock, accept, inbox, ready, log } = world()
    const update = store.inbox.update.bind(store.inbox)
    store.inbox.update = () => {
      throw new MeshError('store_failed')
    }
    const content = text(ana)
    const [envelope] = await ana.seal([content])
    accept(ana, content, envelope)
    while (clock.sleeping === 0) await settled(1)
    expect(ready).toEqual([])
    expect(log.at('error')).toHaveLength(1)
    store.inbox.update = update
    await clock.advance(5_000)
    await inbox.idle()
    expect(ready.map(row => row.id)).toEqual([content.id])
  })

  describe('after a restart', () => {
    async function interrupted() {
      const store = new FakeStore()
      const before = world({ store })
      const contents = ['received', 'dispatching', 'adopted', 'replied', 'done', 'unknown', 'rejected'].map(state => ({
        state: state as InboxRow['state'],
        content: text(ana)
      }))
      await before.say(ana, ...contents.map(({ content }) => content))
      for (const { state, content } of contents) store.inbox.update(ana.instance, content.id, { state })
      const after = world({ store })
      after.inbox.recover()
      await after.inbox.idle()
      const named = (row: InboxRow) => contents.find(({ content }) => content.id === row.id)?.state
      return { ...after, taken: after.ready.map(named) }
    }

    it('hands what was not finished to the dispatch, which knows by its state what may begin again', async () => {
      const { taken, receipts } = await interrupted()
      expect(taken).toEqual(['received', 'dispatching', 'adopted'])
      expect(receipts()).toEqual([])
    })

    it('verifies what was stored and not verified yet, before anything else is done with it', async () => {
      const store = new FakeStore()
      const before = world({ store })
      const [good, bad] = [text(ana), text(ana)]
      const envelopes = (await ana.seal([good, bad])) as [Envelope, Envelope]
      before.accept(ana, good, envelopes[0])
      before.accept(ana, bad, { ...envelopes[1], sig: new Uint8Array(64) })
      await settled(2)
      const stopped = before.inbox.stop()
      await stopped
      for (const { id } of [good, bad]) store.inbox.update(ana.instance, id, { verified: false, state: 'received' })
      const after = world({ store })
      after.inbox.recover()
      await after.inbox.idle()
      expect(after.ready.map(row => row.id)).toEqual([good.id])
      expect(after.outcomes()).toEqual(['rejected bad_signature 1'])
    })

    it('sets a damaged row aside and goes on', async () => {
      const store = new FakeStore()
      const before = world({ store })
      const [one, two] = [text(ana), text(ana)]
      await before.say(ana, one, two)
      const rows = store.inbox.inStates(['received'], 9)
      store.inbox.inStates = () => [
        { ...(rows[0] as InboxRow), verified: false, envelope: Uint8Array.of(1) },
        rows[1] as InboxRow
      ]
      const after = world({ store })
      after.inbox.recover()
      await after.inbox.idle()
      expect(after.ready.map(row => row.id)).toEqual([two.id])
      expect(store.inbox.get(ana.instance, one.id)).toMatchObject({ state: 'rejected', reason: 'failed' })
    })
  })

  it('takes nothing more once stopped', async () => {
    const { say, inbox, receipts, store } = world()
    await inbox.stop()
    await say(ana, text(ana))
    expect(receipts()).toEqual([])
    expect(store.commits).toBe(0)
  })
})
