import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { bestOf, isLoopback, pathOf, pathOfAddress, withoutPeer } from '../../src/node/paths.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'

describe('pathOfAddress', () => {
  it.each([
    ['/ip4/127.0.0.1/tcp/1', 'lan'],
    ['/ip4/10.1.2.3/tcp/1', 'lan'],
    ['/ip4/172.16.0.1/tcp/1', 'lan'],
    ['/ip4/172.32.0.1/tcp/1', 'direct'],
    ['/ip4/192.168.1.1/tcp/1', 'lan'],
    ['/ip4/169.254.1.1/tcp/1', 'lan'],
    ['/ip4/100.64.0.1/tcp/1', 'lan'],
    ['/ip4/100.128.0.1/tcp/1', 'direct'],
    ['/ip4/8.8.8.8/tcp/1', 'direct'],
    ['/ip6/::1/tcp/1', 'lan'],
    ['/ip6/fd00::1/tcp/1', 'lan'],
    ['/ip6/fe80::1/tcp/1', 'lan'],
    ['/ip6/::ffff:10.0.0.1/tcp/1', 'lan'],
    ['/ip6/2a00::1/tcp/1', 'direct'],
    ['/dns4/relay.example/tcp/1', 'direct'],
    [`/ip4/10.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit/p2p/${PEER}`, 'relayed']
  ])('%s is %s', (address, path) => {
    expect(pathOfAddress(address)).toBe(path)
    expect(pathOf({ remoteAddr: multiaddr(address) })).toBe(path)
  })
})

it('knows loopback', () => {
  expect(isLoopback('/ip4/127.0.0.9/tcp/1')).toBe(true)
  expect(isLoopback('/ip6/::1/tcp/1')).toBe(true)
  expect(isLoopback('/ip4/10.0.0.1/tcp/1')).toBe(false)
  expect(isLoopback('/dns4/localhost/tcp/1')).toBe(false)
})

it('prefers the nearest open connection', () => {
  const at = (address: string, status: 'open' | 'closed' = 'open') => ({ remoteAddr: multiaddr(address), status })
  const relayed = at(`/ip4/10.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit`)
  const direct = at('/ip4/8.8.8.8/tcp/1')
  const lan = at('/ip4/10.0.0.1/tcp/1')
  expect(bestOf([relayed, direct, lan])).toBe(lan)
  expect(bestOf([relayed, direct, at('/ip4/10.0.0.1/tcp/1', 'closed')])).toBe(direct)
  expect(bestOf([relayed])).toBe(relayed)
  expect(bestOf([])).toBeUndefined()
})

it('of an address only the peer at its end is taken off, not the relay on the way', () => {
  const relay = `/ip4/10.0.0.1/tcp/1/p2p/${PEER}`
  expect(withoutPeer(relay)).toBe('/ip4/10.0.0.1/tcp/1')
  expect(withoutPeer(`${relay}/p2p-circuit/p2p/${PEER}`)).toBe(`${relay}/p2p-circuit`)
  for (const bare of ['/ip4/10.0.0.1/tcp/1/ws', `${relay}/p2p-circuit`]) expect(withoutPeer(bare)).toBe(bare)
})
