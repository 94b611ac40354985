import { beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/mesh/errors.ts'
import type { Connected, Network } from '../../src/mesh/ports.ts'
import { Presence, STRANGERS_MAX } from '../../src/mesh/presence.ts'
import { RouteTable } from '../../src/mesh/route-table.ts'
import { Trust } from '../../src/mesh/trust.ts'
import { fingerprintOf, publicKeyOf } from '../../src/protocol/index.ts'
import { anywhere } from '../fakes/anywhere.ts'
import { FakeClock, settled } from '../fakes/clock.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeStore } from '../fakes/store.ts'

const me = new FakeInstance('me')
const bob = new FakeInstance('bob')
const carol = new FakeInstance('carol')
const ADDRESS = '/ip4/127.0.0.1/tcp/4001'

let clock: FakeClock
let trust: Trust
let routes: RouteTable
let dials: Array<{ peer: string; addresses: string[]; atMs: number }>
let dropped: string[]
let connections: Connected[]
/** What the next dials come to; undefined keeps them under way. */
let outcome: (peer: string) => Promise<void>
let presence: Presence

beforeEach(() => {
  clock = new FakeClock()
  const store = new FakeStore()
  const log = new FakeLog()
  trust = new Trust({ store, clock, log }, { dmPolicy: 'pairing', allowFrom: [] })
  routes = new RouteTable({ network: anywhere, store, trust, clock, log })
  dials = []
  dropped = []
  connections = []
  outcome = async peer => {
    throw new MeshError('dial_failed', { peer })
  }
  const network: Pick<Network, 'peer' | 'connect' | 'disconnect' | 'connections'> = {
    peer: me.peer,
    connections: () => connections,
    connect: (peer, addresses) => {
      dials.push({ peer, addresses, atMs: clock.monotonicMs() })
      return outcome(peer)
    },
    disconnect: async peer => {
      dropped.push(peer)
    }
  }
  presence = new Presence(
    { network: network as Network, routes, trust, clock, log },
    { instanceOf: peer => fingerprintOf(publicKeyOf(peer)), random: () => 0.5 }
  )
  trust.onChange(instance => presence.trustChanged(instance))
  presence.start()
})

const admit = (who: FakeInstance): unknown =>
  trust.set(who.instance, { level: 'paired', peer: who.peer, how: 'command' })
const times = (who: FakeInstance): number[] => dials.filter(({ peer }) => peer === who.peer).map(({ atMs }) => atMs)
const connected = (peer: string): Connected => ({ peer, path: 'lan', address: ADDRESS, linked: false })

describe('Presence', () => {
  it('dials an admitted peer as soon as it is seen, and again with backoff', async () => {
    admit(bob)
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    await clock.advance(20_000)
    expect(dials[0]).toMatchObject({ peer: bob.peer, addresses: [ADDRESS] })
    expect(times(bob)).toEqual([0, 1_000, 3_000, 7_000, 15_000])
  })

  it('dials at once when seen again, but not more than once a second', async () => {
    admit(bob)
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    await clock.advance(16_000)
    presence.discovered(bob.peer, [ADDRESS])
    await clock.advance(0)
    presence.discovered(bob.peer, ['/ip4/127.0.0.1/tcp/4002'])
    await clock.advance(1_000)
    expect(times(bob).slice(-3)).toEqual([15_000, 16_000, 17_000])
  })

  it('R-14: dials at once when this instance is reached another way, also right after a dial and in the middle of one', async () => {
    admit(bob)
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    await clock.advance(100)
    presence.retry({ anew: true })
    await settled()
    expect(times(bob)).toEqual([0, 100])
    const gate = Promise.withResolvers<void>()
    outcome = () => gate.promise
    await clock.advance(1_000)
    expect(times(bob)).toEqual([0, 100, 1_100])
    presence.retry({ anew: true })
    gate.reject(new MeshError('dial_failed', { peer: bob.peer }))
    await settled()
    expect(times(bob)).toEqual([0, 100, 1_100, 1_100])
  })

  it('D-36: keeps its backoff for who is seen every ten seconds and never reached', async () => {
    admit(bob)
    for (let second = 0; second < 600; second += 10) {
      presence.discovered(bob.peer, [ADDRESS])
      await settled()
      await clock.advance(10_000)
    }
    expect(times(bob)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 127_000, 255_000, 511_000])
  })

  it('D-36: visits a stranger ever less often, as it is seen every ten seconds for a day', async () => {
    for (let second = 0; second < 86_400; second += 10) {
      presence.discovered(bob.peer, [ADDRESS])
      await clock.advance(10_000)
    }
    const minutes = times(bob).map(ms => ms / 60_000)
    expect(minutes.slice(0, 8)).toEqual([0, 1, 3, 7, 15, 31, 63, 123])
    expect(minutes.length).toBeLessThan(32)
  })

  it('dials at once for a waiting message, also when it came while a dial was under way', async () => {
    admit(bob)
    const gate = Promise.withResolvers<void>()
    outcome = () => gate.promise
    presence.discovered(bob.peer, [ADDRESS])
    presence.want(bob.peer)
    gate.reject(new MeshError('refused_by_peer'))
    await clock.advance(0)
    outcome = async () => {}
    await clock.advance(1_000)
    expect(times(bob)).toEqual([0, 1_000])
  })

  it('leaves a linked peer alone, and looks for it from the start when a stable link ends', async () => {
    admit(bob)
    outcome = async peer => presence.linkUp(peer)
    presence.discovered(bob.peer, [ADDRESS])
    await clock.advance(60_000)
    presence.want(bob.peer)
    presence.discovered(bob.peer, [ADDRESS])
    expect(times(bob)).toEqual([0])
    outcome = async () => {
      throw new MeshError('dial_failed')
    }
    presence.linkDown(bob.peer)
    await clock.advance(4_000)
    expect(times(bob)).toEqual([0, 61_000, 63_000])
  })

  it('waits longer each time for a link that does not last', async () => {
    admit(bob)
    outcome = async peer => {
      presence.linkUp(peer)
      presence.linkDown(peer)
    }
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    await clock.advance(8_000)
    expect(times(bob)).toEqual([0, 1_000, 3_000, 7_000])
  })

  it('asks for nothing, and sleeps, while it knows no address', async () => {
    admit(bob)
    await clock.advance(60_000)
    expect(dials).toEqual([])
    expect(clock.sleeping).toBe(0)
    routes.learn({ peer: bob.peer, label: 'bob', addresses: [ADDRESS] })
    presence.want(bob.peer)
    await settled()
    expect(dials).toMatchObject([{ peer: bob.peer, addresses: [ADDRESS] }])
  })

  it('dials known peers at the start', async () => {
    admit(bob)
    routes.learn({ peer: bob.peer, label: 'bob', addresses: [ADDRESS] })
    presence.trustChanged()
    await settled()
    expect(times(bob)).toEqual([0])
  })

  it('opens the link over a connection that the other side made and left without one', async () => {
    admit(bob)
    connections = [connected(bob.peer)]
    presence.connected(bob.peer)
    await clock.advance(999)
    expect(dials).toEqual([])
    await clock.advance(1)
    expect(dials).toEqual([{ peer: bob.peer, addresses: [], atMs: 1_000 }])
  })

  it('connects on approval, and ends the connection on a block or a new policy', async () => {
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    expect(dials).toHaveLength(1)
    admit(bob)
    await settled()
    expect(dials).toHaveLength(2)
    trust.set(bob.instance, { level: 'blocked', how: 'command' })
    expect(dropped).toEqual([bob.peer])
    await clock.advance(600_000)
    expect(dials).toHaveLength(2)
  })

  it('S-32: ends a link that comes up after trust was taken back, and does not look for that peer', async () => {
    admit(bob)
    presence.linkUp(bob.peer)
    trust.set(bob.instance, { level: 'blocked', how: 'command' })
    presence.linkDown(bob.peer)
    presence.linkUp(bob.peer)
    expect(dropped).toEqual([bob.peer, bob.peer])
    presence.linkDown(bob.peer)
    const before = dials.length
    await clock.advance(3_600_000)
    expect(dials).toHaveLength(before)
  })

  it('visits a stranger once a minute at most, never a blocked one, and strangers in no more than 32 connections', async () => {
    presence.discovered(bob.peer, [ADDRESS])
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    expect(dials).toHaveLength(1)
    await clock.advance(60_000)
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    expect(dials).toHaveLength(2)
    trust.set(carol.instance, { level: 'blocked', how: 'command' })
    presence.discovered(carol.peer, [ADDRESS])
    connections = Array.from({ length: STRANGERS_MAX }, (_, i) => connected(new FakeInstance(`s${i}`).peer))
    presence.discovered(new FakeInstance('one more').peer, [ADDRESS])
    await settled()
    expect(dials).toHaveLength(2)
    // Strangers do not stand in the way of who is admitted.
    admit(carol)
    await settled()
    expect(times(carol)).toHaveLength(1)
  })

  it('dials eight at once, the rest in turn', async () => {
    outcome = () => new Promise(() => {})
    for (let i = 0; i < 20; i++) {
      const one = new FakeInstance(`m${i}`)
      admit(one)
      presence.discovered(one.peer, [ADDRESS])
    }
    expect(dials).toHaveLength(8)
  })

  it('remembers who refused, until a link comes up', async () => {
    admit(bob)
    presence.refused(bob.peer)
    presence.refused(carol.peer)
    expect([presence.refusedBy(bob.peer), presence.refusedBy(carol.peer)]).toEqual([true, false])
    presence.linkUp(bob.peer)
    expect(presence.refusedBy(bob.peer)).toBe(false)
  })

  it('leaves no timer and no dial behind', async () => {
    admit(bob)
    presence.discovered(bob.peer, [ADDRESS])
    await settled()
    presence.stop()
    await clock.advance(60_000)
    expect([dials.length, clock.sleeping]).toEqual([1, 0])
  })
})
