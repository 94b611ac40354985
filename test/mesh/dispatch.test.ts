import { describe, expect, it } from 'vitest'
import { DISPATCHES_MAX, INSTANCE_DISPATCHES_MAX } from '../../src/mesh/dispatch.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import type { DispatchOutcome, Display, TurnEvents } from '../../src/mesh/ports.ts'
import { newId } from '../../src/protocol/index.ts'
import { settled } from '../fakes/clock.ts'
import { FakeStore } from '../fakes/store.ts'
import { ana, answering, ben, dispatchWorld, FakeAgent, forever } from './dispatch-world.ts'

const DONE: DispatchOutcome = { outcome: 'done' }

/** Takes every turn and says nothing. */
const silent = () =>
  new FakeAgent(async (_, events) => {
    events.adopted()
    return DONE
  })

describe('Dispatch to an agent', () => {
  it('S1.59: runs a turn, commits its reply with the row, and sends delivered, then answered', async () => {
    const agent = answering()
    const { add, start, stop, state, outcomes, replies, log, routes } = dispatchWorld({ agent })
    routes.learn({ peer: ana.peer, label: 'brisk-otter' })
    start()
    const row = await add(ana, 'hello 👋')
    await settled()
    expect(agent.turns).toEqual([
      {
        id: row.id,
        hostMessageId: row.id,
        conversation: row.conversation,
        from: {
          instance: ana.instance,
          instanceId: `brisk-otter@${ana.instance}`,
          peer: ana.peer,
          name: 'brisk-otter'
        },
        text: 'hello 👋',
        sentMs: row.receivedMs,
        path: 'lan',
        tier: 'reply',
        mayStartTurn: true,
        adoptedBefore: false,
        mayRepeat: false
      }
    ])
    expect(state(row)).toBe('replied')
    expect(outcomes(row)).toEqual(['delivered none', 'answered none'])
    expect(replies).toEqual([
      {
        instance: ana.instance,
        peer: ana.peer,
        kind: 'message',
        conversation: row.conversation,
        inReplyTo: row.id,
        trace: { root: row.id, parent: row.id, depth: 1, hops: [ana.instance] },
        text: 're: hello 👋'
      }
    ])
    expect(log.at('info').filter(line => line.startsWith('Direct'))).toEqual([
      `Direct message from ${ana.peer}: 7 characters`
    ])
    expect(JSON.stringify(log.lines)).not.toContain('hello')
    await stop()
  })

  it('says no_reply when a turn ends without one', async () => {
    const { add, start, state, outcomes } = dispatchWorld({
      agent: new FakeAgent(async (_, events) => {
        events.adopted()
        events.adopted()
        return DONE
      })
    })
    start()
    const row = await add(ana, 'hello')
    await settled()
    expect(state(row)).toBe('done')
    expect(outcomes(row)).toEqual(['delivered none', 'delivered no_reply'])
  })

  it('ends a turn that failed', async () => {
    const agent = new FakeAgent(async () => ({ outcome: 'failed', detail: 'x' }))
    const { add, start, state, outcomes } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello')
    await settled()
    expect([state(row), outcomes(row)]).toEqual(['rejected', ['rejected failed']])
  })

  it('tries again with a new host message id, after 1 s, 2 s, 4 s ..., 60 s, in order, and gives up in the end', async () => {
    const agent = new FakeAgent(async () => ({ outcome: 'retry', detail: 'draining' }))
    const { add, start, state, outcomes, clock } = dispatchWorld({ agent })
    start()
    const first = await add(ana, 'one')
    await add(ana, 'two')
    await settled()
    const started = clock.monotonicMs()
    const atMs: number[] = []
    for (let seconds = 0; seconds < 200; seconds++) {
      const before = agent.turns.length
      await clock.advance(1_000)
      if (agent.turns.length > before) atMs.push(clock.monotonicMs() - started)
    }
    expect(atMs).toEqual([1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000])
    expect(agent.turns.every(({ id }) => id === first.id)).toBe(true)
    expect(agent.turns.slice(0, 3).map(({ hostMessageId }) => hostMessageId)).toEqual([
      first.id,
      `${first.id}#2`,
      `${first.id}#3`
    ])
    expect(state(first)).toBe('received')
    expect(outcomes(first)).toEqual([])
    for (let minutes = 0; minutes < 60; minutes++) await clock.advance(60_000)
    expect(state(first)).toBe('rejected')
    expect(outcomes(first)).toEqual(['rejected failed'])
    expect(agent.turns.at(-1)?.text).toBe('two')
  })

  it('R-20: takes a throw before adoption as nothing happened, and one after it as unknown, of which there may be one', async () => {
    const script = [false, true, true]
    const agent = new FakeAgent(async (_, events) => {
      if (script.shift() === true) events.adopted()
      throw new Error('bridge is gone')
    })
    const { add, start, state, outcomes, clock, store } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello')
    await settled()
    expect(state(row)).toBe('received')
    await clock.advance(1_000)
    expect(state(row)).toBe('received')
    await clock.advance(2_000)
    expect(state(row)).toBe('unknown')
    await clock.advance(3_600_000)
    expect(agent.turns.map(({ adoptedBefore }) => adoptedBefore)).toEqual([false, false, true])
    expect(outcomes(row).at(-1)).toBe('rejected unknown_outcome')
    expect(store.notices.unread(9)).toMatchObject([{ text: expect.stringContaining(row.id) }])
  })

  it('commits every answer of a turn in order, ends the row with the first, and gives another chance where one was refused', async () => {
    const refused: string[] = []
    const agent = new FakeAgent(async (_, events) => {
      for (const text of ['too long', 'good', 'once more']) {
        await events.reply(text).catch((error: MeshError) => refused.push(error.code))
      }
      return DONE
    })
    const store = new FakeStore()
    const committed: string[] = []
    const { add, start, state, outcomes } = dispatchWorld({
      store,
      agent,
      reply: async ({ text }, within) => {
        if (text === 'too long') throw new MeshError('text_too_long')
        store.transaction(() => {
          within()
          committed.push(text)
        })
      }
    })
    start()
    const row = await add(ana, 'hello')
    await settled()
    expect(committed).toEqual(['good', 'once more'])
    expect(refused).toEqual(['text_too_long'])
    expect([state(row), outcomes(row)]).toEqual(['replied', ['answered none']])
  })

  it('waits for an answer that the agent did not wait for', async () => {
    const agent = new FakeAgent(async (_, events) => {
      events.reply('later').catch(() => {})
      return DONE
    })
    const { add, start, state } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello')
    await settled()
    expect(state(row)).toBe('replied')
  })

  it('R-20: ends a turn that never ends after ten minutes, hears nothing of it afterwards, and tries once more', async () => {
    let late: TurnEvents | undefined
    let aborted = 0
    const agent = new FakeAgent((_, events, options) => {
      late = events
      options?.signal?.addEventListener('abort', () => aborted++)
      return forever()
    })
    const { add, start, state, outcomes, clock, replies } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello')
    await clock.advance(10 * 60_000 - 1)
    expect(state(row)).toBe('dispatching')
    await clock.advance(1)
    expect([state(row), aborted]).toEqual(['received', 1])
    late?.adopted()
    await expect(late?.reply('late')).rejects.toMatchObject({ code: 'aborted' })
    expect([state(row), outcomes(row), replies]).toEqual(['received', [], []])
    await clock.advance(1_000)
    await clock.advance(10 * 60_000)
    expect([state(row), aborted, agent.turns.length]).toEqual(['unknown', 2, 2])
    late?.adopted()
    await expect(late?.reply('late')).rejects.toMatchObject({ code: 'aborted' })
    expect([state(row), outcomes(row), replies]).toEqual(['unknown', ['rejected unknown_outcome'], []])
  })

  it('R-20: never runs two turns of one conversation at once, and others meanwhile, eight at most and four of one instance', async () => {
    const agent = new FakeAgent(forever)
    const { add, start, clock } = dispatchWorld({ agent })
    start()
    const busy = '01'.repeat(16)
    for (let i = 0; i < 3; i++) await add(ana, 'again', { conversation: busy, seq: i + 1 })
    await settled()
    expect(agent.turns).toHaveLength(1)
    // The same conversation id of another instance is another conversation.
    await add(ben, 'hello', { conversation: busy, seq: 1 })
    for (let i = 0; i < 20; i++) await add(ana, 'other', { conversation: newId(), seq: 1 })
    await settled()
    expect(agent.turns).toHaveLength(INSTANCE_DISPATCHES_MAX + 1)
    for (let i = 0; i < 20; i++) await add(ben, 'other', { conversation: newId(), seq: 1 })
    await settled()
    expect(agent.turns).toHaveLength(DISPATCHES_MAX)
    expect(clock.sleeping).toBe(DISPATCHES_MAX)
  })

  it('goes by seq, waits 30 s for a missing one, then goes on and takes it when it comes', async () => {
    const agent = silent()
    const { add, start, clock, log } = dispatchWorld({ agent })
    start()
    const texts = () => agent.turns.map(({ text }) => text)
    await add(ana, '3', { seq: 3, conversation: '0a'.repeat(16) })
    await add(ana, '4', { seq: 4, conversation: '0a'.repeat(16) })
    await clock.advance(20_000)
    await add(ana, '1', { seq: 1, conversation: '0a'.repeat(16) })
    await settled()
    expect(texts()).toEqual(['1'])
    await clock.advance(9_999)
    expect(texts()).toEqual(['1'])
    await clock.advance(1)
    expect(texts()).toEqual(['1', '3', '4'])
    expect(log.at('warn')).toEqual(['A conversation goes on without an earlier message.'])
    await add(ana, '5', { seq: 5, conversation: '0a'.repeat(16) })
    await settled()
    expect(texts()).toEqual(['1', '3', '4', '5'])
    await add(ana, '2', { seq: 2, conversation: '0a'.repeat(16) })
    await add(ana, '6', { seq: 6, conversation: '0a'.repeat(16) })
    await settled()
    expect(texts()).toEqual(['1', '3', '4', '5', '2', '6'])
  })

  it('closes a gap by a skip, which nobody sees', async () => {
    const agent = silent()
    const { add, start, state, outcomes } = dispatchWorld({ agent })
    start()
    await add(ana, '2', { seq: 2, conversation: '0b'.repeat(16) })
    const skip = await add(ana, '', { seq: 1, conversation: '0b'.repeat(16), kind: 'skip', body: { type: 'none' } })
    await settled()
    expect(agent.turns.map(({ text }) => text)).toEqual(['2'])
    expect([state(skip), outcomes(skip)]).toEqual(['done', ['delivered none']])
  })

  it('S-32: a message of an instance that is not admitted any more is refused, not dispatched', async () => {
    const agent = answering()
    const { add, start, state, outcomes, trust } = dispatchWorld({ agent })
    const row = await add(ana, 'hello')
    trust.set(ana.instance, { level: 'blocked', how: 'command' })
    start()
    await settled()
    expect([agent.turns, state(row), outcomes(row)]).toEqual([[], 'rejected', ['rejected blocked']])
  })

  it('stops at once while turns hang, leaves their rows, and takes them up in the next run', async () => {
    const store = new FakeStore()
    const hanging = new FakeAgent((_, events) => {
      events.adopted()
      return forever()
    })
    const first = dispatchWorld({ store, agent: hanging })
    first.start()
    const row = await first.add(ana, 'hello')
    await settled()
    await first.stop()
    expect(first.state(row)).toBe('adopted')
    expect(first.clock.sleeping).toBe(0)
    const agent = answering()
    const second = dispatchWorld({ store, agent })
    second.dispatch.add(store.inbox.inStates(['adopted'], 1)[0] ?? row)
    second.start()
    await settled()
    expect(agent.turns.map(({ hostMessageId }) => hostMessageId)).toEqual([`${row.id}#2`])
    expect(second.state(row)).toBe('replied')
  })

  it('leaves a turn that reports trouble only because we stop', async () => {
    const agent = new FakeAgent(
      (_inbound, _events, options) =>
        new Promise(resolve => {
          options?.signal?.addEventListener('abort', () => resolve({ outcome: 'unknown', detail: 'aborted' }))
        })
    )
    const { add, start, stop, state, outcomes } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello')
    await settled()
    await stop()
    expect([state(row), outcomes(row)]).toEqual(['dispatching', []])
  })

  it('looks again when the store fails, and loses nothing', async () => {
    const store = new FakeStore()
    const agent = answering()
    const { add, start, state, clock, log } = dispatchWorld({ store, agent })
    start()
    const row = await add(ana, 'hello')
    store.failure = new MeshError('store_failed')
    await settled()
    store.failure = undefined
    await clock.advance(60_000)
    expect(state(row)).toBe('replied')
    expect(log.at('error').length).toBeLessThan(5)
  })

  it.each(['in the middle of a turn', 'before a turn'])(
    'R-09: a window that cannot be read %s ends nothing, and is looked at again',
    async when => {
      const store = new FakeStore()
      const { nextSeq } = store.inbox
      const fail = (): never => {
        throw new MeshError('store_failed', { retryable: true })
      }
      const agent = new FakeAgent(async (inbound, events) => {
        await events.reply(`re: ${inbound.text}`)
        if (when === 'in the middle of a turn') Object.assign(store.inbox, { nextSeq: fail })
        return DONE
      })
      const { keep, dispatch, start, state, clock } = dispatchWorld({ store, agent })
      start()
      const rows = [await keep(ana, 'one'), await keep(ana, 'two')]
      if (when === 'before a turn') Object.assign(store.inbox, { nextSeq: fail })
      for (const row of rows) dispatch.add(row)
      await settled()
      Object.assign(store.inbox, { nextSeq })
      await clock.advance(60_000)
      expect(rows.map(state)).toEqual(['replied', 'replied'])
      expect(agent.turns.map(({ text }) => text)).toEqual(['one', 'two'])
    }
  )

  it('R-09: what was shown while the disk was full is not shown again, and ends soon after there is room', async () => {
    const store = new FakeStore()
    const shown: string[] = []
    const display: Display = {
      show: async ({ id }) => {
        shown.push(id)
        store.failure = new MeshError('store_failed', { retryable: true })
        return DONE
      }
    }
    const { add, start, state, clock } = dispatchWorld({ store, display })
    start()
    const row = await add(ana, 'hello')
    await settled()
    await clock.advance(30_000)
    expect(state(row)).toBe('dispatching')
    store.failure = undefined
    await clock.advance(5_000)
    expect(state(row)).toBe('done')
    expect(shown).toEqual([row.id])
  })

  it('has room for a thousand messages of one instance', async () => {
    const { dispatch, keep } = dispatchWorld({ agent: answering() })
    const row = await keep(ana, 'hello')
    for (let i = 0; i < 1_000; i++) {
      expect(dispatch.room(ana.instance)).toBe(true)
      dispatch.add({ ...row, id: newId(), seq: i + 1 })
    }
    expect(dispatch.room(ana.instance)).toBe(false)
    expect(dispatch.room(ben.instance)).toBe(true)
  })

  it('gets its room back, whatever is added twice', async () => {
    const { dispatch, keep, start } = dispatchWorld({ agent: answering() })
    const row = await keep(ana, 'hello')
    for (let i = 0; i < 2_000; i++) dispatch.add(row)
    expect(dispatch.room(ana.instance)).toBe(true)
    start()
    await settled()
    for (let i = 0; i < 999; i++) dispatch.add({ ...row, id: newId(), seq: i + 1 })
    expect(dispatch.room(ana.instance)).toBe(true)
  })
})
