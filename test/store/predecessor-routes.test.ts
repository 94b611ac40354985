import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, publicKeyOf } from '../../src/protocol/index.ts'
import { readPredecessorRoutes } from '../../src/store/predecessor-routes.ts'
import { fits } from '../../src/store/route-schema.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { formerPeer, instancePeerFile } from './predecessor-files.ts'

const ana = new FakeInstance('ana')
const ben = new FakeInstance('ben')
const AT = `/ip4/10.0.0.2/tcp/4001/p2p/${ana.peer}`

const UPDATED_MS = 1_782_640_000_000

function read(...entries: unknown[]) {
  const instances = Object.fromEntries(entries.map((entry, index) => [`name-${index}@MCowBQYDK2Vw.00d20af4`, entry]))
  return readPredecessorRoutes({ version: 1, updatedAt: UPDATED_MS, instances })
}

function entry(change: object = {}): object {
  return { peerId: ana.peer, instanceName: 'ana', multiaddrs: [AT], lastSeenAt: 5, ...change }
}

describe("the predecessor's instance-peer.json", () => {
  it('gives peer, label, addresses and time of each entry, the newest first, under the instance that the key makes', async () => {
    const file = readFileSync(new URL('../fixtures/predecessor/instance-peer.json', import.meta.url), 'utf8')
    const [first, second] = await Promise.all(['ana', 'ben'].map(formerPeer))
    const instanceOf = (peer = ''): string => fingerprintOf(publicKeyOf(peer))
    expect(readPredecessorRoutes(JSON.parse(file))).toEqual({
      dropped: 0,
      routes: [
        {
          instance: instanceOf(first?.peerId),
          peer: first?.peerId,
          label: 'ana-laptop',
          addresses: [
            `/ip4/192.168.1.20/tcp/4001/p2p/${first?.peerId}`,
            `/ip4/127.0.0.1/tcp/4001/p2p/${first?.peerId}`
          ],
          seq: 0,
          lastSeenMs: 1_782_630_000_000
        },
        {
          instance: instanceOf(second?.peerId),
          peer: second?.peerId,
          label: 'ben-vm',
          addresses: [`/dns4/ben.example/tcp/4001/p2p/${second?.peerId}`],
          seq: 0,
          lastSeenMs: 1_782_620_000_000
        }
      ]
    })
  })

  it('takes the newest of several entries of one peer', () => {
    const old = entry({ instanceName: 'old', lastSeenAt: 3 })
    expect(read(old, entry({ instanceName: 'new' }), old)).toMatchObject({ routes: [{ label: 'new' }], dropped: 2 })
  })

  it('takes only addresses that lead to the peer, each once, sixteen at most', () => {
    const many = Array.from({ length: 20 }, (_, index) => `/ip4/10.0.0.2/tcp/${index}`)
    const bad = [
      7,
      null,
      '',
      'x',
      '10.0.0.2:4001',
      `/ip4/10.0.0.3/tcp/1/p2p/${ben.peer}`,
      '/ip4/10.0.0.2/tcp/1\u001b[31m',
      '/ip4/10.0.0.2 /tcp/1',
      `/ip4/${'1'.repeat(600)}`
    ]
    const relayed = `/ip4/10.0.0.9/tcp/1/p2p/${ben.peer}/p2p-circuit`
    const good = [relayed, `${relayed}/p2p/${ana.peer}`, AT]
    expect(read(entry({ multiaddrs: [...bad, ...good, ...good, ...many] }))?.routes[0]?.addresses).toEqual([
      ...good,
      ...many.slice(0, 13)
    ])
  })

  it('drops what names no peer of an Ed25519 key, and makes do with what an entry lacks', () => {
    const rsa = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'
    expect(read(entry({ peerId: rsa }), entry({ peerId: '../../x' }), entry({ peerId: 1 }), null, 'x', [])).toEqual({
      routes: [],
      dropped: 6
    })
    expect(read({ peerId: ana.peer })).toMatchObject({
      routes: [{ label: '', addresses: [], lastSeenMs: 0 }],
      dropped: 0
    })
    const odd = entry({ instanceName: 'a\u001b[31mna', multiaddrs: 'x', lastSeenAt: Number.MAX_VALUE })
    expect(read(odd)).toMatchObject({ routes: [{ label: '', addresses: [], lastSeenMs: 0 }] })
  })

  it('D-34: gives the 256 newest', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      entry({ peerId: new FakeInstance(`former ${index}`).peer, lastSeenAt: index })
    )
    const found = read(...many)
    expect(found?.dropped).toBe(44)
    expect(found?.routes.map(({ lastSeenMs }) => lastSeenMs)).toEqual(Array.from({ length: 256 }, (_, i) => 299 - i))
  })

  it('S-03: takes nobody for seen after the table was written', () => {
    const found = read(entry({ lastSeenAt: 8_000_000_000_000_000 }))
    expect(found?.routes.map(({ lastSeenMs }) => lastSeenMs)).toEqual([UPDATED_MS])
  })

  it('is told from every other file by its updatedAt', () => {
    const ours = { version: 1, instances: {} }
    const others = [
      ours,
      { ...ours, updatedAt: 'x' },
      { ...ours, updatedAt: 1, version: 2 },
      { version: 1, updatedAt: 1 }
    ]
    for (const value of [...others, undefined, null, 1, 'x', []]) expect(readPredecessorRoutes(value)).toBeUndefined()
    expect(readPredecessorRoutes({ ...ours, updatedAt: 1 })).toEqual({ routes: [], dropped: 0 })
  })

  it('S-27: whatever stands in it, each route fits our file and belongs to its key', () => {
    const peer = fc.constantFrom(ana.peer, ben.peer)
    const address = fc.oneof(
      fc.string(),
      fc.constantFrom(AT, `/ip4/10.0.0.3/tcp/1/p2p/${ben.peer}`, '/p2p', '/', '//', '/p2p/'),
      fc.array(fc.string({ minLength: 1, maxLength: 9 })).map(parts => `/${parts.join('/')}`)
    )
    const likely = fc.record(
      {
        peerId: fc.oneof(peer, fc.string()),
        instanceName: fc.oneof(fc.string({ unit: 'grapheme' }), fc.anything()),
        multiaddrs: fc.oneof(fc.array(fc.oneof(address, fc.anything()), { maxLength: 30 }), fc.anything()),
        lastSeenAt: fc.oneof(fc.double(), fc.integer(), fc.anything())
      },
      { requiredKeys: [] }
    )
    const names = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor'))
    const table = fc.record({
      version: fc.constant(1),
      updatedAt: fc.integer(),
      instances: fc.dictionary(names, fc.oneof(likely, fc.anything()), { noNullPrototype: false })
    })
    const property = fc.property(fc.oneof(table, fc.anything()), value => {
      for (const route of readPredecessorRoutes(value)?.routes ?? []) {
        expect(fits(route)).toBe(true)
        expect(fingerprintOf(publicKeyOf(route.peer))).toBe(route.instance)
        for (const text of route.addresses) expect(text).toMatch(/^\/[!-~]+$/)
      }
    })
    fc.assert(property, {
      numRuns: 5_000,
      examples: [[JSON.parse('{"version":1,"updatedAt":1,"instances":{"__proto__":{}}}')]]
    })
    expect(Object.hasOwn(Object.prototype, 'peerId')).toBe(false)
  })

  it('is what the helper of the tests writes', () => {
    const text = instancePeerFile([{ peerId: ana.peer, instanceName: 'ana', multiaddrs: [AT], lastSeenAt: 5 }])
    expect(readPredecessorRoutes(JSON.parse(text))).toEqual(read(entry()))
  })
})
