import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import type * as autoNat from '../../src/node/autonat.ts'
import { type RelayNode, type RelayNodeInit, startRelayNode } from '../../src/node/relay-node.ts'
import { FakeLog } from '../fakes/log.ts'
import { HOP_OK, rawReserve } from './raw-hop.ts'

/** What the AutoNAT of each relay was given. */
const autoNats = vi.hoisted((): Pick<autoNat.AutoNatComponents, 'carries'>[] => [])

vi.mock('../../src/node/autonat.ts', async importOriginal => {
  const { AutoNat } = await importOriginal<typeof autoNat>()
  return {
    AutoNat: class extends AutoNat {
      constructor(...given: ConstructorParameters<typeof AutoNat>) {
        super(...given)
        autoNats.push(given[0])
      }
    }
  }
})

const relays: RelayNode[] = []
const clients: Libp2p[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop()
  for (const relay of relays.splice(0)) await relay.stop()
})

async function start(init: Pick<RelayNodeInit, 'open' | 'carries'>): Promise<RelayNode> {
  const privateKeyProtobuf = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
  const relay = await startRelayNode(
    { privateKeyProtobuf, log: new FakeLog(), clock: { wallMs: Date.now } },
    { listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], onEvent: () => undefined, ...init }
  )
  relays.push(relay)
  return relay
}

it('S-16: a relay that is open to anybody dials nobody but who asks, and one with a list what those on it name', async () => {
  await start({ open: true, carries: () => true })
  expect(autoNats.at(-1)?.carries('anybody')).toBe(false)
  await start({ open: false, carries: peer => peer === 'friend' })
  expect(autoNats.at(-1)?.carries('friend')).toBe(true)
  expect(autoNats.at(-1)?.carries('stranger')).toBe(false)
})

it('S-14: idle connections of one address push out each other, and nobody who holds a reservation', {
  timeout: 60_000
}, async () => {
  const relay = await start({ open: true, carries: () => true })
  const [address = ''] = relay.addresses()
  const holder = await client()
  expect(await rawReserve(holder, address)).toBe(HOP_OK)
  const idle: Libp2p[] = []
  const open = () => idle.filter(one => one.getConnections().length > 0).length
  // A relay takes 40 from one address in a second: who is refused comes again.
  for (let number = 0; number < 70; number++) {
    const one = await client()
    await vi.waitFor(async () => await one.dial(multiaddr(address)), { timeout: 10_000 })
    idle.push(one)
  }
  await expect.poll(open).toBe(64)
  expect(holder.getConnections()).toHaveLength(1)
  expect(relay.usage().reservations.used).toBe(1)
})

async function client(): Promise<Libp2p> {
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  clients.push(node)
  return node
}
