import { describe, expect, it } from 'vitest'
import { isAddress, isKnownAddress, withoutPeer } from '../../src/protocol/address.ts'

describe('isAddress', () => {
  it.each(['/ip4/192.0.2.1/tcp/4001', '/dns4/bob.example/tcp/443/tls/ws', `/${'a'.repeat(511)}`])('takes %s', text => {
    expect(isAddress(text)).toBe(true)
  })

  it.each([
    '',
    '/',
    'ip4/192.0.2.1',
    '/ip4/192.0.2.1/',
    '//tcp',
    '/ip4/192.0.2.1 /tcp/1',
    '/dns4/bücher.example',
    '/ip4/\u0007',
    `/${'a'.repeat(512)}`
  ])('refuses %j', text => {
    expect(isAddress(text)).toBe(false)
  })
})

describe('isKnownAddress', () => {
  it.each([
    '/ip4/0.0.0.0/tcp/0',
    '/ip6/::/tcp/65535',
    '/ip6/fe80::1/udp/4001/quic-v1',
    '/dns4/bob.example/tcp/443/tls/ws',
    '/dnsaddr/bob.example',
    '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW/p2p-circuit'
  ])('takes %s', text => {
    expect(isKnownAddress(text)).toBe(true)
  })

  it.each([
    '/foo/bar',
    '/ip4/300.1.1.1/tcp/4001',
    '/ip4/1.2.3/tcp/4001',
    '/ip4/01.2.3.4/tcp/1',
    '/ip4/1.2.3.4/tcp/70000',
    '/ip4/1.2.3.4/tcp',
    '/ip4/1.2.3.4/tcp/x',
    '/ip6/1.2.3.4/tcp/1',
    '/ip6/:::1/tcp/1',
    '/dns4/a..b/tcp/1',
    '/ip4/1.2.3.4/tcp/1/p2p/0OIl',
    '/tcp/1/p2p-circuit/x'
  ])('refuses %s', text => {
    expect(isKnownAddress(text)).toBe(false)
  })
})

describe('withoutPeer', () => {
  it.each([
    ['/ip4/192.0.2.1/tcp/4001/p2p/bob', '/ip4/192.0.2.1/tcp/4001'],
    ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.1/tcp/4001'],
    ['/ip4/192.0.2.1/tcp/4001/p2p/carol', '/ip4/192.0.2.1/tcp/4001/p2p/carol'],
    // A relay stays: it is part of the way.
    ['/ip4/192.0.2.1/tcp/4001/p2p/bob/p2p-circuit', '/ip4/192.0.2.1/tcp/4001/p2p/bob/p2p-circuit'],
    ['/ip4/192.0.2.1/tcp/4001/p2p/carol/p2p-circuit/p2p/bob', '/ip4/192.0.2.1/tcp/4001/p2p/carol/p2p-circuit']
  ])('of %s leaves %s', (address, left) => {
    expect(withoutPeer(address, 'bob')).toBe(left)
  })
})
