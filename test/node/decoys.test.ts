import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { Mesh } from '../../src/mesh/mesh.ts'
import type { Network } from '../../src/mesh/ports.ts'
import { joinFrames } from '../../src/node/frame-reader.ts'
import type { NodeInit } from '../../src/node/index.ts'
import { PAIR_PROTOCOL } from '../../src/node/protocols.ts'
import {
  encodePairFrame,
  encodeRouteRecord,
  fingerprintOf,
  formatTicket,
  pairRequestOf,
  publicKeyOf
} from '../../src/protocol/index.ts'
import { signerOf } from '../../src/store/signer.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeNotices } from '../fakes/notices.ts'
import { FakeStore } from '../fakes/store.ts'
import {
  edgeAddresses,
  HOSTILE,
  hostileAddresses,
  OWN_INTERFACES,
  ownAddresses,
  privateAddresses
} from './hostile-addresses.ts'
import { rawClient, rawLink } from './raw-client.ts'
import { testNode } from './test-node.ts'

/**
 * A whole mesh on a real node that listens elsewhere than on loopback too, so that nothing on loopback is a place to go; decoys on loopback; and
 * strangers who say that they are where the decoys are. Every socket of this process is watched, so that no way round the decoys goes unseen.
 */

const eventually = { timeout: 20_000, interval: 10 }

const ELSEWHERE = '/ip4/192.0.2.1/tcp/0'

const stops: (() => unknown)[] = []
/** Where sockets of this process went, and names that they asked for. */
let went: string[]
/** Where they may go: to the node and to whoever is honest about where it is. */
let honest: Set<number>
let visits: number
let decoyPort: number

let node: Network
let mesh: Mesh
let store: FakeStore

beforeEach(async () => {
  went = []
  honest = new Set()
  visits = 0
  const watch = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    socket.on(
      'connectionAttempt',
      (host: string, port: number) => void (honest.has(port) || went.push(`${host} ${port}`))
    )
    socket.on('lookup', (_error, _address, _family, host: string) => void went.push(host))
  }
  subscribe('net.client.socket', watch)
  stops.push(() => unsubscribe('net.client.socket', watch))
  decoyPort = 0
  for (const host of ['127.0.0.1', '127.0.0.2', '127.1.2.3']) await decoy(host)
})

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function decoy(host: string): Promise<void> {
  const server: Server = createServer(socket => {
    visits++
    socket.destroy()
  })
  server.listen(decoyPort, host)
  await once(server, 'listening')
  decoyPort = (server.address() as { port: number }).port
  stops.push(() => server.close())
}

async function start(init: Partial<NodeInit> = {}): Promise<void> {
  const made = await testNode({
    listenAddrs: ['/ip4/127.0.0.1/tcp/0', ELSEWHERE],
    interfaces: () => OWN_INTERFACES,
    ...init
  })
  node = made.node
  store = new FakeStore()
  mesh = new Mesh(
    {
      network: node,
      store,
      signer: signerOf({ seed: made.key.subarray(4, 36), publicKey: made.key.subarray(36) }),
      clock: systemClock(),
      log: new FakeLog(),
      notices: new FakeNotices()
    },
    {
      name: 'self',
      meshTopic: 'mesh',
      dmPolicy: 'pairing',
      allowFrom: [],
      deliveryAckTimeoutMs: 15_000,
      version: '0',
      pendingSettings: []
    }
  )
  const stop = new AbortController()
  const running = mesh.run(stop.signal)
  stops.push(async () => {
    stop.abort()
    await running
  })
  await mesh.ready()
  for (const address of node.addresses()) honest.add(portOf(address))
}

const portOf = (address: string): number => Number(/\/tcp\/(\d+)/.exec(address)?.[1])

/** Somebody who says by identify that it is at these addresses. */
async function liar(addresses: string[], init: { listen?: boolean; seed?: Uint8Array } = {}): Promise<Libp2p> {
  const created = await createLibp2p({
    privateKey: await (init.seed === undefined
      ? generateKeyPair('Ed25519')
      : generateKeyPairFromSeed('Ed25519', init.seed)),
    addresses: { listen: init.listen === true ? ['/ip4/127.0.0.1/tcp/0'] : [], appendAnnounce: addresses },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  stops.push(() => created.stop())
  return created
}

/** Those that a libp2p program can say at all. */
function sayable(addresses: string[]): string[] {
  return addresses.filter(address => {
    try {
      return multiaddr(address).toString() !== ''
    } catch {
      return false
    }
  })
}

function chunks<T>(all: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, i * size + size))
}

const targets = (): Multiaddr[] => node.addresses().map(address => multiaddr(address))

function everything(): string[] {
  const all = [
    ...hostileAddresses(decoyPort),
    ...edgeAddresses(decoyPort),
    ...ownAddresses(decoyPort),
    ...privateAddresses(decoyPort)
  ]
  expect(all.length).toBeGreaterThanOrEqual(200)
  return all
}

function expectNobodyVisited(): void {
  expect({ went, visits }).toEqual({ went: [], visits: 0 })
}

async function identified(peer: Libp2p): Promise<void> {
  // The node has asked, and has had its answer, when its stream for that is gone.
  await vi.waitFor(() => expect(peer.getConnections().length).toBeGreaterThan(0), eventually)
  await new Promise(resolve => setTimeout(resolve, 150))
}

/** It goes, and all that is known of it is what it said of itself. */
async function expectNotFound(peer: Libp2p): Promise<void> {
  await peer.stop()
  await vi.waitFor(() => expect(node.connections()).toEqual([]), eventually)
  const asked = node.ask(peer.peerId.toString(), [], { kind: 'approved' })
  await expect(asked).rejects.toMatchObject({ code: 'dial_failed' })
}

it('S-16: the decoys and the watch notice whoever comes, and a libp2p node without our gate comes', async () => {
  const socket = connect(decoyPort, '127.0.0.2')
  await once(socket, 'close')
  expect(visits).toBe(1)
  expect(went).toEqual([`127.0.0.2 ${decoyPort}`])
  const named = connect(decoyPort, 'localhost')
  await once(named, 'close')
  expect(went).toContain('localhost')
  const simple = await rawClient()
  stops.push(() => simple.stop())
  await expect(simple.dial(multiaddr(`/dns4/localhost/tcp/${decoyPort}`))).rejects.toThrow()
  expect(visits).toBe(3)
})

it('S-16: a ticket with hostile addresses leads nowhere', { timeout: 60_000 }, async () => {
  await start()
  for (const addresses of chunks([...hostileAddresses(decoyPort), ...edgeAddresses(decoyPort)], 8)) {
    const issuer = new FakeInstance(`issuer of ${addresses[0]}`)
    const secret = new Uint8Array(16).fill(7)
    const expiresMs = Date.now() + 60_000
    const ticket = formatTicket({ key: issuer.signer.publicKey, secret, expiresMs, addresses, label: 'friend' })
    await expect(mesh.handlers().join({ ticket })).rejects.toMatchObject({ code: 'dial_failed' })
  }
  expectNobodyVisited()
})

it('S-16: route records of a paired peer with hostile addresses lead nowhere and are not kept', {
  timeout: 60_000
}, async () => {
  await start()
  const mallory = new FakeInstance('mallory')
  await mesh.handlers().approve({ who: mallory.peer })
  const seed = createHash('sha256').update('mallory').digest()
  const client = await rawClient({ privateKey: await generateKeyPairFromSeed('Ed25519', seed) })
  stops.push(() => client.stop())
  const link = await rawLink(client, node)
  link.hello()
  await vi.waitFor(() => expect(node.connections()).toMatchObject([{ linked: true }]), eventually)
  const self = fingerprintOf(publicKeyOf(node.peer))
  const records = chunks(everything(), 8).map((addresses, index) => {
    const issuedMs = Date.now()
    const record = { peer: mallory.peer, seq: index + 1, addresses, issuedMs, expiresMs: issuedMs + 60_000, label: 'm' }
    const body = { type: 'plain' as const, bytes: encodeRouteRecord(record) }
    return mallory.content(self, '', issuedMs, { kind: 'route', seq: record.seq, body })
  })
  for (const envelope of await mallory.seal(records)) link.send({ type: 'envelope', envelope })
  const entry = () => store.routes.load().find(({ peer }) => peer === mallory.peer)
  await vi.waitFor(() => expect(entry()?.seq).toBe(records.length), eventually)
  await client.stop()
  await vi.waitFor(() => expect(node.connections()).toEqual([]), eventually)
  await mesh.handlers().send({ target: mallory.peer, text: 'where are you?', timeoutMs: 1_500 })
  expect(entry()?.addresses).toEqual([])
  expectNobodyVisited()
})

it('S-16: what a peer says of itself by identify leads nowhere, and there is no identify push', {
  timeout: 60_000
}, async () => {
  await start()
  for (const addresses of chunks(sayable(everything()), 50)) {
    const peer = await liar(addresses)
    await peer.dial(targets())
    await identified(peer)
    await expect(peer.dialProtocol(targets(), '/ipfs/id/push/1.0.0')).rejects.toThrow()
    await expectNotFound(peer)
  }
  expectNobodyVisited()
})

it('S-16: a bootstrap peer that says it is elsewhere is sought where the settings say', {
  timeout: 60_000
}, async () => {
  const peer = await liar(sayable(everything()).slice(0, 60), { listen: true })
  const isReal = (address: string): boolean => ![decoyPort, 443].includes(portOf(address)) && portOf(address) > 1_023
  const real = peer.getMultiaddrs().map(String).find(isReal) ?? ''
  honest.add(portOf(real))
  await start({ bootstrapList: [real] })
  for (let visit = 0; visit < 2; visit++) {
    await identified(peer)
    for (const connection of peer.getConnections()) await connection.close()
  }
  await identified(peer)
  await expectNotFound(peer)
  const circuits = hostileAddresses(decoyPort).map(address => `${address}/p2p/${peer.peerId}/p2p-circuit`)
  const other = new FakeInstance('behind the relay')
  for (const some of chunks(circuits, 8))
    await expect(node.connect(other.peer, some)).rejects.toMatchObject({ code: 'dial_failed' })
  expectNobodyVisited()
})

it('S-16: a stranger who asks to be let in, and whom the owner lets in, leads nowhere', {
  timeout: 60_000
}, async () => {
  await start()
  for (const addresses of chunks(sayable(everything()), 60)) {
    const peer = await liar(addresses)
    const stream = await peer.dialProtocol(targets(), PAIR_PROTOCOL)
    const request = pairRequestOf({ kind: 'contact', label: 'nice', purpose: 'to talk' })
    stream.send(joinFrames([encodePairFrame(request)]))
    await vi.waitFor(async () => expect(await mesh.handlers().requests({})).toHaveLength(1), eventually)
    await identified(peer)
    await peer.stop()
    await vi.waitFor(() => expect(node.connections()).toEqual([]), eventually)
    await mesh.handlers().approve({ who: peer.peerId.toString() })
    await mesh.handlers().send({ target: peer.peerId.toString(), text: 'hello', timeoutMs: 300 })
  }
  expectNobodyVisited()
})

it('S-16: of what mDNS shows, hostile addresses are not sightings', async () => {
  await start()
  const own = ownAddresses(decoyPort)
  // Two instances on one machine meet by mDNS.
  expect(node.dialable(everything(), 'neighbour')).toEqual(own)
  expect(node.dialable([...everything(), ...own.map(address => `${address}/p2p/${node.peer}`)], 'record')).toEqual([])
  expect(node.dialable(HOSTILE, 'stranger')).toEqual([])
})
