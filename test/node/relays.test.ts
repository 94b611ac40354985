import { type AddressInfo, connect, createServer } from 'node:net'
import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, it, vi } from 'vitest'
import type { Connected, Network } from '../../src/mesh/ports.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { envelopeOf, numberOf, RecordingHandler } from '../fakes/network-handler.ts'
import { type RelayInit, relayOfLibp2p } from '../fixtures/relay-of-libp2p.ts'
import { testNode } from './test-node.ts'

const eventually = { timeout: 20_000, interval: 20 }

/** Settings of a node that can use relays, and nothing else that reaches out. */
const CLIENT = { enableNATTraversal: true, enableCircuitRelay: true }

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function relayAt(init: RelayInit = {}): Promise<{ relay: Libp2p; address: string; port: number }> {
  const made = await relayOfLibp2p(init)
  ends.push(async () => await made.relay.stop())
  return made
}

async function started(init: Partial<NodeInit>): Promise<{ node: Network; handler: RecordingHandler }> {
  const { node } = await testNode({ ...CLIENT, relayRetryMs: 100, ...init })
  const handler = new RecordingHandler()
  await node.start(handler)
  ends.push(() => node.stop())
  return { node, handler }
}

/** A node that listens nowhere: a relay is its only way in. */
async function hidden(
  relayList: string[],
  init: Partial<NodeInit> = {}
): Promise<{ node: Network; handler: RecordingHandler }> {
  return await started({ listenAddrs: [], relayList, ...init })
}

async function reserved(node: Network): Promise<void> {
  await vi.waitFor(() => expect(node.diagnostics.relays()[0]?.state).toBe('reserved'), eventually)
}

/** An address at which a node is reached once the test opens the way. */
async function heldWayTo(node: Network): Promise<{ address: string; open: () => void }> {
  const [, port] = /\/tcp\/(\d+)/.exec(node.addresses().find(each => !each.includes('/p2p-circuit')) ?? '') ?? []
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const server = createServer(socket => {
    socket.pause()
    void opened.then(() => {
      const on = connect(Number(port), '127.0.0.1')
      for (const [one, other] of [
        [socket, on],
        [on, socket]
      ] as const)
        one.pipe(other).on('error', () => other.destroy())
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ends.push(async () => server.close())
  const { port: held } = server.address() as AddressInfo
  return { address: `/ip4/127.0.0.1/tcp/${held}/p2p/${node.peer}`, open }
}

function linkTo(node: Network, other: Network): Connected | undefined {
  return node.connections().find(({ peer, linked }) => peer === other.peer && linked)
}

it('S1.37, S1.40, S1.51: a node that listens nowhere is reached through its relay', async () => {
  const { address } = await relayAt()
  const inside = await hidden([address])
  await reserved(inside.node)
  expect(inside.node.addresses()).toEqual([`${address}/p2p-circuit/p2p/${inside.node.peer}`])
  expect(inside.handler.count('readdressed')).toBe(1)
  const outside = await started({})
  await outside.node.connect(inside.node.peer, inside.node.addresses())
  expect(linkTo(outside.node, inside.node)).toMatchObject({ path: 'relayed' })
  await vi.waitFor(() => expect(inside.handler.count('linkUp', outside.node.peer)).toBe(1), eventually)
  expect(linkTo(inside.node, outside.node)).toMatchObject({ path: 'relayed' })
  expect(outside.node.send(inside.node.peer, { type: 'envelope', envelope: envelopeOf(1) })).toBe(true)
  await vi.waitFor(() => expect(inside.handler.envelopes).toHaveLength(1), eventually)
  expect(await outside.node.diagnostics.ping(inside.node.peer)).toMatchObject({ path: 'relayed' })
})

it('S1.33, S1.37: and is not, with circuit relay or all of NAT traversal switched off, on either side', async () => {
  const { address } = await relayAt()
  for (const off of [{ enableCircuitRelay: false }, { enableNATTraversal: false }]) {
    const closed = await hidden([address], off)
    expect(closed.node.diagnostics.relays()).toEqual([])
    expect(closed.node.addresses()).toEqual([])
  }
  const inside = await hidden([address])
  await reserved(inside.node)
  const outside = await started({ enableCircuitRelay: false })
  await expect(outside.node.connect(inside.node.peer, inside.node.addresses())).rejects.toMatchObject({
    code: 'dial_failed'
  })
})

it('R-15: holds a slot again soon after its relay restarted, and tells of both', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const { relay, address, port } = await relayAt({ privateKey })
  const { node, handler } = await hidden([address])
  await reserved(node)
  const before = node.addresses()
  await relay.stop()
  await vi.waitFor(() => expect(node.addresses()).toEqual([]), eventually)
  expect(node.issues().concat(node.diagnostics.relays()[0]?.problem ?? [])).not.toContain('undefined')
  await vi.waitFor(
    () => expect(node.issues()).toEqual([`The relay ${address} cannot be reached; this node keeps trying.`]),
    eventually
  )
  expect(node.diagnostics.relays()).toMatchObject([{ state: 'trying', problem: node.issues()[0] }])
  await relayAt({ privateKey, port })
  await reserved(node)
  expect(node.addresses()).toEqual(before)
  expect(node.issues()).toEqual([])
  expect(handler.count('readdressed')).toBe(3)
})

it('R-15: starts at once while its relay is down, and holds a slot when it is up', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const first = await relayOfLibp2p({ privateKey })
  await first.relay.stop()
  const { node } = await hidden([first.address])
  await vi.waitFor(() => expect(node.issues()).toHaveLength(1), eventually)
  await relayAt({ privateKey, port: first.port })
  await reserved(node)
  expect(node.issues()).toEqual([])
})

it('says of a relay that it refuses, or is none, and uses it as soon as it is one', async () => {
  const refusing = await relayAt({ denied: true })
  const privateKey = await generateKeyPair('Ed25519')
  const none = await relayAt({ privateKey, serves: false })
  const { node } = await hidden([refusing.address, none.address])
  await vi.waitFor(() => expect(node.issues()).toHaveLength(2), eventually)
  expect(node.issues().toSorted()).toEqual(
    [
      `The relay ${refusing.address} refuses: it carries only for those whom its owner let in, so ask for that; this node keeps trying.`,
      `The relay ${none.address} is reached, and is no relay; this node keeps trying.`
    ].toSorted()
  )
  await none.relay.stop()
  await relayAt({ privateKey, port: none.port })
  await vi.waitFor(() => expect(node.diagnostics.relays()[1]?.state).toBe('reserved'), eventually)
  expect(node.issues()).toHaveLength(1)
})

it('holds three slots at most, keeps the others as spare, and goes on to one of them when it loses one', async () => {
  const relays = await Promise.all([relayAt(), relayAt(), relayAt(), relayAt()])
  const { node } = await hidden(relays.map(({ address }) => address))
  const states = (): string[] => node.diagnostics.relays().map(({ state }) => state)
  await vi.waitFor(() => expect(states()).toEqual(['reserved', 'reserved', 'reserved', 'spare']), eventually)
  await relays[1]?.relay.stop()
  await vi.waitFor(() => expect(states()[3]).toBe('reserved'), eventually)
  expect(states()[1]).not.toBe('reserved')
  expect(node.addresses()).toHaveLength(3)
})

it('does not show a relay that is no instance among the peers', async () => {
  const { address } = await relayAt()
  const { node } = await testNode({ ...CLIENT, listenAddrs: [], relayList: [address] })
  const handler = new RecordingHandler({ open: false })
  await node.start(handler)
  ends.push(() => node.stop())
  await reserved(node)
  expect(node.connections()).toEqual([])
  expect(handler.count('connected')).toBe(0)
})

it('S-15: takes no circuits from a stranger, and does not reserve at one', async () => {
  const { relay } = await relayAt()
  const { address } = await relayAt()
  const { node } = await hidden([address], { listenAddrs: ['/ip4/127.0.0.1/tcp/0'] })
  await reserved(node)
  const straight = node.addresses().find(each => !each.includes('/p2p-circuit')) ?? ''
  const connection = await relay.dial(multiaddr(straight))
  const asked = vi.fn()
  await relay.unhandle(RELAY_V2_HOP_CODEC)
  await relay.handle(RELAY_V2_HOP_CODEC, asked)
  const stream = await connection.newStream(RELAY_V2_STOP_CODEC)
  await vi.waitFor(() => expect(stream.status).not.toBe('open'), eventually)
  expect(asked).not.toHaveBeenCalled()
  expect(new Set(node.addresses())).toEqual(new Set([straight, `${address}/p2p-circuit/p2p/${node.peer}`]))
})

it('ends its connection to a relay of others when nothing runs through it any more', async () => {
  const { relay, address } = await relayAt()
  const inside = await hidden([address])
  await reserved(inside.node)
  const outside = await started({})
  await outside.node.connect(inside.node.peer, inside.node.addresses())
  const from = (): number =>
    relay.getConnections().filter(({ remotePeer }) => remotePeer.toString() === outside.node.peer).length
  expect(from()).toBe(1)
  await outside.node.disconnect(inside.node.peer)
  await vi.waitFor(() => expect(from()).toBe(0), eventually)
})

it('moves a link from the relay to a straight connection that took longer, and nothing on it is lost', async () => {
  const { address } = await relayAt()
  const inside = await started({ relayList: [address] })
  await reserved(inside.node)
  const relayed = inside.node.addresses().find(each => each.includes('/p2p-circuit')) ?? ''
  const slow = await heldWayTo(inside.node)
  const outside = await started({})
  await outside.node.connect(inside.node.peer, [slow.address, relayed])
  expect(linkTo(outside.node, inside.node)).toMatchObject({ path: 'relayed' })
  slow.open()
  let number = 0
  while (outside.handler.count('pathChanged') === 0) {
    if (outside.node.send(inside.node.peer, { type: 'envelope', envelope: envelopeOf(number) })) number++
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  for (let more = 0; more < 50; more++)
    outside.node.send(inside.node.peer, { type: 'envelope', envelope: envelopeOf(number++) })
  await vi.waitFor(() => expect(inside.handler.envelopes).toHaveLength(number), eventually)
  expect(new Set(inside.handler.envelopes.map(numberOf)).size).toBe(number)
  expect(linkTo(outside.node, inside.node)).toMatchObject({ path: 'lan' })
  expect(linkTo(inside.node, outside.node)).toMatchObject({ path: 'lan' })
  expect(outside.handler.count('linkDown') + inside.handler.count('linkDown')).toBe(0)
  expect(inside.handler.count('pathChanged', outside.node.peer)).toBe(1)
})

it('moves a link from the relay to a straight way that is found later, past addresses that lead nowhere', async () => {
  const { address } = await relayAt()
  const inside = await started({ relayList: [address] })
  await reserved(inside.node)
  const outside = await started({})
  const [relayed, straight] = [true, false].map(
    through => inside.node.addresses().find(each => each.includes('/p2p-circuit') === through) ?? ''
  ) as [string, string]
  await outside.node.connect(inside.node.peer, [relayed])
  expect(linkTo(outside.node, inside.node)).toMatchObject({ path: 'relayed' })
  // Nobody listens there, and the relay is no straight way.
  const wrong = '/ip4/127.0.0.1/tcp/1025'
  const { peer } = inside.node
  await expect(outside.node.straighten(peer, [wrong, relayed])).rejects.toMatchObject({ code: 'dial_failed' })
  expect(linkTo(outside.node, inside.node)).toMatchObject({ path: 'relayed' })
  await outside.node.straighten(peer, [wrong, straight])
  await vi.waitFor(() => expect(inside.handler.count('pathChanged', outside.node.peer)).toBe(1), eventually)
  expect(linkTo(outside.node, inside.node)).toMatchObject({ path: 'lan' })
  expect(linkTo(inside.node, outside.node)).toMatchObject({ path: 'lan' })
  expect(outside.handler.count('linkDown') + inside.handler.count('linkDown')).toBe(0)
})

it('reaches a peer over its relay as soon as it has a slot there, while a straight address swallows everything', async () => {
  const { address } = await relayAt()
  const swallowing = createServer(() => undefined)
  await new Promise<void>(resolve => swallowing.listen(0, '127.0.0.1', resolve))
  ends.push(async () => swallowing.close())
  const { port } = swallowing.address() as AddressInfo
  const outside = await started({})
  const { node } = await testNode({ ...CLIENT, relayRetryMs: 100, listenAddrs: [], relayList: [address] })
  const connecting = outside.node.connect(node.peer, [`/ip4/127.0.0.1/tcp/${port}`, `${address}/p2p-circuit`])
  await new Promise(resolve => swallowing.once('connection', resolve))
  await node.start(new RecordingHandler())
  ends.push(() => node.stop())
  await connecting
  expect(linkTo(outside.node, node)).toMatchObject({ path: 'relayed' })
})
