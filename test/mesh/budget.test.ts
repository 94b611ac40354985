import { beforeEach, describe, expect, it } from 'vitest'
import { BUDGET_LIMITS, Budget } from '../../src/mesh/budget.ts'
import { OwnerNotices } from '../../src/mesh/owner-notices.ts'
import type { DispatchOutcome } from '../../src/mesh/ports.ts'
import { KEEP_MS, Retention } from '../../src/mesh/retention.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Trust } from '../../src/mesh/trust.ts'
import { newId } from '../../src/protocol/index.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeNotices } from '../fakes/notices.ts'
import { FakeStore } from '../fakes/store.ts'
import { ana, answering, ben, dispatchWorld, FakeAgent } from './dispatch-world.ts'

const MINUTE_MS = 60 * 1000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

let clock: FakeClock
let store: FakeStore
let notices: FakeNotices
let budget: Budget

/** A budget over the same store, as after a restart. */
function open(): Budget {
  const log = new FakeLog()
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [] })
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  return new Budget({ store, clock, notices: new OwnerNotices({ store, notices, clock, log, trust, routes }) })
}

/** A message that begins a chain of its own, unless the change says otherwise. */
function begin(
  instance: string,
  change: { conversation?: string; root?: string; hops?: string[]; characters?: number } = {}
) {
  const { conversation = newId(), root = newId(), hops = [], characters = 10 } = change
  return budget.begin({ instance, conversation, trace: { root, hops }, characters })
}

/** How many turns the peer gets at once. */
function turnsOf(instance: string, change: Parameters<typeof begin>[1] = {}): number {
  for (let turns = 0; turns < 1_000; turns++) if (begin(instance, change).verdict !== 'begun') return turns
  throw new Error('the budget has no end')
}

beforeEach(() => {
  clock = new FakeClock()
  store = new FakeStore()
  notices = new FakeNotices()
  budget = open()
})

describe('The budget', () => {
  it('is what the requirements say', () => {
    expect(BUDGET_LIMITS).toMatchObject({ conversationTurns: 3, traceTurns: 4, peerTurnsPerHour: 12, turnsPerHour: 60 })
  })

  it('S-23: gives a peer 12 turns an hour, the next when the first is an hour old, to the millisecond', () => {
    const startMs = clock.wallMs()
    expect(begin('ana')).toMatchObject({ verdict: 'begun' })
    clock.tick(10 * MINUTE_MS)
    expect(turnsOf('ana')).toBe(11)
    expect(begin('ana')).toEqual({ verdict: 'later', untilMs: startMs + HOUR_MS })
    clock.tick(50 * MINUTE_MS - 1)
    expect(turnsOf('ana')).toBe(0)
    clock.tick(1)
    expect(turnsOf('ana')).toBe(1)
    expect(begin('ana')).toEqual({ verdict: 'later', untilMs: startMs + 10 * MINUTE_MS + HOUR_MS })
    clock.tick(10 * MINUTE_MS)
    expect(turnsOf('ana')).toBe(11)
  })

  it('S-23: gives all peers 60 turns an hour, and one peer no other peer`s', () => {
    const peers = ['ana', 'ben', 'cleo', 'dan', 'eve', 'finn']
    expect(peers.map(peer => turnsOf(peer))).toEqual([12, 12, 12, 12, 12, 0])
    clock.tick(HOUR_MS)
    expect(turnsOf('finn')).toBe(12)
  })

  it('S-23: gives one chain 3 turns of a conversation and 4 altogether, however long it waits', () => {
    const root = newId()
    const conversation = newId()
    expect(turnsOf('ana', { root, conversation })).toBe(3)
    expect(begin('ana', { root })).toMatchObject({ verdict: 'begun' })
    expect(begin('ben', { root })).toEqual({ verdict: 'spent' })
    clock.tick(30 * DAY_MS)
    expect(begin('ana', { root, conversation })).toEqual({ verdict: 'spent' })
    expect(begin('ana', { conversation })).toMatchObject({ verdict: 'begun' })
  })

  it('S-23: begins no turn for a chain that had its 4 on the way here', () => {
    expect(begin('ana', { hops: ['a', 'b', 'c'] })).toMatchObject({ verdict: 'begun' })
    expect(begin('ana', { hops: ['a', 'b', 'c', 'd'] })).toEqual({ verdict: 'spent' })
  })

  it('S-24: counts characters in and out per peer and day', () => {
    const startMs = clock.wallMs()
    const half = BUDGET_LIMITS.peerCharactersPerDay / 2
    const first = begin('ana', { characters: half })
    clock.tick(HOUR_MS)
    begin('ana', { characters: 1 })
    if (first.verdict === 'begun') budget.count(first.turn, half - 2)
    expect(budget.usage('ana')).toEqual({ turns: { used: 1, left: 11 }, characters: { used: 2 * half - 1, left: 1 } })
    expect(begin('ana', { characters: 2 })).toEqual({ verdict: 'later', untilMs: startMs + DAY_MS })
    expect(begin('ben', { characters: 2 })).toMatchObject({ verdict: 'begun' })
    clock.tick(23 * HOUR_MS - 1)
    expect(begin('ana', { characters: 2 })).toMatchObject({ verdict: 'later' })
    clock.tick(1)
    expect(begin('ana', { characters: 2 })).toMatchObject({ verdict: 'begun' })
  })

  it('S-24: counts characters of all peers and day', () => {
    const most = BUDGET_LIMITS.peerCharactersPerDay
    const peers = ['ana', 'ben', 'cleo', 'dan', 'eve']
    expect(peers.map(peer => begin(peer, { characters: most }).verdict)).toEqual(peers.map(() => 'begun'))
    expect(begin('finn', { characters: 1 })).toEqual({ verdict: 'later', untilMs: clock.wallMs() + DAY_MS })
  })

  it('S-23, S-24: is spent after a restart too', () => {
    expect(turnsOf('ana')).toBe(12)
    clock.tick(MINUTE_MS)
    budget = open()
    expect(turnsOf('ana')).toBe(0)
    expect(budget.usage('ana')).toMatchObject({ turns: { used: 12, left: 0 }, characters: { used: 120 } })
  })

  it('gives back the turn that did not happen', () => {
    const last = Array.from({ length: 12 }, () => begin('ana')).at(-1)
    expect(begin('ana')).toMatchObject({ verdict: 'later' })
    if (last?.verdict === 'begun') budget.refund(last.turn, 'ana')
    expect(turnsOf('ana')).toBe(1)
  })

  it.each([3 * HOUR_MS, 3_650 * DAY_MS])(
    'S-08, S-23: a clock that is set back by %i ms gives no turn, and costs an hour',
    byMs => {
      clock.jump(byMs)
      expect(turnsOf('ana')).toBe(12)
      clock.jump(-byMs)
      expect(turnsOf('ana')).toBe(0)
      budget = open()
      expect(turnsOf('ana')).toBe(0)
      clock.tick(HOUR_MS - 1)
      expect(turnsOf('ana')).toBe(0)
      clock.tick(1)
      expect(turnsOf('ana')).toBe(12)
    }
  )

  it('S-24: tells the owner once a day per peer, by name, and once about all together', async () => {
    for (let hour = 0; hour < 24; hour++) {
      turnsOf('ana')
      budget.refused('ana')
      budget.refused('ana')
      clock.tick(HOUR_MS)
    }
    await settled()
    expect(notices.of('owner').map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^ana has used up what it may cost\. .* the next at 2027-01-15T09:00:00\.000Z; see the budget\.$/
      )
    ])
    for (const peer of ['ben', 'cleo', 'dan', 'eve', 'finn', 'gus']) turnsOf(peer)
    budget.refused('finn')
    budget.refused('gus')
    await settled()
    expect(notices.of('owner').slice(1)).toEqual([
      { kind: 'owner', text: expect.stringMatching(/^The peers have used up/) }
    ])
  })

  it('forgets turns that count no more', async () => {
    const retention = new Retention({ store, clock, log: new FakeLog() })
    retention.start()
    begin('ana')
    await clock.advance(KEEP_MS)
    expect(store.turns.since(0).turns).toBe(1)
    await clock.advance(HOUR_MS)
    expect(store.turns.since(0).turns).toBe(0)
    retention.stop()
  })
})

describe('Dispatch within a budget', () => {
  const limits = { peerTurnsPerHour: 2 }

  it('S-24: what is over it stays received, is deferred to its sender, and begins in order when there is budget again', async () => {
    const agent = answering()
    const world = dispatchWorld({ agent, limits })
    world.start()
    const startMs = world.clock.wallMs()
    const rows = []
    for (const text of ['1', '2', '3', '4', '5']) rows.push(await world.add(ana, text))
    await settled()
    expect(agent.turns.map(({ text }) => text)).toEqual(['1', '2'])
    expect(rows.map(world.state)).toEqual(['replied', 'replied', 'received', 'received', 'received'])
    expect(world.receipts.filter(({ outcome }) => outcome === 'deferred')).toEqual([
      expect.objectContaining({ id: rows[2]?.id, reason: 'overloaded', untilMs: startMs + HOUR_MS })
    ])
    await world.clock.advance(HOUR_MS - 1)
    expect(agent.turns).toHaveLength(2)
    await world.clock.advance(1)
    expect(agent.turns.map(({ text }) => text)).toEqual(['1', '2', '3', '4'])
    expect(agent.turns.map(({ hostMessageId }) => hostMessageId)).toEqual(rows.slice(0, 4).map(({ id }) => id))
    await world.clock.advance(HOUR_MS)
    expect(rows.map(world.state)).toEqual(rows.map(() => 'replied'))
    expect(world.notices.filter(({ kind }) => kind === 'owner')).toHaveLength(1)
    expect(world.broken).toEqual([])
    await world.stop()
  })

  it('S-24: another peer goes on, and so does what starts no turn', async () => {
    const agent = answering()
    const world = dispatchWorld({ agent, limits })
    world.start()
    for (const text of ['1', '2', '3']) await world.add(ana, text)
    const other = await world.add(ben, 'mine')
    const shown = await world.add(ana, 'shown', { kind: 'host', conversation: newId() })
    await settled()
    expect([world.state(other), world.state(shown)]).toEqual(['replied', 'done'])
    await world.stop()
  })

  it('S-24: a message of hundreds that wait costs its sender one receipt in five minutes, and the dispatch no turn of its loop', async () => {
    const agent = answering()
    const world = dispatchWorld({ agent, limits: { peerTurnsPerHour: 0 } })
    world.start()
    for (let i = 0; i < 200; i++) await world.add(ana, 'hello', { conversation: newId() })
    await settled(40)
    expect(world.receipts).toHaveLength(200)
    await world.clock.advance(5 * MINUTE_MS - 1)
    expect(world.receipts).toHaveLength(200)
    expect(world.clock.sleeping).toBe(1)
    await world.clock.advance(1)
    await settled(40)
    expect(world.receipts).toHaveLength(400)
    await world.stop()
  })

  it('S-24: waits through a restart, and a block ends the wait', async () => {
    const agent = answering()
    const store = new FakeStore()
    const first = dispatchWorld({ agent, store, limits: { peerTurnsPerHour: 0 } })
    first.start()
    const row = await first.add(ana, 'hello')
    await settled()
    await first.stop()
    expect(first.state(row)).toBe('received')
    const again = dispatchWorld({ agent, store, clock: first.clock, limits: { peerTurnsPerHour: 0 } })
    again.dispatch.add(row)
    again.start()
    await settled()
    expect(again.outcomes(row)).toEqual(['deferred overloaded'])
    again.trust.set(ana.instance, { level: 'blocked', how: 'command' })
    await again.clock.advance(5 * MINUTE_MS)
    expect([agent.turns, again.state(row)]).toEqual([[], 'rejected'])
    await again.stop()
  })

  it('S-23: a chain that had its turns is told to the owner, and ends without one', async () => {
    const agent = answering()
    const world = dispatchWorld({ agent, limits: { conversationTurns: 1 } })
    world.start()
    const trace = { root: newId(), parent: newId(), depth: 1, hops: [] }
    await world.add(ana, 'one', { trace })
    const row = await world.add(ana, 'two', { trace })
    await settled()
    expect(agent.turns.map(({ text }) => text)).toEqual(['one'])
    expect([world.state(row), world.outcomes(row)]).toEqual(['done', ['delivered no_reply']])
    expect(world.notices).toMatchObject([{ kind: 'message', inbound: { text: 'two', mayStartTurn: false } }])
    await world.stop()
  })

  it('S-24: counts the answer, and nothing for a turn that the host put off', async () => {
    const outcomes: DispatchOutcome[] = [{ outcome: 'retry', detail: 'busy' }]
    const agent = new FakeAgent(async (_, events) => {
      const outcome = outcomes.shift()
      if (outcome !== undefined) return outcome
      await events.reply('twelve chars')
      return { outcome: 'done' }
    })
    const world = dispatchWorld({ agent })
    world.start()
    await world.add(ana, 'eight ch')
    await settled()
    expect(world.budget.usage(ana.instance)).toMatchObject({ turns: { used: 0 }, characters: { used: 0 } })
    await world.clock.advance(1_000)
    expect(world.budget.usage(ana.instance)).toMatchObject({ turns: { used: 1 }, characters: { used: 20 } })
    await world.stop()
  })
  it('S-24: refuses further answers of a turn once the day of its peer is used up, so that one goes beyond it at most', async () => {
    const refused: unknown[] = []
    const agent = new FakeAgent(async (_, events) => {
      for (let i = 0; i < 5; i++) await events.reply('x'.repeat(60)).catch(error => refused.push(error.code))
      return { outcome: 'done' }
    })
    const world = dispatchWorld({ agent, limits: { peerCharactersPerDay: 100 } })
    world.start()
    const row = await world.add(ana, 'x'.repeat(30))
    await world.add(ben, 'x'.repeat(95))
    await settled()
    expect(world.replies.map(({ peer }) => peer)).toEqual([ana.peer, ana.peer, ben.peer])
    expect(refused).toEqual(Array.from({ length: 7 }, () => 'too_many'))
    expect(world.state(row)).toBe('replied')
    await world.stop()
  })
})
