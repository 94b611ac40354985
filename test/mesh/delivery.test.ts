import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { DispatchOutcome } from '../../src/mesh/ports.ts'
import { type Content, newId, TRACE_DEPTH_MAX } from '../../src/protocol/index.ts'
import { settled } from '../fakes/clock.ts'
import { FakeStore } from '../fakes/store.ts'
import { ana, answering, ben, DISPLAY_MS, dispatchWorld, FakeAgent, forever, self } from './dispatch-world.ts'

const DONE: DispatchOutcome = { outcome: 'done' }

describe('Dispatch of what starts no turn', () => {
  const loops: Array<[string, Partial<Content>]> = [
    ['kind host', { kind: 'host' }],
    ['depth above the limit', { trace: { root: newId(), parent: newId(), depth: TRACE_DEPTH_MAX + 1, hops: [] } }],
    ['our own hand among the hops', { trace: { root: newId(), parent: newId(), depth: 1, hops: [self.instance] } }]
  ]

  it.each(loops)('S-23: %s is told to the owner, never a turn', async (_, change) => {
    const agent = answering()
    const { add, start, notices, state, outcomes } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello', change)
    await settled()
    expect(agent.turns).toEqual([])
    expect(notices).toEqual([
      { kind: 'message', inbound: expect.objectContaining({ text: 'hello', mayStartTurn: false }) }
    ])
    expect([state(row), outcomes(row)]).toEqual(['done', ['delivered no_reply']])
  })

  it('starts a turn at the depth limit itself', async () => {
    const agent = answering()
    const { add, start } = dispatchWorld({ agent })
    start()
    await add(ana, 'hello', { trace: { root: newId(), parent: newId(), depth: TRACE_DEPTH_MAX, hops: [ben.instance] } })
    await settled()
    expect(agent.turns).toHaveLength(1)
  })

  it('an answer to a message of ours goes to who asked, is final with it, and starts no turn', async () => {
    const agent = answering()
    const store = new FakeStore()
    const { add, start, answers, state, outcomes, notices } = dispatchWorld({ store, agent })
    const asked = question(store, ana.instance)
    start()
    const row = await add(ana, 'the answer', { inReplyTo: asked.id })
    await settled()
    expect(answers).toMatchObject([
      { text: 'the answer', outboxRow: { id: asked.id }, row: { id: row.id }, sender: { peer: ana.peer } }
    ])
    expect([agent.turns, notices]).toEqual([[], []])
    expect([state(row), outcomes(row)]).toEqual(['done', ['delivered none']])
  })

  it("an answer to somebody else's question, or to none, is nobody's answer and starts no turn either", async () => {
    const agent = answering()
    const store = new FakeStore()
    const { add, start, answers, notices } = dispatchWorld({ store, agent })
    const asked = question(store, ben.instance)
    start()
    await add(ana, 'forged', { inReplyTo: asked.id })
    await add(ana, 'lost', { inReplyTo: newId() })
    await settled()
    expect([agent.turns, answers]).toEqual([[], []])
    expect(notices).toMatchObject([{ inbound: { text: 'forged' } }, { inbound: { text: 'lost' } }])
  })
})

describe('The inbox list', () => {
  const listed = (store: FakeStore) => store.notices.unread(9).map(({ text }) => text.replace(/.*wrote: /, ''))

  it('has a text once, whose notice was cut off and comes again', async () => {
    const store = new FakeStore()
    const first = dispatchWorld({ store, notify: forever })
    first.start()
    const row = await first.add(ana, 'hello')
    await settled()
    await first.stop()
    const second = dispatchWorld({ store })
    second.dispatch.add(row)
    second.start()
    await settled()
    expect([second.state(row), listed(store)]).toEqual(['done', ['hello']])
    await second.stop()
  })

  it('has a text whose turn was put off before its sender was to be shown only', async () => {
    const store = new FakeStore()
    const agent = new FakeAgent(async () => ({ outcome: 'retry', detail: 'busy' }))
    const first = dispatchWorld({ store, agent })
    first.start()
    const row = await first.add(ana, 'hello')
    await settled()
    await first.stop()
    expect([first.state(row), listed(store)]).toEqual(['received', []])
    const second = dispatchWorld({ store, agent, notifyOnly: ['*'] })
    second.dispatch.add(row)
    second.start()
    await settled()
    expect([second.state(row), listed(store)]).toEqual(['done', ['hello']])
    await second.stop()
  })

  it('has it in the commit that begins its notice, or nothing is begun', async () => {
    const store = new FakeStore()
    const { add } = store.notices
    store.notices.add = () => {
      throw new MeshError('store_failed', { retryable: true })
    }
    const world = dispatchWorld({ store })
    world.start()
    const row = await world.add(ana, 'hello')
    await settled()
    expect([store.inbox.get(ana.instance, row.id)?.attempt, world.notices]).toEqual([0, []])
    Object.assign(store.notices, { add })
    await world.clock.advance(2_000)
    expect([world.state(row), listed(store)]).toEqual(['done', ['hello']])
    await world.stop()
  })
})

it('S-29: a text that waited while its sender was forgotten and let in again is no text of the new one', async () => {
  const { add, start, stop, clock, trust, state, notices } = dispatchWorld({})
  const row = await add(ana, 'of before')
  clock.tick(1)
  trust.forget(ana.instance)
  trust.set(ana.instance, { level: 'paired', how: 'command' })
  start()
  const next = await add(ana, 'of now')
  await settled()
  expect([state(row), state(next)]).toEqual(['rejected', 'done'])
  expect(notices).toMatchObject([{ inbound: { text: 'of now' } }])
  await stop()
})

describe('Dispatch to a display', () => {
  const shown = (outcome: () => Promise<DispatchOutcome>) => {
    const texts: string[] = []
    return {
      texts,
      display: {
        show: async ({ text }: { text: string }) => {
          texts.push(text)
          return await outcome()
        }
      }
    }
  }

  it('S1.66: says delivered only after the display took the text', async () => {
    const took = Promise.withResolvers<DispatchOutcome>()
    const { display, texts } = shown(() => took.promise)
    const agent = answering()
    const { add, start, state, outcomes } = dispatchWorld({ display, agent })
    start()
    const row = await add(ana, 'hello')
    await settled()
    expect([texts, state(row), outcomes(row)]).toEqual([['hello'], 'dispatching', []])
    took.resolve(DONE)
    await settled()
    expect([agent.turns, state(row), outcomes(row)]).toEqual([[], 'done', ['delivered none']])
  })

  it('S1.66, R-20: a display that hangs or throws is asked once more, with a mark, and then it is unknown', async () => {
    const outcomes = [forever, () => Promise.reject(new Error('no channel'))]
    const marks: string[] = []
    const display = {
      show: async ({ text, mayRepeat }: { text: string; mayRepeat: boolean }) => {
        marks.push(`${text} ${mayRepeat}`)
        return await (outcomes.shift() ?? forever)()
      }
    }
    const world = dispatchWorld({ display })
    world.start()
    const hung = await world.add(ana, 'one')
    await world.clock.advance(DISPLAY_MS - 1)
    expect(world.state(hung)).toBe('dispatching')
    const thrown = await world.add(ben, 'two')
    await world.clock.advance(1)
    expect([world.state(hung), world.state(thrown), world.receipts]).toEqual(['received', 'received', []])
    await world.clock.advance(1_000)
    expect(marks.toSorted()).toEqual(['one false', 'one true', 'two false', 'two true'])
    await world.clock.advance(DISPLAY_MS)
    for (const row of [hung, thrown]) {
      expect([world.state(row), world.outcomes(row)]).toEqual(['unknown', ['rejected unknown_outcome']])
      expect(world.store.notices.unread(9).map(({ text }) => text)).toContainEqual(
        expect.stringMatching(new RegExp(`^Whether message ${row.id} of .* was shown is not known`))
      )
    }
    await world.clock.advance(3_600_000)
    expect(marks).toHaveLength(4)
  })

  it('R-20: a display that took the second try has taken the text, and nothing stays hidden', async () => {
    const outcomes: DispatchOutcome[] = [{ outcome: 'unknown', detail: 'no answer' }]
    const { display } = shown(async () => outcomes.shift() ?? DONE)
    const { add, start, clock, state, outcomes: told, store } = dispatchWorld({ display })
    start()
    const row = await add(ana, 'hello')
    await settled()
    await clock.advance(1_000)
    expect([state(row), told(row)]).toEqual(['done', ['delivered none']])
    expect(store.inbox.get(row.instance, row.id)?.reason).toBe('none')
  })

  it('shows what starts no turn, and tries again what was not shown', async () => {
    const outcomes: DispatchOutcome[] = [{ outcome: 'retry', detail: 'channel is down' }]
    const { display, texts } = shown(async () => outcomes.shift() ?? DONE)
    const { add, start, notices, clock, state } = dispatchWorld({ display })
    start()
    const row = await add(ana, 'by the host', { kind: 'host' })
    await settled()
    expect(state(row)).toBe('received')
    await clock.advance(1_000)
    expect([texts, notices, state(row)]).toEqual([['by the host', 'by the host'], [], 'done'])
  })

  it('shows an answer too, and hands it to who asked once', async () => {
    const outcomes: DispatchOutcome[] = [{ outcome: 'retry', detail: 'channel is down' }]
    const { display, texts } = shown(async () => outcomes.shift() ?? DONE)
    const store = new FakeStore()
    const { add, start, answers, clock, state } = dispatchWorld({
      store,
      display,
      answered: ({ outboxRow, row, commit }) =>
        store.transaction(() => {
          commit()
          store.outbox.advance(outboxRow.id, 'answered', { replyId: row.id })
        })
    })
    const asked = question(store, ana.instance)
    start()
    const row = await add(ana, 'the answer', { inReplyTo: asked.id })
    await settled()
    expect([answers.length, state(row)]).toEqual([1, 'received'])
    await clock.advance(1_000)
    expect([answers.length, texts.length, state(row)]).toEqual([1, 2, 'done'])
  })
})

describe('What a crash hid', () => {
  /** Starts over the same store, with a row as a crash left it. */
  async function resumed(
    row: { state: 'dispatching' | 'adopted'; reason?: 'unknown_outcome' },
    init: Parameters<typeof dispatchWorld>[0]
  ) {
    const world = dispatchWorld(init)
    const kept = await world.keep(ana, 'hello')
    const left = world.store.inbox.update(kept.instance, kept.id, { ...row, attempt: 1 }) ?? kept
    world.dispatch.add(left)
    world.start()
    await settled()
    await world.clock.advance(3_600_000)
    const end = world.store.inbox.get(kept.instance, kept.id)
    return { ...world, row: kept, end }
  }

  class Shower {
    readonly marks: boolean[] = []

    async show({ mayRepeat }: { mayRepeat: boolean }): Promise<DispatchOutcome> {
      this.marks.push(mayRepeat)
      return DONE
    }
  }

  it('R-02: a text is shown once more, marked, and never a third time', async () => {
    const display = new Shower()
    const once = await resumed({ state: 'dispatching' }, { display })
    expect([display.marks, once.end?.state, once.outcomes(once.row)]).toEqual([[true], 'done', ['delivered none']])
    const twice = await resumed({ state: 'dispatching', reason: 'unknown_outcome' }, { display })
    expect([display.marks, twice.end?.state, twice.outcomes(twice.row)]).toEqual([
      [true],
      'unknown',
      ['rejected unknown_outcome']
    ])
    expect(twice.store.notices.unread(9)).toMatchObject([{ text: expect.stringContaining(twice.row.id) }])
  })

  it('R-02: the note that it may repeat is on the disk before it is shown again', async () => {
    const seen: unknown[] = []
    const store = new FakeStore()
    const { row } = await resumed(
      { state: 'dispatching' },
      {
        store,
        display: {
          show: async inbound => {
            seen.push(store.inbox.get(inbound.from.instance, inbound.id)?.reason)
            return DONE
          }
        }
      }
    )
    expect([seen, row.state]).toEqual([['unknown_outcome'], 'received'])
  })

  it('R-02: a text told to the owner of an agent is marked too', async () => {
    const { notices, end } = await resumed({ state: 'dispatching' }, { agent: answering(), notifyOnly: ['*'] })
    expect(notices).toMatchObject([{ kind: 'message', inbound: { text: 'hello', mayRepeat: true } }])
    expect(end?.state).toBe('done')
  })

  it('R-02: a turn that no host had adopted begins as if it were the first, however often', async () => {
    const agent = answering()
    const { end, row } = await resumed({ state: 'dispatching', reason: 'unknown_outcome' }, { agent })
    expect(agent.turns).toMatchObject([{ hostMessageId: `${row.id}#2`, adoptedBefore: true }])
    expect(end).toMatchObject({ state: 'replied', reason: 'none' })
    const other = answering()
    await resumed({ state: 'dispatching' }, { agent: other })
    expect(other.turns).toMatchObject([{ adoptedBefore: false, mayRepeat: false }])
  })

  it('R-02: an adopted turn begins once more, and is told to the owner when that was cut off too', async () => {
    const agent = answering()
    const once = await resumed({ state: 'adopted' }, { agent })
    expect([agent.turns.map(({ adoptedBefore }) => adoptedBefore), once.end?.state]).toEqual([[true], 'replied'])
    const twice = await resumed({ state: 'adopted', reason: 'unknown_outcome' }, { agent })
    expect([agent.turns.length, twice.end?.state]).toEqual([1, 'unknown'])
    expect(twice.store.notices.unread(9)).toMatchObject([{ text: expect.stringContaining(`message ${twice.row.id}`) }])
    expect(twice.budget.usage(ana.instance).turns.used).toBe(0)
  })

  it('onUnknown repeat: to the agent the repetition is like any other turn, and there is one', async () => {
    const agent = answering()
    const { end } = await resumed({ state: 'adopted' }, { agent, onUnknown: 'repeat' })
    expect([agent.turns.map(({ adoptedBefore }) => adoptedBefore), end?.state]).toEqual([[false], 'replied'])
    const twice = await resumed({ state: 'adopted', reason: 'unknown_outcome' }, { agent, onUnknown: 'repeat' })
    expect([agent.turns.length, twice.end?.state]).toEqual([1, 'unknown'])
  })

  it.each(['adopted', 'dispatching'] as const)('onUnknown skip: nothing that was %s is tried again', async state => {
    const agent = answering()
    const display = new Shower()
    const toAgent = await resumed({ state }, { agent, onUnknown: 'skip' })
    const toDisplay = await resumed({ state }, { display, onUnknown: 'skip' })
    // What was dispatched and not adopted has not happened, whatever the owner wants of what may have.
    expect(toAgent.end?.state).toBe(state === 'adopted' ? 'unknown' : 'replied')
    expect([toDisplay.end?.state, display.marks]).toEqual(['unknown', []])
    expect(toDisplay.store.notices.unread(9)).toHaveLength(1)
  })

  it('onUnknown skip: a display that hangs is not asked twice', async () => {
    const asked: string[] = []
    const display = {
      show: async ({ text }: { text: string }) => {
        asked.push(text)
        return await forever()
      }
    }
    const { add, start, clock, state } = dispatchWorld({ display, onUnknown: 'skip' })
    start()
    const row = await add(ana, 'hello')
    await clock.advance(DISPLAY_MS)
    await clock.advance(3_600_000)
    expect([state(row), asked]).toEqual(['unknown', ['hello']])
  })
})

/** A message of ours that waits for its answer. */
function question(store: FakeStore, instance: string) {
  const id = newId()
  const row = { id, instance, peer: 'p', conversation: newId(), seq: 1, kind: 'message' as const }
  const bytes = new Uint8Array(1)
  store.outbox.insert([{ ...row, envelope: bytes, hash: bytes, state: 'delivered', createdMs: 1, expiresMs: 9e15 }])
  return row
}
