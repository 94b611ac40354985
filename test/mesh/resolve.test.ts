import { describe, expect, it } from 'vitest'
import { MeshError, type MeshErrorCode } from '../../src/mesh/errors.ts'
import { resolveTarget } from '../../src/mesh/resolve.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { namedOf, senderOf } from '../../src/mesh/sender.ts'
import { Trust, type TrustPolicy } from '../../src/mesh/trust.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'
import { confusablePairs } from '../protocol/confusables.ts'

const self = new FakeInstance('self')
const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')
const cleo = new FakeInstance('cleo')

function world(policy: Partial<TrustPolicy> = {}) {
  const components = { store: new FakeStore(), clock: new FakeClock(), log: new FakeLog() }
  const trust = new Trust(components, { dmPolicy: 'pairing', allowFrom: [], ...policy })
  const routes = new RouteTable({ network: anywhere, ...components, trust })
  const resolve = (text: string) => resolveTarget(text, { trust, routes, self })
  const refused = (text: string): [MeshErrorCode, string[] | undefined] => {
    try {
      resolve(text)
    } catch (error) {
      if (error instanceof MeshError) return [error.code, error.details.candidates]
      throw error
    }
    throw new Error(`${text} was resolved`)
  }
  return { ...components, trust, routes, resolve, refused }
}

describe('resolveTarget', () => {
  it('takes every writing of one instance', () => {
    const { trust, routes, resolve } = world()
    routes.learn({ peer: ana.peer, label: 'brisk-otter' })
    trust.set(ana.instance, { level: 'paired', petname: 'Ana Maria', how: 'command' })
    const expected = {
      instance: ana.instance,
      peer: ana.peer,
      instanceId: `brisk-otter@${ana.instance}`,
      name: 'Ana Maria',
      trust: 'paired'
    }
    const writings = [
      ana.peer,
      ` ${ana.peer} `,
      `brisk-otter@${ana.instance}`,
      `any-label@${ana.instance.toUpperCase()}`,
      ana.instance.replaceAll('-', ''),
      ana.instance.slice(0, 9),
      `brisk-otter@${ana.instance.slice(0, 9)}`,
      ana.instance.replaceAll('-', '').slice(0, 10),
      'ana maria',
      'Brisk-Otter'
    ]
    for (const text of writings) expect(resolve(text), text).toEqual(expected)
  })

  it('knows neither strangers never met nor short prefixes nor an empty text', () => {
    const { routes, refused } = world()
    routes.learn({ peer: ana.peer, label: 'ana' })
    for (const text of [ben.peer, `ben@${ben.instance}`, ben.instance, 'nobody', ana.instance.slice(0, 4), '', '  ']) {
      expect(refused(text), text).toEqual(['unknown_target', undefined])
    }
  })

  it('sends to a peer id that the owner admitted without having met it, not to a bare fingerprint', () => {
    const { trust, resolve, refused } = world({ dmPolicy: 'allowlist', allowFrom: [ana.peer, ben.instance] })
    expect(resolve(ana.peer)).toMatchObject({ peer: ana.peer, trust: 'paired' })
    expect(resolve(ana.instance)).toMatchObject({ peer: ana.peer })
    expect(refused(ben.instance)).toEqual(['unknown_target', undefined])
    expect(resolve(ben.peer)).toMatchObject({ peer: ben.peer, trust: 'paired' })
    trust.set(cleo.instance, { level: 'trusted', peer: cleo.peer, petname: 'cleo', how: 'command' })
    expect(resolve('cleo')).toMatchObject({ peer: cleo.peer, instanceId: cleo.instance, trust: 'trusted' })
  })

  it('refuses this instance itself', () => {
    const { refused } = world()
    for (const text of [self.peer, self.instance, `me@${self.instance}`, self.instance.slice(0, 9)]) {
      expect(refused(text), text).toEqual(['self_target', undefined])
    }
  })

  it('S-28: never guesses between two of one name, whoever of them is admitted', () => {
    const { trust, routes, refused } = world()
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    routes.learn({ peer: ana.peer, label: 'otter' })
    routes.learn({ peer: ben.peer, label: 'otter' })
    const both = [`otter@${ana.instance}`, `otter@${ben.instance}`].toSorted()
    expect(refused('OTTER')).toEqual(['ambiguous_target', both])
  })

  it("S-28: a label that copies another's fingerprint or petname gets nothing", () => {
    const { trust, routes, resolve, refused } = world()
    trust.set(ana.instance, { level: 'paired', petname: 'boss', peer: ana.peer, how: 'command' })
    routes.learn({ peer: ben.peer, label: 'boss' })
    expect(resolve('boss').instance).toBe(ana.instance)
    routes.learn({ peer: ben.peer, label: ana.instance.slice(0, 9) })
    expect(refused(ana.instance.slice(0, 9))[0]).toBe('ambiguous_target')
    routes.learn({ peer: ben.peer, label: ana.instance })
    expect(resolve(ana.instance).instance).toBe(ana.instance)
  })

  it('S-28: of 500 labels that read like the one of an admitted instance, none is sent to by mistake', () => {
    for (const [one, other] of confusablePairs()) {
      const { trust, routes, refused } = world()
      trust.set(ana.instance, { level: 'paired', peer: ana.peer, how: 'command' })
      routes.learn({ peer: ana.peer, label: one })
      routes.learn({ peer: ben.peer, label: other })
      const both = [ana, ben].map(({ instance }) => senderOf(instance, '', { trust, routes }).instanceId).toSorted()
      for (const text of [one, other]) expect(refused(text), text).toEqual(['ambiguous_target', both])
    }
  })

  it('S-28: who looks like somebody that the owner let in is shown with its fingerprint, and so is nobody else', () => {
    const { trust, routes } = world()
    const nameOf = ({ instance, peer }: FakeInstance): string => senderOf(instance, peer, { trust, routes }).name
    trust.set(ana.instance, { level: 'paired', peer: ana.peer, how: 'command' })
    routes.learn({ peer: ana.peer, label: 'copy' })
    expect(nameOf(ana)).toBe('copy')
    routes.learn({ peer: ben.peer, label: 'сору' })
    expect([nameOf(ana), nameOf(ben)]).toEqual(['copy', `сору (${ben.instance.slice(0, 9)})`])
    expect(namedOf(ben.instance, { trust, routes })).toBe(`сору (${ben.instance.slice(0, 9)}, looks like another)`)
    expect(namedOf(ana.instance, { trust, routes })).toBe(`copy (${ana.instance.slice(0, 9)})`)
    // By the owner's name for somebody as well, and no more once the owner has named this one too.
    trust.set(ana.instance, { level: 'paired', petname: 'Boss', how: 'command' })
    routes.learn({ peer: ben.peer, label: 'boss' })
    expect([nameOf(ana), nameOf(ben)]).toEqual(['Boss', `boss (${ben.instance.slice(0, 9)})`])
    trust.set(ben.instance, { level: 'paired', petname: 'Ben', how: 'command' })
    expect(nameOf(ben)).toBe('Ben')
    trust.forget(ana.instance)
    routes.forget(ana.instance)
    trust.set(ben.instance, { level: 'paired', petname: 'boss', how: 'command' })
    expect(nameOf(ben)).toBe('boss')
  })

  it('lists two petnames of one name as ambiguous', () => {
    const { trust, refused } = world()
    for (const one of [ana, ben]) trust.set(one.instance, { level: 'paired', petname: 'twin', how: 'command' })
    expect(refused('twin')).toEqual(['ambiguous_target', [ana.instance, ben.instance].toSorted()])
  })

  it('forgets the petname of a forgotten instance', () => {
    const { store, refused } = world()
    const forgotten = { instance: ana.instance, peers: [ana.peer], level: 'paired' as const, petname: 'ana' }
    store.trust.put({ ...forgotten, sinceMs: 1, how: 'command', revision: 0, tombstone: true })
    expect(refused('ana')).toEqual(['unknown_target', undefined])
  })
})
