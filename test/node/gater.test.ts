import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { Gate } from '../../src/node/gate.ts'
import { createGater } from '../../src/node/gater.ts'

const SELF = '12D3KooWFWydNNqBD4NFJQSw8BHK8DhxY8Xk64NGQ5eKpc98uK4J'
const OTHER = '12D3KooWRm8J3iL796zPFi2EtGGtUJn58AG67gcqzMFHZnnsTzqD'

const gate = new Gate({ ownAddresses: () => [], interfaces: () => ({}) }, { listenAddrs: [], settings: [] })
const gater = createGater({ gate }, { self: SELF, denied: peer => peer === OTHER })

it('S-16: libp2p dials what a dial of ours goes to, while it does, and else what anybody may say', async () => {
  const near = `/ip4/192.168.1.7/tcp/4001/p2p/${OTHER}`
  const denied = async (address: string): Promise<boolean | undefined> =>
    await gater.denyDialMultiaddr?.(multiaddr(address))
  expect(await denied(`/ip4/8.8.8.8/tcp/4001/p2p/${OTHER}`)).toBe(false)
  expect(await denied(near)).toBe(true)
  const permit = gate.permit([near])
  expect(await denied(near)).toBe(false)
  expect(await denied('/ip4/192.168.1.7/tcp/4002')).toBe(true)
  permit.end()
  expect(await denied(near)).toBe(true)
})

it('S-16: what a peer says of itself is not even remembered, unless anybody may say it', async () => {
  const keeps = async (peer: string, address: string): Promise<boolean | undefined> =>
    await gater.filterMultiaddrForPeer?.(peerIdFromString(peer), multiaddr(address))
  expect(await keeps(OTHER, '/ip4/127.0.0.1/tcp/4001')).toBe(false)
  expect(await keeps(OTHER, '/dns4/localhost/tcp/4001')).toBe(false)
  expect(await keeps(OTHER, '/ip4/8.8.8.8/tcp/4001')).toBe(true)
  expect(await keeps(SELF, '/ip4/127.0.0.1/tcp/4001')).toBe(true)
})

it('no connection either way to whom the owner blocked', async () => {
  expect(await gater.denyDialPeer?.(peerIdFromString(OTHER))).toBe(true)
  expect(await gater.denyDialPeer?.(peerIdFromString(SELF))).toBe(false)
})
