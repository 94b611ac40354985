import { describe, expect, it } from 'vitest'
import type { Agent, DispatchOutcome, Inbound, TurnEvents } from '../../src/mesh/ports.ts'
import { Tiers } from '../../src/mesh/tiers.ts'
import { settled } from '../fakes/clock.ts'
import { FakeLog } from '../fakes/log.ts'
import { ana, ben, dispatchWorld } from './dispatch-world.ts'

/** Remembers what it was given, and ends as told. */
class Listener implements Agent {
  readonly turns: Inbound[] = []
  outcome: DispatchOutcome = { outcome: 'done' }

  async turn(inbound: Inbound, events: TurnEvents): Promise<DispatchOutcome> {
    this.turns.push(inbound)
    events.adopted()
    return this.outcome
  }
}

describe('tiers', () => {
  it('S-21: go by the trust level, and by the owner who wants only to be told', () => {
    const { trust } = dispatchWorld()
    const log = new FakeLog()
    const tiers = new Tiers({ trust, log }, { notifyOnly: [] })
    expect(tiers.of(ana.instance)).toBe('reply')
    trust.set(ana.instance, { level: 'trusted', how: 'command' })
    expect(tiers.of(ana.instance)).toBe('trusted')
    for (const entry of [ana.instance, `ana@${ana.instance}`, ana.peer, '*']) {
      tiers.update({ notifyOnly: [entry] })
      expect(tiers.of(ana.instance)).toBe('notify')
      expect(tiers.of(ben.instance)).toBe(entry === '*' ? 'notify' : 'reply')
    }
    expect(log.at('warn')).toEqual([])
    tiers.update({ notifyOnly: [] })
    expect(tiers.issues()).toEqual([])
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    expect(tiers.of(ana.instance)).toBe('reply')
  })

  it.each(['accessGroup:renamed', 'brisk-otter@k5xq-3abc', '12D3KooWnobody'])(
    'S-21: %s, which names nobody, means everybody until it is corrected, and is named',
    entry => {
      const { trust } = dispatchWorld()
      const log = new FakeLog()
      const tiers = new Tiers({ trust, log }, { notifyOnly: [ana.instance, entry] })
      trust.set(ben.instance, { level: 'trusted', how: 'command' })
      expect([tiers.of(ana.instance), tiers.of(ben.instance)]).toEqual(['notify', 'notify'])
      expect(tiers.issues()).toEqual([
        expect.stringMatching(`^notifyOnly has "${entry}", which names nobody here, so that no`)
      ])
      expect(log.at('warn')[0]).toContain('notifyOnly')
      // Well formed, and never met: it names somebody.
      tiers.update({ notifyOnly: ['k5xq-3abc-defg-hijk-lmno-pqrs'] })
      expect([tiers.of(ana.instance), tiers.of(ben.instance), tiers.issues()]).toEqual(['reply', 'trusted', []])
    }
  )

  it('S-21: notify starts no turn, costs no budget, and is shown and listed', async () => {
    const agent = new Listener()
    const world = dispatchWorld({ agent, notifyOnly: [ana.instance] })
    world.start()
    const [quiet, loud] = [await world.add(ana, 'read me'), await world.add(ben, 'answer me')]
    await settled()
    expect(agent.turns.map(({ text, tier }) => [text, tier])).toEqual([['answer me', 'reply']])
    expect(world.notices).toMatchObject([{ kind: 'message', inbound: { text: 'read me', tier: 'notify' } }])
    expect(world.store.notices.unread(9).map(({ text }) => text)).toEqual([expect.stringContaining('wrote: read me')])
    expect(world.outcomes(quiet)).toEqual(['delivered no_reply'])
    expect(world.state(loud)).toBe('done')
    expect(world.budget.usage(ana.instance).turns.used).toBe(0)
    await world.stop()
  })

  it('S-21: the turn is told its tier as it begins, and whether one had begun before a crash', async () => {
    const agent = new Listener()
    const world = dispatchWorld({ agent })
    const rows = [await world.keep(ana, 'one'), await world.keep(ben, 'two')]
    for (const row of rows) world.store.inbox.update(row.instance, row.id, { state: 'adopted', attempt: 1 })
    world.trust.set(ana.instance, { level: 'trusted', how: 'command' })
    for (const row of rows) world.dispatch.add(world.store.inbox.get(row.instance, row.id) ?? row)
    world.start()
    await settled()
    expect(agent.turns.map(({ tier, adoptedBefore }) => [tier, adoptedBefore])).toEqual([
      ['trusted', true],
      ['reply', true]
    ])
    await world.stop()
  })

  it('S-21: a turn with tools whose outcome is unknown is not repeated, and the owner is told', async () => {
    const agent = new Listener()
    agent.outcome = { outcome: 'unknown', detail: 'a turn with tools was cut off' }
    const world = dispatchWorld({ agent })
    world.start()
    world.trust.set(ana.instance, { level: 'trusted', how: 'command' })
    const row = await world.add(ana, 'do it')
    await settled()
    await world.clock.advance(3_600_000)
    expect(agent.turns.map(({ tier }) => tier)).toEqual(['trusted'])
    expect(world.state(row)).toBe('unknown')
    expect(world.store.notices.unread(9)).toMatchObject([{ text: expect.stringContaining(`message ${row.id}`) }])
    expect(world.notices).toMatchObject([{ kind: 'owner' }])
    await world.stop()
  })
})
