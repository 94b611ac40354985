import { expect, it } from 'vitest'
import { DISPATCHES_MAX } from '../../src/mesh/dispatch.ts'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Agent, DispatchOutcome } from '../../src/mesh/ports.ts'
import type { Trust, TrustChange } from '../../src/mesh/trust.ts'
import { newId } from '../../src/protocol/index.ts'
import { settled } from '../fakes/clock.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { FakeStore } from '../fakes/store.ts'
import { ana, ben, dispatchWorld, FakeAgent, forever } from './dispatch-world.ts'

const ROWS = 200

const DONE: DispatchOutcome = { outcome: 'done' }

it('a crowd of messages for a display that answers at once leaves turns of the event loop to everybody else', async () => {
  const display = new FakeDisplay()
  const { keep, dispatch, start, stop } = dispatchWorld({ display })
  for (let row = 0; row < ROWS; row++) {
    const conversation = (row % (2 * DISPATCHES_MAX)).toString(16).padStart(32, '0')
    dispatch.add(await keep(ana, `${row}`, { conversation }))
  }
  start()
  for (let before = 0; before < ROWS; ) {
    await new Promise(resolve => setImmediate(resolve))
    expect(display.shown.length - before).toBeLessThanOrEqual(2 * DISPATCHES_MAX)
    before = display.shown.length
  }
  expect(display.shown).toHaveLength(ROWS)
  await stop()
})

const BLOCKED: TrustChange = { level: 'blocked', how: 'command' }

/** An agent whose turn goes on until it is cut off, and then still tries to answer. */
function stubborn() {
  const late: unknown[] = []
  const agent = new FakeAgent(async (inbound, events, { signal } = {}) => {
    if (inbound.text !== 'untouched') events.adopted()
    await new Promise(resolve => signal?.addEventListener('abort', resolve, { once: true }))
    await events.reply('late').catch(error => late.push(error.code))
    throw new Error('cut off')
  })
  return { agent, late }
}

it.each([
  ['blocks', (trust: Trust) => trust.set(ana.instance, BLOCKED), 'rejected blocked', 1],
  ['forgets', (trust: Trust) => trust.forget(ana.instance), 'rejected not_admitted', 0],
  [
    'leaves out of allowFrom',
    (trust: Trust) => trust.update({ dmPolicy: 'allowlist', allowFrom: [] }),
    'rejected not_admitted',
    0
  ]
] as const)(
  'S-32: the turn of a peer whom the owner %s ends at once, and its answer goes nowhere',
  async (_, shutOut, receipt, told) => {
    const { agent, late } = stubborn()
    const { add, start, stop, trust, state, outcomes, replies, store } = dispatchWorld({ agent })
    start()
    const row = await add(ana, 'hello')
    await settled()
    const other = await add(ben, 'hello')
    await settled()
    expect(agent.running).toBe(2)
    shutOut(trust)
    await settled()
    expect(new Set(late)).toEqual(new Set(['aborted']))
    expect(replies).toEqual([])
    expect([state(row), outcomes(row)]).toEqual(['rejected', ['delivered none', receipt]])
    // Of whom the owner forgot no notice may speak.
    expect(store.notices.unread(9).filter(({ about }) => about === ana.instance)).toHaveLength(told)
    if (_ !== 'leaves out of allowFrom') expect([agent.running, state(other)]).toEqual([1, 'adopted'])
    await stop()
  }
)

it.each(['is cut off', 'is put off'] as const)(
  'S-21: a turn that was adopted before a crash is known as such after the next one too, when the second try %s before adoption',
  async second => {
    const store = new FakeStore()
    const script: Agent['turn'][] = [
      (_, events) => {
        events.adopted()
        return forever()
      },
      second === 'is cut off' ? forever : async () => ({ outcome: 'retry', detail: 'busy' })
    ]
    const agent = new FakeAgent(async (...args) => (await script.shift()?.(...args)) ?? { outcome: 'done' })
    for (let life = 0; life < 3; life++) {
      const { add, dispatch, start, stop } = dispatchWorld({ store, agent })
      start()
      if (life === 0) await add(ana, 'do it')
      for (const row of store.inbox.inStates(['received', 'dispatching', 'adopted'], 9)) dispatch.add(row)
      await settled()
      if (life < 2) expect(store.inbox.inStates(['received', 'dispatching', 'adopted'], 9)).toHaveLength(1)
      await stop()
    }
    expect(agent.turns.map(({ adoptedBefore }) => adoptedBefore)).toEqual([false, true, true])
  }
)

it('S-21: a turn with tools ends when its peer is trusted less, and runs again with less where nothing had happened', async () => {
  const { agent } = stubborn()
  const { add, start, stop, trust, state, outcomes, budget } = dispatchWorld({ agent })
  for (const { instance } of [ana, ben]) trust.set(instance, { level: 'trusted', how: 'command' })
  start()
  const adopted = await add(ana, 'adopted')
  const untouched = await add(ben, 'untouched')
  await settled()
  // More rights cut nothing off.
  trust.set(ana.instance, { level: 'trusted', how: 'command', petname: 'sister' })
  await settled()
  expect(agent.turns.map(({ tier }) => tier)).toEqual(['trusted', 'trusted'])
  for (const { instance } of [ana, ben]) trust.set(instance, { level: 'paired', how: 'command' })
  await settled()
  expect([state(adopted), outcomes(adopted)]).toEqual(['unknown', ['delivered none', 'rejected unknown_outcome']])
  expect(state(untouched)).toBe('received')
  // Nobody knows what the word of an adoption still on its way would say.
  expect(budget.usage(ben.instance).turns.used).toBe(1)
  await stop()
})

it('S-21: an adoption that crosses the end of its turn counts: it is neither run again nor given back', async () => {
  const agent = new FakeAgent((_, events, { signal } = {}) => {
    signal?.addEventListener('abort', () => events.adopted(), { once: true })
    return forever()
  })
  const { add, start, stop, trust, state, outcomes, budget } = dispatchWorld({ agent })
  trust.set(ana.instance, { level: 'trusted', how: 'command' })
  start()
  const row = await add(ana, 'do it')
  await settled()
  trust.set(ana.instance, { level: 'paired', how: 'command' })
  await settled()
  expect([state(row), outcomes(row)]).toEqual(['unknown', ['delivered none', 'rejected unknown_outcome']])
  expect(budget.usage(ana.instance).turns.used).toBe(1)
  await stop()
})

it('S-21: a turn with tools ends when the owner takes a tool back, and no other turn does', async () => {
  const { agent } = stubborn()
  const { add, start, stop, trust, tiers, state, outcomes } = dispatchWorld({ agent })
  const policy = { dmPolicy: 'allowlist' as const, allowFrom: [ana.instance, ben.instance] }
  const list = (...trustedTools: string[]): void => {
    tiers.update({ notifyOnly: [], trustedTools })
    trust.update(policy)
  }
  list('read', 'exec')
  trust.set(ana.instance, { level: 'trusted', how: 'command' })
  start()
  const trusted = await add(ana, 'hello')
  const paired = await add(ben, 'hello')
  await settled()
  // One more cuts nothing off, nor does another order.
  list('web_search', 'exec', 'read')
  await settled()
  expect(agent.running).toBe(2)
  list('web_search', 'read')
  await settled()
  expect([state(trusted), outcomes(trusted)]).toEqual(['unknown', ['delivered none', 'rejected unknown_outcome']])
  expect([agent.running, state(paired)]).toEqual([1, 'adopted'])
  // What begins afterwards knows the new list.
  const later = await add(ana, 'hello')
  await settled()
  list('web_search', 'read')
  await settled()
  expect([agent.running, state(later)]).toEqual([2, 'adopted'])
  await stop()
})

it('S-32: an answer that waited for another is refused once its peer is shut out', async () => {
  const first = Promise.withResolvers<void>()
  const refusals: unknown[] = []
  const agent = new FakeAgent(async (_, events) => {
    const one = events.reply('one')
    const two = events.reply('two').catch(error => refusals.push(error.code))
    await Promise.all([one, two])
    return { outcome: 'done' }
  })
  const texts: string[] = []
  const reply = async ({ text }: { text: string }, within: () => void): Promise<void> => {
    await first.promise
    within()
    texts.push(text)
  }
  const { add, start, stop, trust } = dispatchWorld({ agent, reply })
  start()
  await add(ana, 'hello')
  await settled()
  trust.set(ana.instance, BLOCKED)
  first.resolve()
  await settled()
  expect([texts, refusals]).toEqual([['one'], ['not_trusted']])
  await stop()
})

it('R-20: a call that came back is no proof of a turn: it is made again until the host took one', async () => {
  const script = [false, false, true]
  const agent = new FakeAgent(async (_, events) => {
    if (script.shift() === true) events.adopted()
    return DONE
  })
  const { add, start, state, outcomes, clock, budget } = dispatchWorld({ agent })
  start()
  const row = await add(ana, 'hello')
  await settled()
  expect([state(row), outcomes(row)]).toEqual(['received', []])
  for (const waitMs of [1_000, 2_000]) await clock.advance(waitMs)
  expect([state(row), outcomes(row)]).toEqual(['done', ['delivered none', 'delivered no_reply']])
  expect(agent.turns.map(({ hostMessageId }) => hostMessageId)).toEqual([row.id, `${row.id}#2`, `${row.id}#3`])
  // Nobody pays for a turn that did not happen.
  expect(budget.usage(ana.instance).turns.used).toBe(1)
})

it('R-09: an adoption that could not be written down ends the turn before it says a word, and it comes again', async () => {
  const store = new FakeStore()
  const { update } = store.inbox
  const said: unknown[] = []
  const agent = new FakeAgent(async (_, events, { signal } = {}) => {
    Object.assign(store.inbox, {
      update: (...args: Parameters<typeof update>) => {
        if (args[2].state === 'adopted') throw new MeshError('store_failed', { retryable: true })
        return update.apply(store.inbox, args)
      }
    })
    events.adopted()
    said.push(signal?.aborted, await events.reply('too early').catch(error => error.code))
    Object.assign(store.inbox, { update })
    return DONE
  })
  const { add, start, state, clock, replies } = dispatchWorld({ store, agent })
  start()
  const row = await add(ana, 'hello')
  await settled()
  expect([said, state(row), replies]).toEqual([[true, 'aborted'], 'received', []])
  await clock.advance(1_000)
  expect(agent.turns.map(({ adoptedBefore }) => adoptedBefore)).toEqual([false, false])
})

it('R-20: while every turn of one peer hangs, another is answered at once, and what waits for the first goes on when one ends', async () => {
  const agent = new FakeAgent(async ({ from, text }, events) => {
    events.adopted()
    if (from.instance === ana.instance) return await forever()
    await events.reply(`re: ${text}`)
    return DONE
  })
  const { add, start, state, clock } = dispatchWorld({ agent })
  start()
  for (let i = 0; i < 2 * DISPATCHES_MAX; i++) await add(ana, `${i}`, { conversation: newId(), seq: 1 })
  const rows = []
  for (let i = 0; i < 2 * DISPATCHES_MAX; i++) rows.push(await add(ben, `${i}`, { conversation: newId(), seq: 1 }))
  await settled()
  expect(rows.map(state)).toEqual(rows.map(() => 'replied'))
  const hanging = () => agent.turns.filter(({ from }) => from.instance === ana.instance).map(({ text }) => text)
  expect(hanging()).toEqual(['0', '1', '2', '3'])
  await clock.advance(10 * 60_000)
  expect(hanging()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
})
