import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, expect, it, vi } from 'vitest'
import { Issues } from '../../src/node/issues.ts'
import { Listening } from '../../src/node/listening.ts'
import { RecordingHandler } from '../fakes/network-handler.ts'
import { type LogLine, logInto, testNode } from './test-node.ts'

const eventually = { timeout: 10_000, interval: 10 }
const stops: (() => Promise<unknown>)[] = []
const HAS_IPV6 = Object.values(networkInterfaces()).some(infos => infos?.some(({ family }) => family === 'IPv6'))

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function taken(): Promise<{ server: Server; port: number }> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

const close = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))

it('a taken port is an issue, and the node runs on with what is left', async () => {
  const { server, port } = await taken()
  stops.push(() => close(server))
  const busy = `/ip4/127.0.0.1/tcp/${port}`
  const { node } = await testNode({ listenAddrs: [busy, '/ip4/127.0.0.1/tcp/0', '/dns4/nonsense'] })
  await node.start(new RecordingHandler())
  stops.push(() => node.stop())
  expect(node.issues().sort()).toEqual([
    'Cannot listen on /dns4/nonsense: it is not an address that this node can listen on.',
    `Cannot listen on ${busy}: the port is taken by another program.`
  ])
  expect(node.addresses()).toHaveLength(1)
  const peer = await testNode({ bootstrapList: node.addresses() })
  const handler = new RecordingHandler()
  await peer.node.start(handler)
  stops.push(() => peer.node.stop())
  await vi.waitFor(() => expect(handler.count('linkUp', node.peer)).toBe(1), eventually)
  expect(handler.found.get(node.peer)).toEqual(node.addresses())
})

it('a port that is free again is listened on, without leaving listeners behind at each try', async () => {
  const { server, port } = await taken()
  const issues = new Issues()
  const log: LogLine[] = []
  let free = false
  const listen = vi.fn(async () => {
    if (!free) throw new Error(`cannot:\n Error: listen EADDRINUSE: address already in use`)
  })
  const listening = new Listening(
    { listener: { listen }, log: logInto(log), issues },
    { addresses: [`/ip4/127.0.0.1/tcp/${port}`], retryMs: 20 }
  )
  await listening.start()
  stops.push(async () => listening.stop())
  expect(issues.list()).toHaveLength(1)
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(listen).toHaveBeenCalledTimes(1)
  free = true
  await close(server)
  await vi.waitFor(() => expect(issues.list()).toEqual([]), eventually)
  expect(listen).toHaveBeenCalledTimes(2)
  expect(log.filter(line => line.level !== 'debug').map(line => line.message)).toEqual([
    'cannot listen',
    'listening again'
  ])
})

it.skipIf(!HAS_IPV6)('a port of IPv6 is free whatever has it in IPv4: this node itself, as a rule', async () => {
  const { server, port } = await taken()
  stops.push(() => close(server))
  const listen = vi.fn(async () => undefined).mockRejectedValueOnce(new Error('listen EADDRINUSE'))
  const issues = new Issues()
  const listening = new Listening(
    { listener: { listen }, log: logInto([]), issues },
    { addresses: [`/ip6/::/tcp/${port}`], retryMs: 20 }
  )
  await listening.start()
  stops.push(async () => listening.stop())
  expect(issues.list()).toHaveLength(1)
  await vi.waitFor(() => expect(issues.list()).toEqual([]), eventually)
})

it('a bootstrap peer that comes later is found', async () => {
  const first = await testNode()
  await first.node.start(new RecordingHandler())
  const [address = ''] = first.node.addresses()
  await first.node.stop()
  const { node } = await testNode({ bootstrapList: [address] })
  const handler = new RecordingHandler()
  await node.start(handler)
  stops.push(() => node.stop())
  await vi.waitFor(() => expect(handler.found.get(first.node.peer)).toEqual([address]), eventually)
  await new Promise(resolve => setTimeout(resolve, 300))
  expect(handler.count('connected')).toBe(0)
  const again = await testNode({ listenAddrs: [address.replace(/\/p2p\/.*/, '')] }, first.key)
  await again.node.start(new RecordingHandler())
  stops.push(() => again.node.stop())
  await vi.waitFor(() => expect(handler.count('linkUp', first.node.peer)).toBe(1), { timeout: 10_000, interval: 20 })
})

it('a bootstrap entry that is no peer is an issue', async () => {
  const { node } = await testNode({ bootstrapList: ['/ip4/127.0.0.1/tcp/1', 'what'] })
  expect(node.issues()).toHaveLength(2)
  await node.start(new RecordingHandler())
  await node.stop()
})

it('a key that is no Ed25519 key is refused', async () => {
  await expect(testNode({}, new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'key_unreadable' })
})

it('a connection that dies under a link is a link down, then disconnected', async () => {
  const one = await testNode()
  const other = await testNode()
  const handler = new RecordingHandler()
  await one.node.start(handler)
  await other.node.start(new RecordingHandler())
  stops.push(() => one.node.stop())
  await one.node.connect(other.node.peer, other.node.addresses())
  await other.node.stop()
  await vi.waitFor(() => expect(handler.count('disconnected')).toBe(1), eventually)
  expect(handler.events.map(entry => entry.event)).toEqual(['connected', 'linkUp', 'linkDown', 'disconnected'])
  expect(one.node.send(other.node.peer, { type: 'receipts', receipts: [] })).toBe(false)
})
