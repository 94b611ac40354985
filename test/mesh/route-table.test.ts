import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ROUTES_MAX, RouteTable, STRANGERS_MAX } from '../../src/mesh/route-table.ts'
import { Trust, type TrustPolicy } from '../../src/mesh/trust.ts'
import {
  fingerprintOf,
  publicKeyOf,
  ROUTE_ADDRESSES_MAX,
  ROUTE_TTL_MS,
  type RouteRecord
} from '../../src/protocol/index.ts'
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
  const save = store.routes.save.bind(store.routes)
  store.routes.save = entries => {
    saves++
    save(entries)
  }
  const routes = new RouteTable({ store, trust, clock, log })
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
  it('S-01: whatever is announced, the peer of a route owns its instance', () => {
    const owners = Array.from({ length: 50 }, (_, index) => new FakeInstance(`owner ${index}`))
    const { routes, clock } = world({ policy: { dmPolicy: 'open', allowFrom: ['*'] } })
    const anyone = fc.constantFrom(...owners)
    const announces = fc.record({
      claimed: anyone,
      peer: anyone,
      seq: fc.integer({ min: 1, max: 99 }),
      link: fc.boolean()
    })
    const property = fc.property(announces, ({ claimed, peer, seq, link }) => {
      if (link) routes.learn({ peer: peer.peer, label: 'x' })
      else {
        const taken = routes.learnRecord(record(peer.peer, clock, { seq }), claimed.instance)
        expect(taken && claimed !== peer).toBe(false)
      }
    })
    fc.assert(property, { numRuns: 10_000 })
    const entries = routes.entries()
    expect(entries.length).toBeGreaterThan(40)
    for (const { instance, peer } of entries) expect(fingerprintOf(publicKeyOf(peer))).toBe(instance)
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

  it('S1.64 D-26: says and saves a mapping when it changed, and not when it is announced again', async () => {
    const { routes, trust, log, clock, saves } = world()
    trust.set(ana.instance, { level: 'paired', how: 'command' })
    routes.learn({ peer: ana.peer, label: 'ana', address: '/ip4/10.0.0.2/tcp/4001' })
    for (let i = 0; i < 20; i++) {
      await clock.advance(10_000)
      routes.learn({ peer: ana.peer, label: 'ana', address: '/ip4/10.0.0.2/tcp/4001' })
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
    routes.learn({ peer: ana.peer, label: 'ana', address: '/ip4/10.0.0.2/tcp/4001' })
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

  it('keeps the newest addresses and a thousand admitted instances at most', () => {
    const { routes, store } = world({ policy: { dmPolicy: 'open', allowFrom: ['*'] } })
    for (let port = 1; port <= 20; port++)
      routes.learn({ peer: ana.peer, label: 'ana', address: `/ip4/10.0.0.2/tcp/${port}` })
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
