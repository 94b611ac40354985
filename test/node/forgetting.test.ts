import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Libp2p } from '@libp2p/interface'
import { afterEach, expect, it, vi } from 'vitest'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { LIBP2P_NODE, seen } from './seen-libp2p.ts'
import { testNode } from './test-node.ts'

vi.mock('libp2p', async importOriginal => {
  const original = await importOriginal<{ createLibp2p: Parameters<typeof seen>[0] }>()
  return { ...original, createLibp2p: seen(original.createLibp2p) }
})

const eventually = { timeout: 20_000, interval: 10 }
const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

it('S-12: libp2p remembers nobody who is gone', async () => {
  let inner: Libp2p | undefined
  const seeing = (made: unknown): void => {
    inner = made as Libp2p
  }
  subscribe(LIBP2P_NODE, seeing)
  const { node } = await testNode()
  const handler = new RecordingHandler({ open: false })
  await node.start(handler)
  stops.push(() => node.stop())
  unsubscribe(LIBP2P_NODE, seeing)
  const remembered = async (): Promise<string[]> =>
    ((await inner?.peerStore.all()) ?? []).map(({ id }) => id.toString()).filter(id => id !== node.peer)
  for (let number = 0; number < 20; number++) {
    const { node: stranger } = await testNode()
    await stranger.start(new RecordingHandler())
    stops.push(() => stranger.stop())
    await expect(stranger.connect(node.peer, node.addresses())).rejects.toMatchObject({ code: 'refused_by_peer' })
    await vi.waitFor(() => expect(handler.count('connected')).toBe(number + 1), eventually)
    if (number === 0) await vi.waitFor(async () => expect(await remembered()).toHaveLength(1), eventually)
    await stranger.stop()
  }
  await vi.waitFor(() => expect(node.connections()).toEqual([]), eventually)
  await vi.waitFor(async () => expect(await remembered()).toEqual([]), eventually)
  expect(node.gauges().filter(({ size, max }) => size > max)).toEqual([])
})
