import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseAnnounceList } from '../../src/node/announce.ts'
import { Issues } from '../../src/node/issues.ts'
import { isKnownAddress } from '../../src/protocol/address.ts'

it('leaves out what libp2p cannot read, and says so', () => {
  const issues = new Issues()
  const good = ['/ip4/203.0.113.10/tcp/4001', '/dns4/bob.example/tcp/443/tls/ws']
  expect(parseAnnounceList([...good, '/ip4/300.1.1.1/tcp/4001', '/foo/bar'], issues)).toEqual(good)
  expect(issues.list()).toEqual(Array(2).fill('An entry of announceAddrs is not a multiaddr; it is ignored.'))
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
