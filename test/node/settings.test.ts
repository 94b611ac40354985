import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { testNode } from './test-node.ts'

const IDENTIFY = '/ipfs/id/1.0.0'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function started(init: Partial<NodeInit>): Promise<Network> {
  const { node } = await testNode(init)
  await node.start(new RecordingHandler())
  ends.push(() => node.stop())
  return node
}

async function stranger(): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify({ runOnConnectionOpen: false }) }
  })
  ends.push(async () => await libp2p.stop())
  return libp2p
}

it('S1.30: with enableWebSocket two nodes link over /ws alone, and without it neither listens there nor dials it', async () => {
  const host = await started({ listenAddrs: ['/ip4/127.0.0.1/tcp/0/ws'], enableWebSocket: true })
  const [address = ''] = host.addresses()
  expect(address).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\//)
  const guest = await started({ enableWebSocket: true })
  await guest.connect(host.peer, [address])
  expect(guest.connections()).toMatchObject([{ peer: host.peer, address, linked: true }])
  const without = await started({})
  await expect(without.connect(host.peer, [address])).rejects.toMatchObject({ code: 'dial_failed' })
  const off = await started({ listenAddrs: ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/tcp/0'] })
  expect(off.addresses()).toHaveLength(1)
  expect(off.issues()).toEqual(['Cannot listen on /ip4/127.0.0.1/tcp/0/ws: the setting enableWebSocket is off.'])
})

it('S1.34: identify is answered where it is on, and links, messages and broadcasts work where it is off', async () => {
  const asker = await stranger()
  const [on, off] = [await started({}), await started({ enableIdentify: false })]
  const ask = async (node: Network): Promise<string> => {
    const connection = await asker.dial(multiaddr(node.addresses()[0]))
    const stream = await connection.newStream(IDENTIFY)
    return stream.protocol
  }
  expect(await ask(on)).toBe(IDENTIFY)
  await expect(ask(off)).rejects.toMatchObject({ name: 'UnsupportedProtocolError' })
  const friend = await started({ enableIdentify: false })
  await friend.connect(off.peer, off.addresses())
  await expect.poll(async () => (await friend.publish('mesh', new Uint8Array([1]))).recipients).toBe(1)
})
