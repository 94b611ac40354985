import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { createGater } from '../../src/node/gater.ts'

const PEER = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const gater = createGater({ ownAddresses: () => [`/ip4/10.0.0.1/tcp/4001/p2p/${PEER}`, '/ip6/fd00::1/tcp/4001'] })

it.each([
  ['/ip4/10.0.0.1/tcp/4001', true],
  [`/ip4/10.0.0.1/tcp/4001/p2p/${PEER}`, true],
  ['/ip6/fd00::1/tcp/4001', true],
  ['/ip4/10.0.0.1/tcp/4002', false],
  ['/ip4/10.0.0.1/tcp/40010', false],
  ['/ip4/10.0.0.2/tcp/4001', false],
  // A relay beside us on the same machine, or ourselves as a relay for others: the socket is not the target.
  [`/ip4/10.0.0.1/tcp/4001/p2p/${PEER}/p2p-circuit`, false]
])('S-16: dialling %s is denied: %s', async (address, denied) => {
  expect(await gater.denyDialMultiaddr?.(multiaddr(address))).toBe(denied)
})
