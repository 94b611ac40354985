import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LINK_PROTOCOL } from '../../src/node/protocols.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { rawClient, rawLink } from './raw-client.ts'
import { testNode } from './test-node.ts'

const eventually = { timeout: 10_000, interval: 10 }
const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** Another program that speaks libp2p and nothing of ours. */
async function foreigner(): Promise<{ program: Libp2p; peer: string; addresses: string[]; visits: string[] }> {
  const privateKey = await generateKeyPair('Ed25519')
  const program = await rawClient({ listen: true, privateKey })
  stops.push(() => program.stop())
  const visits: string[] = []
  program.addEventListener('connection:open', event => visits.push(event.detail.remotePeer.toString()))
  const addresses = program.getMultiaddrs().map(address => address.toString())
  return { program, peer: program.peerId.toString(), addresses, visits }
}

async function started(bootstrapList: string[] = []) {
  const { node } = await testNode({ bootstrapList })
  const handler = new RecordingHandler()
  await node.start(handler)
  stops.push(() => node.stop())
  return { node, handler }
}

describe('a libp2p program that is no instance', () => {
  it('D-36: is dialled once, however often it is seen, and not kept', async () => {
    const { peer, addresses, visits } = await foreigner()
    const { node } = await started()
    for (let i = 0; i < 5; i++) {
      await expect(node.connect(peer, addresses)).rejects.toMatchObject({ code: 'dial_failed' })
    }
    expect(visits).toEqual([node.peer])
    await vi.waitFor(() => expect(node.connections()).toEqual([]), eventually)
  })

  it('is kept where the settings name it, as a relay may be', async () => {
    const { peer, addresses, visits } = await foreigner()
    const { node } = await started(addresses)
    await vi.waitFor(() => expect(visits).toEqual([node.peer]), eventually)
    await expect(node.connect(peer, addresses)).rejects.toMatchObject({ code: 'dial_failed' })
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(node.connections().map(connection => connection.peer)).toEqual([peer])
    expect(visits).toEqual([node.peer])
  })

  it('is an instance again as soon as it opens a link', async () => {
    const { program, peer, addresses } = await foreigner()
    const { node, handler } = await started()
    await expect(node.connect(peer, addresses)).rejects.toMatchObject({ code: 'dial_failed' })
    await vi.waitFor(() => expect(program.getConnections()).toEqual([]), eventually)
    await program.handle(LINK_PROTOCOL, () => undefined)
    const link = await rawLink(program, node)
    link.hello()
    await vi.waitFor(() => expect(handler.count('linkUp', peer)).toBe(1), eventually)
    await expect(node.connect(peer, addresses)).resolves.toBe(undefined)
  })
})
