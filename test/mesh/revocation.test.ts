import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TrustPolicy } from '../../src/mesh/trust.ts'
import { newId } from '../../src/protocol/index.ts'
import { FakeDisplay } from '../fakes/display.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { eventually, type Member, World } from './world.ts'

let world: World
let display: FakeDisplay
let ana: Member
let bob: Member

beforeEach(() => {
  world = new World()
  display = new FakeDisplay()
})

afterEach(async () => {
  await world.end()
})

/** Ana and bob are linked; bob admits her by a record, or by his settings alone. */
async function linked(policy: Partial<TrustPolicy> = {}): Promise<void> {
  ana = await world.member('ana')
  bob = await world.member('bob', { display, ...policy })
  await ana.ask.approve({ who: bob.peer })
  if (policy.allowFrom === undefined) await bob.ask.approve({ who: ana.peer })
  world.hub.discover(ana.peer, bob.peer)
  await eventually(() => ana.linkedTo(bob) && bob.linkedTo(ana), 'the link')
  await say('before')
  await eventually(() => display.shown.length === 1, 'the first text')
}

/** A frame of ana that is on its way already: it reaches bob whatever he does with the connection. */
async function say(text: string): Promise<string> {
  const content = ana.identity.content(bob.instance, text, world.clock.wallMs(), { conversation: newId() })
  const [envelope] = await ana.identity.seal([content])
  if (envelope !== undefined) world.handlerOf(bob).envelope(ana.peer, envelope)
  await world.hub.settled()
  return content.id
}

const live = (dmPolicy: TrustPolicy['dmPolicy'], allowFrom: string[] = []) => ({
  dmPolicy,
  allowFrom,
  deliveryAckTimeoutMs: 15_000
})

const WAYS: [string, () => unknown, (() => Partial<TrustPolicy>)?][] = [
  ['the owner blocks it', () => bob.ask.trust({ who: ana.peer, level: 'blocked' })],
  ['the owner forgets it', () => bob.ask.forget({ who: ana.peer })],
  ['dmPolicy is disabled', () => bob.mesh.update(live('disabled'))],
  [
    'it leaves allowFrom',
    () => bob.mesh.update(live('allowlist')),
    () => allowing('allowlist', [new FakeInstance('ana').peer])
  ],
  ['open is closed', () => bob.mesh.update(live('pairing')), () => allowing('open', ['*'])],
  ['open has no star any more', () => bob.mesh.update(live('open')), () => allowing('open', ['*'])]
]

const allowing = (dmPolicy: TrustPolicy['dmPolicy'], allowFrom: string[]) => ({ dmPolicy, allowFrom })

describe('a peer that is shut out', () => {
  it.each(WAYS)('S-32: is not heard from the next frame on, and its link ends: %s', async (_, revoke, policy) => {
    await linked(policy?.())
    await revoke()
    const id = await say('after')
    expect(bob.store.inbox.get(ana.instance, id)).toBeUndefined()
    expect(display.shown.map(({ text }) => text)).toEqual(['before'])
    await eventually(() => !bob.linkedTo(ana), 'the end of the link')
    world.hub.discover(ana.peer, bob.peer)
    await world.clock.advance(120_000)
    expect(bob.linkedTo(ana)).toBe(false)
  })

  it('S-32: is heard again when the settings let it in again', async () => {
    await linked()
    bob.mesh.update(live('disabled'))
    await eventually(() => !bob.linkedTo(ana), 'the end of the link')
    bob.mesh.update(live('allowlist'))
    await world.clock.advance(120_000)
    await eventually(() => bob.linkedTo(ana), 'the link')
    await say('again')
    await eventually(() => display.shown.length === 2, 'the text')
  })

  it('S2.41: forgotten, it is let in again by the word of the owner and by nothing older', async () => {
    await linked()
    const { ticket } = await bob.ask.invite({ ttlMs: 60_000, uses: 2 })
    const old = bob.store.trust.get(ana.instance)
    await bob.ask.forget({ who: ana.peer })
    // An old record, the settings, the list of the host, an old ticket, and a late word of its own.
    expect(old && bob.store.trust.put(old)).toBeUndefined()
    bob.mesh.update(live('allowlist', [ana.peer, ana.instance]))
    bob.mesh.update(live('open', ['*']))
    bob.mesh.update(live('pairing', [ana.peer]))
    bob.mesh.hostApprovals([ana.peer, ana.instance])
    await expect(ana.ask.join({ ticket })).rejects.toMatchObject({ code: 'refused_by_peer' })
    await world.handlerOf(bob).asked(ana.peer, '/ip4/10.0.0.1/tcp/1', { kind: 'approved' })
    await bob.restart()
    await say('after')
    expect(bob.store.trust.get(ana.instance)).toMatchObject({ level: 'unknown', tombstone: true, peers: [] })
    expect(display.shown.map(({ text }) => text)).toEqual(['before'])
    await bob.ask.approve({ who: ana.peer })
    await say('with his word')
    await eventually(() => display.shown.length === 2, 'the text')
  })

  it('S2.41: that waits since a backup was restored is let in by its id, or by the name that the owner gave it', async () => {
    await linked()
    await bob.ask.rename({ who: ana.peer, name: 'sister' })
    const record = bob.store.trust.get(ana.instance)
    if (record === undefined) throw new Error('no record')
    // As the store leaves it when the database is an older copy.
    bob.store.trust.put({ ...record, level: 'unknown' })
    bob.mesh.update(live('open', ['*', ana.peer]))
    await bob.restart()
    await say('after')
    expect(display.shown.map(({ text }) => text)).toEqual(['before'])
    await expect(bob.ask.approve({ who: 'ana' })).rejects.toThrow(/_target/)
    expect(await bob.ask.approve({ who: 'Sister' })).toMatchObject({ trust: 'paired', before: 'unknown' })
    await say('again')
    await eventually(() => display.shown.length === 2, 'the text')
  })
})
