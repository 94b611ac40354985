import { hostname, networkInterfaces, userInfo } from 'node:os'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { IdentifyResult } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import { FrameReader, joinFrames } from '../../src/node/frame-reader.ts'
import type { NodeInit } from '../../src/node/index.ts'
import {
  decodePairFrame,
  encodePairFrame,
  PAIR_FRAME_MAX_BYTES,
  type PairBody,
  type PairFrame,
  pairRequestOf
} from '../../src/protocol/index.ts'
import { envelopeOf, RecordingHandler } from '../fakes/network-handler.ts'
import { rawClient, rawLink, rawPair } from './raw-client.ts'
import { testNode } from './test-node.ts'

const eventually = { timeout: 10_000, interval: 10 }
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** A node that admits nobody. */
async function started(init: Partial<NodeInit> = {}): Promise<{ node: Network; handler: RecordingHandler }> {
  const { node } = await testNode(init)
  const handler = new RecordingHandler({ open: false })
  await node.start(handler)
  stops.push(() => node.stop())
  return { node, handler }
}

async function client() {
  const created = await rawClient()
  stops.push(async () => created.stop())
  return created
}

async function pairAnswers(node: Network, ...bytes: Uint8Array[]): Promise<{ answers: PairFrame[]; status: string }> {
  const stream = await rawPair(await client(), node)
  const answers: PairFrame[] = []
  const reader = new FrameReader({ maxBytes: PAIR_FRAME_MAX_BYTES })
  stream.addEventListener('message', event => reader.push(event.data, frame => answers.push(decodePairFrame(frame))))
  const ended = new Promise(resolve => stream.addEventListener('close', resolve))
  for (const piece of bytes) stream.send(piece)
  stream.addEventListener('remoteCloseWrite', () => void stream.close())
  await ended
  return { answers, status: stream.status }
}

describe('a stranger', () => {
  it('is told so and can send nothing on the link', async () => {
    const { node, handler } = await started()
    const link = await rawLink(await client(), node)
    link.hello()
    link.send({ type: 'envelope', envelope: envelopeOf(1) })
    await vi.waitFor(
      () => expect(link.frames).toMatchObject([{ type: 'hello', hello: { admitted: false } }]),
      eventually
    )
    await vi.waitFor(() => expect(link.stream.readableEnded).toBe(true), eventually)
    expect(handler.events.map(entry => entry.event)).toEqual(['connected'])
    expect(handler.envelopes).toEqual([])
  })

  it('gets `unsupported` for what it asks on the pair protocol', async () => {
    const { node } = await started()
    const request = joinFrames([encodePairFrame({ type: 'request', kind: 77, body: new Uint8Array([1]) })])
    const { answers, status } = await pairAnswers(node, request)
    expect(answers).toEqual([{ type: 'answer', accepted: false, reason: 'unsupported', label: '' }])
    expect(status).toBe('closed')
  })

  it('S-25: whose address has asked ten times in a minute hears `overloaded`, is not heard, and may still bring a ticket', async () => {
    const { node, handler } = await started()
    const ask = (body: PairBody) => pairAnswers(node, joinFrames([encodePairFrame(pairRequestOf(body))]))
    const reasons: unknown[] = []
    for (let i = 0; i < 12; i++) {
      const { answers } = await ask({ kind: 'contact', label: 'who', purpose: '' })
      reasons.push(answers[0]?.type === 'answer' && answers[0].reason)
    }
    expect(reasons.slice(10)).toEqual(['overloaded', 'overloaded'])
    expect(handler.asks).toHaveLength(10)
    await ask({ kind: 'ticket', ticket: new Uint8Array(8), proof: new Uint8Array(32), label: 'guest' })
    expect(handler.asks.at(-1)?.body.kind).toBe('ticket')
  })

  it.each([
    ['too much', [Uint8Array.of(0x81, 0x20)]],
    ['garbage', [joinFrames([new Uint8Array(9).fill(255)])]],
    ['an answer', [joinFrames([encodePairFrame({ type: 'answer', accepted: true, reason: 'none', label: '' })])]],
    ['nothing', []],
    ['half a request', [Uint8Array.of(100, 1)]]
  ])('S-09: that says %s on the pair protocol is cut off', async (_name, bytes) => {
    const { node } = await started({ pairTimeoutMs: 150 })
    const { answers, status } = await pairAnswers(node, ...bytes)
    expect(answers).toEqual([])
    expect(status).toBe('reset')
  })

  it('S-09: that said what no peer says five times gets no answer on the pair protocol either', async () => {
    const { node } = await started()
    const peer = await client()
    for (let strike = 0; strike < 5; strike++) {
      const stream = await rawPair(peer, node)
      const ended = new Promise(resolve => stream.addEventListener('close', resolve))
      stream.send(joinFrames([new Uint8Array(9).fill(255)]))
      await ended
    }
    const stream = await rawPair(peer, node)
    const heard: unknown[] = []
    stream.addEventListener('message', event => heard.push(event.data))
    if (stream.status === 'open')
      stream.send(joinFrames([encodePairFrame({ type: 'request', kind: 77, body: new Uint8Array([1]) })]))
    await vi.waitFor(() => expect(stream.status).toBe('reset'), eventually)
    expect(heard).toEqual([])
  })

  it.each(['RSA', 'secp256k1'] as const)(
    'S-33: whose key is of type %s is no instance: it is told nothing, and nobody hears of it',
    async type => {
      const { node, handler } = await started()
      handler.open = true
      const peer = await rawClient({ privateKey: await generateKeyPair(type) })
      stops.push(async () => peer.stop())
      const link = await rawLink(peer, node)
      expect(await link.ended).toBe('reset')
      const pair = await rawPair(peer, node)
      await vi.waitFor(() => expect(pair.status).toBe('reset'), eventually)
      expect([handler.events, node.connections(), link.frames]).toEqual([[], [], []])
    }
  )

  it('S-11: has two streams of the pair protocol at most', async () => {
    const { node } = await started()
    const peer = await client()
    const streams = await Promise.all([1, 2, 3, 4].map(() => rawPair(peer, node)))
    const open = (): number => streams.filter(stream => stream.status === 'open').length
    await vi.waitFor(() => expect(open()).toBeLessThanOrEqual(2), eventually)
  })

  it('S-29: learns from identify which protocols there are and where the node is reached from everywhere, and nothing else', async () => {
    const announceAddrs = ['/ip4/192.168.7.7/tcp/4001', '/ip4/9.9.9.9/tcp/4001', '/ip6/fd00::7/tcp/4001']
    const { node } = await started({ announceAddrs })
    const peer = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() }
    })
    stops.push(async () => peer.stop())
    const identified = new Promise<IdentifyResult>(resolve =>
      peer.addEventListener('peer:identify', event => resolve(event.detail))
    )
    await peer.dial(
      node
        .addresses()
        .filter(address => address.startsWith('/ip4/127.0.0.1/'))
        .map(address => multiaddr(address))
    )
    const { agentVersion, protocolVersion, listenAddrs, signedPeerRecord } = await identified
    expect([agentVersion, protocolVersion]).toEqual(['libp2p-mesh/1', 'ipfs/0.1.0'])
    expect(listenAddrs.map(String)).toEqual(['/ip4/9.9.9.9/tcp/4001'])
    expect(signedPeerRecord?.addresses.map(String)).toEqual(['/ip4/9.9.9.9/tcp/4001'])
    // The owner and mDNS know the rest.
    expect(node.addresses().length).toBeGreaterThan(listenAddrs.length)
  })

  it('S-29: hears no name, path or address of this machine in anything that is said to it', async () => {
    const { node } = await started()
    const peer = await client()
    const heard: Uint8Array[] = []
    const link = await rawLink(peer, node)
    link.stream.addEventListener('message', event => heard.push(event.data.subarray()))
    link.hello()
    await vi.waitFor(() => expect(link.frames).toHaveLength(1), eventually)
    const stream = await rawPair(peer, node)
    stream.addEventListener('message', event => heard.push(event.data.subarray()))
    stream.send(joinFrames([encodePairFrame(pairRequestOf({ kind: 'contact', label: 'who', purpose: 'to see' }))]))
    const gossip = await peer.dialProtocol(
      node.addresses().map(address => multiaddr(address)),
      '/ipfs/id/1.0.0'
    )
    gossip.addEventListener('message', event => heard.push(event.data.subarray()))
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(1), eventually)
    await new Promise(resolve => setTimeout(resolve, 200))
    const text = heard.map(bytes => new TextDecoder('latin1').decode(bytes)).join('\n')
    const { username, homedir: home } = userInfo()
    const interfaces = Object.values(networkInterfaces()).flatMap(infos => infos ?? [])
    const personal = [
      hostname(),
      home,
      process.cwd(),
      process.version,
      ...interfaces.map(({ mac }) => mac),
      `${username}@`
    ]
    expect(personal.filter(word => word.length > 2 && text.includes(word))).toEqual([])
    const addresses = interfaces.filter(({ internal }) => !internal).map(({ address }) => address)
    expect(addresses.filter(address => text.includes(address))).toEqual([])
    expect(text).not.toMatch(/[\w.]+@[\w-]+\.[a-z]{2,}/)
  })
})

describe('broadcasts', () => {
  async function gossiper(topic: string) {
    const heard: string[] = []
    const peer = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        ping: ping(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
      }
    })
    peer.services.pubsub.addEventListener('message', event => heard.push(new TextDecoder().decode(event.detail.data)))
    peer.services.pubsub.subscribe(topic)
    stops.push(async () => peer.stop())
    return { peer, heard }
  }

  it('S-13: reach an admitted peer, and neither come from a stranger nor go to one', async () => {
    const { node, handler } = await started()
    const friend = await started()
    handler.admitted.add(friend.node.peer)
    friend.handler.admitted.add(node.peer)
    const stranger = await gossiper('mesh')
    await stranger.peer.dial(node.addresses().map(address => multiaddr(address)))
    await node.connect(friend.node.peer, friend.node.addresses())
    const said = new TextEncoder().encode('among us')
    await vi.waitFor(async () => expect((await node.publish('mesh', said)).recipients).toBe(1), eventually)
    await vi.waitFor(() => expect(friend.handler.broadcasts.length).toBeGreaterThan(0), eventually)
    await stranger.peer.services.pubsub.publish('mesh', new TextEncoder().encode('let me in'))
    // Two heartbeats of gossipsub, in which lists of what there is would be exchanged.
    await new Promise(resolve => setTimeout(resolve, 2_200))
    expect(stranger.heard).toEqual([])
    expect(handler.broadcasts).toEqual([])
    expect(friend.handler.broadcasts.every(entry => entry.carrier === node.peer)).toBe(true)
  })

  it('reach a peer that was admitted long after it connected, both ways', async () => {
    const one = await started()
    const other = await started()
    await expect(one.node.connect(other.node.peer, other.node.addresses())).rejects.toThrow()
    await new Promise(resolve => setTimeout(resolve, 300))
    one.handler.admitted.add(other.node.peer)
    other.handler.admitted.add(one.node.peer)
    await one.node.connect(other.node.peer, [])
    for (const [from, to] of [
      [one, other],
      [other, one]
    ] as const) {
      const data = new TextEncoder().encode(`from ${from.node.peer}`)
      await vi.waitFor(async () => expect((await from.node.publish('mesh', data)).recipients).toBe(1), eventually)
      await vi.waitFor(() => expect(to.handler.broadcasts.length).toBeGreaterThan(0), eventually)
      expect(to.handler.broadcasts[0]?.data).toEqual(data)
    }
  })

  it('are passed on by those that accept them, with the carrier named', async () => {
    const nodes = [await started(), await started(), await started()]
    const [first, middle, last] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    for (const { handler } of nodes) handler.open = true
    await first.node.connect(middle.node.peer, middle.node.addresses())
    await last.node.connect(middle.node.peer, middle.node.addresses())
    // Who listens behind whom spreads within moments; each try is a message of its own.
    let tries = 0
    await vi.waitFor(
      async () => {
        await first.node.publish('mesh', new TextEncoder().encode(`try ${tries++}`))
        expect(last.handler.broadcasts.length).toBeGreaterThan(0)
      },
      { timeout: 8_000, interval: 100 }
    )
    expect(last.handler.broadcasts[0]?.carrier).toBe(middle.node.peer)
    const said = async (by: typeof first, text: string): Promise<void> => {
      await first.node.publish('mesh', new TextEncoder().encode(text))
      await vi.waitFor(() => expect(heardBy(by)).toContain(text), eventually)
    }
    const heardBy = ({ handler }: typeof first): string[] =>
      handler.broadcasts.map(({ data }) => new TextDecoder().decode(data))
    middle.handler.verdict = 'reject'
    await said(middle, 'not this one')
    middle.handler.verdict = 'accept'
    // It takes the same way after the other one.
    await said(last, 'but this one')
    expect(heardBy(last)).not.toContain('not this one')
  })

  it('are refused with a code where they cannot be sent', async () => {
    const { node } = await started()
    await expect(node.publish('elsewhere', new Uint8Array(1))).rejects.toMatchObject({ code: 'topic_unknown' })
    await expect(node.publish('mesh', new Uint8Array(13_000))).rejects.toMatchObject({ code: 'text_too_long' })
    expect(await node.publish('mesh', new Uint8Array(1))).toEqual({ recipients: 0 })
  })
})
