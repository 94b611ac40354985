import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseAnnounceList } from '../../src/node/announce.ts'
import { Issues } from '../../src/node/issues.ts'
import { isKnownAddress } from '../../src/protocol/address.ts'

it('leaves out what libp2p cannot read, and says so', () => {
  const issues = new Issues()
  const good = ['/ip4/203.0.113.10/tcp/4001', '/dns4/bob.example/tcp/443/tls/ws']
  expect(parseAnnounceList([...good, '/ip4/300.1.1.1/tcp/4001', '/foo/bar'], { issues }, { loopback: false })).toEqual(
    good
  )
  expect(issues.list()).toEqual(Array(2).fill('An entry of announceAddrs is not a multiaddr; it is ignored.'))
})

it('S1.42: announces a private address, and says that it helps nobody outside', () => {
  const issues = new Issues()
  const list = ['/ip4/192.168.1.5/tcp/4001', '/ip4/127.0.0.1/tcp/4001', '/ip4/9.9.9.9/tcp/4001']
  expect(parseAnnounceList(list, { issues }, { loopback: true })).toEqual(list)
  const sentence = (entry = ''): string =>
    `An entry of announceAddrs, ${entry}, is no public address: peers outside its network cannot reach it; announce the public one, or nothing.`
  expect(issues.list()).toEqual([sentence(list[0])])
  expect(parseAnnounceList(list, { issues }, { loopback: false })).toEqual(list)
  expect(issues.list()).toEqual([sentence(list[0]), sentence(list[1])])
})

it('S-32: what the settings take as an address, libp2p can read', () => {
  const host = fc.oneof(
    fc.ipV4().map(address => `/ip4/${address}`),
    fc.ipV6().map(address => `/ip6/${address}`),
    fc.domain().map(name => `/dns4/${name}`),
    fc.string({ maxLength: 8 }).map(text => `/ip4/${text}`)
  )
  const port = fc.integer({ min: -1, max: 70_000 }).map(number => `/tcp/${number}`)
  const rest = fc.constantFrom('', '/ws', '/tls/ws', '/p2p-circuit', '/bogus', '/')
  let taken = 0
  fc.assert(
    fc.property(fc.tuple(host, port, rest), parts => {
      const address = parts.join('')
      if (!isKnownAddress(address)) return
      taken++
      expect(() => multiaddr(address), address).not.toThrow()
    }),
    { numRuns: 1_000 }
  )
  expect(taken).toBeGreaterThan(100)
})
