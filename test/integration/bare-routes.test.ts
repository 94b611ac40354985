import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Peer, SendResult } from '../../src/control/methods.ts'
import type { BareNode } from './harness/bare-node.ts'
import { createStage, type Stage } from './harness/stage.ts'

/** From when the second node is ready, which is another promise, to a link between both, with nothing but what their files say. */
const RECONNECTED_MAX_MS = 5_000

/** The file is written five seconds after a change at the latest; the rest is for a machine with other work. */
const WRITTEN_MAX_MS = 20_000
const LOOK_MS = 100

interface Route {
  peer: string
  label: string
  addresses: string[]
  seq: number
}

let stage: Stage

beforeAll(async () => {
  stage = await createStage()
})

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]()
})

function fileOf(node: BareNode): string {
  return join(node.stateDir, 'libp2p', 'instance-peer.json')
}

/** What the file of `node` says of `other`, once it says what is asked for. */
async function routeTo(node: BareNode, other: BareNode, wanted: (route: Route) => boolean): Promise<Route> {
  const fingerprint = other.instanceId.slice(other.instanceId.indexOf('@') + 1)
  const endMs = performance.now() + WRITTEN_MAX_MS
  for (;;) {
    const text = await readFile(fileOf(node), 'utf8').catch(() => '{"instances":{}}')
    const { instances } = JSON.parse(text) as { instances: Record<string, Route> }
    const route = instances[fingerprint]
    if (route !== undefined && wanted(route)) return route
    if (performance.now() > endMs) throw new Error(`${node.name} did not write where ${other.name} is: ${text}`)
    await sleep(LOOK_MS)
  }
}

const announced = (route: Route): boolean => route.seq > 0

/** Settings with which a node is where it was before, and knows nobody. */
function again(node: BareNode): Record<string, unknown> {
  return { listenAddrs: node.addresses.map(withoutPeer), bootstrapList: [] }
}

function withoutPeer(address: string): string {
  return address.slice(0, address.indexOf('/p2p/'))
}

describe('two bare nodes that have met', () => {
  const second = '/ip4/127.0.0.2/tcp/64001'
  // Names are taken from the settings only (S-16).
  const name = '/dns4/bob.example/tcp/4001'
  let alice: BareNode
  let bob: BareNode

  beforeAll(async () => {
    bob = await stage.start('bob', { announceAddrs: [second, name] })
    // Where it listens; what it announces stands before that.
    const bootstrapList = bob.addresses.filter(address => address.startsWith('/ip4/127.0.0.1/'))
    alice = await stage.start('alice', { bootstrapList })
    await stage.pair(alice, bob)
  })

  afterAll(async () => {
    await Promise.all([alice?.stop(), bob?.stop()])
  })

  it('S1.61, S1.62, S1.63: each writes where the other says it is, below its state directory', async () => {
    const ofBob = await routeTo(alice, bob, announced)
    expect(ofBob).toMatchObject({ peer: bob.peerId, label: 'bob' })
    const literal = bob.addresses.filter(address => !address.startsWith(name))
    expect(ofBob.addresses.toSorted()).toEqual(literal.toSorted())
    expect(ofBob.addresses).toContain(`${second}/p2p/${bob.peerId}`)
    // Bob never dialled Alice: only her record can have told him.
    const ofAlice = await routeTo(bob, alice, announced)
    expect(ofAlice).toMatchObject({ peer: alice.peerId, label: 'alice', addresses: alice.addresses })
    expect(((await stat(fileOf(alice))).mode & 0o777).toString(8)).toBe('600')
  })

  it('S1.64: each says so in its log', () => {
    expect(alice.stderr()).toContain(`[libp2p-mesh] Instance mapping updated: ${bob.instanceId} -> ${bob.peerId}\n`)
    expect(bob.stderr()).toContain(`[libp2p-mesh] Instance mapping updated: ${alice.instanceId} -> ${alice.peerId}\n`)
  })

  it('D-24: find each other again after both were killed, with discovery off and an empty list', async () => {
    await Promise.all([alice.stop('SIGKILL'), bob.stop('SIGKILL')])
    bob = await stage.start('bob', again(bob))
    alice = await stage.start('alice', again(alice))
    const readyMs = performance.now()
    await Promise.all([stage.connected(alice, bob), stage.connected(bob, alice)])
    expect(performance.now() - readyMs).toBeLessThanOrEqual(RECONNECTED_MAX_MS)
    expect(await alice.ask<SendResult>(['send', 'bob', 'again'])).toMatchObject({ path: 'lan' })
    await stage.received(bob, 'again')
  })

  it.each([
    ['who was dialled', () => bob],
    ['who dialled', () => alice]
  ])('D-24: find each other again after %s was killed', async (_, victim) => {
    const { name } = victim()
    const other = victim() === bob ? alice : bob
    await victim().stop('SIGKILL')
    await other.events.next('peer', ({ state }) => state === 'disconnected')
    const back = await stage.start(name, again(victim()))
    const readyMs = performance.now()
    if (name === 'bob') bob = back
    else alice = back
    await Promise.all([stage.connected(alice, bob), stage.connected(bob, alice)])
    expect(performance.now() - readyMs).toBeLessThanOrEqual(RECONNECTED_MAX_MS)
  })
})

/** A port that leads to this node, and how often it answered somebody there. */
async function wayTo(node: BareNode): Promise<AsyncDisposable & { address: string; answers: () => number }> {
  const port = Number(/\/tcp\/(\d+)\//.exec(node.addresses[0] ?? '')?.[1])
  let answers = 0
  const server = createServer(caller => {
    const called = connect(port, '127.0.0.1')
    called.once('data', () => answers++)
    // Either end may hang up; that is its own affair.
    pipeline(caller, called, caller).catch(() => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`,
    answers: () => answers,
    [Symbol.asyncDispose]: async () => {
      server.close()
    }
  }
}

describe('a route that points at somebody else', () => {
  it('S-02: never delivers a message to another key, and costs nothing but time', async () => {
    const alice = await stage.start('ann')
    const carol = await stage.start('carol', { bootstrapList: alice.addresses })
    await stage.pair(alice, carol)
    await using way = await wayTo(carol)
    // Dave listens nowhere, and announces for his own an address at which Carol answers.
    const settings = { listenAddrs: [], announceAddrs: [way.address] }
    const dave = await stage.start('dave', { ...settings, bootstrapList: alice.addresses })
    await stage.pair(alice, dave)
    const route = await routeTo(alice, dave, announced)
    expect(route.addresses).toEqual([`${way.address}/p2p/${dave.peerId}`])
    await dave.stop()
    await alice.events.next('peer', ({ peerId, state }) => peerId === dave.peerId && state === 'disconnected')

    const sent = await alice.ask<SendResult>(['send', 'dave', 'for Dave alone', '--timeout', '3000'], 3)
    expect(sent).toMatchObject({ level: 'pending', path: null })
    expect(way.answers()).toBeGreaterThan(0)
    const peers = await alice.ask<Peer[]>(['peers'])
    expect(peers.map(({ name, path, queued }) => ({ name, path, queued }))).toEqual([
      { name: 'carol', path: 'lan', queued: 0 },
      { name: 'dave', path: null, queued: 1 }
    ])

    const back = await stage.start('dave', { ...settings, bootstrapList: alice.addresses })
    await stage.received(back, 'for Dave alone')
    await Promise.all([alice.stop(), carol.stop(), back.stop()])
    expect(back.events.all.filter(({ event }) => event === 'message')).toHaveLength(1)
    expect(carol.events.all.filter(({ event }) => event === 'message')).toEqual([])
  })
})
