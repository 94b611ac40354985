import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AddressSource, RouteEntry } from '../../src/mesh/ports.ts'
import { ROUTES_MAX, RouteTable, STRANGERS_MAX } from '../../src/mesh/route-table.ts'
import { Trust, type TrustPolicy } from '../../src/mesh/trust.ts'
import {
  fingerprintOf,
  publicKeyOf,
  ROUTE_ADDRESSES_MAX,
  ROUTE_TTL_MS,
  type RouteRecord
} from '../../src/protocol/index.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')

function world({ store = new FakeStore(), policy = {} }: { store?: FakeStore; policy?: Partial<TrustPolicy> } = {}) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [], ...policy })
  let saves = 0
  let saved: readonly RouteEntry[] = store.routes.load()
  store.routes.load = () => [...saved]
  store.routes.save = entries => {
    saves++
    saved = entries
  }
  const routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  return { store, clock, log, trust, routes, saves: () => saves }
}

function record(peer: string, clock: FakeClock, change: Partial<RouteRecord> = {}): RouteRecord {
  const issuedMs = clock.wallMs()
  return {
    peer,
    seq: 1,
    addresses: ['/ip4/9.9.9.9/tcp/4001'],
    issuedMs,
    expiresMs: issuedMs + 1_000,
    label: '',
    ...change
  }
}

describe('RouteTable', () => {
  it('S-01: whatever is announced, 100,000 times by 50 keys, the peer of a route owns its instance', () => {
    const owners = Array.from({ length: 50 }, (_, index) => new FakeInstance(`owner ${index}`))
    const { routes, store, clock } = world({ policy: { dmPolicy: 'open', allowFrom: ['*'] } })
    const anyone = fc.constantFrom(...owners)
    const announces = fc.record({
      from: anyone,
      peer: fc.oneof({ weight: 9, arbitrary: anyone.map(({ peer }) => peer) }, fc.string()),
      seq: fc.integer({ min: 1, max: 100_000 }),
      link: fc.boolean()
    })
    let [taken, refused] = [0, 0]
    const property = fc.property(announces, ({ from, peer, seq, link }) => {
      if (link) routes.learn({ peer: from.peer, label: 'x', addresses: [`/ip4/10.0.0.2/tcp/${seq}`] })
      else if (routes.learnRecord(record(peer, clock, { seq }), from.instance)) taken++
      else refused++
      const { instance, peer: known } = routes.byInstance(from.instance) ?? from
      if (known !== from.peer || instance !== from.instance)
        throw new Error(`${from.instance} is said to be at ${known}`)
    })
    fc.assert(property, { numRuns: 100_000 })
    const entries = [...routes.entries(), ...store.routes.load()]
    expect(entries).toHaveLength(100)
    for (const { instance, peer } of entries) expect(fingerprintOf(publicKeyOf(peer))).toBe(instance)
    // Both happened, or nothing was tried.
    expect(Math.min(taken, refused)).toBeGreaterThan(100)
  })

  it('S-02: old, foreign, expired and over-long records change nothing', () => {
    const { routes, clock } = world()
    expect(routes.learnRecord(record(ana.peer, clock, { seq: 5 }), ana.instance)).toBe(true)
    const before = routes.byInstance(ana.instance)
    const now = clock.wallMs()
    const bad: Array<[RouteRecord, string]> = [
      [record(ana.peer, clock, { seq: 5, addresses: ['/ip4/6.6.6.6/tcp/1'] }), ana.instance],
      [record(ana.peer, clock, { seq: 4 }), ana.instance],
      [record(ben.peer, clock, { seq: 6 }), ana.instance],
      [record('nonsense', clock, { seq: 6 }), ana.instance],
      [record(ana.peer, clock, { seq: 6, issuedMs: now - 7_200_000, expiresMs: now - 3_600_000 }), ana.instance],
      [record(ana.peer, clock, { seq: 6, issuedMs: now + 3_600_000, expiresMs: now + 3_601_000 }), ana.instance],
      [record(ana.peer, clock, { seq: 6, expiresMs: now + ROUTE_TTL_MS + 1 }), ana.instance],
      [record(ana.peer, clock, { seq: 6, expiresMs: now }), ana.instance]
    ]
    for (const [entry, from] of bad) expect(routes.learnRecord(entry, from)).toBe(false)
    expect(routes.byInstance(ana.instance)).toEqual(before)
  })

  it('S-16: a record from afar may send us no further than a stranger may, one from within our network to our neighbours', () => {
    const { store, trust, clock, log } = world()
    const sources: AddressSource[] = []
    const network = {
      dialable: (addresses: string[], source: AddressSource) => {
        sources.push(source)
        return source === 'record' ? addresses : []
      }
    }
    const routes = new RouteTable({ network, store, trust, clock, log })
    const addresses = ['/ip4/192.168.1.7/tcp/4001']
    expect(routes.learnRecord(record(ana.peer, clock, { addresses }), ana.instance)).toBe(true)
    expect(routes.byInstance(ana.instance)?.addresses).toEqual([])
    expect(routes.learnRecord(record(ana.peer, clock, { addresses, seq: 2 }), ana.instance, { near: true })).toBe(true)
    expect(routes.byInstance(ana.instance)?.addresses).toEqual(addresses)
    expect(sources).toEqual(['stranger', 'record'])
  })

  it('S-02: 1,000 records sent again, in any order, change nothing', () => {
    const { routes, clock, saves, trust } = world()
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    const records = Array.from({ length: 1_000 }, (_, index) =>
      record(ana.peer, clock, { seq: index + 1, addresses: [`/ip4/10.0.0.2/tcp/${index + 1}`] })
    )
    for (const one of records) expect(routes.learnRecord(one, ana.instance)).toBe(true)
    const [before, savesBefore] = [routes.entries(), saves()]
    for (const one of records.toReversed()) expect(routes.learnRecord(one, ana.instance)).toBe(false)
    for (const one of records) expect(routes.learnRecord(one, ben.instance)).toBe(false)
    expect(routes.entries()).toEqual(before)
    expect(saves()).toBe(savesBefore)
  })

  it('S-03: strangers stay in memory, the longest unseen makes room, and the file stays untouched', () => {
    const { routes, saves, store } = world()
    const strangers = Array.from({ length: STRANGERS_MAX + 20 }, (_, index) => new FakeInstance(`stranger ${index}`))
    for (const { peer } of strangers.slice(0, STRANGERS_MAX)) routes.learn({ peer, label: 'x' })
    const first = strangers[0] as FakeInstance
    routes.learn({ peer: first.peer, label: 'x' })
    for (const { peer } of strangers.slice(STRANGERS_MAX)) routes.learn({ peer, label: 'x' })
    expect(routes.entries()).toHaveLength(STRANGERS_MAX)
    expect(routes.byInstance(first.instance)).toBeDefined()
    expect(routes.byInstance((strangers[1] as FakeInstance).instance)).toBeUndefined()
    expect(saves()).toBe(0)
    expect(store.routes.load()).toEqual([])
  })

  it('S-03: a crowd that an open policy lets in pushes out nobody whom the owner named', () => {
    const { routes, trust, store } = world({ policy: { dmPolicy: 'open', allowFrom: ['*', ben.peer] } })
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    const address = '/ip4/10.0.0.2/tcp/4001'
    for (const { peer } of [ana, ben]) routes.learn({ peer, label: 'friend', addresses: [address] })
    for (let i = 0; i < ROUTES_MAX; i++) routes.learn({ peer: new FakeInstance(`crowd ${i}`).peer, label: 'x' })
    expect(store.routes.load()).toHaveLength(ROUTES_MAX)
    for (const { peer } of [ana, ben]) expect(routes.byPeer(peer)?.addresses).toEqual([address])
    expect(routes.byPeer(new FakeInstance('crowd 1').peer)).toBeUndefined()
    // Who walked in is named later, and stays from then on.
    const late = new FakeInstance('crowd 2')
    trust.set(late.instance, { level: 'trusted', how: 'command' })
    for (let i = 0; i < ROUTES_MAX; i++) routes.learn({ peer: new FakeInstance(`more ${i}`).peer, label: 'x' })
    expect(routes.byPeer(late.peer)).toBeDefined()
    expect(routes.entries()).toHaveLength(ROUTES_MAX)
  })

  it('S1.64 D-26: says and saves a mapping when it changed, and not when it is announced again', async () => {
    const { routes, trust, log, clock, saves } = world()
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    routes.learn({ peer: ana.peer, label: 'ana', addresses: ['/ip4/10.0.0.2/tcp/4001'] })
    for (let i = 0; i < 20; i++) {
      await clock.advance(10_000)
      routes.learn({ peer: ana.peer, label: 'ana', addresses: ['/ip4/10.0.0.2/tcp/4001'] })
    }
    const line = (label: string) => `Instance mapping updated: ${label}@${ana.instance} -> ${ana.peer}`
    expect(log.at('info').filter(text => text.startsWith('Instance'))).toEqual([line('ana')])
    expect(saves()).toBe(1)
    expect(routes.byPeer(ana.peer)?.lastSeenMs).toBe(clock.wallMs())
    routes.learn({ peer: ana.peer, label: 'anna' })
    expect(log.at('info').at(-1)).toBe(line('anna'))
    expect(saves()).toBe(2)
    await clock.advance(3_600_000)
    routes.learn({ peer: ana.peer, label: 'anna' })
    expect(saves()).toBe(3)
  })

  it('says mappings of strangers at debug only', () => {
    const { routes, log } = world()
    routes.learn({ peer: ana.peer, label: 'ana' })
    expect(log.at('info')).toEqual([])
    expect(log.at('debug')).toHaveLength(1)
  })

  it('moves an instance to the file when it is admitted, and out of it when it is not any more', () => {
    const { routes, trust, store } = world()
    routes.learn({ peer: ana.peer, label: 'ana', addresses: ['/ip4/10.0.0.2/tcp/4001'] })
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    expect(store.routes.load()).toMatchObject([{ instance: ana.instance, addresses: ['/ip4/10.0.0.2/tcp/4001'] }])
    trust.set(ana.instance, { level: 'blocked', how: 'command' })
    expect(store.routes.load()).toEqual([])
    expect(routes.byInstance(ana.instance)).toBeDefined()
    routes.learn({ peer: ben.peer, label: 'ben' })
    trust.update({ dmPolicy: 'allowlist', allowFrom: [ben.peer] })
    expect(store.routes.load().map(entry => entry.instance)).toEqual([ben.instance])
  })

  it('loads what it saved, and drops what is not owned or not admitted', () => {
    const store = new FakeStore()
    const base = { label: 'x', addresses: [], seq: 3, lastSeenMs: 5 }
    store.routes.save([
      { ...base, instance: ana.instance, peer: ana.peer },
      { ...base, instance: ben.instance, peer: ana.peer },
      { ...base, instance: new FakeInstance('cleo').instance, peer: new FakeInstance('cleo').peer }
    ])
    const { routes } = world({ store, policy: { dmPolicy: 'allowlist', allowFrom: [ana.peer, ben.peer] } })
    expect(routes.entries()).toEqual([{ ...base, instance: ana.instance, peer: ana.peer }])
  })

  it('takes what an earlier version knew as hints: strangers until they are approved, dialled where it said', () => {
    const store = new FakeStore()
    const address = '/ip4/10.0.0.2/tcp/4001'
    const hint = (who: FakeInstance, lastSeenMs: number): RouteEntry => ({
      instance: who.instance,
      peer: who.peer,
      label: 'former',
      addresses: [address],
      seq: 0,
      lastSeenMs
    })
    const cleo = new FakeInstance('cleo')
    const met = { ...hint(cleo, 9), label: 'cleo', addresses: [] }
    store.routes.save([met])
    store.routes.former = [hint(ana, 2), hint(ben, 1), hint(cleo, 3), { ...hint(ana, 4), instance: ben.instance }]
    const { routes, trust, saves, log } = world({ store, policy: { dmPolicy: 'allowlist', allowFrom: [cleo.peer] } })
    expect(routes.entries()).toEqual([met, hint(ben, 1), hint(ana, 2)])
    expect([trust.admitted(ana.instance), saves(), log.at('info')]).toEqual([false, 0, []])
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    expect(store.routes.load()).toEqual([met, hint(ana, 2)])
    expect(log.at('info')).toContain(`Instance mapping updated: former@${ana.instance} -> ${ana.peer}`)
  })

  it('writes a hint down at once where the settings admit its peer', () => {
    const store = new FakeStore()
    store.routes.former = [
      { instance: ana.instance, peer: ana.peer, label: '', addresses: ['/ip4/10.0.0.2/tcp/1'], seq: 0, lastSeenMs: 1 }
    ]
    world({ store, policy: { dmPolicy: 'allowlist', allowFrom: [ana.peer] } })
    expect(store.routes.load()).toMatchObject([{ instance: ana.instance, addresses: ['/ip4/10.0.0.2/tcp/1'] }])
  })

  it('keeps the newest addresses and a thousand admitted instances at most', () => {
    const { routes, store } = world({ policy: { dmPolicy: 'open', allowFrom: ['*'] } })
    for (let port = 1; port <= 20; port++)
      routes.learn({ peer: ana.peer, label: 'ana', addresses: [`/ip4/10.0.0.2/tcp/${port}`] })
    const addresses = routes.byPeer(ana.peer)?.addresses
    expect(addresses).toHaveLength(ROUTE_ADDRESSES_MAX)
    expect(addresses?.[0]).toBe('/ip4/10.0.0.2/tcp/20')
    for (let i = 0; i < ROUTES_MAX; i++) routes.learn({ peer: new FakeInstance(`peer ${i}`).peer, label: 'x' })
    expect(store.routes.load()).toHaveLength(ROUTES_MAX)
    expect(routes.byPeer(ana.peer)).toBeUndefined()
  })

  it('takes no label that is none, and no peer id that is none', () => {
    const { routes } = world()
    routes.learn({ peer: ana.peer, label: 'ana' })
    routes.learn({ peer: ana.peer, label: 'a\u001b[31mna' })
    expect(routes.byPeer(ana.peer)?.label).toBe('ana')
    expect(routes.byPeer('../../x')).toBeUndefined()
  })
})
