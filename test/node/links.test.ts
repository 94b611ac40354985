import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, vi } from 'vitest'
import { Links, type LinksInit } from '../../src/node/links.ts'
import { Strikes } from '../../src/node/strikes.ts'
import { envelopeOf, helloFor, numberOf } from '../fakes/network-handler.ts'
import { logInto } from './test-node.ts'

/** Each wait ends as soon as its condition holds. */
const eventually = { timeout: 10_000, interval: 10 }

/** One side: the links of a node with a single remote peer, and what they said. */
class Side {
  events: string[] = []
  numbers: number[] = []
  readonly streams: Stream[] = []
  links: Links
  admits = true
  readonly #create: () => Links

  constructor(self: string, init: LinksInit = {}) {
    this.#create = () => {
      const { events, numbers } = this
      return new Links(
        {
          self,
          log: logInto([]),
          strikes: new Strikes(),
          handler: {
            hello: () => helloFor(this.admits),
            up: () => events.push('up'),
            moved: () => events.push('moved'),
            down: () => events.push('down'),
            refused: () => events.push('refused'),
            frame: (_peer, frame) => frame.type === 'envelope' && numbers.push(numberOf(frame.envelope)),
            drained: () => events.push('drained')
          }
        },
        init
      )
    }
    this.links = this.#create()
  }

  /** Knows nothing any more of what was; the other side is not told. */
  restart(): void {
    this.events = []
    this.numbers = []
    this.links = this.#create()
  }

  get open(): Stream[] {
    return this.streams.filter(stream => stream.status === 'open' || stream.status === 'closing')
  }
}

/** Two sides joined by a connection; each `newStream` makes a pair of streams. `a` has the lower peer id. */
function wire(init: LinksInit = {}) {
  const a = new Side('a', init)
  const b = new Side('b', init)
  const connections = new Map<Side, Connection>()
  const connection = (self: Side, other: Side, peer: string): Connection =>
    ({
      remotePeer: { toString: () => peer },
      remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'),
      status: 'open',
      newStream: async () => {
        const [near, far] = await streamPair({ delay: 1 })
        self.streams.push(near)
        other.streams.push(far)
        other.links.accept(far, connections.get(other) as Connection)
        return near
      }
    }) as unknown as Connection
  const toB = connection(a, b, 'b')
  const toA = connection(b, a, 'a')
  connections.set(a, toB).set(b, toA)
  const signal = new AbortController().signal
  return {
    a,
    b,
    openFromA: () => a.links.open(toB, { signal }),
    openFromB: () => b.links.open(toA, { signal }),
    sendFromA: (number: number) => a.links.send('b', { type: 'envelope', envelope: envelopeOf(number) }),
    sendFromB: (number: number) => b.links.send('a', { type: 'envelope', envelope: envelopeOf(number) })
  }
}

const settle = (ms = 60): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

describe('Links', () => {
  it('opened by both sides at once come down to the stream of the lower peer id, and nothing is lost', async () => {
    const { a, b, openFromA, openFromB, sendFromA, sendFromB } = wire()
    await Promise.all([openFromA(), openFromB()])
    await vi.waitFor(() => expect([...a.events, ...b.events]).toEqual(['up', 'up']), eventually)
    for (let number = 0; number < 50; number++) {
      expect(sendFromA(number)).toBe(true)
      expect(sendFromB(number)).toBe(true)
      await new Promise(resolve => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(a.numbers.length + b.numbers.length).toBe(100), eventually)
    await settle()
    expect(a.open).toHaveLength(1)
    expect(b.open).toHaveLength(1)
    expect(a.open[0]?.direction).toBe('outbound')
    expect(b.open[0]?.direction).toBe('inbound')
    expect([...a.numbers].sort((one, other) => one - other)).toEqual([...Array(50).keys()])
    expect([a.events, b.events]).toEqual([['up'], ['up']])
  })

  it('R-06: who was refused on a link that gives way is told that there is room on the one that stays', async () => {
    const { a, b, openFromA, openFromB, sendFromB } = wire({ bufferMaxBytes: 16 * 1024 })
    await openFromB()
    await vi.waitFor(() => expect([...a.events, ...b.events]).toEqual(['up', 'up']), eventually)
    const [full] = b.streams
    if (full === undefined) throw new Error('b has no stream')
    full.writableNeedsDrain = true
    let number = 0
    while (sendFromB(number)) number++
    a.restart()
    await openFromA()
    await vi.waitFor(() => expect(b.events).toEqual(['up', 'drained']), eventually)
    expect(sendFromB(number)).toBe(true)
    await vi.waitFor(() => expect(a.numbers).toContain(number), eventually)
  })

  it('one open serves all who wait for it', async () => {
    const { a, openFromA } = wire()
    await Promise.all([openFromA(), openFromA(), openFromA()])
    await openFromA()
    expect(a.streams).toHaveLength(1)
    expect(a.events).toEqual(['up'])
  })

  it('a stream that breaks is a link down, and the next is a link up', async () => {
    const { a, b, openFromA, openFromB, sendFromA } = wire()
    await openFromA()
    await settle()
    a.streams[0]?.abort(new Error('broken'))
    await vi.waitFor(() => expect(b.events).toEqual(['up', 'down']), eventually)
    expect(a.events).toEqual(['up', 'down'])
    expect(sendFromA(1)).toBe(false)
    await openFromB()
    await vi.waitFor(() => expect(a.events).toEqual(['up', 'down', 'up']), eventually)
    expect(sendFromA(2)).toBe(true)
    await vi.waitFor(() => expect(b.numbers).toEqual([2]), eventually)
  })

  it.each([
    ['an old link gives way to a new one at once', { simultaneousMs: 20, giveWayMs: 60_000 }, 100],
    ['a young link gives way when its peer keeps the new one', { simultaneousMs: 60_000, giveWayMs: 60 }, 0]
  ])('after a restart of the other side %s, though ours is the lower id', async (_name, init, ageMs) => {
    const { a, b, openFromA, openFromB, sendFromA } = wire({ ...init, drainMs: 10_000 })
    await openFromA()
    await settle(20 + ageMs)
    b.restart()
    await openFromB()
    await vi.waitFor(() => expect(a.events).toEqual(['up', 'down', 'up']), eventually)
    expect(sendFromA(5)).toBe(true)
    await vi.waitFor(() => expect(b.numbers).toEqual([5]), eventually)
    await vi.waitFor(() => expect(a.open).toHaveLength(1), eventually)
    expect(a.events).toEqual(['up', 'down', 'up'])
    expect(b.events).toEqual(['up'])
  })

  it('a replaced stream that breaks with frames on it is said down and up', async () => {
    const { a, b, openFromA, openFromB } = wire()
    await Promise.all([openFromA(), openFromB()])
    await settle()
    expect(a.events).toEqual(['up'])
    b.restart()
    await openFromB()
    a.streams.at(0)?.abort(new Error('broken'))
    await vi.waitFor(() => expect(a.events).toEqual(['up', 'down', 'up']), eventually)
  })

  it('refuses and is refused without a link', async () => {
    const { a, b, openFromA, openFromB } = wire()
    b.admits = false
    await expect(openFromA()).rejects.toMatchObject({ code: 'refused_by_peer' })
    await expect(openFromB()).rejects.toMatchObject({ code: 'not_trusted' })
    await vi.waitFor(() => expect(a.events).toEqual(['refused', 'refused']), eventually)
    expect(b.events).toEqual([])
    await vi.waitFor(() => expect([...a.open, ...b.open]).toEqual([]), eventually)
    b.admits = true
    await openFromB()
    await vi.waitFor(() => expect(a.events).toEqual(['refused', 'refused', 'up']), eventually)
  })

  it('drop lets what is queued through, then the link is down on both sides', async () => {
    const { a, b, openFromA, sendFromA } = wire()
    await openFromA()
    await settle()
    for (let number = 0; number < 20; number++) sendFromA(number)
    a.links.drop('b')
    expect(a.events).toEqual(['up', 'down'])
    expect(sendFromA(20)).toBe(false)
    await vi.waitFor(() => expect(b.events).toEqual(['up', 'down']), eventually)
    expect(b.numbers).toHaveLength(20)
    await vi.waitFor(() => expect([...a.open, ...b.open]).toEqual([]), eventually)
    expect(a.links.peers()).toEqual([])
  })

  it('drop says down once, and nothing up, at every moment of two links that are opened at once', async () => {
    let both = 0
    for (let ticks = 0; ticks < 60; ticks++) {
      const { a, openFromA, openFromB } = wire()
      const opening = Promise.allSettled([openFromA(), openFromB()])
      for (let tick = 0; tick < ticks; tick++) await new Promise(resolve => setImmediate(resolve))
      both += Number(a.open.length === 2 && a.events.includes('up'))
      const before = a.events.length
      a.links.drop('b')
      expect(a.events.slice(before), `after ${ticks} ticks`).toEqual(a.events.includes('up') ? ['down'] : [])
      await opening
      a.links.drop('b')
      await vi.waitFor(() => expect(a.open).toEqual([]), eventually)
    }
    // Else this was a test of something else.
    expect(both).toBeGreaterThan(0)
  })

  it('S-11: bounds the streams of one peer', async () => {
    const { a, openFromA } = wire()
    for (let count = 0; count < 20; count++) {
      const [, far] = await streamPair()
      a.streams.push(far)
      a.links.accept(far, { remotePeer: { toString: () => 'b' } } as unknown as Connection)
    }
    expect(a.open.length).toBeLessThanOrEqual(8)
    await expect(openFromA()).resolves.toBeUndefined()
  })
})
