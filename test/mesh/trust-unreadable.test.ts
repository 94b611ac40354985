import { afterEach, beforeEach, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import { newId } from '../../src/protocol/index.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { eventually, World } from './world.ts'

let world: World

beforeEach(() => {
  world = new World()
})

afterEach(async () => {
  await world.end()
})

it.each(['pairing', 'open'] as const)(
  'S-32: trust that cannot be read lets nobody in, says so, and works again afterwards, with dmPolicy %s',
  async dmPolicy => {
    const display = new FakeDisplay()
    const bob = await world.member('bob', { display, dmPolicy, allowFrom: dmPolicy === 'open' ? ['*'] : [] })
    const ana = await world.member('ana')
    await world.join(bob, ana)
    const handler = world.handlerOf(bob)
    const get = bob.store.trust.get.bind(bob.store.trust)
    bob.store.trust.get = () => {
      throw new MeshError('store_failed', { detail: 'disk I/O error' })
    }
    const frame = async (text: string) => {
      const content = ana.identity.content(bob.instance, text, world.clock.wallMs(), { conversation: newId() })
      const [envelope] = await ana.identity.seal([content])
      if (envelope !== undefined) handler.envelope(ana.peer, envelope)
      await world.hub.settled()
    }
    expect(handler.hello(ana.peer).admitted).toBe(false)
    await frame('while it cannot be read')
    const ask = { kind: 'contact', label: '', purpose: '' } as const
    expect(await handler.asked(ana.peer, '/ip4/10.0.0.1/tcp/1', ask)).toMatchObject({ accepted: false })
    for (const work of [
      () => bob.ask.approve({ who: ana.peer }),
      () => bob.ask.peers({}),
      () => bob.ask.send({ target: ana.peer, text: 'hi' })
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'store_failed' })
    }
    expect(bob.log.at('error').length).toBeGreaterThan(0)
    expect(display.shown).toEqual([])
    bob.store.trust.get = get
    expect(handler.hello(ana.peer).admitted).toBe(true)
    await frame('again')
    await eventually(() => display.shown.length === 1)
  }
)
