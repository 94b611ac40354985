import { expect, it } from 'vitest'
import { RelayHealth } from '../../src/node/relay-health.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const through = (relay: string): string => `/ip4/9.9.9.9/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${PEER}`
const [one, other] = [through('one'), through('other')]

it('S-15: a relay whose connections break comes after the others, the worse the later, until it serves', () => {
  const health = new RelayHealth()
  expect(health.inOrder([one, other])).toEqual([one, other])
  health.failed(one)
  expect(health.inOrder([one, other])).toEqual([other, one])
  health.failed(other)
  health.failed(other)
  expect(health.inOrder([other, one])).toEqual([one, other])
  health.served(one)
  health.failed(one)
  health.failed(one)
  health.failed(one)
  expect(health.inOrder([one, other])).toEqual([other, one])
  health.served(one)
  expect(health.inOrder([other, one])).toEqual([one, other])
})

it('S-12: remembers a bounded number of relays, however many fail', () => {
  const health = new RelayHealth()
  for (let number = 0; number < 5_000; number++) health.failed(through(`relay-${number}`))
  const [gauge] = health.gauges()
  expect(gauge?.size).toBeLessThanOrEqual(gauge?.max ?? 0)
})
