import { noise } from '@libp2p/noise'
import { tls } from '@libp2p/tls'
import { afterEach, expect, it, vi } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { LINK_PROTOCOL } from '../../src/node/protocols.ts'
import { envelopeOf, numberOf, RecordingHandler } from '../fakes/network-handler.ts'
import { RawLink, rawClient, rawLink } from './raw-client.ts'
import { testNode } from './test-node.ts'

const eventually = { timeout: 8_000, interval: 10 }
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

interface Started {
  node: Network
  handler: RecordingHandler
}

async function started(init: Partial<NodeInit> = {}): Promise<Started> {
  const { node } = await testNode(init)
  const handler = new RecordingHandler()
  await node.start(handler)
  stops.push(() => node.stop())
  return { node, handler }
}

async function connect(one: Started, other: Started): Promise<void> {
  await one.node.connect(other.node.peer, other.node.addresses())
  await vi.waitFor(() => expect(other.node.connections()).toMatchObject([{ linked: true }]), eventually)
}

it('starts in less than a second', async () => {
  let quickestMs = Number.POSITIVE_INFINITY
  // What else the machine does makes a start slower, never quicker.
  for (let tries = 0; tries < 5 && quickestMs >= 1_000; tries++) {
    const before = performance.now()
    await started()
    quickestMs = Math.min(quickestMs, performance.now() - before)
  }
  expect(quickestMs).toBeLessThan(1_000)
})

it('says its addresses with its peer id', async () => {
  const { node } = await started({ announceAddrs: ['/ip4/45.0.0.1/tcp/4001'] })
  expect(node.addresses()).toContain(`/ip4/45.0.0.1/tcp/4001/p2p/${node.peer}`)
  expect(node.addresses().filter(address => address.startsWith('/ip4/127.0.0.1/tcp/'))).toHaveLength(1)
})

it('prefers TLS, and takes Noise from those who know nothing else', async () => {
  const { node, handler } = await started()
  const both = await rawClient({ encrypters: [noise(), tls()], listen: true })
  stops.push(async () => both.stop())
  await both.handle(LINK_PROTOCOL, stream => new RawLink(stream).hello())
  await node.connect(both.peerId.toString(), both.getMultiaddrs().map(String))
  expect(both.getConnections().map(connection => connection.encryption)).toEqual(['/tls/1.0.0'])
  const noiseOnly = await rawClient({ encrypters: [noise()] })
  stops.push(async () => noiseOnly.stop())
  const link = await rawLink(noiseOnly, node)
  link.hello()
  await vi.waitFor(() => expect(handler.count('linkUp')).toBe(2), eventually)
  expect(noiseOnly.getConnections().map(connection => connection.encryption)).toEqual(['/noise'])
})

it('carries a flood both ways within the buffer, with every frame once', async () => {
  const [one, other] = [await started(), await started()]
  await connect(one, other)
  const total = 5_000
  const pump = (from: Started, to: Started): void => {
    let next = 0
    const push = (): void => {
      while (next < total && from.node.send(to.node.peer, { type: 'envelope', envelope: envelopeOf(next, 1_024) }))
        next++
    }
    from.handler.onDrained = push
    push()
  }
  pump(one, other)
  pump(other, one)
  await vi.waitFor(
    () => expect(one.handler.envelopes.length + other.handler.envelopes.length).toBe(2 * total),
    eventually
  )
  const numbers = [...Array(total).keys()]
  expect(one.handler.envelopes.map(numberOf)).toEqual(numbers)
  expect(other.handler.envelopes.map(numberOf)).toEqual(numbers)
  expect(one.handler.count('drained')).toBeGreaterThan(0)
})

it('both sides connect at once, twenty times: one link each, nothing lost', async () => {
  const [one, other] = [await started(), await started()]
  const [ones, others] = [one.node.addresses(), other.node.addresses()]
  for (let round = 1; round <= 20; round++) {
    await Promise.all([one.node.connect(other.node.peer, others), other.node.connect(one.node.peer, ones)])
    for (let number = 0; number < 20; number++) {
      expect(one.node.send(other.node.peer, { type: 'envelope', envelope: envelopeOf(number) })).toBe(true)
      expect(other.node.send(one.node.peer, { type: 'envelope', envelope: envelopeOf(number) })).toBe(true)
      await new Promise(resolve => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(one.handler.envelopes).toHaveLength(round * 20), eventually)
    await vi.waitFor(() => expect(other.handler.envelopes).toHaveLength(round * 20), eventually)
    for (const { handler } of [one, other]) {
      expect([handler.count('linkUp'), handler.count('linkDown')]).toEqual([round, round - 1])
    }
    await one.node.disconnect(other.node.peer)
    await vi.waitFor(() => expect(other.handler.count('disconnected')).toBe(round), eventually)
    await vi.waitFor(() => expect(one.handler.count('disconnected')).toBe(round), eventually)
  }
})

it('links again with a peer that came back at another port', async () => {
  const one = await started()
  const first = await testNode()
  const handler = new RecordingHandler()
  await first.node.start(handler)
  await one.node.connect(first.node.peer, first.node.addresses())
  await first.node.stop()
  await vi.waitFor(() => expect(one.handler.count('linkDown')).toBe(1), eventually)
  const again = await testNode({}, first.key)
  await again.node.start(handler)
  stops.push(() => again.node.stop())
  expect(again.node.peer).toBe(first.node.peer)
  await one.node.connect(again.node.peer, again.node.addresses())
  expect(one.handler.count('linkUp')).toBe(2)
})

it('S-10: an idle link stays up, kept by its keepalives, beyond the time after which a silent socket is closed', async () => {
  // Nine keepalives may be late before it matters: the machine may have other work.
  const idle = { socketIdleMs: 1_000, keepAliveMs: 100 }
  const [one, other] = [await started(idle), await started(idle)]
  await connect(one, other)
  await new Promise(resolve => setTimeout(resolve, 2_500))
  expect(one.node.send(other.node.peer, { type: 'envelope', envelope: envelopeOf(1) })).toBe(true)
  await vi.waitFor(() => expect(other.handler.envelopes).toHaveLength(1), eventually)
  expect(one.handler.count('linkUp')).toBe(1)
  expect(one.handler.count('linkDown')).toBe(0)
})

it('and without keepalives it would not', async () => {
  const idle = { socketIdleMs: 300, keepAliveMs: 60_000 }
  const [one, other] = [await started(idle), await started(idle)]
  await connect(one, other)
  await vi.waitFor(() => expect(one.handler.count('linkDown')).toBe(1), eventually)
})

it('measures the round trip', async () => {
  const [one, other] = [await started({ livenessMs: 500 }), await started()]
  await connect(one, other)
  await vi.waitFor(() => expect(one.node.connections()[0]?.rttMs).toBeGreaterThanOrEqual(0), eventually)
})

it('S-16: does not dial its own socket under another name', async () => {
  const [one, other] = [await started(), await started()]
  const own = one.node.addresses().map(address => address.replace(one.node.peer, other.node.peer))
  await expect(one.node.connect(other.node.peer, own)).rejects.toMatchObject({ code: 'dial_failed' })
  expect(one.handler.events).toEqual([])
})

it('makes no connection with a peer that the owner blocked, either way', async () => {
  const other = await started()
  const blocking = await started({ denied: peer => peer === other.node.peer })
  await expect(blocking.node.connect(other.node.peer, other.node.addresses())).rejects.toMatchObject({
    code: 'dial_failed'
  })
  await expect(other.node.connect(blocking.node.peer, blocking.node.addresses())).rejects.toMatchObject({
    code: 'dial_failed'
  })
  expect(blocking.handler.events).toEqual([])
})
