import { expect, it } from 'vitest'
import { hostOf } from '../../src/protocol/index.ts'

const STRANGERS = [
  '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMFHZnnsTzqD',
  '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
]

it.each([
  ['an IPv4 address', '/ip4/192.0.2.7/tcp/4001', '/ip4/192.0.2.7/tcp/5002/ws', '/ip4/192.0.2.8/tcp/4001'],
  ['a /64', '/ip6/2a01:4f8:1:2::1/tcp/4001', '/ip6/2a01:4f8:1:2:aaaa::9/tcp/7', '/ip6/2a01:4f8:1:3::1/tcp/4001']
])('S-25: %s has one share, whatever the port', (_, one, same, other) => {
  expect(hostOf(one)).toBe(hostOf(same))
  expect(hostOf(one)).not.toBe(hostOf(other))
})

it.each(['/dns4/relay.example.org/tcp/443/p2p/R', '/ip4/192.0.2.7/tcp/4001/p2p/R', '/p2p/R'])(
  'S-25: strangers behind %s share what its relay has',
  relay => {
    const [one, other] = STRANGERS.map(peer => hostOf(`${relay}/p2p-circuit/p2p/${peer}`))
    expect(one).toBe(other)
    expect(one).not.toContain('12D3')
  }
)
