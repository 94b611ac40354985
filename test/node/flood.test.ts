import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import { joinFrames } from '../../src/node/frame-reader.ts'
import { PEER_CONNECTIONS_MAX, STRANGERS_PER_HOST_MAX } from '../../src/node/limits.ts'
import { LINK_PROTOCOL, PAIR_PROTOCOL } from '../../src/node/protocols.ts'
import { encodePairFrame, pairRequestOf } from '../../src/protocol/index.ts'
import { envelopeOf, numberOf, RecordingHandler } from '../fakes/network-handler.ts'
import { rawClient, rawLink } from './raw-client.ts'
import { testNode } from './test-node.ts'

const eventually = { timeout: 20_000, interval: 10 }

/** As S-10 has it: silent sockets, and addresses that they come from. */
const IDLE = 1_000
const HOSTS = 40
const HALF = 100
const HONEST = 25

/** What libp2p gives a dial: who takes longer is locked out. Half of them take under 50 ms. */
const DIAL_MAX_MS = 10_000

const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function started(init: { open: boolean }): Promise<{ node: Network; handler: RecordingHandler; port: number }> {
  const { node } = await testNode()
  const handler = new RecordingHandler(init)
  await node.start(handler)
  stops.push(() => node.stop())
  const port = Number(/\/tcp\/(\d+)/.exec(node.addresses()[0] ?? '')?.[1])
  return { node, handler, port }
}

async function client(): Promise<Libp2p> {
  const created = await rawClient()
  stops.push(() => created.stop())
  return created
}

const targets = (node: Network) => node.addresses().map(address => multiaddr(address))

async function silent(port: number, number: number, bytes?: Uint8Array): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (number % HOSTS)}` })
  socket.on('error', () => undefined)
  stops.push(() => socket.destroy())
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  if (bytes !== undefined) socket.write(bytes)
  return socket
}

it('S-10: with 1,000 idle sockets from 40 addresses and 100 half handshakes, every honest peer connects', {
  timeout: 90_000
}, async () => {
  const { node, handler, port } = await started({ open: true })
  const half = new TextEncoder().encode('\u0013/multistream/1.0.0')
  const sockets = await Promise.all([
    ...Array.from({ length: IDLE }, (_, number) => silent(port, number)),
    ...Array.from({ length: HALF }, (_, number) => silent(port, number, half))
  ])
  const clients = await Promise.all(Array.from({ length: HONEST }, client))
  const took: number[] = []
  for (const each of clients) {
    const startMs = performance.now()
    const link = await rawLink(each, node)
    link.hello()
    took.push(performance.now() - startMs)
  }
  await vi.waitFor(() => expect(handler.count('linkUp')).toBe(HONEST), eventually)
  expect(Math.max(...took)).toBeLessThan(DIAL_MAX_MS)
  // And those who said nothing are gone after the time for a handshake.
  await vi.waitFor(
    () => expect(sockets.filter(socket => !socket.closed && !socket.readableEnded)).toEqual([]),
    eventually
  )
})

it('S-11: strangers push out strangers, of the same address first; a linked peer stays and is heard', {
  timeout: 90_000
}, async () => {
  const { node, handler } = await started({ open: false })
  const friend = await client()
  handler.admitted.add(friend.peerId.toString())
  const link = await rawLink(friend, node)
  link.hello()
  await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
  const strangers: Libp2p[] = []
  for (let number = 0; number < 30; number++) {
    const stranger = await client()
    strangers.push(stranger)
    await stranger.dial(targets(node))
    link.send({ type: 'envelope', envelope: envelopeOf(number) })
  }
  const held = (): string[] =>
    node
      .connections()
      .map(({ peer }) => peer)
      .filter(peer => peer !== friend.peerId.toString())
  await vi.waitFor(() => {
    expect(held().length).toBeLessThanOrEqual(STRANGERS_PER_HOST_MAX)
    // The newest have their moment.
    expect(held()).toContain(strangers.at(-1)?.peerId.toString())
  }, eventually)
  await vi.waitFor(() => expect(handler.envelopes.map(numberOf)).toEqual([...Array(30).keys()]), eventually)
  expect(handler.count('linkDown')).toBe(0)
  const gauge = node.gauges().find(({ name }) => name === 'connections of strangers')
  expect(gauge?.size).toBeLessThanOrEqual(STRANGERS_PER_HOST_MAX)
})

it('S-11: one peer has four connections at most, and its link stays on one of them', { timeout: 60_000 }, async () => {
  const { node, handler } = await started({ open: true })
  const greedy = await client()
  const link = await rawLink(greedy, node)
  link.hello()
  await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
  const tries = Array.from({ length: 12 }, () => greedy.dial(targets(node), { force: true }))
  await Promise.allSettled(tries)
  await vi.waitFor(() => expect(greedy.getConnections().length).toBeLessThanOrEqual(PEER_CONNECTIONS_MAX), eventually)
  link.send({ type: 'envelope', envelope: envelopeOf(1) })
  await vi.waitFor(() => expect(handler.envelopes).toHaveLength(1), eventually)
  expect(handler.count('linkDown')).toBe(0)
})

it('S-33: of all protocols that it names, a stranger reaches the pair protocol only', { timeout: 60_000 }, async () => {
  const { node, handler } = await started({ open: false })
  const stranger = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  stops.push(() => stranger.stop())
  const named = new Promise<string[]>(resolve =>
    stranger.addEventListener('peer:identify', event => resolve(event.detail.protocols))
  )
  await stranger.dial(targets(node))
  const protocols = await named
  const plumbing = ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0']
  const gossip = protocols.filter(protocol => protocol.startsWith('/meshsub/'))
  expect(protocols.toSorted()).toEqual([...plumbing, ...gossip, LINK_PROTOCOL, PAIR_PROTOCOL].toSorted())
  const answers = new Map<string, number>()
  const request = encodePairFrame(pairRequestOf({ kind: 'contact', label: 'who', purpose: 'to see' }))
  for (const protocol of [...protocols, '/libp2p-mesh/2.0.0', '/floodsub/1.0.0', '/ipfs/id/push/1.0.0']) {
    const stream = await stranger.dialProtocol(targets(node), protocol).catch(() => undefined)
    if (stream === undefined) {
      expect(protocols).not.toContain(protocol)
      continue
    }
    stream.addEventListener('message', event =>
      answers.set(protocol, (answers.get(protocol) ?? 0) + event.data.byteLength)
    )
    const ended = new Promise(resolve => stream.addEventListener('close', resolve))
    if (stream.status === 'open')
      stream.send(protocol === PAIR_PROTOCOL ? joinFrames([request]) : new Uint8Array(32).fill(1))
    await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 400))])
  }
  // Identify and ping are libp2p's own and know nothing of the mesh; the link says no.
  expect([...answers.keys()].filter(protocol => !plumbing.includes(protocol)).toSorted()).toEqual([
    LINK_PROTOCOL,
    PAIR_PROTOCOL
  ])
  expect(new Set(handler.events.map(({ event }) => event))).toEqual(new Set(['connected', 'asked']))
  expect([handler.envelopes, handler.broadcasts]).toEqual([[], []])
})
