import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRow } from '../../src/mesh/inbox-row.ts'
import type { Agent, DispatchOutcome, Inbound, TurnEvents } from '../../src/mesh/ports.ts'
import { newId } from '../../src/protocol/index.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { eventually, type Member, World } from './world.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

const PEER_TURNS = 12
const ALL_TURNS = 60
const TRACE_TURNS = 4

/** Real time without any change after which nothing is under way: a signature takes far less. Looked at now and then, to leave the cores to those. */
const QUIET_MS = 60
const LOOK_MS = 4

/** Answers everything, and tells those it talks to about it too, for ever. */
class Chatterbox implements Agent {
  readonly turns: Array<{ atMs: number; from: string; root: string }> = []
  readonly talksTo: Member[] = []
  readonly sending = new Set<Promise<unknown>>()
  member: Member | undefined
  readonly #world: World
  /** Whether it says what made it speak. Without, every message begins a chain of its own. */
  readonly #traced: boolean

  constructor(world: World, traced: boolean) {
    this.#world = world
    this.#traced = traced
  }

  async turn({ id, from }: Inbound, events: TurnEvents): Promise<DispatchOutcome> {
    const row = this.member?.store.inbox.get(from.instance, id)
    if (row === undefined) throw new Error('a turn without its row')
    const { root } = openRow(row).content.trace
    this.turns.push({ atMs: this.#world.clock.wallMs(), from: from.instance, root })
    events.adopted()
    await events.reply('indeed')
    for (const to of this.talksTo) this.say(to, this.#traced ? `${from.instance}/${id}` : undefined)
    return { outcome: 'done' }
  }

  /** Nobody waits for what becomes of it. */
  say(to: Member, cause?: string): void {
    const request = { target: to.peer, text: 'and so on', ...(cause !== undefined && { cause }) }
    const sending = this.member?.ask.send(request).catch(() => undefined)
    if (sending !== undefined) this.sending.add(sending)
  }
}

interface Chatter {
  agent: Chatterbox
  member: Member
}

type Shape = (index: number, count: number) => number[]
const others: Shape = (index, count) => Array.from({ length: count }, (_, i) => i).filter(i => i !== index)
const spokes: Shape = (index, count) => (index === 0 ? others(0, count) : [0])
const next: Shape = (index, count) => [(index + 1) % count]

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

async function chatters(count: number, shape: Shape, traced: boolean): Promise<Chatter[]> {
  const all: Chatter[] = []
  for (let i = 0; i < count; i++) {
    const agent = new Chatterbox(world, traced)
    const member = await world.member(`member-${i}`, { agent })
    agent.member = member
    all.push({ agent, member })
  }
  const joined = new Set<string>()
  for (const [index, { agent, member }] of all.entries()) {
    for (const to of shape(index, count)) {
      const other = all[to] as Chatter
      agent.talksTo.push(other.member)
      const pair = [index, to].sort().join(' ')
      if (joined.has(pair)) continue
      joined.add(pair)
      await world.join(member, other.member)
    }
  }
  return all
}

/** Waits until nobody does anything any more. */
async function quiet(all: Chatter[]): Promise<void> {
  const state = (): string =>
    all
      .map(({ agent, member }) => `${agent.turns.length} ${member.store.commits} ${member.store.outbox.load().entries}`)
      .join()
  let last = ''
  let sinceMs = performance.now()
  while (performance.now() - sinceMs < QUIET_MS) {
    const now = state()
    if (now !== last) sinceMs = performance.now()
    last = now
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}

async function restart(all: Chatter[], one: Chatter): Promise<void> {
  await one.member.restart()
  for (const { member } of all) if (member !== one.member) world.hub.discover(one.member.peer, member.peer)
}

/** Most turns within any hour, of one peer and of all. */
function mostPerHour({ agent }: Chatter): { peer: number; all: number } {
  const most = (turns: Chatterbox['turns']): number =>
    Math.max(0, ...turns.map(({ atMs }) => turns.filter(one => one.atMs >= atMs && one.atMs < atMs + HOUR_MS).length))
  const peers = Map.groupBy(agent.turns, ({ from }) => from).values()
  return { peer: Math.max(0, ...[...peers].map(most)), all: most(agent.turns) }
}

/** Most turns that one chain cost, of one member and of all. */
function mostPerTrace(all: Chatter[]): { member: number; all: number } {
  const most = (turns: Chatterbox['turns']): number =>
    Math.max(0, ...[...Map.groupBy(turns, ({ root }) => root).values()].map(({ length }) => length))
  return {
    member: Math.max(...all.map(({ agent }) => most(agent.turns))),
    all: most(all.flatMap(({ agent }) => agent.turns))
  }
}

const turnsOf = (all: Chatter[]): number => all.reduce((sum, { agent }) => sum + agent.turns.length, 0)

const shapes: Array<[string, number, Shape]> = [
  ['a pair', 2, others],
  ['a triangle', 3, others],
  ['a star of 9', 9, spokes],
  ['a ring of 9', 9, next]
]

describe('Members that always answer and always go on', () => {
  it.each(shapes)(
    'S-23: %s that traces what it says ends by itself, after 4 turns of a chain at most',
    async (_, count, shape) => {
      const all = await chatters(count, shape, true)
      const [first] = all as [Chatter]
      for (const to of first.agent.talksTo) first.agent.say(to)
      await eventually(() => turnsOf(all) > 0, 'a turn')
      await quiet(all)
      for (const one of all) await restart(all, one)
      await world.clock.advance(2 * HOUR_MS)
      await quiet(all)
      expect(mostPerTrace(all).member).toBeLessThanOrEqual(TRACE_TURNS)
      // The hub tells each spoke something of its own: a chain for each.
      expect(mostPerTrace(all).all).toBeLessThanOrEqual(TRACE_TURNS)
      if (shape === next) expect(mostPerTrace(all).all).toBe(TRACE_TURNS)
      const turns = turnsOf(all)
      await world.clock.advance(24 * HOUR_MS)
      await quiet(all)
      expect(turnsOf(all)).toBe(turns)
    }
  )

  it('S-23: a star of 9 in which a spoke begins: a turn of the hub and one of each other spoke, and none after that', async () => {
    const all = await chatters(9, spokes, true)
    const [hub, spoke, ...rest] = all as [Chatter, Chatter, ...Chatter[]]
    spoke.agent.say(hub.member)
    const expected = all.map(one => (one === spoke ? 0 : 1))
    const turns = (): number[] => all.map(({ agent }) => agent.turns.length)
    await eventually(() => turnsOf(all) >= 1 + rest.length, 'the turns')
    await quiet(all)
    expect(turns()).toEqual(expected)
    expect(mostPerTrace(all)).toEqual({ member: 1, all: 1 + rest.length })
    for (const one of all) await restart(all, one)
    await world.clock.advance(24 * HOUR_MS)
    await quiet(all)
    expect(turns()).toEqual(expected)
  })

  it.each(shapes)('S-23: %s that hides what made it speak, fast: stops at the hour caps', async (_, count, shape) => {
    const all = await chatters(count, shape, false)
    for (const { agent } of all) for (const to of agent.talksTo) agent.say(to)
    // In a ring, too, everybody hears of as many as it talks to.
    const expected = all.map(({ agent }) => Math.min(ALL_TURNS, PEER_TURNS * agent.talksTo.length))
    await eventually(() => all.every(({ agent }, i) => agent.turns.length >= (expected[i] ?? 0)), 'the caps')
    await quiet(all)
    expect(all.map(({ agent }) => agent.turns.length)).toEqual(expected)
    for (const one of all) expect(mostPerHour(one).peer).toBeLessThanOrEqual(PEER_TURNS)
    // Spent is spent: neither more words nor a restart make a turn.
    for (const one of all) await restart(all, one)
    for (const { agent } of all) for (const to of agent.talksTo) agent.say(to)
    await world.clock.advance(30 * MINUTE_MS)
    await quiet(all)
    expect(all.map(({ agent }) => agent.turns.length)).toEqual(expected)
    for (const { member } of all) {
      const told = member.notices.of('owner').map(({ text }) => text.replace(/ What comes.*/, ''))
      expect(told.length).toBeGreaterThan(0)
      expect(new Set(told).size).toBe(told.length)
    }
  })

  it.each(shapes)(
    'S-23: %s that hides what made it speak, slow, with restarts: no hour is over the caps',
    async (_, count, shape) => {
      const all = await chatters(count, shape, false)
      for (const { agent } of all) for (const to of agent.talksTo) agent.say(to)
      for (let step = 0; step < 18; step++) {
        await world.clock.advance(10 * MINUTE_MS)
        await quiet(all)
        await restart(all, all[step % count] as Chatter)
      }
      const most = all.map(mostPerHour)
      expect(Math.max(...most.map(({ peer }) => peer))).toBe(PEER_TURNS)
      for (const one of most) expect(one.all).toBeLessThanOrEqual(ALL_TURNS)
      expect(mostPerTrace(all).member).toBeLessThanOrEqual(TRACE_TURNS)
      expect(turnsOf(all)).toBeGreaterThan(count * PEER_TURNS)
    }
  )
})

describe('A flood', () => {
  it('S-24: 10,000 messages in 10 minutes from a paired peer are 12 turns and one notice; the rest waits', async () => {
    const agent = new Chatterbox(world, true)
    const bob = await world.member('bob', { agent })
    agent.member = bob
    const mallory = new FakeInstance('mallory')
    await bob.ask.approve({ who: mallory.peer })
    const handler = new RecordingHandler()
    const node = world.hub.node(mallory.peer)
    await node.start(handler)
    await node.connect(bob.peer, world.hub.nodeOf(bob.peer).addresses())
    const told = new Map<string, string>()
    const common = newId()
    for (let step = 0; step < 100; step++) {
      const contents = Array.from({ length: 100 }, (_, i) =>
        mallory.content(bob.instance, 'pay', world.clock.wallMs(), { conversation: i % 2 === 0 ? common : newId() })
      )
      for (const envelope of await mallory.seal(contents)) node.send(bob.peer, { type: 'envelope', envelope })
      await eventually(() => {
        for (const { id, outcome } of handler.receiptsSeen.splice(0)) told.set(id, outcome)
        return told.size === (step + 1) * 100
      }, 'a receipt for each')
      await world.clock.advance(6 * SECOND_MS)
    }
    expect(agent.turns).toHaveLength(PEER_TURNS)
    expect(bob.notices.of('owner').filter(({ text }) => text.includes('used up'))).toHaveLength(1)
    expect(new Set(told.values())).toEqual(new Set(['received', 'deferred', 'answered']))
    expect((await bob.ask.budget({})).peers).toMatchObject([{ turns: { used: PEER_TURNS, left: 0 } }])
    await world.clock.advance(HOUR_MS)
    await eventually(() => agent.turns.length === 2 * PEER_TURNS, 'the next hour')
    await node.stop()
  })
})
