import type { Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { HOP_OK, HOP_PERMISSION_DENIED, rawReserve } from './raw-hop.ts'
import { RelayWorld, roundTrip } from './relay-world.ts'
import { testNode } from './test-node.ts'

const ON = { enableNATTraversal: true, enableCircuitRelayServer: true }

let world: RelayWorld
let node: Network | undefined
let friend: Libp2p
let stranger: Libp2p

beforeEach(() => {
  world = new RelayWorld()
})

afterEach(async () => {
  await world.end()
  await node?.stop()
})

/** A node whose owner admits `world.allowed`, a friend and a stranger. */
async function start(settings: Partial<NodeInit>): Promise<Network> {
  ;({ node } = await testNode({ carries: peer => world.allowed.has(peer), ...settings }))
  await node.start(new RecordingHandler({ open: false }))
  await world.start(node.addresses()[0])
  friend = await world.client({ allowed: true })
  stranger = await world.client()
  return node
}

const gauge = (of: Network, wanted: string) => of.gauges().find(({ name }) => name === wanted)

describe('a node with enableCircuitRelayServer', () => {
  it('S1.38: carries for admitted peers, refuses others, and says what it carried', async () => {
    const relay = await start(ON)
    expect(await rawReserve(stranger, world.address)).toBe(HOP_PERMISSION_DENIED)
    await world.reserve(friend)
    await roundTrip(await world.call(stranger, friend), 64 * 1024)
    const usage = relay.diagnostics.relayUsage()
    expect(usage).toMatchObject({
      reservations: { used: 1, max: 32 },
      circuits: 1,
      refused: { reservations: 1, circuits: 0 }
    })
    expect(usage?.today.bytes).toBeGreaterThan(128 * 1024)
    expect(gauge(relay, 'reservations')).toEqual({ name: 'reservations', size: 1, max: 32 })
    expect(gauge(relay, 'relayed connections')).toMatchObject({ size: 1 })
    expect(gauge(relay, 'relayed peers')).toMatchObject({ size: 2 })
    expect(await rawReserve(friend, world.address)).toBe(HOP_OK)
  })

  it('S1.38: takes all that it carries for a peer with it when the owner disconnects that peer', async () => {
    const relay = await start(ON)
    await world.reserve(friend)
    const stream = await world.call(stranger, friend)
    world.allowed.delete(`${friend.peerId}`)
    await relay.disconnect(`${friend.peerId}`)
    await expect.poll(() => stream.status).not.toBe('open')
    expect(relay.diagnostics.relayUsage()).toMatchObject({ reservations: { used: 0 }, circuits: 0 })
  })
})

describe('a node that is no relay', () => {
  it.each([
    ['without enableCircuitRelayServer', { enableNATTraversal: true }],
    ['without enableNATTraversal', { ...ON, enableNATTraversal: false }]
  ])('S1.38: carries for nobody %s', async (_, settings) => {
    const relay = await start(settings)
    await expect(rawReserve(friend, world.address)).rejects.toThrow(/protocol/i)
    expect(relay.diagnostics.relayUsage()).toBeUndefined()
    expect(gauge(relay, 'reservations')).toBeUndefined()
  })
})
