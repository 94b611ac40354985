import type { Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Network } from '../../src/mesh/ports.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { envelopeOf, numberOf, RecordingHandler } from '../fakes/network-handler.ts'
import { RawLink, rawClient, rawLink } from './raw-client.ts'
import { type LogLine, testNode } from './test-node.ts'

const eventually = { timeout: 10_000, interval: 10 }

let node: Network
let log: LogLine[]
let handler: RecordingHandler
const clients: Libp2p[] = []

async function start(init: Partial<NodeInit> = {}): Promise<void> {
  ;({ node, log } = await testNode(init))
  handler = new RecordingHandler()
  await node.start(handler)
}

async function client(): Promise<Libp2p> {
  const created = await rawClient()
  clients.push(created)
  return created
}

afterEach(async () => {
  for (const each of clients.splice(0)) await each.stop()
  await node.stop()
})

describe('S-09: bytes that no peer sends', () => {
  beforeEach(() => start())

  const frame = (length: number, ...bytes: number[]): Uint8Array => Uint8Array.of(length, ...bytes)

  it.each([
    ['an empty frame', Uint8Array.of(0), 'frame_malformed'],
    ['a frame above the cap', Uint8Array.of(0x81, 0x80, 0x04), 'frame_too_large'],
    ['a length of 2^53', Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10), 'frame_too_large'],
    ['garbage', frame(6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 'frame_malformed'],
    ['an envelope without anything in it', frame(2, 0x12, 0x00), 'envelope_malformed'],
    ['a second hello', 'hello', 'frame_malformed']
  ])('%s after the hello ends the link, is logged and counted', async (_name, bytes, code) => {
    const peer = await client()
    const link = await rawLink(peer, node)
    link.hello()
    await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
    if (bytes instanceof Uint8Array) link.stream.send(bytes)
    else link.hello()
    expect(await link.ended).toBe('reset')
    await vi.waitFor(() => expect(handler.count('linkDown')).toBe(1), eventually)
    const id = peer.peerId.toString()
    expect(log.filter(line => line.level === 'warn')).toMatchObject([{ fields: { peer: id, code, strikes: 1 } }])
    expect(handler.envelopes).toEqual([])
  })

  it('anything but a hello first ends the stream before a link is up', async () => {
    const link = await rawLink(await client(), node)
    link.send({ type: 'envelope', envelope: envelopeOf(1) })
    expect(await link.ended).toBe('reset')
    expect(handler.count('linkUp')).toBe(0)
    expect(handler.envelopes).toEqual([])
  })

  it('a frame of a kind from the future is skipped', async () => {
    const link = await rawLink(await client(), node)
    link.hello()
    await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
    link.stream.send(frame(4, 0x7a, 0x02, 0x01, 0x02))
    link.send({ type: 'envelope', envelope: envelopeOf(7) })
    await vi.waitFor(() => expect(handler.envelopes.map(numberOf)).toEqual([7]), eventually)
  })

  it('a peer that goes on with it is not read any more, and others are not touched', async () => {
    const honest = await rawLink(await client(), node)
    honest.hello()
    await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
    const hostile = await client()
    for (let count = 0; count < 7; count++) {
      const link = await rawLink(hostile, node)
      // From the sixth on the stream is gone before anything can be said on it.
      if (link.stream.status === 'open') link.stream.send(Uint8Array.of(0))
      expect(await link.ended).toBe('reset')
    }
    expect(log.filter(line => line.level === 'warn').map(line => line.fields['strikes'])).toEqual([1, 2, 3, 4, 5])
    honest.send({ type: 'envelope', envelope: envelopeOf(1) })
    await vi.waitFor(() => expect(handler.envelopes).toHaveLength(1), eventually)
  })
})

describe('S-10: peers that take their time', () => {
  it('a stream without a hello ends', async () => {
    await start({ links: { helloMs: 300 } })
    const silent = await rawLink(await client(), node)
    const half = await rawLink(await client(), node)
    half.stream.send(Uint8Array.of(50, 1))
    expect(await silent.ended).toBe('reset')
    expect(await half.ended).toBe('reset')
    expect(handler.count('linkUp')).toBe(0)
  })

  it('a frame that is not finished ends the link, however busily it trickles', async () => {
    await start({ links: { frameMs: 150 } })
    const link = await rawLink(await client(), node)
    link.hello()
    await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
    link.stream.send(Uint8Array.of(0xff, 0x01))
    const trickle = setInterval(() => link.stream.status === 'open' && link.stream.send(Uint8Array.of(1)), 20)
    expect(await link.ended).toBe('reset')
    clearInterval(trickle)
    await vi.waitFor(() => expect(handler.count('linkDown')).toBe(1), eventually)
  })

  it('a peer that sends whole frames slowly stays', async () => {
    await start({ links: { frameMs: 500, helloMs: 500 } })
    const link = await rawLink(await client(), node)
    link.hello()
    await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
    // Longer than both deadlines.
    await new Promise(resolve => setTimeout(resolve, 1_200))
    link.send({ type: 'envelope', envelope: envelopeOf(1) })
    await vi.waitFor(() => expect(handler.envelopes).toHaveLength(1), eventually)
    expect(handler.count('linkDown')).toBe(0)
  })

  it('a peer that does not read costs a bounded buffer, then its link', async () => {
    await start({ links: { stallMs: 300 } })
    const reader = await client()
    const link = await rawLink(reader, node)
    link.hello()
    await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
    link.stream.pause()
    const peer = reader.peerId.toString()
    let accepted = 0
    for (let turn = 0; turn < 2_000; turn++) {
      if (node.send(peer, { type: 'envelope', envelope: envelopeOf(turn, 16 * 1024) })) accepted += 16 * 1024
      if (turn % 10 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    // 1 MiB of ours, the stream's window of 256 KiB, and what the socket took.
    expect(accepted).toBeLessThan(2 * 1024 * 1024)
    await vi.waitFor(() => expect(handler.count('linkDown')).toBe(1), eventually)
  })
})

it('D-13: five thousand envelopes each way use one stream', async () => {
  const patiently = { timeout: 20_000, interval: 10 }
  await start()
  const peer = await client()
  const link = await rawLink(peer, node)
  link.hello()
  await vi.waitFor(() => expect(handler.count('linkUp')).toBe(1), eventually)
  const id = peer.peerId.toString()
  for (let number = 0; number < 5_000; number++) {
    link.send({ type: 'envelope', envelope: envelopeOf(number) })
    expect(node.send(id, { type: 'envelope', envelope: envelopeOf(number) })).toBe(true)
    if (number % 100 === 99) await new Promise(resolve => setImmediate(resolve))
  }
  await vi.waitFor(() => expect(handler.envelopes).toHaveLength(5_000), patiently)
  await vi.waitFor(() => expect(link.frames).toHaveLength(5_001), patiently)
  const streams = peer.getConnections().flatMap(connection => connection.streams)
  expect(streams.filter(stream => stream.protocol === link.stream.protocol)).toHaveLength(1)
  expect(handler.envelopes.map(numberOf)).toEqual([...Array(5_000).keys()])
})

it('takes frames from any libp2p program that says hello', async () => {
  await start()
  const link = await rawLink(await client(), node)
  expect(link).toBeInstanceOf(RawLink)
  await vi.waitFor(() => expect(link.frames).toHaveLength(1), eventually)
  expect(link.frames[0]).toMatchObject({ type: 'hello', hello: { admitted: true, version: 1 } })
})
