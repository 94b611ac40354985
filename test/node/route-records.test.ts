import { createHash } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { Mesh } from '../../src/mesh/mesh.ts'
import type { Network, RouteEntry } from '../../src/mesh/ports.ts'
import {
  type Content,
  type Envelope,
  encodeRouteRecord,
  fingerprintOf,
  publicKeyOf,
  type RouteRecord
} from '../../src/protocol/index.ts'
import { signerOf } from '../../src/store/signer.ts'
import { FakeInstance } from '../fakes/instance.ts'
import { FakeLog } from '../fakes/log.ts'
import { FakeNotices } from '../fakes/notices.ts'
import { FakeStore } from '../fakes/store.ts'
import { type RawLink, rawClient, rawLink } from './raw-client.ts'
import { testNode } from './test-node.ts'

/** A mesh on a real node, and two admitted peers on real links: one who is honest, one who is not. */

const RECORDS = 1_000
const eventually = { timeout: 20_000, interval: 10 }

const ana = new FakeInstance('ana')
const mallory = new FakeInstance('mallory')

let node: Network
let mesh: Mesh
let store: FakeStore
let log: FakeLog
let saves: number
let stop: AbortController
let running: Promise<void>
const clients: Libp2p[] = []

beforeEach(async () => {
  const made = await testNode()
  node = made.node
  store = new FakeStore()
  log = new FakeLog()
  saves = 0
  const save = store.routes.save.bind(store.routes)
  store.routes.save = entries => {
    saves++
    save(entries)
  }
  mesh = new Mesh(
    {
      network: node,
      store,
      signer: signerOf({ seed: made.key.subarray(4, 36), publicKey: made.key.subarray(36) }),
      clock: systemClock(),
      log,
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
  stop = new AbortController()
  running = mesh.run(stop.signal)
  await mesh.ready()
  for (const { peer } of [ana, mallory]) await mesh.handlers().approve({ who: peer })
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop()
  stop.abort()
  await running
})

async function linkOf(name: string): Promise<RawLink> {
  const seed = createHash('sha256').update(name).digest()
  const client = await rawClient({ privateKey: await generateKeyPairFromSeed('Ed25519', seed) })
  clients.push(client)
  const link = await rawLink(client, node)
  link.hello()
  await vi.waitFor(() => expect(link.frames.some(({ type }) => type === 'hello')).toBe(true), eventually)
  return link
}

/** Where nobody listens; the node may go there, as it listens on loopback alone. */
function addressOf(number: number): string {
  return `/ip4/127.0.0.1/tcp/${20_000 + number}`
}

function record(peer: string, seq: number, port: number): RouteRecord {
  const issuedMs = Date.now()
  const addresses = [addressOf(port)]
  return { peer, seq, addresses, issuedMs, expiresMs: issuedMs + 60_000, label: 'peer' }
}

function contentOf(from: FakeInstance, body: RouteRecord): Content {
  const bytes = encodeRouteRecord(body)
  const self = fingerprintOf(publicKeyOf(node.peer))
  return from.content(self, '', Date.now(), { kind: 'route', seq: body.seq, body: { type: 'plain', bytes } })
}

async function sealed(from: FakeInstance, bodies: RouteRecord[]): Promise<Envelope[]> {
  const contents = bodies.map(body => contentOf(from, body))
  const groups = Array.from({ length: Math.ceil(contents.length / 250) }, (_, i) =>
    from.seal(contents.slice(i * 250, i * 250 + 250))
  )
  return (await Promise.all(groups)).flat()
}

function send(link: RawLink, envelopes: Envelope[]): void {
  link.send(...envelopes.map(envelope => ({ type: 'envelope' as const, envelope })))
}

function routeOf({ instance }: FakeInstance): RouteEntry | undefined {
  return store.routes.load().find(entry => entry.instance === instance)
}

/** What the log said of where this instance is, S1.64. */
function mappings({ instance }: FakeInstance): string[] {
  return log.at('info').filter(line => line.startsWith('Instance mapping updated: ') && line.includes(instance))
}

/** Sends the record after everything else on this link, and waits until it was taken: so what came before it was looked at. */
async function sendLast(link: RawLink, from: FakeInstance, seq: number): Promise<void> {
  send(link, await sealed(from, [record(from.peer, seq, seq)]))
  await vi.waitFor(() => expect(routeOf(from)?.seq).toBe(seq), eventually)
}

it('S1.61 S1.64: a signed record that comes over a link names where its peer is, and the log says so', async () => {
  const link = await linkOf('ana')
  await sendLast(link, ana, 7)
  expect(routeOf(ana)).toMatchObject({ peer: ana.peer, addresses: [addressOf(7)], seq: 7 })
  expect(mappings(ana).at(-1)).toBe(`Instance mapping updated: peer@${ana.instance} -> ${ana.peer}`)
  // And the mesh said where it is itself, signed, before anything else.
  await vi.waitFor(() => expect(link.frames.some(({ type }) => type === 'envelope')).toBe(true), eventually)
})

it(`S-02: ${RECORDS} old records, sent again by who signed them, change nothing`, async () => {
  const link = await linkOf('mallory')
  const old = await sealed(
    mallory,
    Array.from({ length: RECORDS }, (_, index) => record(mallory.peer, index + 1, index + 1))
  )
  await sendLast(link, mallory, RECORDS + 1)
  const [before, savesBefore] = [routeOf(mallory), saves]
  send(link, old)
  send(link, old.toReversed())
  await sendLast(link, mallory, RECORDS + 2)
  expect(saves).toBe(savesBefore + 1)
  expect(routeOf(mallory)?.addresses).toEqual([addressOf(RECORDS + 2), ...(before?.addresses ?? [])])
  expect(before?.addresses).toEqual([addressOf(RECORDS + 1)])
})

it(`S-01, S-02: ${RECORDS} records about another, whoever signed them, change nothing`, async () => {
  await sendLast(await linkOf('ana'), ana, 5)
  const [before, said] = [routeOf(ana), mappings(ana)]
  const link = await linkOf('mallory')
  const seqs = Array.from({ length: RECORDS / 2 }, (_, index) => index + 1)
  // Its own name over her peer id, and what she once signed herself, newer than what is known.
  const forged = await sealed(
    mallory,
    seqs.map(seq => record(ana.peer, seq, 6666))
  )
  const stolen = await sealed(
    ana,
    seqs.map(seq => record(ana.peer, seq, 6666))
  )
  send(link, forged)
  send(link, stolen)
  await sendLast(link, mallory, 1)
  expect(routeOf(ana)).toEqual(before)
  expect(routeOf(mallory)).toMatchObject({ peer: mallory.peer, addresses: [addressOf(1)] })
  expect(store.routes.load()).toHaveLength(2)
  expect(mappings(ana)).toEqual(said)
})
